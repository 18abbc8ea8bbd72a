//! Cursors: where a page ended, as opaque text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::StatusCode;
use runtime::http::Problem;
use serde::{Serialize, de::DeserializeOwned};

/// Writes a position in a list.
pub(crate) fn write<T: Serialize>(list: &str, position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, position)).expect("positions are plain JSON"))
}

/// Reads a position back.
///
/// # Errors
/// 400 `invalid_cursor` for a text that no page of the list has ended with.
pub(crate) fn read<T: DeserializeOwned>(list: &str, cursor: &str) -> Result<T, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let read: Option<(String, T)> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    read.filter(|(of, _)| of == list).map(|(_, position)| position).ok_or_else(invalid)
}

/// 400: not a cursor of this list.
pub(crate) fn invalid() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "the cursor is not one of this list")
        .detail("give the next_cursor of an answer to the same request, unchanged")
}

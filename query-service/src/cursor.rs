//! Cursors: where a page ended, as opaque text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::StatusCode;
use runtime::http::Problem;
use serde::{Serialize, de::DeserializeOwned};

/// Writes a position.
pub(crate) fn write<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are plain JSON"))
}

/// Reads a position back.
///
/// # Errors
/// 400 `invalid_cursor` for a text that no page has ended with.
pub(crate) fn read<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(invalid)
}

/// 400: not a cursor of this list.
pub(crate) fn invalid() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "the cursor is not one of this list")
        .detail("give the next_cursor of an answer to the same request, unchanged")
}

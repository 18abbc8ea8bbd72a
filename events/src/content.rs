//! The text of a document as an event holds it: in place when short, by its address in the blob store when long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The longest text, in bytes of its JSON form, that stands in an event; longer text is a blob.
pub const INLINE_BYTES: usize = 256 * 1024;

/// Most bytes of JSON that one byte of text can become: `\u0001`.
const MOST_ESCAPED: usize = 6;

/// A text, addressed by its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// SHA-256 (FIPS 180-4) of the UTF-8 text, 64 lower-case hexadecimal digits; also its name in the blob store.
    pub sha256: String,
    /// Length of the text in bytes of UTF-8.
    pub bytes: u64,
    /// The text itself; absent when it stands in the blob store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Content {
    /// The content of a text, with the text in place however long it is.
    #[must_use]
    pub fn of(text: String) -> Self {
        Self { sha256: sha256(text.as_bytes()), bytes: text.len() as u64, text: Some(text) }
    }

    /// Splits off the text if it is too long to stand in an event; the caller stores it under [`Content::sha256`].
    #[must_use]
    pub fn split_blob(mut self) -> (Self, Option<String>) {
        let is_short = |text: &str| text.len() * MOST_ESCAPED + 2 <= INLINE_BYTES || json_length(text) <= INLINE_BYTES;
        let is_short = self.text.as_deref().is_none_or(is_short);
        let blob = if is_short { None } else { self.text.take() };
        (self, blob)
    }
}

/// SHA-256 as lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every write");
        hex
    })
}

/// Bytes that the text takes as a JSON string: a control character counts six, for `\u0001`.
fn json_length(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
            0..=31 => 6,
            _ => 1,
        })
        .sum::<usize>()
        + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_in_the_event() {
        let (content, blob) = Content::of("abc".into()).split_blob();
        assert_eq!(content.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((content.bytes, content.text.as_deref(), blob), (3, Some("abc"), None));
    }

    #[test]
    fn a_long_text_becomes_a_blob() {
        let text = "x".repeat(INLINE_BYTES);
        let (content, blob) = Content::of(text.clone()).split_blob();
        assert_eq!((content.bytes, content.text, blob), (INLINE_BYTES as u64, None, Some(text)));
    }

    #[test]
    fn length_counts_what_json_makes_of_it() {
        for text in ["plain", "\u{1}\u{1f}", "\"\\\n\r\t\u{8}\u{c}", "größe 漢字 🦀", "\u{7f}"] {
            let json = serde_json::to_string(text).expect("a string is always JSON");
            assert_eq!(json_length(text), json.len(), "{text:?}");
        }
    }
}

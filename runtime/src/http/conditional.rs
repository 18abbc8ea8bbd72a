//! Preconditions (RFC 9110, section 13). A document's entity tag is the sequence of its last event in quotes: `"42"`.

use super::problem::{Problem, code};
use poem::http::StatusCode;

/// Reads `If-Match` as the sequences that it allows; `None` when it is absent or `*`.
///
/// # Errors
/// 400 for a tag that no answer of ours has carried.
pub fn if_match(value: Option<&str>) -> Result<Option<Vec<u64>>, Problem> {
    let Some(value) = value.map(str::trim).filter(|value| *value != "*") else {
        return Ok(None);
    };
    let tag = |tag: &str| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    value.split(',').map(tag).collect::<Option<Vec<u64>>>().map(Some).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, code::INVALID_PARAMETER, "If-Match is malformed")
            .detail("give the ETag of an earlier answer, such as \"42\" with its quotes")
    })
}

/// Whether `If-None-Match` names the entity tag, by weak comparison.
#[must_use]
pub fn if_none_match(value: Option<&str>, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    value.is_some_and(|value| value.trim() == "*" || value.split(',').any(|tag| bare(tag) == bare(etag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_a_list_of_sequences() {
        assert_eq!(if_match(None), Ok(None));
        assert_eq!(if_match(Some("*")), Ok(None));
        assert_eq!(if_match(Some("\"4\", \"7\"")), Ok(Some(vec![4, 7])));
        for wrong in ["4", "\"x\"", "W/\"4\"", ""] {
            assert!(if_match(Some(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        assert!(if_none_match(Some("\"1\", W/\"2\""), "\"2\""));
        assert!(if_none_match(Some("*"), "\"2\""));
        assert!(!if_none_match(Some("\"1\""), "\"2\""));
        assert!(!if_none_match(None, "\"2\""));
    }
}

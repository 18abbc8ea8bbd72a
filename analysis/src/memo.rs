//! Under which key an analysis is remembered: the same for what is analysed alike, and another for every version.

use sha2::{Digest, Sha256};

/// SHA-256 over the version of the analysis and all that it looks at; of the text its own SHA-256, in hexadecimal.
#[must_use]
pub fn key(title: &str, media_type: &str, file_name: Option<&str>, sha256: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(crate::VERSION.to_be_bytes());
    for part in [title, media_type, file_name.unwrap_or_default(), sha256] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_looked_at_is_told_apart() {
        let keys = [
            key("a", "b", None, "d"),
            key("ab", "", None, "d"),
            key("a", "b", Some("c"), "d"),
            key("a", "b", None, "e"),
            key("", "ab", None, "d"),
        ];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
        assert_eq!(key("a", "b", None, "d"), keys[0]);
    }
}

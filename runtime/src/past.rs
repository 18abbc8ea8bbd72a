//! Read models of the past: what they are called, which schemas hold them, what is said of them. No serving generation,
//! and nothing that a rebuild makes, ever has such a name.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Longest name: a schema's has 63 bytes at most, with what stands around it.
const LONGEST: usize = 40;

/// Name of a read model of the past: lower-case letters, digits and underscores, a letter first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The schema with the tables of a projection.
    #[must_use]
    pub fn schema(&self, projection: &str) -> String {
        format!("past_{self}_{projection}")
    }

    /// The name alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        match text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_known) {
            true if text.len() <= LONGEST => Ok(Self(text.to_owned())),
            true => Err("is longer than 40 characters"),
            false => Err("is not made of lower-case letters, digits and underscores, a letter first"),
        }
    }
}

/// Which past a service shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Shown {
    /// Name of the read model.
    pub name: String,
    /// The last sequence of the log that it shows.
    pub sequence: u64,
    /// When that was appended; absent where the log had nothing at the sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub appended_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_statement_and_a_schema_tells_whose_it_is() {
        let name: Name = "before_2026".parse().expect("a name");
        assert_eq!(name.schema("documents"), "past_before_2026_documents");
        let longest = "a".repeat(LONGEST);
        assert!(longest.parse::<Name>().is_ok_and(|name| name.schema("documents").len() <= 63));
        for none in ["", "2026", "_a", "A", "a-b", "a b", "a;drop", "ä", "a\0", &"a".repeat(LONGEST + 1)] {
            assert!(none.parse::<Name>().is_err(), "{none:?}");
        }
    }
}

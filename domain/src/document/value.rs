//! Values that documents are made of, each checked once where it enters, so that no decision sees a malformed one.

use serde::{Deserialize, Serialize};

/// How long the parts of a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Characters of a title.
    pub title_chars: usize,
    /// Characters of a tag.
    pub tag_chars: usize,
    /// Tags of one document.
    pub tags: usize,
    /// Characters of a concept's name.
    pub concept_chars: usize,
    /// Concepts that users may add to one document, and as many that they may remove from it.
    pub concepts: usize,
    /// Links of one document.
    pub links: usize,
    /// Characters of a source's name, address or author.
    pub source_chars: usize,
    /// Bytes of the text in UTF-8.
    pub text_bytes: usize,
}

/// Why a value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Over its limit.
    #[error("is longer than {limit}")]
    TooLong {
        /// Characters, or bytes for a text.
        limit: usize,
    },
    /// A control character where none makes sense, or NUL.
    #[error("contains a NUL or control character")]
    ControlCharacter,
    /// A name that nobody could say.
    #[error("has neither a letter nor a digit")]
    Nameless,
    /// A media type that is not text.
    #[error("must be text/plain or text/markdown")]
    MediaType,
}

/// A title: one line, trimmed, not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Title(String);

/// A tag: one line, trimmed, not empty, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

/// A name, of a concept or a cluster: one line, trimmed, with at least one letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

/// The media type of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaType {
    /// `text/plain`.
    #[default]
    #[serde(rename = "text/plain")]
    Plain,
    /// `text/markdown` (RFC 7763).
    #[serde(rename = "text/markdown")]
    Markdown,
}

impl Title {
    /// Checks a title.
    ///
    /// # Errors
    /// [`Invalid`] when empty, too long, or with control characters.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Invalid> {
        line(text, limits.title_chars).map(|title| Self(title.to_owned()))
    }

    pub(super) fn trusted(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// Checks a tag and folds it to lower case, in which it can be longer.
    ///
    /// # Errors
    /// [`Invalid`] when empty, too long, or with control characters.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Invalid> {
        let folded = line(text, limits.tag_chars)?.to_lowercase();
        line(&folded, limits.tag_chars).map(|tag| Self(tag.to_owned()))
    }

    pub(super) fn trusted(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    /// Checks a name of at most `limit` characters.
    ///
    /// # Errors
    /// [`Invalid`] when empty, too long, with control characters, or with neither a letter nor a digit.
    pub fn parse(text: &str, limit: usize) -> Result<Self, Invalid> {
        let name = line(text, limit)?;
        if name.chars().any(char::is_alphanumeric) { Ok(Self(name.to_owned())) } else { Err(Invalid::Nameless) }
    }

    pub(crate) fn trusted(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two ways of writing one name have in common: the name in lower case.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

impl MediaType {
    /// Checks a media type; parameters such as `charset` are passed over.
    ///
    /// # Errors
    /// [`Invalid::MediaType`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/plain" => Ok(Self::Plain),
            "text/markdown" => Ok(Self::Markdown),
            _ => Err(Invalid::MediaType),
        }
    }

    /// The media type as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Markdown => "text/markdown",
        }
    }
}

/// The key of a name, see [`Name::key`].
pub(crate) fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Checks a text: not over the limit and without NUL, which no database of texts can hold.
///
/// # Errors
/// [`Invalid::TooLong`], [`Invalid::ControlCharacter`].
pub fn text(text: String, limits: &Limits) -> Result<String, Invalid> {
    if text.len() > limits.text_bytes {
        return Err(Invalid::TooLong { limit: limits.text_bytes });
    }
    if text.as_bytes().contains(&0) { Err(Invalid::ControlCharacter) } else { Ok(text) }
}

/// Checks one line of text: trimmed, not empty, at most `limit` characters, no control characters.
///
/// # Errors
/// [`Invalid`] for each of these.
pub fn line(text: &str, limit: usize) -> Result<&str, Invalid> {
    let line = text.trim();
    if line.chars().any(char::is_control) {
        Err(Invalid::ControlCharacter)
    } else if line.is_empty() {
        Err(Invalid::Empty)
    } else if line.chars().count() > limit {
        Err(Invalid::TooLong { limit })
    } else {
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        title_chars: 5,
        tag_chars: 4,
        tags: 2,
        concept_chars: 5,
        concepts: 2,
        links: 2,
        source_chars: 5,
        text_bytes: 8,
    };

    #[test]
    fn a_title_is_one_trimmed_line() {
        assert_eq!(Title::parse(" größe ", &LIMITS).as_ref().map(Title::as_str), Ok("größe"));
        for (text, why) in [
            ("  ", Invalid::Empty),
            ("größer", Invalid::TooLong { limit: 5 }),
            ("a\nb", Invalid::ControlCharacter),
            ("a\0", Invalid::ControlCharacter),
        ] {
            assert_eq!(Title::parse(text, &LIMITS), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_tag_is_lower_case() {
        assert_eq!(Tag::parse("Rust", &LIMITS).as_ref().map(Tag::as_str), Ok("rust"));
    }

    #[test]
    fn a_name_has_something_to_say_and_one_key() {
        assert_eq!(Name::parse(" C++ ", 5).as_ref().map(Name::as_str), Ok("C++"));
        assert_eq!(Name::parse("Größe", 5).map(|name| name.key()).as_deref(), Ok("größe"));
        for (text, why) in [
            ("", Invalid::Empty),
            ("+-*", Invalid::Nameless),
            ("größer", Invalid::TooLong { limit: 5 }),
            ("a\tb", Invalid::ControlCharacter),
        ] {
            assert_eq!(Name::parse(text, 5), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_text_may_be_empty_but_not_hold_nul() {
        assert_eq!(text(String::new(), &LIMITS), Ok(String::new()));
        assert_eq!(text("a\0".into(), &LIMITS), Err(Invalid::ControlCharacter));
        assert_eq!(text("123456789".into(), &LIMITS), Err(Invalid::TooLong { limit: 8 }));
    }

    #[test]
    fn media_types_are_read_without_their_parameters() {
        assert_eq!(MediaType::parse("Text/Markdown; charset=utf-8"), Ok(MediaType::Markdown));
        assert_eq!(MediaType::parse("text/html"), Err(Invalid::MediaType));
    }
}

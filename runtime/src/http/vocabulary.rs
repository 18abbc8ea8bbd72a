//! The words that both APIs share, with their counterparts in the events.

use events::document;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// Where a document came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum SourceKind {
    /// Text that somebody or some program sent.
    #[default]
    Text,
    /// A file.
    File,
    /// A web page.
    Url,
    /// A picture.
    Image,
}

/// How much a reader must know already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum SkillLevel {
    /// Nobody said.
    #[default]
    Unknown,
    /// Nothing beforehand.
    Beginner,
    /// The basics.
    Intermediate,
    /// A great deal.
    Advanced,
}

/// What is known of a document's origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Source {
    /// The kind of origin.
    #[serde(default)]
    #[oai(default)]
    pub kind: SourceKind,
    /// Name at the origin, such as a file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address at the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

impl SourceKind {
    /// The word itself.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Url => "url",
            Self::Image => "image",
        }
    }
}

impl From<SourceKind> for document::SourceKind {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Text => Self::Text,
            SourceKind::File => Self::File,
            SourceKind::Url => Self::Url,
            SourceKind::Image => Self::Image,
        }
    }
}

impl From<SkillLevel> for document::SkillLevel {
    fn from(level: SkillLevel) -> Self {
        match level {
            SkillLevel::Unknown => Self::Unknown,
            SkillLevel::Beginner => Self::Beginner,
            SkillLevel::Intermediate => Self::Intermediate,
            SkillLevel::Advanced => Self::Advanced,
        }
    }
}

//! What can happen to a document.

mod knowledge;

pub use knowledge::{
    Absorbed, Assessed, ConceptAdded, ConceptRemoved, Link, Linked, Merged, MovedToCluster, Proposed, Relation,
    ReleasedFromCluster, Unlinked,
};

use crate::codec;
use crate::content::Content;
use crate::ids::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a document came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

impl SourceKind {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Url => "url",
            Self::Image => "image",
        }
    }
}

impl SkillLevel {
    /// Every level, from the least demanding on; first the one that says nothing.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Beginner, Self::Intermediate, Self::Advanced];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Beginner => "beginner",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// This level, or another where this one says nothing.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match self {
            Self::Unknown => other,
            Self::Beginner | Self::Intermediate | Self::Advanced => self,
        }
    }
}

/// What is known of a document's origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The kind of origin.
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

/// The document came into being; its first revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uploaded {
    /// Whose document it is.
    pub owner: AccountId,
    /// Title.
    pub title: String,
    /// Media type of the text (RFC 6838).
    pub media_type: String,
    /// The text.
    pub content: Content,
    /// Its origin.
    pub source: Source,
    /// How demanding it is.
    #[serde(default)]
    pub skill_level: SkillLevel,
    /// Its first tags, each once, in order.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// The content was replaced; one revision more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revised {
    /// Media type of the new text.
    pub media_type: String,
    /// The new text.
    pub content: Content,
}

/// The title changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retitled {
    /// The new title.
    pub title: String,
}

/// Origin and level were described anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Described {
    /// The origin as it is now known.
    pub source: Source,
    /// The level as it is now known.
    pub skill_level: SkillLevel,
}

/// A tag was put on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tagged {
    /// The tag.
    pub tag: String,
}

/// A tag was taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Untagged {
    /// The tag.
    pub tag: String,
}

/// The document was put into the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trashed {}

/// The document was taken out of the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {}

codec::events! {
    /// A fact about one document.
    Document {
        Uploaded: "uploaded" 1,
        Revised: "revised" 1,
        Retitled: "retitled" 1,
        Described: "described" 1,
        Tagged: "tagged" 1,
        Untagged: "untagged" 1,
        ConceptAdded: "concept_added" 1,
        ConceptRemoved: "concept_removed" 1,
        MovedToCluster: "moved_to_cluster" 1,
        ReleasedFromCluster: "released_from_cluster" 1,
        Linked: "linked" 1,
        Unlinked: "unlinked" 1,
        Absorbed: "absorbed" 1,
        Merged: "merged" 1,
        Assessed: "assessed" 1,
        Trashed: "trashed" 1,
        Restored: "restored" 1,
    }
    upcasters: []
}

impl Event {
    /// The text that the event brings, if it brings one.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Uploaded(uploaded) => Some(&uploaded.content),
            Self::Revised(revised) => Some(&revised.content),
            Self::Retitled(_)
            | Self::Described(_)
            | Self::Tagged(_)
            | Self::Untagged(_)
            | Self::ConceptAdded(_)
            | Self::ConceptRemoved(_)
            | Self::MovedToCluster(_)
            | Self::ReleasedFromCluster(_)
            | Self::Linked(_)
            | Self::Unlinked(_)
            | Self::Absorbed(_)
            | Self::Merged(_)
            | Self::Assessed(_)
            | Self::Trashed(_)
            | Self::Restored(_) => None,
        }
    }
}

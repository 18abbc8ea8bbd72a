//! What can happen to a document.

use crate::codec::{self, EventType, Kind};
use crate::content::Content;
use crate::ids::AccountId;
use crate::stream::Aggregate;
use crate::upcast;
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

/// A fact about one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// See [`Uploaded`].
    Uploaded(Uploaded),
    /// See [`Revised`].
    Revised(Revised),
    /// See [`Retitled`].
    Retitled(Retitled),
    /// See [`Described`].
    Described(Described),
    /// See [`Tagged`].
    Tagged(Tagged),
    /// See [`Untagged`].
    Untagged(Untagged),
    /// See [`Trashed`].
    Trashed(Trashed),
    /// See [`Restored`].
    Restored(Restored),
}

impl EventType for Event {
    const AGGREGATE: Aggregate = Aggregate::Document;
    const KINDS: &'static [Kind] = &[
        Kind::of::<Uploaded>("uploaded", 1),
        Kind::of::<Revised>("revised", 1),
        Kind::of::<Retitled>("retitled", 1),
        Kind::of::<Described>("described", 1),
        Kind::of::<Tagged>("tagged", 1),
        Kind::of::<Untagged>("untagged", 1),
        Kind::of::<Trashed>("trashed", 1),
        Kind::of::<Restored>("restored", 1),
    ];
    const UPCASTERS: &'static [upcast::Upcaster] = &[];

    fn kind(&self) -> &'static str {
        match self {
            Self::Uploaded(_) => "uploaded",
            Self::Revised(_) => "revised",
            Self::Retitled(_) => "retitled",
            Self::Described(_) => "described",
            Self::Tagged(_) => "tagged",
            Self::Untagged(_) => "untagged",
            Self::Trashed(_) => "trashed",
            Self::Restored(_) => "restored",
        }
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self::Uploaded(event) => codec::to_json(event),
            Self::Revised(event) => codec::to_json(event),
            Self::Retitled(event) => codec::to_json(event),
            Self::Described(event) => codec::to_json(event),
            Self::Tagged(event) => codec::to_json(event),
            Self::Untagged(event) => codec::to_json(event),
            Self::Trashed(event) => codec::to_json(event),
            Self::Restored(event) => codec::to_json(event),
        }
    }

    fn from_newest(kind: &str, body: &[u8]) -> Result<Self, codec::Error> {
        Ok(match kind {
            "uploaded" => Self::Uploaded(serde_json::from_slice(body)?),
            "revised" => Self::Revised(serde_json::from_slice(body)?),
            "retitled" => Self::Retitled(serde_json::from_slice(body)?),
            "described" => Self::Described(serde_json::from_slice(body)?),
            "tagged" => Self::Tagged(serde_json::from_slice(body)?),
            "untagged" => Self::Untagged(serde_json::from_slice(body)?),
            "trashed" => Self::Trashed(serde_json::from_slice(body)?),
            "restored" => Self::Restored(serde_json::from_slice(body)?),
            unknown => return Err(codec::Error::UnknownType(unknown.to_owned())),
        })
    }
}

//! What can happen to the knowledge in a document: its concepts, its cluster, its links to others.

use super::SkillLevel;
use crate::concept::Category;
use crate::ids::{ClusterId, DocumentId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user said that the document has a concept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConceptAdded {
    /// The concept's name.
    pub name: String,
    /// What sort of thing it names; found by its name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
}

/// A user said that the document does not have a concept, whatever an analysis finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConceptRemoved {
    /// The concept's name or key.
    pub name: String,
}

/// A user put the document into a cluster, where it stays whatever clustering finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MovedToCluster {
    /// The cluster.
    pub cluster: ClusterId,
}

/// A user let clustering decide again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleasedFromCluster {}

/// How one document stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The other has to do with it; goes both ways.
    Related,
    /// The other is to be read first.
    Prerequisite,
    /// The other is to be read next.
    Followup,
    /// The other does as well; goes both ways.
    Alternative,
    /// The other is out of date because of it.
    Supersedes,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 5] = [Self::Related, Self::Prerequisite, Self::Followup, Self::Alternative, Self::Supersedes];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Related => "related",
            Self::Prerequisite => "prerequisite",
            Self::Followup => "followup",
            Self::Alternative => "alternative",
            Self::Supersedes => "supersedes",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.name() == name)
    }

    /// Whether it leads from one document on to another, so that going round in a circle makes no sense.
    #[must_use]
    pub const fn is_directed(self) -> bool {
        match self {
            Self::Prerequisite | Self::Followup | Self::Supersedes => true,
            Self::Related | Self::Alternative => false,
        }
    }
}

/// One link of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// How it stands to the other.
    pub relation: Relation,
    /// The other.
    pub to: DocumentId,
}

/// The document was linked to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Linked {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
}

/// A link was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unlinked {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
}

/// The document took over what another had; the other's own event is [`Merged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absorbed {
    /// The other.
    pub document: DocumentId,
    /// Tags that came with it, in order.
    pub tags: Vec<String>,
    /// Concepts that users had added to it.
    pub concepts: Vec<ConceptAdded>,
    /// Links that came with it, in order.
    pub links: Vec<Link>,
}

/// The document was merged into another and went into the trash; its history stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// The document that took over.
    pub into: DocumentId,
}

/// A concept that a language model proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// Its name.
    pub name: String,
    /// What sort of thing it names.
    pub category: Category,
    /// 0 to 1.
    pub confidence: f32,
}

/// A language model read the document's text. Its answer is recorded, so that it need never be asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assessed {
    /// The model's name.
    pub model: String,
    /// SHA-256 of the text that it read.
    pub sha256: String,
    /// What the text is about, in a few sentences.
    pub summary: String,
    /// How demanding the text is.
    pub skill_level: SkillLevel,
    /// Its concepts.
    pub concepts: Vec<Proposed>,
}

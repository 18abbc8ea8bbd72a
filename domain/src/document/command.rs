//! What can be wished of a document.

use super::{Limits, MediaType, Name, Tag, Title};
use events::document::{Assessed, ConceptAdded, Link, SkillLevel, Source};
use events::{AccountId, Category, ClusterId, Content, DocumentId};
use serde::Serialize;
use std::collections::BTreeSet;

/// A wish about a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Make it.
    Upload {
        /// Whose it will be.
        owner: AccountId,
        /// Its title.
        title: Title,
        /// Media type of the text.
        media_type: MediaType,
        /// The text; in the command's own form its address stands for it.
        #[serde(serialize_with = "address")]
        content: Content,
        /// Its origin.
        source: Source,
        /// Its level.
        skill_level: SkillLevel,
        /// Its first tags.
        tags: BTreeSet<Tag>,
        /// How many tags it may have.
        #[serde(skip)]
        at_most: usize,
    },
    /// Replace the text.
    Revise {
        /// Media type of the text; as before if absent.
        media_type: Option<MediaType>,
        /// The text; in the command's own form its address stands for it.
        #[serde(serialize_with = "address")]
        content: Content,
    },
    /// Change the title.
    Retitle {
        /// The title.
        title: Title,
    },
    /// Describe origin and level.
    Describe {
        /// The origin; as before if absent.
        source: Option<Source>,
        /// The level; as before if absent.
        skill_level: Option<SkillLevel>,
    },
    /// Put a tag on.
    Tag {
        /// The tag.
        tag: Tag,
        /// How many tags it may have.
        #[serde(skip)]
        at_most: usize,
    },
    /// Take a tag off.
    Untag {
        /// The tag.
        tag: Tag,
    },
    /// Say that it has a concept.
    AddConcept {
        /// The concept.
        name: Name,
        /// What sort of thing it names; as before, or found by its name, if absent.
        category: Option<Category>,
        /// How many concepts users may add to it, counted by their names.
        #[serde(skip)]
        at_most: usize,
    },
    /// Say that it does not have a concept, whatever an analysis finds.
    RemoveConcept {
        /// The concept.
        name: Name,
        /// How many concepts users may remove from it, counted by their names.
        #[serde(skip)]
        at_most: usize,
    },
    /// Put it into a cluster, where it stays whatever clustering finds.
    MoveToCluster {
        /// The cluster.
        cluster: ClusterId,
    },
    /// Let clustering decide again.
    Release,
    /// Link it to another.
    Link {
        /// The document itself, which its state does not know.
        #[serde(skip)]
        this: DocumentId,
        /// The link.
        link: Link,
        /// How many links it may have.
        #[serde(skip)]
        at_most: usize,
    },
    /// Take a link away.
    Unlink {
        /// The link.
        link: Link,
    },
    /// Take over what another has. In the command's own form the other's id stands for all of it: a retry may find that
    /// the other has changed, and is the same command nevertheless.
    Absorb {
        /// The document itself, which its state does not know.
        #[serde(skip)]
        this: DocumentId,
        /// The other.
        document: DocumentId,
        /// The other's tags.
        #[serde(skip)]
        tags: BTreeSet<Tag>,
        /// Concepts that users have added to the other.
        #[serde(skip)]
        concepts: Vec<ConceptAdded>,
        /// The other's links.
        #[serde(skip)]
        links: BTreeSet<Link>,
        /// How many of each it may have; the others are not taken over.
        #[serde(skip)]
        limits: Limits,
    },
    /// Give what it has to another, which has absorbed it, and put it into the trash.
    MergeInto {
        /// The document itself, which its state does not know.
        #[serde(skip)]
        this: DocumentId,
        /// The other.
        into: DocumentId,
    },
    /// Record what a language model made of its text; passed over if the text is another by now.
    Assess(Assessed),
    /// Put it into the trash.
    Trash,
    /// Take it out of the trash.
    Restore,
}

/// Writes a content as its address, which says all of it in 64 characters.
fn address<S: serde::Serializer>(content: &Content, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&content.sha256)
}

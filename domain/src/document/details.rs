//! What there is of a document that was uploaded: what edits are compared with, and what they lead to.

use super::{Command, Error, Tag, Title, value};
use crate::aggregate::digest;
use events::document::{
    ConceptAdded, Described, Event, Link, Merged, MovedToCluster, ReleasedFromCluster, Retitled, Revised, SkillLevel,
    Source, Tagged, Trashed, Unlinked, Untagged, Uploaded,
};
use events::{ClusterId, DocumentId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What edits are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Title now.
    pub title: Title,
    /// SHA-256 of the text now.
    pub sha256: String,
    /// Media type of the text now.
    pub media_type: String,
    /// Origin now.
    pub source: Source,
    /// Level now.
    pub skill_level: SkillLevel,
    /// Tags now.
    pub tags: BTreeSet<Tag>,
    /// How many texts it has had, from 1.
    pub revision: u32,
    /// Concepts that users have added, by their names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub concepts: BTreeMap<String, ConceptAdded>,
    /// Concepts that users have removed: their names in lower case.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removed: BTreeSet<String>,
    /// What users have said last of its concepts, as kind and digest: the same again is nothing new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_last: Option<String>,
    /// The cluster that a user has put it into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<ClusterId>,
    /// Links now.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub links: BTreeSet<Link>,
    /// What was absorbed last: the same again is nothing new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absorbed: Option<DocumentId>,
    /// Digest of the assessment of the text now, if a language model has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed: Option<String>,
}

impl Details {
    pub(super) fn of(uploaded: &Uploaded) -> Self {
        Self {
            title: Title::trusted(&uploaded.title),
            sha256: uploaded.content.sha256.clone(),
            media_type: uploaded.media_type.clone(),
            source: uploaded.source.clone(),
            skill_level: uploaded.skill_level,
            tags: uploaded.tags.iter().map(|tag| Tag::trusted(tag)).collect(),
            revision: 1,
            concepts: BTreeMap::new(),
            removed: BTreeSet::new(),
            said_last: None,
            pin: None,
            links: BTreeSet::new(),
            absorbed: None,
            assessed: None,
        }
    }

    pub(super) fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        match command {
            Command::Upload { .. } => Err(Error::AlreadyExists),
            Command::Revise { media_type, content } => {
                let media_type = media_type.map_or(self.media_type.as_str(), |media_type| media_type.as_str());
                let is_same = content.sha256 == self.sha256 && media_type == self.media_type;
                Ok((!is_same).then(|| Event::Revised(Revised { media_type: media_type.to_owned(), content })))
            }
            Command::Retitle { title } => {
                Ok((title != self.title).then(|| Event::Retitled(Retitled { title: title.as_str().to_owned() })))
            }
            Command::Describe { source, skill_level } => {
                let source = source.unwrap_or_else(|| self.source.clone());
                let skill_level = skill_level.unwrap_or(self.skill_level);
                let is_same = source == self.source && skill_level == self.skill_level;
                Ok((!is_same).then_some(Event::Described(Described { source, skill_level })))
            }
            Command::Tag { tag, .. } if self.tags.contains(&tag) => Ok(None),
            Command::Tag { at_most, .. } if self.tags.len() >= at_most => Err(Error::TooManyTags { at_most }),
            Command::Tag { tag, .. } => Ok(Some(Event::Tagged(Tagged { tag: tag.as_str().to_owned() }))),
            Command::Untag { tag } => {
                let is_on = self.tags.contains(&tag);
                Ok(is_on.then(|| Event::Untagged(Untagged { tag: tag.as_str().to_owned() })))
            }
            Command::AddConcept { name, category, at_most } => self.add_concept(&name, category, at_most),
            Command::RemoveConcept { name, at_most } => self.remove_concept(&name, at_most),
            Command::MoveToCluster { cluster } => {
                Ok((self.pin != Some(cluster)).then_some(Event::MovedToCluster(MovedToCluster { cluster })))
            }
            Command::Release => Ok(self.pin.map(|_| Event::ReleasedFromCluster(ReleasedFromCluster {}))),
            Command::Link { this, link, at_most } => self.link(this, link, at_most),
            Command::Unlink { link } => Ok(self.links.contains(&link).then_some(Event::Unlinked(Unlinked { link }))),
            Command::Absorb { this, document, tags, concepts, links, limits } => {
                self.absorb(this, document, &tags, concepts, &links, &limits)
            }
            Command::MergeInto { this, into } if this == into => Err(Error::MergeIntoItself),
            Command::MergeInto { into, .. } => Ok(Some(Event::Merged(Merged { into }))),
            Command::Assess(assessed) => Ok(self.assess(assessed)),
            Command::Trash => Ok(Some(Event::Trashed(Trashed {}))),
            Command::Restore => Ok(None),
        }
    }

    pub(super) fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Uploaded(uploaded) => self = Self::of(uploaded),
            Event::Revised(revised) => {
                self.sha256.clone_from(&revised.content.sha256);
                self.media_type.clone_from(&revised.media_type);
                self.revision += 1;
                self.assessed = None;
            }
            Event::Retitled(retitled) => self.title = Title::trusted(&retitled.title),
            Event::Described(described) => {
                self.source.clone_from(&described.source);
                self.skill_level = described.skill_level;
            }
            Event::Tagged(tagged) => {
                self.tags.insert(Tag::trusted(&tagged.tag));
            }
            Event::Untagged(untagged) => {
                self.tags.remove(&Tag::trusted(&untagged.tag));
            }
            Event::ConceptAdded(added) => {
                self.put_concept(added);
                self.said_last = Some(Self::said(event));
            }
            Event::ConceptRemoved(removed) => {
                let key = value::fold(&removed.name);
                self.concepts.remove(&key);
                self.removed.insert(key);
                self.said_last = Some(Self::said(event));
            }
            Event::MovedToCluster(moved) => self.pin = Some(moved.cluster),
            Event::ReleasedFromCluster(_) => self.pin = None,
            Event::Linked(linked) => {
                self.links.insert(linked.link);
            }
            Event::Unlinked(unlinked) => {
                self.links.remove(&unlinked.link);
            }
            Event::Absorbed(absorbed) => {
                self.tags.extend(absorbed.tags.iter().map(|tag| Tag::trusted(tag)));
                absorbed.concepts.iter().for_each(|added| self.put_concept(added));
                // One of them may be what was removed last, under another name.
                self.said_last = None;
                self.links.extend(&absorbed.links);
                self.absorbed = Some(absorbed.document);
            }
            Event::Assessed(assessed) if assessed.sha256 == self.sha256 => {
                self.assessed = Some(digest(event));
            }
            // What a model made of another text says nothing of this one.
            Event::Assessed(_) | Event::Merged(_) | Event::Trashed(_) | Event::Restored(_) => {}
        }
        self
    }
}

//! A document's rules: uploaded once, then edited, trashed and restored.

mod value;

pub use value::{Invalid, Limits, MediaType, Tag, Title, line, text};

use crate::aggregate;
use events::document::{
    Described, Event, Restored, Retitled, Revised, SkillLevel, Source, Tagged, Trashed, Untagged, Uploaded,
};
use events::{AccountId, Content};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A document, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// Never uploaded.
    #[default]
    Absent,
    /// In use.
    Live(Details),
    /// In the trash.
    Trashed(Details),
}

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
}

/// A wish about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Put it into the trash.
    Trash,
    /// Take it out of the trash.
    Restore,
}

/// Writes a content as its address, which says all of it in 64 characters.
fn address<S: serde::Serializer>(content: &Content, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&content.sha256)
}

/// A refused rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An upload met a document that exists.
    #[error("the document exists already")]
    AlreadyExists,
    /// There is no such document.
    #[error("no such document")]
    NotFound,
    /// An edit met a document in the trash.
    #[error("the document is in the trash")]
    Trashed,
    /// One tag too many.
    #[error("the document has {at_most} tags, no more are allowed")]
    TooManyTags {
        /// The limit.
        at_most: usize,
    },
}

impl aggregate::Aggregate for Document {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "document.1";

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        match (self, command) {
            (Self::Absent, Command::Upload { tags, at_most, .. }) if tags.len() > at_most => {
                Err(Error::TooManyTags { at_most })
            }
            (Self::Absent, Command::Upload { owner, title, media_type, content, source, skill_level, tags, .. }) => {
                Ok(Some(Event::Uploaded(Uploaded {
                    owner,
                    title: title.as_str().to_owned(),
                    media_type: media_type.as_str().to_owned(),
                    content,
                    source,
                    skill_level,
                    tags: tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
                })))
            }
            (Self::Live(_) | Self::Trashed(_), Command::Upload { .. }) => Err(Error::AlreadyExists),
            (Self::Absent, _) => Err(Error::NotFound),

            (Self::Live(now), command) => now.decide(command),

            (Self::Trashed(_), Command::Trash) => Ok(None),
            (Self::Trashed(_), Command::Restore) => Ok(Some(Event::Restored(Restored {}))),
            (Self::Trashed(_), _) => Err(Error::Trashed),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match (self, event) {
            (_, Event::Uploaded(uploaded)) => Self::Live(Details::of(uploaded)),
            (Self::Live(now) | Self::Trashed(now), Event::Trashed(_)) => Self::Trashed(now),
            (Self::Live(now) | Self::Trashed(now), Event::Restored(_)) => Self::Live(now),
            (Self::Live(now), event) => Self::Live(now.evolve(event)),
            (Self::Trashed(now), event) => Self::Trashed(now.evolve(event)),
            (Self::Absent, _) => Self::Absent,
        }
    }
}

impl Details {
    fn of(uploaded: &Uploaded) -> Self {
        Self {
            title: Title::trusted(&uploaded.title),
            sha256: uploaded.content.sha256.clone(),
            media_type: uploaded.media_type.clone(),
            source: uploaded.source.clone(),
            skill_level: uploaded.skill_level,
            tags: uploaded.tags.iter().map(|tag| Tag::trusted(tag)).collect(),
            revision: 1,
        }
    }

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
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
            Command::Trash => Ok(Some(Event::Trashed(Trashed {}))),
            Command::Restore => Ok(None),
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Uploaded(uploaded) => self = Self::of(uploaded),
            Event::Revised(revised) => {
                self.sha256.clone_from(&revised.content.sha256);
                self.media_type.clone_from(&revised.media_type);
                self.revision += 1;
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
            Event::Trashed(_) | Event::Restored(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests;

//! A document's rules: uploaded once, then edited, linked, merged, trashed and restored.

mod command;
mod details;
mod knowledge;
mod value;

pub use command::Command;
pub use details::Details;
pub use value::{Invalid, Limits, MediaType, Name, Tag, Title, line, text};

use crate::aggregate;
use events::DocumentId;
use events::document::{Event, Restored, Uploaded};
use serde::{Deserialize, Serialize};

/// A document, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// Never uploaded.
    #[default]
    Absent,
    /// In use.
    Live(Details),
    /// In the trash.
    Trashed {
        /// As it was.
        details: Details,
        /// The document that took over what it had, if it was merged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merged_into: Option<DocumentId>,
    },
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
    /// One concept too many, of those that users have added or of those that they have removed. Names that differ by more
    /// than their case count each.
    #[error("{at_most} concepts were added to the document, or removed from it; no more are allowed")]
    TooManyConcepts {
        /// The limit.
        at_most: usize,
    },
    /// One link too many.
    #[error("the document has {at_most} links, no more are allowed")]
    TooManyLinks {
        /// The limit.
        at_most: usize,
    },
    /// A link that leads where it comes from.
    #[error("a document cannot be linked to itself")]
    LinkToItself,
    /// A merge of a document with itself.
    #[error("a document cannot be merged into itself")]
    MergeIntoItself,
}

impl Document {
    /// What there is of it, in use or in the trash.
    #[must_use]
    pub const fn details(&self) -> Option<&Details> {
        match self {
            Self::Absent => None,
            Self::Live(details) | Self::Trashed { details, .. } => Some(details),
        }
    }
}

impl aggregate::Aggregate for Document {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "document.3";

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
            (Self::Live(_) | Self::Trashed { .. }, Command::Upload { .. }) => Err(Error::AlreadyExists),
            (Self::Absent, _) => Err(Error::NotFound),

            (Self::Live(now), command) => now.decide(command),

            (Self::Trashed { .. }, Command::Trash) => Ok(None),
            (Self::Trashed { .. }, Command::Restore) => Ok(Some(Event::Restored(Restored {}))),
            (Self::Trashed { merged_into, .. }, Command::MergeInto { into, .. }) if *merged_into == Some(into) => {
                Ok(None)
            }
            (Self::Trashed { .. }, _) => Err(Error::Trashed),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match (self, event) {
            (_, Event::Uploaded(uploaded)) => Self::Live(Details::of(uploaded)),
            (Self::Live(details), Event::Trashed(_)) => Self::Trashed { details, merged_into: None },
            (Self::Live(details) | Self::Trashed { details, .. }, Event::Merged(merged)) => {
                Self::Trashed { details, merged_into: Some(merged.into) }
            }
            (Self::Live(details) | Self::Trashed { details, .. }, Event::Restored(_)) => Self::Live(details),
            (Self::Live(details), event) => Self::Live(details.evolve(event)),
            (Self::Trashed { details, merged_into }, event) => {
                Self::Trashed { details: details.evolve(event), merged_into }
            }
            (Self::Absent, _) => Self::Absent,
        }
    }
}

#[cfg(test)]
mod tests;

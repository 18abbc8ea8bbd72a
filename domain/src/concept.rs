//! A concept's rules: how it is written, what it stands for, whether it is suggested. Decisions know concepts by their
//! names; which names mean the same concept by more than their case, the projection finds. What holds for a concept can
//! therefore have been said under another of its names, on another stream: every word about it is an event, also one that
//! was said before under the same name.

use crate::aggregate;
use crate::document::Name;
use events::concept::{Allowed, Event, Merged, Renamed, Separated, Suppressed};
use serde::{Deserialize, Serialize};

/// A concept, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concept {
    /// The other that it was made a part of under this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<Name>,
}

/// A wish about a concept. In the command's own form the stream stands for the concept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Command {
    /// Choose how it is written.
    Rename {
        /// The concept.
        #[serde(skip)]
        concept: Name,
        /// Its name.
        name: Name,
    },
    /// Make it part of another.
    Merge {
        /// The concept.
        #[serde(skip)]
        concept: Name,
        /// The other.
        into: Name,
    },
    /// Let it stand for itself, whatever is found out about spellings and acronyms.
    Separate {
        /// The concept.
        #[serde(skip)]
        concept: Name,
    },
    /// Never suggest it again.
    Suppress {
        /// The concept.
        #[serde(skip)]
        concept: Name,
    },
    /// Suggest it again.
    Allow {
        /// The concept.
        #[serde(skip)]
        concept: Name,
    },
}

/// A refused rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A merge of a concept with itself.
    #[error("a concept cannot be merged into itself")]
    IntoItself,
}

impl aggregate::Aggregate for Concept {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "concept.2";

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        let text = |name: &Name| name.as_str().to_owned();
        Ok(Some(match command {
            Command::Rename { concept, name } => Event::Renamed(Renamed { concept: text(&concept), name: text(&name) }),
            Command::Merge { concept, into } if concept.key() == into.key() => return Err(Error::IntoItself),
            Command::Merge { concept, into } => Event::Merged(Merged { concept: text(&concept), into: text(&into) }),
            Command::Separate { concept } => Event::Separated(Separated { concept: text(&concept) }),
            Command::Suppress { concept } => Event::Suppressed(Suppressed { concept: text(&concept) }),
            Command::Allow { concept } => Event::Allowed(Allowed { concept: text(&concept) }),
        }))
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Merged(merged) => self.merged_into = Some(Name::trusted(&merged.into)),
            Event::Separated(_) => self.merged_into = None,
            Event::Renamed(_) | Event::Suppressed(_) | Event::Allowed(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests;

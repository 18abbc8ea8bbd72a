//! A concept's rules: how it is written, what it stands for, whether it is suggested. Decisions know concepts by their
//! names; which names mean the same concept by more than their case, the projection finds.

use crate::aggregate;
use crate::document::Name;
use events::concept::{Allowed, Event, Merged, Renamed, Separated, Suppressed};
use serde::{Deserialize, Serialize};

/// A concept, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concept {
    /// How a user wants it written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a user wants it to stand for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Whether it is never to be suggested.
    #[serde(default)]
    pub is_suppressed: bool,
}

/// What a concept stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// For another.
    Merged {
        /// The other.
        into: Name,
    },
    /// For itself, whatever is found out about spellings and acronyms.
    Separate,
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
    /// Let it stand for itself.
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

impl Concept {
    /// The other that it was made a part of.
    #[must_use]
    pub const fn merged_into(&self) -> Option<&Name> {
        match &self.standing {
            Some(Standing::Merged { into }) => Some(into),
            Some(Standing::Separate) | None => None,
        }
    }
}

impl aggregate::Aggregate for Concept {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "concept.1";

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        let text = |name: &Name| name.as_str().to_owned();
        match command {
            Command::Rename { concept, name } => {
                let is_same = self.name.as_deref() == Some(name.as_str());
                Ok((!is_same).then(|| Event::Renamed(Renamed { concept: text(&concept), name: text(&name) })))
            }
            Command::Merge { concept, into } if concept.key() == into.key() => Err(Error::IntoItself),
            Command::Merge { concept, into } => {
                let is_same = self.merged_into().is_some_and(|now| now.key() == into.key());
                Ok((!is_same).then(|| Event::Merged(Merged { concept: text(&concept), into: text(&into) })))
            }
            // Also if no user has merged it: the system may have.
            Command::Separate { concept } => {
                let is_same = self.standing == Some(Standing::Separate);
                Ok((!is_same).then(|| Event::Separated(Separated { concept: text(&concept) })))
            }
            Command::Suppress { concept } => {
                Ok((!self.is_suppressed).then(|| Event::Suppressed(Suppressed { concept: text(&concept) })))
            }
            Command::Allow { concept } => {
                Ok(self.is_suppressed.then(|| Event::Allowed(Allowed { concept: text(&concept) })))
            }
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Renamed(renamed) => self.name = Some(renamed.name.clone()),
            Event::Merged(merged) => self.standing = Some(Standing::Merged { into: Name::trusted(&merged.into) }),
            Event::Separated(_) => self.standing = Some(Standing::Separate),
            Event::Suppressed(_) => self.is_suppressed = true,
            Event::Allowed(_) => self.is_suppressed = false,
        }
        self
    }
}

#[cfg(test)]
mod tests;

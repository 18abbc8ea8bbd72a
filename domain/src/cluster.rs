//! A cluster's rules: named by users, merged into another once, or given up. Merges that are decided at the same moment
//! can lead round in a circle; the latest of them then sets the cluster free again that was merged into its own.

use crate::aggregate::{self, digest};
use crate::document::Name;
use events::ClusterId;
use events::cluster::{Assessed, Created, Dissolved, Event, Merged, Renamed, SkillLevelSet};
use events::document::SkillLevel;
use serde::{Deserialize, Serialize};

/// A cluster, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cluster {
    /// Found by the system, if at all; nothing was decided yet.
    #[default]
    Unnamed,
    /// Something was decided.
    Known(Details),
    /// Part of another.
    Merged {
        /// The other.
        into: ClusterId,
        /// As it was.
        #[serde(default)]
        details: Details,
    },
    /// Given up.
    Dissolved,
}

/// What was decided about a cluster in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The name that a user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The level that a user stated.
    #[serde(default)]
    pub skill_level: SkillLevel,
    /// Digest of what a language model has said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed: Option<String>,
}

/// A wish about a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Command {
    /// Make it.
    Create {
        /// Its name.
        name: Name,
    },
    /// Name it.
    Rename {
        /// Its name.
        name: Name,
    },
    /// Say how demanding it is.
    SetSkillLevel {
        /// The level; `unknown` leaves it to what its documents say.
        skill_level: SkillLevel,
    },
    /// Make it part of another.
    Merge {
        /// The cluster itself, which its state does not know.
        #[serde(skip)]
        this: ClusterId,
        /// The other.
        into: ClusterId,
    },
    /// Give it up.
    Dissolve,
    /// Record what a language model proposes.
    Assess {
        /// The model's name.
        model: String,
        /// A name for the cluster; a user's goes first.
        name: String,
        /// What its documents are about.
        summary: String,
    },
    /// The same of a cluster that is part of another by its own events alone: another cluster's merge has set it free. In
    /// the command's own form it is the wish itself.
    #[serde(untagged)]
    Freed(Box<Self>),
}

/// A refused rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A cluster that exists was to be made.
    #[error("the cluster exists already")]
    AlreadyExists,
    /// It is part of another.
    #[error("the cluster was merged into {into}")]
    Merged {
        /// The other.
        into: ClusterId,
    },
    /// It was given up.
    #[error("the cluster was dissolved")]
    Dissolved,
    /// A merge of a cluster with itself.
    #[error("a cluster cannot be merged into itself")]
    IntoItself,
}

impl aggregate::Aggregate for Cluster {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "cluster.2";

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        match (self, command) {
            (Self::Unnamed, Command::Create { name }) => {
                Ok(Some(Event::Created(Created { name: name.as_str().to_owned() })))
            }
            (Self::Known(_) | Self::Merged { .. } | Self::Dissolved, Command::Create { .. }) => {
                Err(Error::AlreadyExists)
            }
            (_, Command::Merge { this, into }) if this == into => Err(Error::IntoItself),

            (Self::Merged { details, .. }, Command::Freed(command)) => Self::Known(details.clone()).decide(*command),
            (_, Command::Freed(command)) => self.decide(*command),

            (Self::Unnamed, command) => Details::default().decide(command),
            (Self::Known(now), command) => now.decide(command),

            (Self::Merged { into: now, .. }, Command::Merge { into, .. }) if *now == into => Ok(None),
            (Self::Merged { into, .. }, _) => Err(Error::Merged { into: *into }),
            (Self::Dissolved, Command::Dissolve) => Ok(None),
            (Self::Dissolved, _) => Err(Error::Dissolved),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match (self, event) {
            (now, Event::Merged(merged)) => Self::Merged { into: merged.into, details: now.details() },
            (_, Event::Dissolved(_)) | (Self::Dissolved, _) => Self::Dissolved,
            // Also one that was merged: that it was changed later says that it was free.
            (now, event) => Self::Known(now.details().evolve(event)),
        }
    }
}

impl Cluster {
    /// What was decided about it.
    fn details(self) -> Details {
        match self {
            Self::Known(details) | Self::Merged { details, .. } => details,
            Self::Unnamed | Self::Dissolved => Details::default(),
        }
    }
}

impl Details {
    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        match command {
            Command::Create { .. } => Err(Error::AlreadyExists),
            Command::Freed(command) => self.decide(*command),
            Command::Rename { name } => {
                let is_same = self.name.as_deref() == Some(name.as_str());
                Ok((!is_same).then(|| Event::Renamed(Renamed { name: name.as_str().to_owned() })))
            }
            Command::SetSkillLevel { skill_level } => {
                let is_same = skill_level == self.skill_level;
                Ok((!is_same).then_some(Event::SkillLevelSet(SkillLevelSet { skill_level })))
            }
            Command::Merge { into, .. } => Ok(Some(Event::Merged(Merged { into }))),
            Command::Dissolve => Ok(Some(Event::Dissolved(Dissolved {}))),
            Command::Assess { model, name, summary } => {
                let event = Event::Assessed(Assessed { model, name, summary });
                Ok((self.assessed.as_ref() != Some(&digest(&event))).then_some(event))
            }
        }
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Created(Created { name }) | Event::Renamed(Renamed { name }) => self.name = Some(name.clone()),
            Event::SkillLevelSet(set) => self.skill_level = set.skill_level,
            Event::Assessed(_) => self.assessed = Some(digest(event)),
            Event::Merged(_) | Event::Dissolved(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests;

//! What every aggregate is: a state, commands that it may refuse, events that change it.

use events::{EventType, content};
use serde::{Serialize, de::DeserializeOwned};

/// A consistency boundary. The default value is the state before any event.
pub trait Aggregate: Clone + Default + Serialize + DeserializeOwned {
    /// A wish.
    type Command: Serialize;
    /// A fact.
    type Event: EventType;
    /// A refused rule.
    type Error: std::error::Error + PartialEq;

    /// The format of the serialised state. A changed state needs a new name, and old tips are then folded again from events.
    const STATE_FORMAT: &'static str;

    /// Chooses: one event, nothing to do, or a refusal.
    ///
    /// # Errors
    /// The rule that refuses the command.
    fn decide(&self, command: Self::Command) -> Result<Option<Self::Event>, Self::Error>;

    /// The state after an event. Total: what stands in the log has happened.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;
}

/// Half of the SHA-256 of an event's JSON: enough for a state to know that it has met the event before.
pub(crate) fn digest<E: EventType>(event: &E) -> String {
    let mut digest = content::sha256(&event.body());
    digest.truncate(32);
    digest
}

//! What can happen to an account. Secrets never enter the log: password hashes live in the database alone.

use crate::codec::{self, EventType, Kind};
use crate::ids::WorkspaceId;
use crate::stream::Aggregate;
use crate::upcast;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The account came into being and its user name is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// The user name as its owner writes it.
    pub username: String,
    /// The account's own workspace.
    pub workspace: WorkspaceId,
    /// Which row of the credential store holds the password's hash.
    pub credential: Uuid,
}

/// A fact about one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// See [`Registered`].
    Registered(Registered),
}

impl EventType for Event {
    const AGGREGATE: Aggregate = Aggregate::Account;
    const KINDS: &'static [Kind] = &[Kind::of::<Registered>("registered", 1)];
    const UPCASTERS: &'static [upcast::Upcaster] = &[];

    fn kind(&self) -> &'static str {
        match self {
            Self::Registered(_) => "registered",
        }
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self::Registered(event) => codec::to_json(event),
        }
    }

    fn from_newest(kind: &str, body: &[u8]) -> Result<Self, codec::Error> {
        match kind {
            "registered" => Ok(Self::Registered(serde_json::from_slice(body)?)),
            unknown => Err(codec::Error::UnknownType(unknown.to_owned())),
        }
    }
}

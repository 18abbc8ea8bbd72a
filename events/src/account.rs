//! What can happen to an account. Secrets never enter the log: password hashes live in the database alone.

use crate::codec;
use crate::ids::WorkspaceId;
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

codec::events! {
    /// A fact about one account.
    Account {
        Registered: "registered" 1,
    }
    upcasters: []
}

//! Identities as types of their own, so that an account can never stand where a document is meant. Ids that a retry must
//! find again are derived (UUID version 5, RFC 9562); only the edge makes random ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The root of every derived id. It stands in logs for ever and must not change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a0f_6f0e_2b1d_5c57_9d5a_0b6e_53c3_1f21);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Who acts: one registered account.
    AccountId
}
id! {
    /// The tenant that owns documents.
    WorkspaceId
}
id! {
    /// One document within its workspace.
    DocumentId
}
id! {
    /// One cluster within its workspace, found by the system or made by a user. It proves itself: its second half is
    /// derived from its first and the workspace, so that an id which nobody was ever given is known without looking.
    ClusterId
}
id! {
    /// One concept within its workspace.
    ConceptId
}
id! {
    /// One command; the event that it leads to carries the same id, so a retry is recognised.
    CommandId
}

impl AccountId {
    /// The account of a user name. The name is folded to lower case, so its stream is also the claim that it is taken.
    #[must_use]
    pub fn of_username(username: &str) -> Self {
        Self(derive("account", &[username.to_lowercase().as_bytes()]))
    }

    /// The workspace that every account owns from its registration on.
    #[must_use]
    pub fn personal_workspace(self) -> WorkspaceId {
        WorkspaceId(derive("personal-workspace", &[self.0.as_bytes()]))
    }
}

impl DocumentId {
    /// The document that an upload with an idempotency key creates: the same caller and key meet the same document.
    #[must_use]
    pub fn of_upload(caller: AccountId, workspace: WorkspaceId, key: &str) -> Self {
        Self(derive("upload", &[caller.0.as_bytes(), workspace.0.as_bytes(), key.as_bytes()]))
    }
}

impl ClusterId {
    /// The cluster that is found around a document: its earliest member when it was found.
    #[must_use]
    pub fn around(workspace: WorkspaceId, first: DocumentId) -> Self {
        Self::proving(workspace, derive("cluster", &[workspace.0.as_bytes(), first.0.as_bytes()]))
    }

    /// The cluster that a user's command makes.
    #[must_use]
    pub fn of_creation(workspace: WorkspaceId, command: CommandId) -> Self {
        Self::proving(workspace, derive("made-cluster", &[workspace.0.as_bytes(), command.0.as_bytes()]))
    }

    /// Whether this id was given to a cluster of this workspace.
    #[must_use]
    pub fn is_of(self, workspace: WorkspaceId) -> bool {
        self == Self::proving(workspace, self.0)
    }

    /// Keeps the first half of an id and derives the second; version 8, as RFC 9562 has it for ids of one's own making.
    fn proving(workspace: WorkspaceId, id: Uuid) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&id.as_bytes()[..8]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        let proof = derive("cluster-proof", &[workspace.0.as_bytes(), &bytes[..8]]);
        bytes[8..].copy_from_slice(&proof.as_bytes()[8..]);
        Self(Uuid::from_bytes(bytes))
    }
}

impl ConceptId {
    /// The concept of a name, as decisions know it: case and white space at its ends make no difference. Names that mean
    /// the same by more than that meet in the projection.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self(derive("concept", &[name.trim().to_lowercase().as_bytes()]))
    }
}

impl CommandId {
    /// The command that a caller names with an idempotency key on one stream.
    #[must_use]
    pub fn of_key(caller: AccountId, stream: &crate::Stream, key: &str) -> Self {
        Self(derive("command", &[caller.0.as_bytes(), stream.subject().as_bytes(), key.as_bytes()]))
    }
}

/// A version 5 UUID over length-prefixed parts, so that no two lists of parts can run together.
pub(crate) fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut name = Vec::with_capacity(128);
    name.extend_from_slice(kind.as_bytes());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_names_one_account_whatever_its_case() {
        assert_eq!(AccountId::of_username("Ada"), AccountId::of_username("ada"));
        assert_ne!(AccountId::of_username("ada"), AccountId::of_username("adam"));
    }

    #[test]
    fn a_cluster_s_id_proves_itself_in_its_workspace_alone() {
        let [ours, theirs] = [WorkspaceId(Uuid::from_u128(1)), WorkspaceId(Uuid::from_u128(2))];
        let found = ClusterId::around(ours, DocumentId(Uuid::from_u128(3)));
        assert_eq!(found.0.to_string(), "63e29278-a4b6-83b2-89bc-492f067542c4");
        assert!(found.is_of(ours) && !found.is_of(theirs));
        assert!(!ClusterId(Uuid::from_u128(found.0.as_u128() ^ 1)).is_of(ours));
        assert!(!ClusterId(Uuid::from_u128(found.0.as_u128() ^ 1 << 100)).is_of(ours));
    }

    #[test]
    fn derived_ids_never_change() {
        let account = AccountId::of_username("ada");
        assert_eq!(account.to_string(), "0df0ed75-ff50-5305-9719-a31dc3a29a46");
        assert_eq!(account.personal_workspace().to_string(), "059bfa74-e476-50ad-aa95-867623908b4e");
    }
}

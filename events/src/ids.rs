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

impl CommandId {
    /// The command that a caller names with an idempotency key on one stream.
    #[must_use]
    pub fn of_key(caller: AccountId, stream: &crate::Stream, key: &str) -> Self {
        Self(derive("command", &[caller.0.as_bytes(), stream.subject().as_bytes(), key.as_bytes()]))
    }
}

/// A version 5 UUID over length-prefixed parts, so that no two lists of parts can run together.
fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
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
    fn derived_ids_never_change() {
        let account = AccountId::of_username("ada");
        assert_eq!(account.to_string(), "0df0ed75-ff50-5305-9719-a31dc3a29a46");
        assert_eq!(account.personal_workspace().to_string(), "059bfa74-e476-50ad-aa95-867623908b4e");
    }
}

//! How much the log's account may store, and does: of the log's disks a client is told nothing else.

use super::{Error, EventLog};
use async_nats::jetstream::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error as StdError;

/// In bytes, replicas counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

/// What the server says of an account, or of a tier of it; of the client's own type, servers before 2.10 leave fields out.
#[derive(Deserialize)]
struct Account {
    storage: u64,
    limits: Limits,
    /// By numbers of replicas, where these have limits of their own.
    #[serde(default)]
    tiers: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
struct Limits {
    /// -1 for none.
    max_storage: i64,
}

impl EventLog {
    /// The limit that is nearest, if the account has one.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn storage(&self) -> Result<Option<Storage>, Error> {
        let _steady = self.connection.hold().await;
        // Who may not ask is no failure of the log.
        let unknown = |source: Box<dyn StdError + Send + Sync>| Error::Unavailable { source };
        match self.connection.context().request("INFO", &()).await.map_err(|error| unknown(error.into()))? {
            Response::Ok(account) => Ok(nearest(&account)),
            Response::Err { error } => Err(unknown(error.into())),
        }
    }
}

fn nearest(account: &Account) -> Option<Storage> {
    let limited = account.tiers.values().chain([account]).filter_map(|one| {
        let limit = u64::try_from(one.limits.max_storage).ok().filter(|limit| *limit > 0)?;
        Some(Storage { used: one.storage, limit })
    });
    limited.max_by(|a, b| (a.used as f64 / a.limit as f64).total_cmp(&(b.used as f64 / b.limit as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(account: &str) -> Option<Storage> {
        nearest(&serde_json::from_str(account).expect("an account"))
    }

    #[test]
    fn the_limit_that_is_nearest_counts() {
        let storage = |used, limit| Some(Storage { used, limit });
        assert_eq!(of(r#"{"storage": 7, "limits": {"max_storage": -1}}"#), None);
        assert_eq!(of(r#"{"storage": 7, "limits": {"max_storage": 10}}"#), storage(7, 10));
        let tiers = r#"{"storage": 7, "limits": {"max_storage": 0}, "tiers": {
            "R1": {"storage": 2, "limits": {"max_storage": 10}}, "R3": {"storage": 5, "limits": {"max_storage": 8}}}}"#;
        assert_eq!(of(tiers), storage(5, 8));
    }
}

//! How much the log's account may store, and does: of the log's disks a client is told nothing else.

use super::{Error, EventLog};
use crate::watermarks::Taken;
use async_nats::jetstream::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error as StdError;

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
    /// What is taken of the limit that is nearest, if the account has one; replicas are counted.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn storage(&self) -> Result<Option<Taken>, Error> {
        let _steady = self.connection.hold().await;
        // Who may not ask is no failure of the log.
        let unknown = |source: Box<dyn StdError + Send + Sync>| Error::Unavailable { source };
        match self.connection.context().request("INFO", &()).await.map_err(|error| unknown(error.into()))? {
            Response::Ok(account) => Ok(nearest(&account)),
            Response::Err { error } => Err(unknown(error.into())),
        }
    }
}

fn nearest(account: &Account) -> Option<Taken> {
    let limited = account.tiers.values().chain([account]).filter_map(|one| {
        let limit = u64::try_from(one.limits.max_storage).ok().filter(|limit| *limit > 0)?;
        Some(Taken { used: one.storage, limit })
    });
    Taken::fullest(limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(account: &str) -> Option<Taken> {
        nearest(&serde_json::from_str(account).expect("an account"))
    }

    #[test]
    fn the_limit_that_is_nearest_counts() {
        let storage = |used, limit| Some(Taken { used, limit });
        assert_eq!(of(r#"{"storage": 7, "limits": {"max_storage": -1}}"#), None);
        assert_eq!(of(r#"{"storage": 7, "limits": {"max_storage": 10}}"#), storage(7, 10));
        let tiers = r#"{"storage": 7, "limits": {"max_storage": 0}, "tiers": {
            "R1": {"storage": 2, "limits": {"max_storage": 10}}, "R3": {"storage": 5, "limits": {"max_storage": 8}}}}"#;
        assert_eq!(of(tiers), storage(5, 8));
    }
}

//! How much the log's account may store, and does: of the log's disks a client is told nothing else.

use super::{Error, EventLog};
use async_nats::jetstream::account::{Account, Limits};

/// In bytes, replicas counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

impl EventLog {
    /// The limit that is nearest, if the account has one.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn storage(&self) -> Result<Option<Storage>, Error> {
        let _steady = self.steady.hold().await;
        let account = self.context.query_account().await.map_err(Error::unavailable)?;
        Ok(nearest(&account))
    }
}

/// An account has one limit for all, or one for each number of replicas.
fn nearest(account: &Account) -> Option<Storage> {
    let storage = |used: u64, limits: &Limits| {
        let limit = u64::try_from(limits.max_storage?).ok().filter(|limit| *limit > 0)?;
        Some(Storage { used, limit })
    };
    let tiers = account.tiers.values().filter_map(|tier| storage(tier.storage, &tier.limits));
    tiers
        .chain(storage(account.storage, &account.limits))
        .max_by(|a, b| (a.used as f64 / a.limit as f64).total_cmp(&(b.used as f64 / b.limit as f64)))
}

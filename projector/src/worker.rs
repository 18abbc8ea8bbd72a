//! A worker: one projection in this process. It is a member of those who work on that projection for as long as it can
//! reach the log and the database, and applies what falls to it, session after session.

use crate::config;
use crate::error::Error;
use crate::health::Standings;
use crate::leases::Leases;
use crate::projection::Projection;
use crate::session::{BALANCING, End, Session};
use runtime::EventLog;
use runtime::cache::Cache;
use runtime::service::chain;
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long it waits after a session that failed, and before it looks again for servers that are away.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
/// How long it waits when somebody must do something first.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// What a projection of this process works with.
pub(crate) struct Worker {
    pub(crate) projection: Projection,
    /// This process's name among the projectors.
    pub(crate) owner: Uuid,
    pub(crate) log: EventLog,
    pub(crate) pool: PgPool,
    pub(crate) cache: Cache,
    pub(crate) batches: config::Batches,
    /// How long others wait for a word of this one.
    pub(crate) lease: Duration,
    pub(crate) standings: Standings,
}

impl Worker {
    /// Works until told to stop.
    pub(crate) async fn work(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause = match self.be_a_member(&mut stop).await {
                Ok(()) => PAUSE,
                Err(error) => {
                    tracing::warn!(error = chain(&error), projection = self.projection.name(), "not working for now");
                    if matches!(error, Error::OtherAnalysis { .. }) { LONG_PAUSE } else { PAUSE }
                }
            };
            // Told to stop, or it is time to try again.
            let _ = timeout(pause, told(&mut stop)).await;
        }
    }

    /// Joins the others, and works with them until it cannot or is told to stop.
    async fn be_a_member(&self, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
        if !self.log.is_connected() {
            return Ok(());
        }
        let leases = Leases::join(self.projection, &self.pool, self.owner, self.lease).await?;
        let outcome = self.sessions(&leases, stop).await;
        leases.leave().await;
        outcome
    }

    async fn sessions(&self, leases: &Leases, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
        loop {
            let held = leases.settle().await?;
            if held.shards.is_empty() {
                // Others have them all, or have not given up yet what is too much.
                if timeout(BALANCING, told(stop)).await.is_ok() {
                    return Ok(());
                }
                continue;
            }
            let ended = match Session::begin(self, &held).await {
                Ok(session) => session.work(leases, &held, stop).await,
                Err(error) => Err(error),
            };
            match ended {
                Ok(End::Uneven) => {}
                Ok(End::Told | End::LogAway) => return Ok(()),
                Err(error @ Error::OtherAnalysis { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        projection = self.projection.name(),
                        "a session ended, beginning anew"
                    );
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Done when this process is to stop.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    // It ends early only when nobody is left to say so.
    drop(stop.wait_for(|is_told| *is_told).await);
}

//! A worker: one projection in this process. It is a member of those who work on that projection for as long as it can
//! reach the log and the database, and applies what falls to it, session after session.

use crate::checkpoints::Checkpoints;
use crate::config;
use crate::error::Error;
use crate::health::Standings;
use crate::knowledge::Knowledge;
use crate::leases::Leases;
use crate::projection::Projection;
use crate::session::{BALANCING, End, Session};
use runtime::EventLog;
use runtime::cache::Cache;
use runtime::service::chain;
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// How long it waits after a session that failed, and before it looks again for servers that are away.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
/// How long it leaves the work to others when its sessions fail one after another.
const REST: Duration = Duration::from_secs(2);
/// How long it waits when somebody must do something first.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// How many sessions may fail one after another.
const FAILURES: u32 = 3;

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
                    match error {
                        Error::OtherAnalysis { .. } => LONG_PAUSE,
                        Error::Log(_) => PAUSE,
                        Error::Displaced
                        | Error::Database(_)
                        | Error::Text(_)
                        | Error::Orphan { .. }
                        | Error::Unreadable(_) => REST,
                    }
                }
            };
            self.standings.hold(self.projection, &Checkpoints::default());
            // Told to stop, or it is time to try again.
            let _ = timeout(pause, told(&mut stop)).await;
        }
    }

    /// Joins the others, and works with them until it cannot or is told to stop. Who joins is given a share, so who cannot
    /// work does not.
    async fn be_a_member(&self, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
        self.log.head().await.map_err(Error::Log)?;
        if self.projection == Projection::Knowledge {
            Knowledge::stamp(&self.pool).await?;
        }
        let leases = Leases::join(self.projection, &self.pool, self.owner, self.lease).await?;
        let outcome = self.sessions(&leases, stop).await;
        leases.leave().await;
        outcome
    }

    async fn sessions(&self, leases: &Leases, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
        let mut failures = 0;
        loop {
            let held = leases.settle().await?;
            if held.shards.is_empty() {
                self.standings.hold(self.projection, &Checkpoints::default());
                // Others have them all, or have not given up yet what is too much.
                if timeout(BALANCING, told(stop)).await.is_ok() {
                    return Ok(());
                }
                continue;
            }
            let session = async { Session::begin(self, leases, &held).await?.work(&held, stop).await };
            let ended = tokio::select! {
                ended = session => ended,
                // Whatever it waits for, it is no longer its business.
                () = leases.lost(&held) => Err(Error::Displaced),
            };
            match ended {
                Ok(End::Uneven) => failures = 0,
                Ok(End::Told | End::LogAway) => return Ok(()),
                Err(error) if failures + 1 == FAILURES || matches!(error, Error::OtherAnalysis { .. }) => {
                    return Err(error);
                }
                Err(error) => {
                    failures += 1;
                    let projection = self.projection.name();
                    tracing::warn!(error = chain(&error), projection, "a session ended, beginning anew");
                    if timeout(PAUSE, told(stop)).await.is_ok() {
                        return Ok(());
                    }
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

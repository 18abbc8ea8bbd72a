//! The right to fill: one process at a time fills tables of a projection beside the serving ones.

use super::{Failure, Filling, PAUSE};
use crate::apply::Applier;
use crate::config;
use crate::lock::Lock;
use crate::positioned::Read;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::throttle::Throttle;
use runtime::event_log::Follower;
use runtime::{EventLog, postgres};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// A batch is so many times larger than where somebody waits for it to be visible: more of a document's events meet in it.
const STRIDE: usize = 2;
/// How often the lock is asked for.
const LOCK_ATTEMPTS: u32 = 6;

/// Where events come from and tables are, and how both are used.
pub(crate) struct Servers<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) postgres: &'a runtime::config::Postgres,
    pub(crate) batches: &'a config::Batches,
    /// Most events a second; no limit when left out.
    pub(crate) most_per_second: Option<u32>,
    /// Whether progress is told as JSON even on a terminal.
    pub(crate) json: bool,
}

/// The right to fill generations of a projection beside the serving one.
pub(crate) struct Right {
    pub(crate) pool: PgPool,
    pub(crate) projection: Projection,
    pub(crate) schema: String,
    lock: Lock,
}

impl Right {
    /// Takes it, for one of the schemas that do not serve.
    pub(crate) async fn take(
        servers: &Servers<'_>,
        projection: Projection,
        schema: impl Into<String>,
    ) -> Result<Self, Failure> {
        let schema = schema.into();
        let pool = postgres::pool_without_sync(servers.postgres, &consumer(projection), &schema)?;
        let lock = take(&pool, projection)
            .await?
            .ok_or("another rebuild, check or comparison of this projection is under way")?;
        remains_end(&pool, &consumer(projection)).await?;
        Ok(Self { pool, projection, schema, lock })
    }

    /// Begins to fill where the schema's checkpoints stand.
    pub(crate) async fn fill(self, servers: &Servers<'_>) -> Result<Filling, Failure> {
        self.begin(servers, None).await
    }

    /// As [`Right::fill`], with the events alone that stand under a subject.
    pub(crate) async fn fill_share(self, servers: &Servers<'_>, subject: String) -> Result<Filling, Failure> {
        self.begin(servers, Some(subject)).await
    }

    async fn begin(self, servers: &Servers<'_>, share: Option<String>) -> Result<Filling, Failure> {
        let Self { pool, projection, schema, lock } = self;
        let applier = Applier::aside(projection, &schema, &pool, servers.log).await?;
        let seen = applier.checkpoints().lowest();
        let throttle = Throttle::new(servers.most_per_second);
        let mut follow = servers.batches.follow(consumer(projection));
        follow.subject.clone_from(&share);
        follow.batch_bytes = follow.batch_bytes.saturating_mul(STRIDE);
        follow.batch_events = throttle.batch_events(follow.batch_events.saturating_mul(STRIDE));
        let (sender, batches) = mpsc::channel(2);
        tokio::spawn(read(servers.log.follow(seen, follow), sender));
        Ok(Filling {
            projection,
            schema,
            pool,
            log: servers.log.clone(),
            applier,
            batches,
            share,
            ahead: Vec::new(),
            seen,
            events: 0,
            throttle,
            progress: Progress::begin(projection, seen, servers.json),
            _lock: lock,
        })
    }
}

/// Takes the lock, for which the database may need a moment to notice that its last holder was killed.
async fn take(pool: &PgPool, projection: Projection) -> Result<Option<Lock>, sqlx::Error> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = Lock::try_take(pool, projection.replay_lock_key()).await? {
            return Ok(Some(lock));
        }
        sleep(PAUSE).await;
    }
    Ok(None)
}

/// Waits for what the database still does for a process that was killed: it ends its statement first, making an index for
/// instance, and only then sees that nobody waits for it.
async fn remains_end(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let query = "select count(*) from pg_stat_activity
                 where application_name = $1 and datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()";
    loop {
        let remains: i64 = sqlx::query_scalar(query).bind(name).fetch_one(pool).await?;
        if remains == 0 {
            return Ok(());
        }
        tracing::info!(statements = remains, "waiting for statements of a process that was killed");
        sleep(PAUSE).await;
    }
}

fn consumer(projection: Projection) -> String {
    format!("projector-rebuild-{}", projection.name())
}

async fn read(mut follower: Follower, sender: mpsc::Sender<Result<Vec<Read>, runtime::event_log::Error>>) {
    loop {
        let decoded = match follower.next().await {
            Ok(batch) => {
                batch.acknowledge().await;
                Ok(batch.events.iter().map(Read::of).collect())
            }
            Err(error) => Err(error),
        };
        let is_end = decoded.is_err();
        if sender.send(decoded).await.is_err() || is_end {
            return;
        }
    }
}

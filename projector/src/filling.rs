//! Filling a generation that does not serve: beside the serving one up to the same sequence, and then in its place.

use crate::apply::Applier;
use crate::checkpoints::{Checkpoints, every_shard};
use crate::lock::Lock;
use crate::positioned::Read;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::throttle::Throttle;
use crate::{config, generation};
use runtime::event_log::Follower;
use runtime::{EventLog, postgres};
use sqlx::{PgPool, Postgres, Transaction};
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// So near to the head of the log, the rest is left for the moment in which the serving tables stand still.
const NEAR: u64 = 500;
/// So far behind the head of the log, the serving tables are not waited for to be compared with.
const FAR: u64 = 100_000;
/// How often a switch is tried while readers, a backup for instance, do not let go of the tables.
const ATTEMPTS: u32 = 60;
/// A serving generation that did not move for so long has no projector whose word on the cache still stands.
const STANDSTILL: Duration = Duration::from_secs(3);
/// How often the lock is asked for.
const LOCK_ATTEMPTS: u32 = 6;
/// Between two attempts readers and the projector go on.
const PAUSE: Duration = Duration::from_millis(500);

type Failure = Box<dyn Error + Send + Sync>;

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

/// A generation on its way to a sequence.
pub(crate) struct Filling {
    pub(crate) projection: Projection,
    pub(crate) schema: &'static str,
    pub(crate) pool: PgPool,
    log: EventLog,
    applier: Applier,
    batches: mpsc::Receiver<Result<Vec<Read>, runtime::event_log::Error>>,
    /// Events that were read but lie beyond what was asked for so far.
    ahead: Vec<Read>,
    /// Up to where the log was read.
    seen: u64,
    /// Events that this process has applied.
    pub(crate) events: u64,
    throttle: Throttle,
    progress: Progress,
    /// Held until all is done.
    _lock: Lock,
}

/// How far a generation is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// To where the serving generation stands, so that both can be compared.
    Serving,
    /// To where the log ends.
    Head,
}

/// The right to fill generations of a projection beside the serving one.
pub(crate) struct Right {
    pub(crate) pool: PgPool,
    projection: Projection,
    schema: &'static str,
    lock: Lock,
}

impl Right {
    /// Takes it, for one of the schemas that do not serve.
    pub(crate) async fn take(
        servers: &Servers<'_>,
        projection: Projection,
        schema: &'static str,
    ) -> Result<Self, Failure> {
        let pool = postgres::pool_without_sync(servers.postgres, &consumer(projection), schema)?;
        let lock = take(&pool, projection)
            .await?
            .ok_or("another rebuild, check or comparison of this projection is under way")?;
        remains_end(&pool, &consumer(projection)).await?;
        Ok(Self { pool, projection, schema, lock })
    }

    /// Begins to fill where the schema's checkpoints stand.
    pub(crate) async fn fill(self, servers: &Servers<'_>) -> Result<Filling, Failure> {
        let Self { pool, projection, schema, lock } = self;
        let applier = Applier::aside(projection, schema, &pool, servers.log).await?;
        let seen = applier.checkpoints().lowest();
        let throttle = Throttle::new(servers.most_per_second);
        let mut follow = servers.batches.follow(consumer(projection));
        follow.batch_events = throttle.batch_events(follow.batch_events);
        let (sender, batches) = mpsc::channel(2);
        tokio::spawn(read(servers.log.follow(seen, follow), sender));
        Ok(Filling {
            projection,
            schema,
            pool,
            log: servers.log.clone(),
            applier,
            batches,
            ahead: Vec::new(),
            seen,
            events: 0,
            throttle,
            progress: Progress::begin(projection, seen, servers.json),
            _lock: lock,
        })
    }
}

impl Filling {
    /// Up to where it can be filled and be compared then: serving tables that are far behind are not waited for.
    pub(crate) async fn comparable(&self) -> Result<Until, Failure> {
        let behind = self.log.head().await?.saturating_sub(self.end(Until::Serving).await?);
        Ok(if behind <= FAR { Until::Serving } else { Until::Head })
    }

    /// Applies the log, makes what indexes are missing, and applies what was appended meanwhile.
    pub(crate) async fn catch_up(&mut self, until: Until) -> Result<(), Failure> {
        self.close_in(until).await?;
        self.progress.phase("indexing");
        generation::make_indexes(&self.pool, self.projection).await?;
        self.progress.phase("filling");
        self.close_in(until).await?;
        self.settle().await
    }

    /// What was parked on the way may have been decided meanwhile, or have nothing in its way any more.
    async fn settle(&mut self) -> Result<(), Failure> {
        self.applier.parking().reload(&self.pool, self.projection).await?;
        self.applier.settle().await?;
        let parked = self.applier.parking().streams.len();
        if parked > 0 {
            let projection = self.projection.name();
            tracing::warn!(
                projection,
                streams = parked,
                "events of this generation wait: see `projector failures list`"
            );
        }
        Ok(())
    }

    /// Applies events until the end is near, however fast that moves.
    async fn close_in(&mut self, until: Until) -> Result<(), Failure> {
        loop {
            let end = self.end(until).await?;
            self.progress.head(end);
            self.up_to(&Checkpoints::all_at(every_shard(), end), true).await?;
            if self.end(until).await?.saturating_sub(self.checkpoint()) <= NEAR {
                return Ok(());
            }
        }
    }

    async fn end(&self, until: Until) -> Result<u64, Failure> {
        Ok(match until {
            Until::Head => self.log.head().await?,
            Until::Serving => {
                let serving = self.projection.schema();
                let at = generation::checkpoints(&mut *self.pool.acquire().await?, self.projection, serving).await?;
                at.ok_or("there are no serving tables: run `projector migrate`")?.lowest()
            }
        })
    }

    /// Both generations at one sequence, in a snapshot that sees them so for as long as it is kept. The projector waits
    /// only until this returns, and readers do not at all. `None` when the serving generation stays behind this one.
    pub(crate) async fn side_by_side(&mut self) -> Result<Option<(Transaction<'static, Postgres>, u64)>, Failure> {
        for _ in 0..ATTEMPTS {
            let mut holding = self.pool.begin().await?;
            let serving = generation::hold(&mut holding, self.projection).await?;
            if serving.is_behind(self.applier.checkpoints()) {
                holding.rollback().await?;
                sleep(PAUSE).await;
                continue;
            }
            self.up_to(&serving, false).await?;
            let mut snapshot = self.pool.begin_with("begin isolation level repeatable read, read only").await?;
            // The first statement is the moment that it shows.
            sqlx::query("select 1").execute(&mut *snapshot).await?;
            holding.rollback().await?;
            self.progress.phase("comparing");
            return Ok(Some((snapshot, self.applier.checkpoints().highest())));
        }
        Ok(None)
    }

    /// Puts this generation in the serving one's place in one transaction, at the same sequence or a later one; says which.
    pub(crate) async fn take_over(&mut self) -> Result<u64, Failure> {
        self.progress.phase("switching");
        let mut stood = (Checkpoints::default(), Instant::now());
        for _ in 0..ATTEMPTS {
            let until = self.comparable().await?;
            self.close_in(until).await?;
            let mut transaction = self.pool.begin().await?;
            let serving = generation::hold(&mut transaction, self.projection).await?;
            if serving != stood.0 {
                stood = (serving.clone(), Instant::now());
            }
            // No projector fenced what none has applied yet: answers from before could be cached.
            let is_ahead = serving.is_behind(self.applier.checkpoints());
            if is_ahead && until == Until::Serving && stood.1.elapsed() < STANDSTILL {
                transaction.rollback().await?;
                sleep(PAUSE).await;
                continue;
            }
            self.up_to(&serving, false).await?;
            if self.applier.parking().reload(&self.pool, self.projection).await? {
                self.applier.settle().await?;
            }
            match generation::switch(&mut transaction, self.projection, self.schema).await {
                Ok(()) => {
                    transaction.commit().await?;
                    return Ok(self.applier.checkpoints().highest());
                }
                Err(error) if generation::is_busy(&error) => {
                    transaction.rollback().await?;
                    tracing::warn!("the serving tables are being read for long, trying the switch again");
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err("the serving tables are read without end, by a backup for instance: nothing was switched".into())
    }

    /// Ends the progress that is shown.
    pub(crate) fn finish(&mut self) {
        self.progress.finish();
    }

    /// Up to where it shows the log.
    pub(crate) fn checkpoint(&self) -> u64 {
        self.applier.checkpoints().lowest()
    }

    /// Applies every event up to a sequence of the log, which each shard has of its own. While the serving tables wait,
    /// there is no throttle.
    async fn up_to(&mut self, end: &Checkpoints, is_throttled: bool) -> Result<(), Failure> {
        let end = self.applier.checkpoints().at_least_as(end);
        while self.applier.checkpoints().is_behind(&end) {
            if self.seen < end.highest() {
                self.ahead.extend(self.batches.recv().await.ok_or("the log cannot be followed")??);
                self.seen = self.ahead.last().map_or(self.seen, |read| read.sequence().max(self.seen));
            }
            let done = self.applier.checkpoints();
            let to = end.at_most(self.seen).at_least_as(done);
            let read = std::mem::take(&mut self.ahead).into_iter().filter(|read| !done.cover(read));
            let (events, ahead): (Vec<Read>, Vec<Read>) = read.partition(|read| to.cover(read));
            self.ahead = ahead;
            let count = events.len();
            self.applier.write(to, events).await?.commit().await?;
            self.events += count as u64;
            self.progress.at(self.checkpoint(), self.events);
            if is_throttled {
                self.throttle.after(count).await;
            }
        }
        Ok(())
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

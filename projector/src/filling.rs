//! Filling a generation that does not serve: beside the serving one up to the same sequence, and then in its place.

mod right;

pub(crate) use right::{Right, Servers};

use crate::apply::Applier;
use crate::checkpoints::{Checkpoints, every_shard};
use crate::generation;
use crate::lock::Lock;
use crate::positioned::Read;
use crate::progress::Progress;
use crate::projection::Projection;
use crate::throttle::Throttle;
use runtime::EventLog;
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
/// How long a word on the cache still stands that nobody renews, with room for one that was on its way.
const LAPSE: Duration = Duration::from_secs(2);
/// Between two attempts readers and the projector go on.
const PAUSE: Duration = Duration::from_millis(500);

type Failure = Box<dyn Error + Send + Sync>;

/// A generation on its way to a sequence.
pub(crate) struct Filling {
    pub(crate) projection: Projection,
    pub(crate) schema: String,
    pub(crate) pool: PgPool,
    log: EventLog,
    applier: Applier,
    batches: mpsc::Receiver<Result<Vec<Read>, runtime::event_log::Error>>,
    /// The subject of the events that are read, if not all of them are.
    share: Option<String>,
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
    /// To a sequence, and no further.
    Sequence(u64),
}

impl Filling {
    /// Up to where it can be filled and be compared then: serving tables that are far behind are not waited for.
    pub(crate) async fn comparable(&self) -> Result<Until, Failure> {
        let serving = Checkpoints::load(&self.pool, self.projection, self.projection.schema()).await?;
        let behind = self.log.head().await?.saturating_sub(serving.lowest());
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

    /// Applies what is parked once more if anything was decided since.
    async fn reconsider(&mut self) -> Result<(), Failure> {
        if self.applier.parking().reload(&self.pool, self.projection).await? {
            self.applier.settle().await?;
        }
        Ok(())
    }

    /// Applies events until the end is near, however fast that moves.
    async fn close_in(&mut self, until: Until) -> Result<(), Failure> {
        loop {
            let end = self.end(until).await?;
            self.progress.head(end.highest());
            self.up_to(&end, true).await?;
            if self.applier.checkpoints().distance_to(&self.end(until).await?) <= NEAR {
                return Ok(());
            }
        }
    }

    /// Where each shard is to stand.
    async fn end(&self, until: Until) -> Result<Checkpoints, Failure> {
        let everywhere = |sequence| Checkpoints::all_at(every_shard(), sequence);
        Ok(match until {
            Until::Head => everywhere(self.log.head().await?),
            Until::Sequence(sequence) => everywhere(sequence),
            Until::Serving => {
                let serving = self.projection.schema();
                let at = generation::checkpoints(&mut *self.pool.acquire().await?, self.projection, serving).await?;
                let at = at.ok_or("there are no serving tables: run `projector migrate`")?;
                // What one of them lacks has to be kept in memory until it has it.
                if at.highest() - at.lowest() > FAR {
                    return Err("a shard stands far behind the others: see `projector status`".into());
                }
                at
            }
        })
    }

    /// Both generations at one sequence, in a snapshot that sees them so for as long as it is kept. The projector waits
    /// only until this returns, and readers do not at all. `None` when the serving generation stays behind this one.
    pub(crate) async fn side_by_side(&mut self) -> Result<Option<(Transaction<'static, Postgres>, u64)>, Failure> {
        let Some((holding, sequence)) = self.held().await? else { return Ok(None) };
        let mut snapshot = self.pool.begin_with("begin isolation level repeatable read, read only").await?;
        // The first statement is the moment that it shows.
        sqlx::query("select 1").execute(&mut *snapshot).await?;
        holding.rollback().await?;
        self.progress.phase("comparing");
        Ok(Some((snapshot, sequence)))
    }

    /// Both generations at one sequence, for as long as the transaction holds the serving one there. `None` when that stays
    /// behind this one.
    pub(crate) async fn held(&mut self) -> Result<Option<(Transaction<'static, Postgres>, u64)>, Failure> {
        for _ in 0..ATTEMPTS {
            let mut holding = self.pool.begin().await?;
            let serving = generation::hold(&mut holding, self.projection).await?;
            if serving.is_behind(self.applier.checkpoints()) {
                holding.rollback().await?;
                sleep(PAUSE).await;
                continue;
            }
            self.up_to(&serving, false).await?;
            self.reconsider().await?;
            return Ok(Some((holding, self.applier.checkpoints().highest())));
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
            if serving.is_behind(self.applier.checkpoints()) {
                if until == Until::Serving && stood.1.elapsed() < STANDSTILL {
                    transaction.rollback().await?;
                    sleep(PAUSE).await;
                    continue;
                }
                // While the tables are held nobody renews a word on the cache.
                sleep(LAPSE).await;
            }
            self.up_to(&serving, false).await?;
            self.reconsider().await?;
            match generation::switch(&mut transaction, self.projection, &self.schema).await {
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
        // Of a share nothing may come after its last event, which would say that all before the sequence is there.
        let last_of_share = match &self.share {
            Some(subject) => self.log.last_under(subject).await?.unwrap_or(0),
            None => u64::MAX,
        };
        let end = self.applier.checkpoints().at_least_as(end);
        while self.applier.checkpoints().is_behind(&end) {
            if self.seen >= last_of_share {
                self.seen = self.seen.max(end.highest());
            } else if self.seen < end.highest() {
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

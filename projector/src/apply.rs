//! One batch, one transaction: the rows and the checkpoints of its shards move together, so each event counts exactly once,
//! whatever dies when. The checkpoints move first: that stops at once a projector that has been replaced, or whose tables
//! have been.

use crate::checkpoints::{Checkpoints, Mover};
use crate::documents::{Changes, Way};
use crate::error::Error;
use crate::failures::decisions;
use crate::knowledge::Knowledge;
use crate::leases::Held;
use crate::parking::{self, Parking, Sorted};
use crate::positioned::{Positioned, Read};
use crate::projection::Projection;
use events::{DocumentId, Stream, WorkspaceId};
use runtime::EventLog;
use runtime::service::chain;
use sqlx::{PgPool, Postgres, Transaction};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// How often a batch is tried that fails for what is in it, before that is parked, and the first pause between; each
/// further one is twice as long.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// Applies the batches of one projection, one after another. When a batch fails, what it remembers may be ahead of the
/// tables: another one must begin at the checkpoint.
pub(crate) struct Applier {
    pool: PgPool,
    log: EventLog,
    mover: Mover,
    /// Where its shards stand; it applies nothing of others.
    checkpoints: Checkpoints,
    knowledge: Knowledge,
    parking: Parking,
}

/// A document that a batch changes and that could be cached, with its new sequence.
pub(crate) type ChangedDocument = (WorkspaceId, DocumentId, u64);

/// A batch whose transaction is written but not committed.
pub(crate) struct Pending {
    transaction: Transaction<'static, Postgres>,
    pub(crate) changed: Vec<ChangedDocument>,
    /// Sequences of the events that it parks.
    pub(crate) parked: Vec<u64>,
}

impl Applier {
    /// Begins with all shards, on a pool whose search path is a generation that does not serve.
    pub(crate) async fn aside(
        projection: Projection,
        schema: &str,
        pool: &PgPool,
        log: &EventLog,
    ) -> Result<Self, Error> {
        let checkpoints = Checkpoints::load(pool, projection, schema).await?;
        Self::begin(projection, pool, log, checkpoints, None).await
    }

    /// Begins with the shards that an owner holds, on a pool whose search path is the serving generation.
    pub(crate) async fn serving(
        projection: Projection,
        pool: &PgPool,
        log: &EventLog,
        held: &Held,
    ) -> Result<Self, Error> {
        // Whatever another has begun there ends first, and what it parked or released is seen.
        let mut transaction = pool.begin().await?;
        let checkpoints = Checkpoints::hold(&mut transaction, projection, &held.shards).await?;
        let applier = Self::begin(projection, pool, log, checkpoints, Some(held.owner)).await?;
        transaction.rollback().await?;
        Ok(applier)
    }

    async fn begin(
        projection: Projection,
        pool: &PgPool,
        log: &EventLog,
        checkpoints: Checkpoints,
        owner: Option<Uuid>,
    ) -> Result<Self, Error> {
        let mover = Mover { projection, table: table(pool).await?, owner };
        if projection == Projection::Knowledge {
            Knowledge::stamp(pool).await?;
        }
        let knowledge = Knowledge::new(log.clone());
        let parking = Parking::load(pool, projection).await?;
        Ok(Self { pool: pool.clone(), log: log.clone(), mover, checkpoints, knowledge, parking })
    }

    /// Whether its serving tables are as it knows them: others can take their place while nothing happens, and a database
    /// that crashed may have lost the last commits. Waits while somebody holds them.
    pub(crate) async fn is_up_to_date(&self) -> Result<bool, Error> {
        sqlx::query!("select from checkpoint where shard < 0 for share").execute(&self.pool).await?;
        let projection = self.mover.projection;
        let there = Checkpoints::load(&self.pool, projection, projection.schema()).await?;
        Ok(there.contain(&self.checkpoints) && table(&self.pool).await? == self.mover.table)
    }

    /// Where its shards stand.
    pub(crate) const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Moves checkpoints alone: there was nothing for these shards on the way.
    pub(crate) async fn pass(&mut self, to: &Checkpoints) -> Result<(), Error> {
        self.move_checkpoints(to).await?.commit().await?;
        self.checkpoints.set(to);
        Ok(())
    }

    /// Writes what follows in the log for its shards, and moves them. What cannot be applied is parked.
    pub(crate) async fn write(&mut self, to: Checkpoints, batch: Vec<Read>) -> Result<Pending, Error> {
        let sorted = self.parking.sort(batch);
        self.write_sorted(to, sorted, ATTEMPTS).await
    }

    /// Writes what a stream has parked once more, up to so many events; what still cannot be applied stays parked.
    pub(crate) async fn write_parked(&mut self, stream: Stream, parked: Vec<Read>) -> Result<Pending, Error> {
        let sequences: Vec<u64> = parked.iter().map(Read::sequence).collect();
        self.parking.streams.remove(&stream);
        let sorted = self.parking.sort(parked);
        let stays = self.checkpoints.only(&[stream.partition()]);
        let mut pending = self.write_sorted(stays, sorted, 1).await?;
        let kept: HashSet<u64> = pending.parked.iter().copied().collect();
        let released: Vec<u64> = sequences.into_iter().filter(|sequence| !kept.contains(sequence)).collect();
        parking::release(&mut pending.transaction, &released).await?;
        parking::mark_interrupted(&mut pending.transaction, &stream).await?;
        Ok(pending)
    }

    /// Applies what the tables have parked once more, as far as it can be: what stood in the way may be gone, or decided.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        let streams: Vec<Stream> = self.parking.streams.iter().copied().collect();
        for stream in streams {
            loop {
                let parked = decisions::parked(&self.pool, &self.log, &stream).await?;
                let is_through = parked.is_empty();
                let pending = self.write_parked(stream, parked).await?;
                let is_stuck = !pending.parked.is_empty();
                pending.commit().await?;
                if is_stuck || is_through {
                    break;
                }
            }
        }
        Ok(())
    }

    /// What it has parked.
    pub(crate) const fn parking(&mut self) -> &mut Parking {
        &mut self.parking
    }

    async fn write_sorted(&mut self, to: Checkpoints, mut sorted: Sorted, attempts: u32) -> Result<Pending, Error> {
        let (mut attempt, mut good) = (1, 0);
        // The same for every part of it that is tried.
        let way = Way::for_events(sorted.events.len());
        let mut pending = loop {
            let error = match self.fold(&to, &sorted.events, way).await {
                Ok(pending) => break pending,
                Err(error) if error.is_of_an_event() && !sorted.events.is_empty() => error,
                Err(error) => return Err(error),
            };
            // It remembers what is not in the tables.
            self.knowledge = Knowledge::new(self.log.clone());
            if attempt < attempts {
                tracing::warn!(error = chain(&error), "a batch was not applied, trying again");
                sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
                continue;
            }
            let (culprit, error) = self.culprit(&to, &sorted.events, way, good, error).await?;
            if let Some(positioned) = sorted.events.get(culprit) {
                let (sequence, stream) = (positioned.sequence, positioned.envelope.stream.subject());
                tracing::error!(error = chain(&error), sequence, stream, "an event cannot be applied and is parked");
            }
            sorted.park(culprit, &error);
            // What stands before it was found good.
            good = culprit;
        };
        parking::save(&mut pending.transaction, &sorted.parked).await?;
        pending.parked = sorted.parked.iter().map(|parked| parked.sequence).collect();
        self.parking.streams.extend(sorted.parked.iter().map(|parked| parked.stream));
        self.checkpoints.set(&to);
        Ok(pending)
    }

    /// The event for which a batch fails, and how: the last one of the shortest beginning that fails.
    async fn culprit(
        &mut self,
        to: &Checkpoints,
        events: &[Positioned],
        way: Way,
        mut good: usize,
        mut error: Error,
    ) -> Result<(usize, Error), Error> {
        if let Some(named) = error.sequence().and_then(|named| events.iter().position(|event| event.sequence == named))
        {
            return Ok((named, error));
        }
        let mut bad = events.len();
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            match self.fold(to, &events[..middle], way).await {
                Ok(pending) => {
                    pending.transaction.rollback().await?;
                    good = middle;
                }
                Err(found) if found.is_of_an_event() => (bad, error) = (middle, found),
                Err(other) => return Err(other),
            }
            self.knowledge = Knowledge::new(self.log.clone());
        }
        Ok((bad - 1, error))
    }

    async fn fold(&mut self, to: &Checkpoints, batch: &[Positioned], way: Way) -> Result<Pending, Error> {
        match self.mover.projection {
            Projection::Documents => {
                let mut transaction = self.move_checkpoints(to).await?;
                let changed = Changes::of(batch).write(&mut transaction, way).await?;
                Ok(Pending { transaction, changed, parked: Vec::new() })
            }
            Projection::Knowledge => {
                // Analysing takes long and needs no lock.
                let prepared = self.knowledge.prepare(&self.pool, batch).await?;
                let mut transaction = self.move_checkpoints(to).await?;
                self.knowledge.write(&mut transaction, prepared, batch).await?;
                Ok(Pending { transaction, changed: Vec::new(), parked: Vec::new() })
            }
        }
    }

    /// Begins a transaction that moves checkpoints.
    async fn move_checkpoints(&self, to: &Checkpoints) -> Result<Transaction<'static, Postgres>, Error> {
        let mut transaction = self.pool.begin().await?;
        self.mover.advance(&mut transaction, &self.checkpoints, to).await?;
        Ok(transaction)
    }
}

impl Pending {
    /// Adds to it.
    pub(crate) const fn transaction(&mut self) -> &mut Transaction<'static, Postgres> {
        &mut self.transaction
    }

    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }
}

/// Which table of checkpoints the name stands for now.
async fn table(pool: &PgPool) -> Result<i64, sqlx::Error> {
    // A constant of type regclass would stay what it was when the statement was prepared.
    sqlx::query_scalar!(r#"select to_regclass('checkpoint')::oid::bigint as "table!""#).fetch_one(pool).await
}

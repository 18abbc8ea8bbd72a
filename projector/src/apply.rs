//! One batch, one transaction: the rows and the checkpoint move together, so each event counts exactly once, whatever
//! dies when. The checkpoint moves first, and only from where this process thinks it is and in the table it knows: that
//! takes its row's lock, and stops at once a projector that has been replaced, or whose tables have been.

use crate::documents::Changes;
use crate::error::Error;
use crate::failures::decisions;
use crate::knowledge::Knowledge;
use crate::parking::{self, Parking, Sorted};
use crate::positioned::{Positioned, Read};
use crate::projection::Projection;
use events::{DocumentId, Stream, WorkspaceId};
use runtime::EventLog;
use runtime::service::chain;
use sqlx::PgPool;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;

/// How often a batch is tried that fails for what is in it, before that is parked, and the first pause between; each
/// further one is twice as long.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// Applies the batches of one projection, one after another. When a batch fails, what it remembers may be ahead of the
/// tables: another one must begin at the checkpoint.
pub(crate) struct Applier {
    projection: Projection,
    pool: PgPool,
    log: EventLog,
    /// Which table of checkpoints it moves: another generation has another, under the same name.
    table: i64,
    knowledge: Knowledge,
    parking: Parking,
}

/// A batch whose transaction is written but not committed.
pub(crate) struct Pending {
    transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    /// The documents that it changes and that could be cached, with their new sequences.
    pub(crate) changed: Vec<(WorkspaceId, DocumentId, u64)>,
    /// Sequences of the events that it parks.
    pub(crate) parked: Vec<u64>,
}

impl Applier {
    /// Begins on a pool whose search path is a generation of the projection; says where that stands.
    pub(crate) async fn begin(projection: Projection, pool: &PgPool, log: &EventLog) -> Result<(Self, u64), Error> {
        let at = sqlx::query!(
            r#"select sequence, tableoid::bigint as "table!" from checkpoint where projection = $1"#,
            projection.name()
        )
        .fetch_one(pool)
        .await?;
        let knowledge = Knowledge::new(log.clone());
        if projection == Projection::Knowledge {
            knowledge.stamp(pool).await?;
        }
        let parking = Parking::load(pool, projection).await?;
        let (pool, log) = (pool.clone(), log.clone());
        Ok((Self { projection, pool, log, table: at.table, knowledge, parking }, to_u64(at.sequence)))
    }

    /// Whether its tables are still those that the name stands for: others can take their place while nothing happens.
    pub(crate) async fn is_on_its_tables(&self) -> Result<bool, Error> {
        let at = sqlx::query!(
            r#"select sequence, tableoid::bigint as "table!" from checkpoint where projection = $1"#,
            self.projection.name()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(at.table == self.table)
    }

    /// Writes a batch that begins right after `checkpoint` and ends at `last`. What cannot be applied is parked.
    pub(crate) async fn write(&mut self, checkpoint: u64, last: u64, batch: Vec<Read>) -> Result<Pending, Error> {
        let sorted = self.parking.sort(batch);
        self.write_sorted(checkpoint, last, sorted, ATTEMPTS).await
    }

    /// Writes what a stream has parked once more, up to so many events; what still cannot be applied stays parked.
    pub(crate) async fn write_parked(
        &mut self,
        checkpoint: u64,
        stream: Stream,
        parked: Vec<Read>,
    ) -> Result<Pending, Error> {
        let sequences: Vec<u64> = parked.iter().map(Read::sequence).collect();
        self.parking.streams.remove(&stream);
        let sorted = self.parking.sort(parked);
        let mut pending = self.write_sorted(checkpoint, checkpoint, sorted, 1).await?;
        let kept: HashSet<u64> = pending.parked.iter().copied().collect();
        let released: Vec<u64> = sequences.into_iter().filter(|sequence| !kept.contains(sequence)).collect();
        parking::release(&mut pending.transaction, &released).await?;
        parking::mark_interrupted(&mut pending.transaction, &stream).await?;
        Ok(pending)
    }

    /// Applies what the tables have parked once more, as far as it can be: what stood in the way may be gone, or decided.
    pub(crate) async fn settle(&mut self, checkpoint: u64) -> Result<(), Error> {
        let streams: Vec<Stream> = self.parking.streams.iter().copied().collect();
        for stream in streams {
            loop {
                let parked = decisions::parked(&self.pool, &self.log, &stream).await?;
                let is_through = parked.is_empty();
                let pending = self.write_parked(checkpoint, stream, parked).await?;
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

    async fn write_sorted(&mut self, from: u64, to: u64, mut sorted: Sorted, attempts: u32) -> Result<Pending, Error> {
        let (mut attempt, mut good) = (1, 0);
        let mut pending = loop {
            let error = match self.fold(from, to, &sorted.events).await {
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
            let (culprit, error) = self.culprit(from, to, &sorted.events, good, error).await?;
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
        Ok(pending)
    }

    /// The event for which a batch fails, and how: the last one of the shortest beginning that fails.
    async fn culprit(
        &mut self,
        from: u64,
        to: u64,
        events: &[Positioned],
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
            match self.fold(from, to, &events[..middle]).await {
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

    async fn fold(&mut self, from: u64, to: u64, batch: &[Positioned]) -> Result<Pending, Error> {
        match self.projection {
            Projection::Documents => {
                let mut transaction = self.move_checkpoint(from, to).await?;
                let changed = Changes::of(batch).write(&mut transaction).await?;
                Ok(Pending { transaction, changed, parked: Vec::new() })
            }
            Projection::Knowledge => {
                // Analysing takes long and needs no lock.
                let prepared = self.knowledge.prepare(&self.pool, batch).await?;
                let mut transaction = self.move_checkpoint(from, to).await?;
                self.knowledge.write(&mut transaction, prepared, batch).await?;
                Ok(Pending { transaction, changed: Vec::new(), parked: Vec::new() })
            }
        }
    }

    /// Begins a transaction that moves the checkpoint.
    async fn move_checkpoint(&self, from: u64, to: u64) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, Error> {
        let mut transaction = self.pool.begin().await?;
        let moved = sqlx::query!(
            "update checkpoint set sequence = $3 where projection = $1 and sequence = $2 and tableoid::bigint = $4",
            self.projection.name(),
            to_i64(from),
            to_i64(to),
            self.table
        )
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 1 { Ok(transaction) } else { Err(Error::Displaced) }
    }
}

impl Pending {
    /// Adds to it.
    pub(crate) const fn transaction(&mut self) -> &mut sqlx::Transaction<'static, sqlx::Postgres> {
        &mut self.transaction
    }

    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }
}

/// Where a projection stands.
pub(crate) async fn checkpoint(pool: &PgPool, projection: Projection) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("select sequence from checkpoint where projection = $1", projection.name())
        .fetch_one(pool)
        .await?;
    Ok(to_u64(sequence))
}

/// The database has no unsigned numbers; a log of 2^63 events is out of reach.
pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Back from the database.
pub(crate) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

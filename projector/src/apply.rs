//! One batch, one transaction: the rows and the checkpoint move together, so each event counts exactly once, whatever
//! dies when. The checkpoint moves first, and only from where this process thinks it is and in the table it knows: that
//! takes its row's lock, and stops at once a projector that has been replaced, or whose tables have been.

use crate::documents::Changes;
use crate::knowledge::Knowledge;
use crate::projection::Projection;
use events::{AnyEvent, DocumentId, Envelope, WorkspaceId};
use runtime::{EventLog, event_log};
use sqlx::PgPool;

/// An event with its position.
pub(crate) struct Positioned {
    /// Its sequence.
    pub(crate) sequence: u64,
    /// The event.
    pub(crate) envelope: Envelope<AnyEvent>,
}

/// Why a batch was not applied; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The checkpoint is not where it was thought to be.
    #[error("the checkpoint was moved by somebody else")]
    Displaced,
    /// The tables were filled by another analysis.
    #[error(
        "knowledge was filled by analysis {filled:?} and this program has {}: see `projector compare`, then run `projector \
         rebuild --projection knowledge`",
        analysis::VERSION
    )]
    OtherAnalysis {
        /// The versions that filled them.
        filled: Vec<i32>,
    },
    /// An event does not fit what came before it.
    #[error("event {sequence} edits a document that was never uploaded")]
    Orphan {
        /// Its sequence.
        sequence: u64,
    },
    /// A row that this program wrote cannot be read back.
    #[error("the tables hold what no version of this program wrote: {0}")]
    Unreadable(&'static str),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A text could not be fetched.
    #[error("a text could not be fetched")]
    Text(#[from] event_log::Error),
}

/// Applies the batches of one projection, one after another. When a batch fails, what it remembers may be ahead of the
/// tables: another one must begin at the checkpoint.
pub(crate) struct Applier {
    projection: Projection,
    pool: PgPool,
    /// Which table of checkpoints it moves: another generation has another, under the same name.
    table: i64,
    knowledge: Knowledge,
}

/// A batch whose transaction is written but not committed.
pub(crate) struct Pending {
    transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    /// The documents that it changes and that could be cached, with their new sequences.
    pub(crate) changed: Vec<(WorkspaceId, DocumentId, u64)>,
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
        let mut knowledge = Knowledge::new(log.clone());
        if projection == Projection::Knowledge {
            knowledge.stamp(pool).await?;
        }
        Ok((Self { projection, pool: pool.clone(), table: at.table, knowledge }, to_u64(at.sequence)))
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

    /// Writes a batch that begins right after `checkpoint` and ends at `last`.
    pub(crate) async fn write(&mut self, checkpoint: u64, last: u64, batch: &[Positioned]) -> Result<Pending, Error> {
        match self.projection {
            Projection::Documents => {
                let mut transaction = self.move_checkpoint(checkpoint, last).await?;
                let changed = Changes::of(batch).write(&mut transaction).await?;
                Ok(Pending { transaction, changed })
            }
            Projection::Knowledge => {
                // Analysing takes long and needs no lock.
                let prepared = self.knowledge.prepare(&self.pool, batch).await?;
                let mut transaction = self.move_checkpoint(checkpoint, last).await?;
                self.knowledge.write(&mut transaction, prepared, batch).await?;
                Ok(Pending { transaction, changed: Vec::new() })
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

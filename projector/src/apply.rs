//! One batch, one transaction: the rows and the checkpoint move together, so each event counts exactly once, whatever
//! dies when. The checkpoint moves first, and only from where this process thinks it is: that takes its row's lock, and
//! stops at once a projector that has been replaced, or tables that have been.

use crate::documents::{self, Changes};
use events::{AnyEvent, DocumentId, Envelope, WorkspaceId};
use sqlx::{PgConnection, PgPool};

/// Name of the projection, in checkpoints and metrics.
pub(crate) const PROJECTION: &str = "documents";

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
    /// An event does not fit what came before it.
    #[error("event {sequence} edits a document that was never uploaded")]
    Orphan {
        /// Its sequence.
        sequence: u64,
    },
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// A batch whose transaction is written but not committed.
pub(crate) struct Pending {
    transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    /// The documents that it changes and that could be cached, with their new sequences.
    pub(crate) changed: Vec<(WorkspaceId, DocumentId, u64)>,
}

/// Writes a batch that begins right after `checkpoint` and ends at `last`.
pub(crate) async fn write(pool: &PgPool, checkpoint: u64, last: u64, batch: &[Positioned]) -> Result<Pending, Error> {
    let mut transaction = pool.begin().await?;
    move_checkpoint(&mut transaction, checkpoint, last).await?;
    let changes = Changes::of(batch);
    let changed = changes.write(&mut transaction).await?;
    Ok(Pending { transaction, changed })
}

impl Pending {
    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }
}

/// Where the projection stands.
pub(crate) async fn checkpoint(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("select sequence from checkpoint where projection = $1", PROJECTION)
        .fetch_one(pool)
        .await?;
    Ok(documents::to_u64(sequence))
}

async fn move_checkpoint(connection: &mut PgConnection, from: u64, to: u64) -> Result<(), Error> {
    let moved = sqlx::query!(
        "update checkpoint set sequence = $3 where projection = $1 and sequence = $2",
        PROJECTION,
        documents::to_i64(from),
        documents::to_i64(to)
    )
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::Displaced) }
}

//! What operators decided about parked events, as the projector carries it out: it alone may write the read models.

use crate::error::Error;
use crate::numbers::to_u64;
use crate::parking;
use crate::positioned::Read;
use crate::projection::Projection;
use events::Stream;
use runtime::EventLog;
use sqlx::{PgExecutor, PgPool};

/// Decisions that are looked at in one go: most may be about shards of other projectors.
const LOOKED_AT: i64 = 200;
/// Parked events that are tried in one transaction.
const TOGETHER: i64 = 500;

/// A decision that nobody has carried out yet.
pub(crate) struct Decision {
    pub(crate) id: i64,
    pub(crate) sequence: u64,
    pub(crate) is_skip: bool,
    /// Whether it was carried out already, at least in part.
    pub(crate) took_hold: bool,
    /// The stream that the event holds up; `None` if it is not parked, or only waits itself.
    pub(crate) held_up: Option<Stream>,
}

/// Decides that what another version of this program has parked is tried once more: this one may be able to apply it. Once,
/// as it is then of this version.
pub(crate) async fn reconsider(pool: &PgPool, projection: Projection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with other as (
             update parked_event set version = $2 where version is distinct from $2 returning sequence, error
         )
         insert into operations.failure_decision (projection, sequence, action, reason, decided_by)
         select $1, sequence, 'retry', 'parked by another version of the projector', 'projector ' || $2
         from other where error is not null order by sequence",
        projection.name(),
        parking::VERSION
    )
    .execute(pool)
    .await
    .map(drop)
}

/// The oldest decisions about a projection.
pub(crate) async fn open(pool: &PgPool, projection: Projection) -> Result<Vec<Decision>, Error> {
    let rows = sqlx::query!(
        r#"select d.id, d.sequence, d.action, d.took_hold, p.workspace_id as "workspace_id?", p.aggregate as "aggregate?",
               p.stream_id as "stream_id?"
           from operations.failure_decision d
           left join parked_event p on p.sequence = d.sequence and p.error is not null
           where d.projection = $1 and d.done_at is null order by d.id limit $2"#,
        projection.name(),
        LOOKED_AT
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let held_up = match (row.aggregate, row.stream_id) {
                (Some(aggregate), Some(id)) => Some(parking::stream(row.workspace_id, &aggregate, id)?),
                _ => None,
            };
            let (id, sequence, took_hold) = (row.id, to_u64(row.sequence), row.took_hold);
            Ok(Decision { id, sequence, is_skip: row.action == "skip", took_hold, held_up })
        })
        .collect()
}

/// The first events that a stream has parked.
pub(crate) async fn parked(pool: &PgPool, log: &EventLog, stream: &Stream) -> Result<Vec<Read>, Error> {
    let sequences = sqlx::query_scalar!(
        "select sequence from parked_event
         where workspace_id is not distinct from $1 and aggregate = $2 and stream_id = $3 order by sequence limit $4",
        stream.workspace.map(|workspace| workspace.0),
        stream.aggregate.name(),
        stream.id,
        TOGETHER
    )
    .fetch_all(pool)
    .await?;
    let mut events = Vec::with_capacity(sequences.len());
    for sequence in sequences.into_iter().map(to_u64) {
        match log.at(sequence).await? {
            Some(recorded) => events.push(Read::of(&recorded)),
            None => {
                let error = "the log does not hold it any more".to_owned();
                events.push(Read::Unreadable { sequence, stream: *stream, error });
            }
        }
    }
    Ok(events)
}

/// Says that a decision is about an event that is parked: from then on it holds, also in rebuilds.
pub(crate) async fn takes_hold(executor: impl PgExecutor<'_>, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("update operations.failure_decision set took_hold = true where id = $1", id)
        .execute(executor)
        .await
        .map(drop)
}

/// Says what came of a decision.
pub(crate) async fn done(executor: impl PgExecutor<'_>, id: i64, outcome: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update operations.failure_decision set outcome = $2, done_at = now() where id = $1 and done_at is null",
        id,
        outcome
    )
    .execute(executor)
    .await
    .map(drop)
}

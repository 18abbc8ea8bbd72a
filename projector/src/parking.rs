//! Parking: an event that cannot be applied waits with its error, and the later ones of its stream wait behind it, while
//! everything else goes on. Nothing is left out but what an operator says is to be skipped.

use crate::error::Error;
use crate::numbers::{to_i64, to_u64};
use crate::positioned::{Positioned, Read};
use crate::projection::Projection;
use events::{Aggregate, Stream, WorkspaceId};
use runtime::service::chain;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// The version of this program: another one may be able to apply what this one parks.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a projection has parked, and what it was told to leave out.
#[derive(Default)]
pub(crate) struct Parking {
    /// Streams with an event that waits.
    pub(crate) streams: HashSet<Stream>,
    skipped: HashSet<u64>,
}

/// An event that waits.
pub(crate) struct Parked {
    pub(crate) sequence: u64,
    pub(crate) stream: Stream,
    /// Why it could not be applied; absent while it waits behind another.
    pub(crate) error: Option<String>,
}

/// A batch, sorted into what is to be applied and what waits.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) events: Vec<Positioned>,
    pub(crate) parked: Vec<Parked>,
}

impl Parking {
    /// What the tables say.
    pub(crate) async fn load(pool: &PgPool, projection: Projection) -> Result<Self, Error> {
        let rows = sqlx::query!("select distinct workspace_id, aggregate, stream_id from parked_event").fetch_all(pool);
        let rows = rows.await?;
        let mut streams = HashSet::with_capacity(rows.len());
        for row in rows {
            streams.insert(stream(row.workspace_id, &row.aggregate, row.stream_id)?);
        }
        Ok(Self { streams, skipped: skipped(pool, projection).await? })
    }

    /// Knows what was decided meanwhile; says whether there is anything new.
    pub(crate) async fn reload(&mut self, pool: &PgPool, projection: Projection) -> Result<bool, Error> {
        let skipped = skipped(pool, projection).await?;
        let is_new = skipped != self.skipped;
        self.skipped = skipped;
        Ok(is_new)
    }

    /// Leaves an event out from now on.
    pub(crate) fn skip(&mut self, sequence: u64) {
        self.skipped.insert(sequence);
    }

    /// Sorts a batch: what cannot be read is parked, and what comes after something parked of its stream.
    pub(crate) fn sort(&self, batch: Vec<Read>) -> Sorted {
        let mut sorted = Sorted { events: Vec::with_capacity(batch.len()), parked: Vec::new() };
        let mut parked: HashSet<Stream> = HashSet::new();
        for read in batch {
            if !self.skipped.is_empty() && self.skipped.contains(&read.sequence()) {
                continue;
            }
            let (stream, error) = match &read {
                Read::Event(positioned) => (positioned.envelope.stream, None),
                Read::Unreadable { stream, error, .. } => (*stream, Some(error.clone())),
            };
            let waits = self.streams.contains(&stream) || parked.contains(&stream);
            match read {
                Read::Event(positioned) if !waits => sorted.events.push(positioned),
                Read::Event(Positioned { sequence, .. }) | Read::Unreadable { sequence, .. } => {
                    parked.insert(stream);
                    sorted.parked.push(Parked { sequence, stream, error: error.filter(|_| !waits) });
                }
            }
        }
        sorted
    }
}

impl Sorted {
    /// Parks an event that is to be applied, and those behind it.
    pub(crate) fn park(&mut self, at: usize, error: &Error) {
        let Some(positioned) = self.events.get(at) else { return };
        let (first, stream) = (positioned.sequence, positioned.envelope.stream);
        let error = chain(error);
        self.events.retain(|positioned| {
            let is_kept = positioned.sequence < first || positioned.envelope.stream != stream;
            if !is_kept {
                let error = (positioned.sequence == first).then(|| error.clone());
                self.parked.push(Parked { sequence: positioned.sequence, stream, error });
            }
            is_kept
        });
    }
}

/// The events that a projection was told to leave out.
pub(crate) async fn skipped(
    executor: impl PgExecutor<'_>,
    projection: Projection,
) -> Result<HashSet<u64>, sqlx::Error> {
    let skipped = sqlx::query_scalar!(
        "select sequence from operations.failure_decision
         where projection = $1 and action = 'skip' and took_hold",
        projection.name()
    )
    .fetch_all(executor)
    .await?;
    Ok(skipped.into_iter().map(to_u64).collect())
}

/// The first event that a stream has parked.
pub(crate) async fn first(executor: impl PgExecutor<'_>, stream: &Stream) -> Result<Option<u64>, sqlx::Error> {
    let first = sqlx::query_scalar!(
        "select min(sequence) from parked_event
         where workspace_id is not distinct from $1 and aggregate = $2 and stream_id = $3",
        stream.workspace.map(|workspace| workspace.0),
        stream.aggregate.name(),
        stream.id
    )
    .fetch_one(executor)
    .await?;
    Ok(first.map(to_u64))
}

/// Writes what waits now.
pub(crate) async fn save(connection: &mut PgConnection, parked: &[Parked]) -> Result<(), sqlx::Error> {
    if parked.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into parked_event (sequence, workspace_id, aggregate, stream_id, error, version)
         select *, $6 from unnest($1::bigint[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
         on conflict (sequence) do update set error = excluded.error, version = excluded.version",
        &parked.iter().map(|parked| to_i64(parked.sequence)).collect::<Vec<_>>(),
        &parked.iter().map(|parked| parked.stream.workspace.map(|workspace| workspace.0)).collect::<Vec<_>>() as _,
        &parked.iter().map(|parked| parked.stream.aggregate.name().to_owned()).collect::<Vec<_>>(),
        &parked.iter().map(|parked| parked.stream.id).collect::<Vec<_>>(),
        &parked.iter().map(|parked| parked.error.clone()).collect::<Vec<_>>() as _,
        VERSION
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Takes events of a stream out of the parking place.
pub(crate) async fn release(connection: &mut PgConnection, sequences: &[u64]) -> Result<(), sqlx::Error> {
    let sequences: Vec<i64> = sequences.iter().copied().map(to_i64).collect();
    sqlx::query!("delete from parked_event where sequence = any($1)", &sequences).execute(connection).await.map(drop)
}

/// Keeps what is left of a stream in sight: an error stands at the first event of what waits.
pub(crate) async fn mark_interrupted(connection: &mut PgConnection, stream: &Stream) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update parked_event set error = 'not tried again yet: a decision about its stream was interrupted'
         where error is null and sequence = (
             select min(sequence) from parked_event
             where workspace_id is not distinct from $1 and aggregate = $2 and stream_id = $3
         )",
        stream.workspace.map(|workspace| workspace.0),
        stream.aggregate.name(),
        stream.id
    )
    .execute(connection)
    .await
    .map(drop)
}

/// How many events of a generation wait, by shard.
pub(crate) async fn count(pool: &PgPool, schema: &str) -> Result<BTreeMap<u64, u64>, sqlx::Error> {
    let query = format!("select workspace_id, count(*) from {schema}.parked_event group by workspace_id");
    let rows: Vec<(Option<Uuid>, i64)> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(pool).await?;
    let mut counts = BTreeMap::new();
    for (workspace, count) in rows {
        *counts.entry(events::partition(workspace.map(WorkspaceId))).or_default() += to_u64(count);
    }
    Ok(counts)
}

/// A stream by its columns.
pub(crate) fn stream(workspace: Option<Uuid>, aggregate: &str, id: Uuid) -> Result<Stream, Error> {
    let aggregate = Aggregate::parse(aggregate).ok_or(Error::Unreadable("aggregate"))?;
    Ok(Stream { workspace: workspace.map(WorkspaceId), aggregate, id })
}

//! Where the shards of a projection stand. A shard is what a projection makes of one partition of the log; its checkpoint
//! is the last sequence up to which it has seen the log, and moves in the transaction that applies it.

use crate::error::Error;
use crate::numbers::{from_shard, to_i64, to_shard, to_u64};
use crate::positioned::Read;
use crate::projection::Projection;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Every shard of a projection.
pub(crate) fn every_shard() -> impl Iterator<Item = u64> {
    0..events::PARTITIONS
}

/// A sequence for each of some shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoints(BTreeMap<u64, u64>);

impl Checkpoints {
    /// Those of a generation.
    pub(crate) async fn load(
        executor: impl PgExecutor<'_>,
        projection: Projection,
        schema: &str,
    ) -> Result<Self, sqlx::Error> {
        let query = format!("select shard, sequence from {schema}.checkpoint where projection = $1");
        let rows: Vec<(i16, i64)> =
            sqlx::query_as(AssertSqlSafe(query)).bind(projection.name()).fetch_all(executor).await?;
        Ok(Self(rows.into_iter().map(|(shard, sequence)| (from_shard(shard), to_u64(sequence))).collect()))
    }

    /// Those of shards of the serving generation, whose rows are locked until the transaction ends.
    pub(crate) async fn hold(
        transaction: &mut PgConnection,
        projection: Projection,
        shards: &BTreeSet<u64>,
    ) -> Result<Self, sqlx::Error> {
        let shards: Vec<i16> = shards.iter().copied().map(to_shard).collect();
        let rows = sqlx::query!(
            "select shard, sequence from checkpoint where projection = $1 and shard = any($2) order by shard for update",
            projection.name(),
            &shards
        )
        .fetch_all(transaction)
        .await?;
        Ok(Self(rows.into_iter().map(|row| (from_shard(row.shard), to_u64(row.sequence))).collect()))
    }

    /// Some shards, all at one sequence.
    pub(crate) fn all_at(shards: impl IntoIterator<Item = u64>, sequence: u64) -> Self {
        Self(shards.into_iter().map(|shard| (shard, sequence)).collect())
    }

    /// Those of some shards.
    pub(crate) fn only<'a>(&self, shards: impl IntoIterator<Item = &'a u64>) -> Self {
        Self(shards.into_iter().filter_map(|shard| Some((*shard, self.of(*shard)?))).collect())
    }

    /// The shards.
    pub(crate) fn shards(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    /// Where a shard stands; `None` for one that is not among them.
    pub(crate) fn of(&self, shard: u64) -> Option<u64> {
        self.0.get(&shard).copied()
    }

    /// Up to where all of them have seen the log.
    pub(crate) fn lowest(&self) -> u64 {
        self.0.values().copied().min().unwrap_or(0)
    }

    /// Up to where any of them has.
    pub(crate) fn highest(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// Whether an event is of one of these shards and at or below where that stands.
    pub(crate) fn cover(&self, read: &Read) -> bool {
        self.of(read.stream().partition()).is_some_and(|at| read.sequence() <= at)
    }

    /// The same shards, none of them behind a sequence.
    pub(crate) fn at_least(&self, sequence: u64) -> Self {
        Self(self.0.iter().map(|(shard, at)| (*shard, sequence.max(*at))).collect())
    }

    /// The same shards, none of them beyond a sequence.
    pub(crate) fn at_most(&self, sequence: u64) -> Self {
        Self(self.0.iter().map(|(shard, at)| (*shard, sequence.min(*at))).collect())
    }

    /// The same shards, none of them behind where it stands in another.
    pub(crate) fn at_least_as(&self, other: &Self) -> Self {
        let further = |shard: &u64, at: &u64| other.of(*shard).map_or(*at, |other| other.max(*at));
        Self(self.0.iter().map(|(shard, at)| (*shard, further(shard, at))).collect())
    }

    /// Takes over where the shards of another one stand.
    pub(crate) fn set(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// How far a shard is behind where it stands in another, at most.
    pub(crate) fn distance_to(&self, other: &Self) -> u64 {
        let distance = |(shard, at): (&u64, &u64)| other.of(*shard).unwrap_or(0).saturating_sub(*at);
        self.0.iter().map(distance).max().unwrap_or(0)
    }

    /// Whether every shard of another one is among them, and stands where it does there.
    pub(crate) fn contain(&self, other: &Self) -> bool {
        other.0.iter().all(|(shard, at)| self.of(*shard) == Some(*at))
    }

    /// Whether a shard stands behind where it does in another.
    pub(crate) fn is_behind(&self, other: &Self) -> bool {
        self.0.iter().any(|(shard, at)| other.of(*shard).is_some_and(|further| *at < further))
    }
}

/// Where checkpoints move, and who moves them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mover {
    pub(crate) projection: Projection,
    /// Which table of checkpoints: another generation has another, under the same name.
    pub(crate) table: i64,
    /// Who must hold the shards' leases for it; nobody needs one for tables that do not serve.
    pub(crate) owner: Option<Uuid>,
}

impl Mover {
    /// Moves checkpoints, from where they are thought to be: that takes their rows' locks, and stops at once a projector
    /// whose shards were taken by another, or whose tables were exchanged.
    pub(crate) async fn advance(
        &self,
        connection: &mut PgConnection,
        from: &Checkpoints,
        to: &Checkpoints,
    ) -> Result<(), Error> {
        let shards: Vec<i16> = to.shards().map(to_shard).collect();
        let before: Vec<i64> = to.shards().map(|shard| to_i64(from.of(shard).unwrap_or(0))).collect();
        let after: Vec<i64> = to.0.values().copied().map(to_i64).collect();
        let moved = sqlx::query!(
            "update checkpoint c set sequence = t.later
             from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as t (shard, earlier, later)
             where c.projection = $1 and c.shard = t.shard and c.sequence = t.earlier and c.tableoid::bigint = $5
               and ($6::uuid is null or exists (
                   select from operations.lease l join operations.member m on m.projection = l.projection and m.id = l.owner
                   where l.projection = c.projection and l.shard = c.shard and l.owner = $6
                     and m.alive_until > clock_timestamp()))",
            self.projection.name(),
            &shards,
            &before,
            &after,
            self.table,
            self.owner
        )
        .execute(connection)
        .await?;
        if moved.rows_affected() == shards.len() as u64 { Ok(()) } else { Err(Error::Displaced) }
    }
}

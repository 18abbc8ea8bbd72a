//! Leases: which projector works on which shards of a projection. Every projector that is able to says so again and again;
//! what is held by one that fell silent is free. All clocks that count are the database's. The lease decides who may
//! commit: it is looked at in the transaction, with the checkpoints that move there.

mod beat;
mod share;

use crate::numbers::{from_shard, to_shard};
use crate::projection::Projection;
use beat::{Beat, Heard, Member};
use share::{Lease, Share};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Shards, and who holds them.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) owner: Uuid,
    pub(crate) shards: BTreeSet<u64>,
    since: Instant,
}

/// What should become of what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balance {
    /// Everyone has a share.
    Even,
    /// More is held, or less, or should be: whoever works ends that and settles.
    Uneven,
}

/// This process as a member of those who work on a projection; it is one for as long as this lives and the database hears
/// of it.
pub(crate) struct Leases {
    member: Member,
    beat: Beat,
}

impl Leases {
    /// Joins those who work on a projection. `owner` is this process's name among them, and ends the names of its
    /// connections; `length` is for how long others wait for a word of it.
    pub(crate) async fn join(
        projection: Projection,
        pool: &PgPool,
        owner: Uuid,
        length: Duration,
    ) -> Result<Self, sqlx::Error> {
        let member = Member { projection, pool: pool.clone(), owner, length };
        let beat = Beat::begin(&member).await?;
        Ok(Self { member, beat })
    }

    /// Whether others still count this process as alive, as far as it can know.
    pub(crate) fn is_alive(&self) -> bool {
        Instant::now() < self.beat.heard().borrow().until
    }

    /// Done when others have taken something that was held, as they had not heard of this member for too long.
    pub(crate) async fn lost(&self, held: &Held) {
        let is_lost = |heard: &Heard| heard.asked > held.since && !held.shards.is_subset(&heard.owned);
        drop(self.beat.heard().wait_for(is_lost).await);
    }

    /// Whether what is held is still held, and is this member's share.
    pub(crate) async fn balance(&self, held: &Held) -> Result<Balance, sqlx::Error> {
        let share = self.share().await?;
        let is_even = share.mine == held.shards && share.to_release().is_empty() && share.to_take().is_empty();
        Ok(if is_even { Balance::Even } else { Balance::Uneven })
    }

    /// Gives up what is too much, takes what is missing and free, and says what is held then. Whoever calls works on
    /// nothing meanwhile.
    pub(crate) async fn settle(&self) -> Result<Held, sqlx::Error> {
        let mut share = self.share().await?;
        let (release, take) = (share.to_release(), share.to_take());
        self.release(&release).await?;
        share.mine.retain(|shard| !release.contains(shard));
        share.mine.extend(self.take(&take).await?);
        Ok(Held { owner: self.member.owner, shards: share.mine, since: Instant::now() })
    }

    /// Leaves, so that others need not wait for the lease to run out.
    pub(crate) async fn leave(self) {
        let Self { member, beat } = self;
        beat.end().await;
        let left = sqlx::query!(
            "with given as (
                 update operations.lease set owner = null, taken_at = null where projection = $1 and owner = $2
             )
             delete from operations.member where projection = $1 and id = $2",
            member.projection.name(),
            member.owner
        )
        .execute(&member.pool)
        .await;
        if let Err(error) = left {
            tracing::warn!(%error, projection = member.projection.name(), "leases were not given back, and run out");
        }
    }

    async fn share(&self) -> Result<Share, sqlx::Error> {
        let members = sqlx::query_scalar!(
            "select id from operations.member where projection = $1 and alive_until > clock_timestamp() order by id",
            self.member.projection.name()
        )
        .fetch_all(&self.member.pool)
        .await?;
        let leases = sqlx::query!(
            "select shard, owner from operations.lease where projection = $1 order by shard",
            self.member.projection.name()
        )
        .fetch_all(&self.member.pool)
        .await?;
        let leases = leases.into_iter().map(|row| Lease { shard: from_shard(row.shard), owner: row.owner }).collect();
        Ok(Share::of(self.member.owner, self.member.projection as usize, &members, leases))
    }

    async fn release(&self, shards: &[u64]) -> Result<(), sqlx::Error> {
        if shards.is_empty() {
            return Ok(());
        }
        tracing::info!(projection = self.member.projection.name(), ?shards, "giving shards to others");
        sqlx::query!(
            "update operations.lease set owner = null, taken_at = null
             where projection = $1 and owner = $2 and shard = any($3)",
            self.member.projection.name(),
            self.member.owner,
            &numbers(shards)
        )
        .execute(&self.member.pool)
        .await
        .map(drop)
    }

    /// Takes shards that are free, as far as nobody was faster.
    async fn take(&self, shards: &[u64]) -> Result<Vec<u64>, sqlx::Error> {
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let taken = sqlx::query!(
            r#"with before as (
                   select projection, shard, owner from operations.lease
                   where projection = $1 and shard = any($3) order by shard for update
               )
               update operations.lease l set owner = $2, taken_at = clock_timestamp()
               from before b
               where l.projection = b.projection and l.shard = b.shard
                 and not exists (
                     select from operations.member m
                     where m.projection = b.projection and m.id = b.owner and m.alive_until > clock_timestamp())
               -- Who left has no connection that could still write.
               returning l.shard, (select m.id from operations.member m
                                   where m.projection = b.projection and m.id = b.owner) as "silent?""#,
            self.member.projection.name(),
            self.member.owner,
            &numbers(shards)
        )
        .fetch_all(&self.member.pool)
        .await?;
        let silent: BTreeSet<Uuid> = taken.iter().filter_map(|row| row.silent).collect();
        let shards: Vec<u64> = taken.iter().map(|row| from_shard(row.shard)).collect();
        if !shards.is_empty() {
            tracing::info!(projection = self.member.projection.name(), ?shards, from = ?silent, "took shards over");
        }
        for owner in silent {
            self.disconnect(owner).await?;
        }
        Ok(shards)
    }

    /// Ends the connections of a member that fell silent: one that was stopped within a transaction keeps rows locked.
    async fn disconnect(&self, owner: Uuid) -> Result<(), sqlx::Error> {
        sqlx::query_scalar!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname = current_database() and application_name = $1
               and (pg_has_role(usesysid, 'usage') or pg_has_role('pg_signal_backend', 'usage'))",
            connection_name(self.member.projection, owner)
        )
        .fetch_one(&self.member.pool)
        .await
        .map(drop)
    }
}

/// Who works on the shards of a projection, by their names for people.
pub(crate) async fn workers(pool: &PgPool, projection: Projection) -> Result<BTreeMap<u64, String>, sqlx::Error> {
    let rows = sqlx::query!(
        "select l.shard, m.name from operations.lease l join operations.member m on m.projection = l.projection and m.id = l.owner
         where l.projection = $1 and m.alive_until > clock_timestamp()",
        projection.name()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (from_shard(row.shard), row.name)).collect())
}

/// What the database calls the connections of a member.
pub(crate) fn connection_name(projection: Projection, owner: Uuid) -> String {
    format!("projector-{}-{}", projection.name(), owner.simple())
}

fn numbers(shards: &[u64]) -> Vec<i16> {
    shards.iter().copied().map(to_shard).collect()
}

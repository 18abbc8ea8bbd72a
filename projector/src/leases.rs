//! Leases: which projector works on which shards of a projection. Every projector that is able to says so again and again;
//! what is held by one that fell silent is free. All clocks that count are the database's. The lease decides who may
//! commit: it is looked at in the transaction, with the checkpoints that move there.

mod share;

use crate::checkpoints::{from_shard, to_shard};
use crate::projection::Projection;
use share::{Lease, Share};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// How many words of a projector may be lost before it counts as silent, at least.
const WORDS: u32 = 5;

/// Shards, and who holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) owner: Uuid,
    pub(crate) shards: BTreeSet<u64>,
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
    projection: Projection,
    pool: PgPool,
    owner: Uuid,
    /// Until when others count it as alive at most, by this process's clock.
    trusted_until: Arc<Mutex<Option<Instant>>>,
    beat: JoinHandle<()>,
}

impl Leases {
    /// Joins those who work on a projection. `owner` is this process's name among them, and ends the names of its
    /// connections.
    pub(crate) async fn join(
        projection: Projection,
        pool: &PgPool,
        owner: Uuid,
        length: Duration,
    ) -> Result<Self, sqlx::Error> {
        let trusted_until = Arc::default();
        beat(pool, projection, owner, length, &trusted_until).await?;
        let beating = {
            let (pool, trusted_until) = (pool.clone(), Arc::clone(&trusted_until));
            tokio::spawn(async move {
                let mut tick = interval(length / WORDS);
                tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tick.tick().await;
                    if let Err(error) = beat(&pool, projection, owner, length, &trusted_until).await {
                        tracing::warn!(%error, projection = projection.name(), "the leases were not renewed");
                    }
                }
            })
        };
        Ok(Self { projection, pool: pool.clone(), owner, trusted_until, beat: beating })
    }

    /// Whether others still count this process as alive, as far as it can know.
    pub(crate) fn is_alive(&self) -> bool {
        let until = self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
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
        Ok(Held { owner: self.owner, shards: share.mine })
    }

    /// Leaves, so that others need not wait for the lease to run out.
    pub(crate) async fn leave(self) {
        self.beat.abort();
        let left = sqlx::query!(
            "delete from operations.member where projection = $1 and id = $2",
            self.projection.name(),
            self.owner
        )
        .execute(&self.pool)
        .await;
        if let Err(error) = left {
            tracing::warn!(%error, projection = self.projection.name(), "leases were not given back, and run out");
        }
    }

    async fn share(&self) -> Result<Share, sqlx::Error> {
        let members = sqlx::query_scalar!(
            "select id from operations.member where projection = $1 and alive_until > clock_timestamp() order by id",
            self.projection.name()
        )
        .fetch_all(&self.pool)
        .await?;
        let leases = sqlx::query!(
            "select shard, owner from operations.lease where projection = $1 order by shard",
            self.projection.name()
        )
        .fetch_all(&self.pool)
        .await?;
        let leases = leases.into_iter().map(|row| Lease { shard: from_shard(row.shard), owner: row.owner }).collect();
        Ok(Share::of(self.owner, self.projection as usize, &members, leases))
    }

    async fn release(&self, shards: &[u64]) -> Result<(), sqlx::Error> {
        if shards.is_empty() {
            return Ok(());
        }
        tracing::info!(projection = self.projection.name(), ?shards, "giving shards to others");
        sqlx::query!(
            "update operations.lease set owner = null, taken_at = null
             where projection = $1 and owner = $2 and shard = any($3)",
            self.projection.name(),
            self.owner,
            &numbers(shards)
        )
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// Takes shards that are free, as far as nobody was faster.
    async fn take(&self, shards: &[u64]) -> Result<Vec<u64>, sqlx::Error> {
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let before = sqlx::query!(
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
               returning l.shard, b.owner as "before?""#,
            self.projection.name(),
            self.owner,
            &numbers(shards)
        )
        .fetch_all(&self.pool)
        .await?;
        let silent: BTreeSet<Uuid> = before.iter().filter_map(|row| row.before).collect();
        let shards: Vec<u64> = before.iter().map(|row| from_shard(row.shard)).collect();
        if !shards.is_empty() {
            tracing::info!(projection = self.projection.name(), ?shards, from = ?silent, "took shards over");
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
             where datname = current_database() and usename = current_user and application_name = $1",
            connection_name(self.projection, owner)
        )
        .fetch_one(&self.pool)
        .await
        .map(drop)
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        self.beat.abort();
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

/// What people call this process: its machine and its number there.
fn process_name() -> String {
    format!("{} {}", rustix::system::uname().nodename().to_string_lossy(), std::process::id())
}

/// Says that this member is alive, and forgets those who have long not been.
async fn beat(
    pool: &PgPool,
    projection: Projection,
    owner: Uuid,
    length: Duration,
    trusted_until: &Mutex<Option<Instant>>,
) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    sqlx::query!(
        "with forgotten as (
             delete from operations.member m
             where m.projection = $1 and m.alive_until < clock_timestamp() - interval '1 minute'
               and not exists (select from operations.lease l where l.projection = m.projection and l.owner = m.id)
         )
         insert into operations.member (projection, id, name, alive_until)
         values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         on conflict (projection, id) do update set alive_until = excluded.alive_until",
        projection.name(),
        owner,
        process_name(),
        length.as_secs_f64()
    )
    .execute(pool)
    .await?;
    *trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun + length);
    Ok(())
}

fn numbers(shards: &[u64]) -> Vec<i16> {
    shards.iter().copied().map(to_shard).collect()
}

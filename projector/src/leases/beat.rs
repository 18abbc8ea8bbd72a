//! The word of a member that it is alive, said again and again, and what the database answers.

use crate::numbers::from_shard;
use crate::projection::Projection;
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// How many words may be lost before a member counts as silent, at least.
const WORDS: u32 = 5;

/// Who says it, and for how long it holds.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) projection: Projection,
    pub(super) pool: PgPool,
    pub(super) owner: Uuid,
    pub(super) length: Duration,
}

/// The last answer to it.
pub(super) struct Heard {
    /// When it was asked for, by this process's clock.
    pub(super) asked: Instant,
    /// Until when others count the member as alive at most.
    pub(super) until: Instant,
    /// The shards that it held then.
    pub(super) owned: BTreeSet<u64>,
}

/// It is said for as long as this lives.
pub(super) struct Beat {
    heard: watch::Receiver<Heard>,
    task: JoinHandle<()>,
}

impl Beat {
    /// Says it once, and goes on.
    pub(super) async fn begin(member: &Member) -> Result<Self, sqlx::Error> {
        let (sender, heard) = watch::channel(member.say().await?);
        let member = member.clone();
        let task = tokio::spawn(async move {
            let mut tick = interval(member.length / WORDS);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                match member.say().await {
                    Ok(heard) => drop(sender.send_replace(heard)),
                    Err(error) => {
                        tracing::warn!(%error, projection = member.projection.name(), "the leases were not renewed");
                    }
                }
            }
        });
        Ok(Self { heard, task })
    }

    /// What was heard.
    pub(super) fn heard(&self) -> watch::Receiver<Heard> {
        self.heard.clone()
    }

    /// Says it no more, not even once.
    pub(super) async fn end(mut self) {
        self.task.abort();
        drop((&mut self.task).await);
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Member {
    /// Says that this member is alive, and forgets those who have long not been.
    async fn say(&self) -> Result<Heard, sqlx::Error> {
        let asked = Instant::now();
        let owned = sqlx::query_scalar!(
            "with forgotten as (
                 delete from operations.member m
                 where m.projection = $1 and m.alive_until < clock_timestamp() - interval '1 minute'
                   and not exists (select from operations.lease l where l.projection = m.projection and l.owner = m.id)
             ), said as (
                 insert into operations.member (projection, id, name, alive_until)
                 values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
                 on conflict (projection, id) do update set alive_until = excluded.alive_until
             )
             select shard from operations.lease where projection = $1 and owner = $2",
            self.projection.name(),
            self.owner,
            process_name(),
            self.length.as_secs_f64()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Heard { asked, until: asked + self.length, owned: owned.into_iter().map(from_shard).collect() })
    }
}

/// What people call this process: its machine and its number there.
fn process_name() -> String {
    format!("{} {}", rustix::system::uname().nodename().to_string_lossy(), std::process::id())
}

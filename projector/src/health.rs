//! What the projector says of itself: where its projections stand, how far behind the log that is, and what they have
//! parked.

use crate::apply::to_i64;
use crate::metrics::{CHECKPOINT, LAG, PARKED};
use crate::projection::Projection;
use metrics::gauge;
use runtime::cache::Cache;
use runtime::health::Checks;
use runtime::{EventLog, postgres};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often the distance to the head of the log is measured.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Where the projections stand, in the order of [`Projection::ALL`].
#[derive(Clone, Default)]
pub(crate) struct Positions(Arc<[Position; Projection::ALL.len()]>);

#[derive(Default)]
struct Position {
    checkpoint: AtomicU64,
    parked: AtomicU64,
}

impl Positions {
    /// Says where a projection stands.
    pub(crate) fn stand_at(&self, projection: Projection, checkpoint: u64) {
        gauge!(CHECKPOINT, "projection" => projection.name()).set(checkpoint as f64);
        self.0[projection as usize].checkpoint.store(checkpoint, Ordering::Relaxed);
    }

    /// Says how many events it has parked.
    pub(crate) fn has_parked(&self, projection: Projection, events: u64) {
        gauge!(PARKED, "projection" => projection.name()).set(events as f64);
        self.0[projection as usize].parked.store(events, Ordering::Relaxed);
    }

    fn checkpoint(&self, projection: Projection) -> u64 {
        self.0[projection as usize].checkpoint.load(Ordering::Relaxed)
    }

    fn parked(&self, projection: Projection) -> u64 {
        self.0[projection as usize].parked.load(Ordering::Relaxed)
    }
}

/// Says again and again how far the projections are behind the log, also while a batch takes long.
pub(crate) async fn measure_lag(log: &EventLog, positions: &Positions) -> Infallible {
    let mut tick = interval(LAG_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Ok(head) = log.head().await {
            for projection in Projection::ALL {
                let lag = head.saturating_sub(positions.checkpoint(projection));
                gauge!(LAG, "projection" => projection.name()).set(lag as f64);
            }
        }
    }
}

/// The parts that it needs, and its numbers.
pub(crate) fn checks(log: &EventLog, pool: &PgPool, cache: &Cache, positions: &Positions) -> Checks {
    let (log_up, log_head) = (log.clone(), log.clone());
    let (pool, cache, positions) = (pool.clone(), cache.clone(), positions.clone());
    Checks::new("projector")
        .needs("nats", move || {
            let log = log_up.clone();
            async move { log.is_connected() }
        })
        .needs("postgres", move || {
            let pool = pool.clone();
            async move { postgres::is_up(&pool).await }
        })
        .uses("redis", move || {
            let cache = cache.clone();
            async move { cache.is_up().await }
        })
        .counting(move || {
            let (log, positions) = (log_head.clone(), positions.clone());
            async move {
                let checkpoints =
                    Projection::ALL.map(|projection| (projection.name(), positions.checkpoint(projection)));
                let checkpoint = checkpoints.iter().map(|(_, checkpoint)| *checkpoint).min().unwrap_or(0);
                let mut numbers = BTreeMap::from([("checkpoint".to_owned(), to_i64(checkpoint))]);
                for projection in Projection::ALL {
                    numbers.insert(format!("{}_parked", projection.name()), to_i64(positions.parked(projection)));
                }
                if let Ok(head) = log.head().await {
                    numbers.insert("head".to_owned(), to_i64(head));
                    numbers.insert("lag".to_owned(), to_i64(head.saturating_sub(checkpoint)));
                    for (projection, checkpoint) in checkpoints {
                        numbers.insert(format!("{projection}_lag"), to_i64(head.saturating_sub(checkpoint)));
                    }
                }
                numbers
            }
        })
}

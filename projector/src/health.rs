//! What the projector says of itself: where its projections stand, how far behind the log that is, and what they have
//! parked.

use crate::apply::to_i64;
use crate::metrics::{CHECKPOINT, LAG, LAG_SECONDS, PARKED};
use crate::projection::Projection;
use chrono::{DateTime, Utc};
use metrics::gauge;
use runtime::cache::Cache;
use runtime::clock::{Clock, SystemClock};
use runtime::health::Checks;
use runtime::{EventLog, postgres};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
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
    /// Age of the oldest event that is not applied, in milliseconds; 0 if all are.
    oldest: AtomicU64,
    /// Events applied per second, of late.
    rate: AtomicU64,
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

    fn measured(&self, projection: Projection, lag: u64, oldest: Option<Duration>, applied: f64) {
        let (name, position) = (projection.name(), &self.0[projection as usize]);
        gauge!(LAG, "projection" => name).set(lag as f64);
        if let Some(oldest) = oldest {
            gauge!(LAG_SECONDS, "projection" => name).set(oldest.as_secs_f64());
            position.oldest.store(u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        // Half of what was, half of what is: it follows a change within some seconds, and hides a single pause.
        let rate = position.rate.load(Ordering::Relaxed) as f64 / 2.0 + applied / 2.0;
        position.rate.store(rate as u64, Ordering::Relaxed);
    }

    /// Numbers of one projection for the health page, at a head of the log.
    fn numbers(&self, projection: Projection, head: u64) -> impl Iterator<Item = (String, i64)> {
        let position = &self.0[projection as usize];
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (lag, rate) = (head.saturating_sub(of(&position.checkpoint)), of(&position.rate));
        let numbers = [
            ("sequence", Some(of(&position.checkpoint))),
            ("lag", Some(lag)),
            ("oldest_unapplied_ms", Some(if lag == 0 { 0 } else { of(&position.oldest) })),
            ("events_per_second", Some(rate)),
            ("eta_seconds", if lag == 0 { Some(0) } else { lag.checked_div(rate) }),
        ];
        let name = projection.name();
        numbers.into_iter().filter_map(move |(what, number)| Some((format!("{name}_{what}"), to_i64(number?))))
    }

    fn checkpoint(&self, projection: Projection) -> u64 {
        self.0[projection as usize].checkpoint.load(Ordering::Relaxed)
    }

    fn parked(&self, projection: Projection) -> u64 {
        self.0[projection as usize].parked.load(Ordering::Relaxed)
    }
}

/// Says again and again how far the projections are behind the log, also while a batch takes long: in events, and in the
/// age of the oldest one that is not applied.
pub(crate) async fn measure_lag(log: &EventLog, positions: &Positions) -> Infallible {
    let mut tick = interval(LAG_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Projection::ALL.map(|projection| (Instant::now(), positions.checkpoint(projection)));
    loop {
        tick.tick().await;
        let Ok(head) = log.head().await else { continue };
        for (projection, before) in Projection::ALL.into_iter().zip(&mut before) {
            let (now, checkpoint) = (Instant::now(), positions.checkpoint(projection));
            let lag = head.saturating_sub(checkpoint);
            let oldest = match lag {
                0 => Some(Duration::ZERO),
                _ => log.appended(checkpoint + 1).await.ok().flatten().map(age),
            };
            let seconds = now.duration_since(before.0).as_secs_f64();
            let applied = checkpoint.saturating_sub(before.1) as f64 / seconds.max(f64::MIN_POSITIVE);
            *before = (now, checkpoint);
            positions.measured(projection, lag, oldest, applied);
        }
    }
}

fn age(time: DateTime<Utc>) -> Duration {
    (SystemClock.now() - time).to_std().unwrap_or_default()
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
                let checkpoints = Projection::ALL.map(|projection| positions.checkpoint(projection));
                let checkpoint = checkpoints.into_iter().min().unwrap_or(0);
                let mut numbers = BTreeMap::from([("checkpoint".to_owned(), to_i64(checkpoint))]);
                for projection in Projection::ALL {
                    numbers.insert(format!("{}_parked", projection.name()), to_i64(positions.parked(projection)));
                }
                if let Ok(head) = log.head().await {
                    numbers.insert("head".to_owned(), to_i64(head));
                    numbers.insert("lag".to_owned(), to_i64(head.saturating_sub(checkpoint)));
                    numbers
                        .extend(Projection::ALL.into_iter().flat_map(|projection| positions.numbers(projection, head)));
                }
                numbers
            }
        })
}

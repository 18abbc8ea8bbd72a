//! What the projector says of itself: where its shards stand, how far behind the log that is, and what they have parked;
//! and where the projections stand as a whole, whoever works on them.

use crate::checkpoints::Checkpoints;
use crate::metrics::{CHECKPOINT, LAG, LAG_SECONDS, PARKED, SHARDS};
use crate::numbers::to_i64;
use crate::parking;
use crate::projection::Projection;
use chrono::{DateTime, Utc};
use metrics::gauge;
use runtime::cache::Cache;
use runtime::clock::{Clock, SystemClock};
use runtime::health::{Checks, Numbers};
use runtime::{EventLog, postgres};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often the distance to the head of the log is measured.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Where the shards stand that this process holds.
#[derive(Clone, Default)]
pub(crate) struct Standings(Arc<Mutex<BTreeMap<(Projection, u64), Standing>>>);

/// Where one shard stands.
#[derive(Clone, Copy, Default)]
struct Standing {
    sequence: u64,
    parked: u64,
    /// Age of the oldest event of the log that it has not seen.
    oldest: Duration,
    /// Sequences of the log per second, of late.
    rate: f64,
    measured: Option<(Instant, u64)>,
}

impl Standings {
    /// From now on these shards of a projection are held, and no others.
    pub(crate) fn hold(&self, projection: Projection, checkpoints: &Checkpoints) {
        let mut standings = self.lock();
        let held = |shard: &u64| checkpoints.of(*shard).is_some();
        for ((of, shard), standing) in standings.iter().filter(|(key, _)| key.0 == projection && !held(&key.1)) {
            // What it lags and has parked is another's to say.
            report(*of, *shard, &Standing { sequence: standing.sequence, ..Standing::default() }, 0);
        }
        standings.retain(|key, _| key.0 != projection || held(&key.1));
        for shard in checkpoints.shards() {
            standings.entry((projection, shard)).or_default().sequence = checkpoints.of(shard).unwrap_or(0);
        }
        gauge!(SHARDS, "projection" => projection.name()).set(checkpoints.shards().count() as f64);
    }

    /// Shards of a projection have seen the log up to a sequence.
    pub(crate) fn stand_at(&self, projection: Projection, shards: &BTreeSet<u64>, sequence: u64) {
        let mut standings = self.lock();
        for shard in shards {
            let standing = standings.entry((projection, *shard)).or_default();
            standing.sequence = standing.sequence.max(sequence);
        }
    }

    /// How many events a projection's shards have parked.
    pub(crate) fn have_parked(&self, projection: Projection, parked: &BTreeMap<u64, u64>) {
        for ((of, shard), standing) in self.lock().iter_mut().filter(|(key, _)| key.0 == projection) {
            standing.parked = parked.get(shard).copied().unwrap_or(0);
            gauge!(PARKED, "projection" => of.name(), "shard" => shard.to_string()).set(standing.parked as f64);
        }
    }

    /// Numbers of each shard for the health page, at a head of the log.
    fn of_shards(&self, head: u64) -> BTreeMap<String, Numbers> {
        let numbers = |((projection, shard), standing): (&(Projection, u64), &Standing)| {
            (format!("{}-{shard:02}", projection.name()), standing.numbers(head).collect())
        };
        self.lock().iter().map(numbers).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Projection, u64), Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn measured(&mut self, head: u64, oldest: Option<Duration>) {
        let now = Instant::now();
        if let Some((then, before)) = self.measured.replace((now, self.sequence)) {
            let seconds = now.duration_since(then).as_secs_f64().max(f64::MIN_POSITIVE);
            // Half of what was, half of what is: it follows a change within some seconds, and hides a single pause.
            self.rate = f64::midpoint(self.rate, self.sequence.saturating_sub(before) as f64 / seconds);
        }
        if self.sequence >= head {
            self.oldest = Duration::ZERO;
        } else if let Some(oldest) = oldest {
            self.oldest = oldest;
        }
    }

    fn numbers(&self, head: u64) -> impl Iterator<Item = (String, i64)> {
        let lag = head.saturating_sub(self.sequence);
        let oldest = if lag == 0 { 0 } else { u64::try_from(self.oldest.as_millis()).unwrap_or(u64::MAX) };
        let rate = self.rate as u64;
        [
            ("sequence", Some(self.sequence)),
            ("lag", Some(lag)),
            ("oldest_unapplied_ms", Some(oldest)),
            ("events_per_second", Some(rate)),
            ("eta_seconds", if lag == 0 { Some(0) } else { lag.checked_div(rate) }),
            ("parked", Some(self.parked)),
        ]
        .into_iter()
        .filter_map(|(what, number)| Some((what.to_owned(), to_i64(number?))))
    }
}

/// Says a shard's numbers as metrics.
fn report(projection: Projection, shard: u64, standing: &Standing, lag: u64) {
    let labels = [("projection", projection.name().to_owned()), ("shard", shard.to_string())];
    gauge!(CHECKPOINT, &labels).set(standing.sequence as f64);
    gauge!(PARKED, &labels).set(standing.parked as f64);
    gauge!(LAG, &labels).set(lag as f64);
    gauge!(LAG_SECONDS, &labels).set(standing.oldest.as_secs_f64());
}

/// Says again and again how far the shards are behind the log, also while a batch takes long: in events of the log, and in
/// the age of the oldest one that they have not seen.
pub(crate) async fn measure(log: &EventLog, standings: &Standings) -> Infallible {
    let mut tick = interval(LAG_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Ok(head) = log.head().await else { continue };
        let behind: BTreeSet<u64> =
            standings.lock().values().map(|standing| standing.sequence).filter(|at| *at < head).collect();
        let mut ages = BTreeMap::new();
        for at in behind {
            if let Ok(Some(time)) = log.appended(at + 1).await {
                ages.insert(at, age(time));
            }
        }
        for ((projection, shard), standing) in standings.lock().iter_mut() {
            standing.measured(head, ages.get(&standing.sequence).copied());
            report(*projection, *shard, standing, head.saturating_sub(standing.sequence));
        }
    }
}

fn age(time: DateTime<Utc>) -> Duration {
    (SystemClock.now() - time).to_std().unwrap_or_default()
}

/// The parts that it needs, its shards, and its numbers.
pub(crate) fn checks(log: &EventLog, pool: &PgPool, cache: &Cache, standings: &Standings) -> Checks {
    let (log_up, log_head, log_counted) = (log.clone(), log.clone(), log.clone());
    let (pool, counted, cache, standings) = (pool.clone(), pool.clone(), cache.clone(), standings.clone());
    Checks::new("projector")
        .needs("nats", move || {
            let log = log_up.clone();
            async move { log.is_connected() && log.head().await.is_ok() }
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
            let (log, pool) = (log_counted.clone(), counted.clone());
            async move { totals(&log, &pool).await.unwrap_or_default() }
        })
        .divided_into(move || {
            let (log, standings) = (log_head.clone(), standings.clone());
            async move { log.head().await.map(|head| standings.of_shards(head)).unwrap_or_default() }
        })
}

/// Where the projections stand in all of their shards, whoever holds them; nothing when the servers do not say.
async fn totals(log: &EventLog, pool: &PgPool) -> Option<Numbers> {
    let (mut lowest, mut numbers) = (BTreeMap::new(), Numbers::new());
    for projection in Projection::ALL {
        let checkpoints = Checkpoints::load(pool, projection, projection.schema()).await.ok()?;
        lowest.insert(projection, checkpoints.lowest());
        let parked = parking::count(pool, projection.schema()).await.ok()?;
        numbers.insert(format!("{}_parked", projection.name()), to_i64(parked.into_values().sum()));
    }
    // Asked afterwards: nothing is ahead of it.
    let head = log.head().await.ok()?;
    numbers.insert("head".to_owned(), to_i64(head));
    for (projection, sequence) in &lowest {
        numbers.insert(format!("{}_sequence", projection.name()), to_i64(*sequence));
        numbers.insert(format!("{}_lag", projection.name()), to_i64(head.saturating_sub(*sequence)));
    }
    let checkpoint = lowest.into_values().min().unwrap_or(0);
    numbers.insert("checkpoint".to_owned(), to_i64(checkpoint));
    numbers.insert("lag".to_owned(), to_i64(head.saturating_sub(checkpoint)));
    Some(numbers)
}

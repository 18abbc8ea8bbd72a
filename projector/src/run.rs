//! The projector at work: one task reads and decodes, another applies, so that the database and the log are both busy.

use crate::apply::{self, Error, Positioned};
use crate::lock::Lock;
use crate::metrics::{BATCH_EVENTS, BATCH_SECONDS, CHECKPOINT, EVENTS, FAILURES, FRESHNESS_SECONDS, LAG};
use crate::{announce, config};
use metrics::{counter, gauge, histogram};
use runtime::cache::{Cache, Fences, RENEWAL};
use runtime::clock::{Clock, SystemClock};
use runtime::event_log::{Batch, Follow, Recorded};
use runtime::health::Checks;
use runtime::service::{chain, told_to_stop, until_up};
use runtime::{EventLog, http, postgres, telemetry};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long a projector on standby waits before it asks for the lock again, and a failed batch before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Follows the log until told to stop.
pub(crate) async fn run(config: config::Run) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let telemetry = telemetry::start(&config.log)?;
    crate::metrics::describe();
    let listener = TcpListener::bind(config.listen).await?;
    let pool = postgres::pool_without_sync(&config.postgres, "projector", postgres::READ_SCHEMA)?;
    let cache = Cache::open(&config.redis)?;
    let log = until_up("the event log", || EventLog::connect(&config.nats, "projector")).await;
    let position = Arc::new(AtomicU64::new(0));
    let checks = checks(&log, &pool, &cache, &position);
    let gauges = pool.clone();
    let routes = http::operations(poem::Route::new(), checks.clone(), &telemetry, move || telemetry::pool(&gauges));
    let endpoint = http::edge(routes, &config.http);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "projector is up");
    let projector = Projector { log: log.clone(), pool: pool.clone(), cache, batches: config.batches, position };
    let serving = http::serve(listener, endpoint, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    });
    tokio::select! {
        served = serving => served?,
        never = projector.work() => match never {},
    }
    pool.close().await;
    log.close().await;
    Ok(())
}

struct Projector {
    log: EventLog,
    pool: PgPool,
    cache: Cache,
    batches: config::Batches,
    /// The checkpoint, for health.
    position: Arc<AtomicU64>,
}

/// A batch that was read and decoded.
struct Decoded {
    events: Vec<Positioned>,
    batch: Batch,
}

impl Projector {
    /// Works for ever; whatever ends a session, another begins at the checkpoint.
    async fn work(&self) -> std::convert::Infallible {
        loop {
            match Lock::try_take(&self.pool).await {
                Ok(Some(mut lock)) => {
                    if let Err(error) = self.session(&mut lock).await {
                        tracing::warn!(error = chain(&error), "a session ended, beginning anew");
                    }
                    lock.release().await;
                }
                Ok(None) => tracing::debug!("another projector is at work, standing by"),
                Err(error) => tracing::warn!(error = chain(&error), "the database is not there, trying again"),
            }
            sleep(PAUSE).await;
        }
    }

    async fn session(&self, lock: &mut Lock) -> Result<(), Error> {
        let mut checkpoint = apply::checkpoint(&self.pool).await?;
        self.stand_at(checkpoint);
        let mut fences = Fences::new(self.cache.clone());
        let (sender, mut batches) = mpsc::channel(2);
        let follow = self.batches.follow(format!("projector-{}", apply::PROJECTION));
        let reader = tokio::spawn(read(self.log.clone(), checkpoint, follow, sender));
        let _ends_with_session = AbortOnDrop(reader);
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        announce::announce(&self.log, 0, checkpoint, &[]).await;
        loop {
            tokio::select! {
                decoded = batches.recv() => match decoded {
                    Some(decoded) => checkpoint = self.apply(&mut fences, checkpoint, decoded).await?,
                    None => return Ok(()),
                },
                _ = renewal.tick() => {
                    fences.renew().await;
                    if !lock.is_held().await {
                        return Err(Error::Displaced);
                    }
                }
            }
        }
    }

    /// Applies a batch: fence the cache, commit, tell the world.
    async fn apply(&self, fences: &mut Fences, checkpoint: u64, decoded: Decoded) -> Result<u64, Error> {
        let begun = Instant::now();
        let last = decoded.batch.last_sequence();
        let pending = apply::write(&self.pool, checkpoint, last, &decoded.events).await.inspect_err(failed)?;
        fences.before_commit(&pending.changed).await;
        let changed = pending.changed.clone();
        pending.commit().await.inspect_err(failed)?;
        announce::announce(&self.log, checkpoint, last, &changed).await;
        decoded.batch.acknowledge().await;

        counter!(EVENTS).increment(decoded.events.len() as u64);
        histogram!(BATCH_EVENTS).record(decoded.events.len() as f64);
        histogram!(BATCH_SECONDS).record(begun.elapsed().as_secs_f64());
        if let Some(event) = decoded.events.last() {
            let age = SystemClock.now() - event.envelope.time;
            histogram!(FRESHNESS_SECONDS).record(age.as_seconds_f64().max(0.0));
        }
        self.stand_at(last);
        gauge!(LAG).set(decoded.batch.lag() as f64);
        Ok(last)
    }

    fn stand_at(&self, checkpoint: u64) {
        gauge!(CHECKPOINT).set(checkpoint as f64);
        self.position.store(checkpoint, Ordering::Relaxed);
    }
}

fn failed(error: &Error) {
    counter!(FAILURES).increment(1);
    match error {
        Error::Displaced => tracing::warn!("the checkpoint was moved by somebody else, reading it again"),
        Error::Database(_) => tracing::warn!(error = chain(error), "a batch was not applied, trying again"),
        Error::Orphan { .. } => tracing::error!(error = chain(error), "an event cannot be applied"),
    }
}

/// Decodes a batch's events.
pub(crate) fn decode(batch: &Batch) -> Result<Vec<Positioned>, runtime::event_log::Error> {
    let positioned =
        |recorded: &Recorded| Ok(Positioned { sequence: recorded.sequence, envelope: recorded.decode_any()? });
    batch.events.iter().map(positioned).collect()
}

/// Reads and decodes, ahead of the applier by two batches at most.
async fn read(log: EventLog, after: u64, follow: Follow, sender: mpsc::Sender<Decoded>) {
    let mut follower = log.follow(after, follow);
    loop {
        let batch = match follower.next().await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(error = chain(&error), "the log cannot be followed, trying again");
                sleep(PAUSE).await;
                continue;
            }
        };
        match decode(&batch) {
            Ok(events) => {
                if sender.send(Decoded { events, batch }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                counter!(FAILURES).increment(1);
                tracing::error!(error = chain(&error), "an event cannot be read; nothing after it is applied");
                return;
            }
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn checks(log: &EventLog, pool: &PgPool, cache: &Cache, position: &Arc<AtomicU64>) -> Checks {
    let (log_up, log_head) = (log.clone(), log.clone());
    let (pool, cache, position) = (pool.clone(), cache.clone(), position.clone());
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
            let (log, position) = (log_head.clone(), position.clone());
            async move {
                let checkpoint = position.load(Ordering::Relaxed);
                let mut numbers = BTreeMap::from([("checkpoint".to_owned(), crate::documents::to_i64(checkpoint))]);
                if let Ok(head) = log.head().await {
                    numbers.insert("head".to_owned(), crate::documents::to_i64(head));
                    numbers.insert("lag".to_owned(), crate::documents::to_i64(head.saturating_sub(checkpoint)));
                }
                numbers
            }
        })
}

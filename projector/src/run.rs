//! The projector at work: one task reads and decodes, another applies, so that the database and the log are both busy.

use crate::apply::{Applier, Error, Positioned, to_i64};
use crate::lock::Lock;
use crate::metrics::{BATCH_EVENTS, BATCH_SECONDS, CHECKPOINT, EVENTS, FAILURES, FRESHNESS_SECONDS, LAG};
use crate::projection::Projection;
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
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long a projector on standby waits before it asks for the lock again, and a failed batch before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long it waits when somebody must do something first.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// How often the distance to the head of the log is measured.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the log until told to stop.
pub(crate) async fn run(config: config::Run) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let telemetry = telemetry::start(&config.log)?;
    crate::metrics::describe();
    let listener = TcpListener::bind(config.listen).await?;
    let pool = |projection: Projection| {
        postgres::pool_without_sync(&config.postgres, &format!("projector-{}", projection.name()), projection.schema())
    };
    let (documents, knowledge) = (pool(Projection::Documents)?, pool(Projection::Knowledge)?);
    let cache = Cache::open(&config.redis)?;
    let log = until_up("the event log", || EventLog::connect(&config.nats, "projector")).await;
    let positions = Positions::default();
    let checks = checks(&log, &documents, &cache, &positions);
    let gauges = documents.clone();
    let routes = http::operations(poem::Route::new(), checks.clone(), &telemetry, move || telemetry::pool(&gauges));
    let endpoint = http::edge(routes, &config.http);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "projector is up");
    let projector = |projection: Projection, pool: &PgPool| Projector {
        projection,
        log: log.clone(),
        pool: pool.clone(),
        cache: cache.clone(),
        batches: config.batches.clone(),
        positions: positions.clone(),
    };
    // Each on a task of its own: one that computes for long does not hold up the other.
    let mut projectors = JoinSet::new();
    for projector in [projector(Projection::Documents, &documents), projector(Projection::Knowledge, &knowledge)] {
        projectors.spawn(async move { projector.work().await });
    }
    let serving = http::serve(listener, endpoint, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    });
    tokio::select! {
        served = serving => served?,
        Some(ended) = projectors.join_next() => match ended {
            Ok(never) => match never {},
            Err(broken) => return Err(broken.into()),
        },
        never = measure_lag(&log, &positions) => match never {},
    }
    projectors.shutdown().await;
    documents.close().await;
    knowledge.close().await;
    log.close().await;
    Ok(())
}

/// Says again and again how far the projections are behind the log, also while a batch takes long.
async fn measure_lag(log: &EventLog, positions: &Positions) -> Infallible {
    let mut tick = interval(LAG_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Ok(head) = log.head().await {
            for projection in Projection::ALL {
                let lag = head.saturating_sub(positions.get(projection));
                gauge!(LAG, "projection" => projection.name()).set(lag as f64);
            }
        }
    }
}

/// One projection at work.
struct Projector {
    projection: Projection,
    log: EventLog,
    pool: PgPool,
    cache: Cache,
    batches: config::Batches,
    positions: Positions,
}

/// The checkpoints, for health, in the order of [`Projection::ALL`].
#[derive(Clone, Default)]
struct Positions(Arc<[AtomicU64; Projection::ALL.len()]>);

impl Positions {
    fn set(&self, projection: Projection, checkpoint: u64) {
        self.0[projection as usize].store(checkpoint, Ordering::Relaxed);
    }

    fn get(&self, projection: Projection) -> u64 {
        self.0[projection as usize].load(Ordering::Relaxed)
    }
}

/// A batch that was read and decoded.
struct Decoded {
    events: Vec<Positioned>,
    batch: Batch,
}

impl Projector {
    /// Works for ever; whatever ends a session, another begins at the checkpoint.
    async fn work(&self) -> Infallible {
        loop {
            let mut pause = PAUSE;
            match Lock::try_take(&self.pool, self.projection.lock_key()).await {
                Ok(Some(mut lock)) => {
                    if let Err(error) = self.session(&mut lock).await {
                        tracing::warn!(error = chain(&error), "a session ended, beginning anew");
                        if matches!(error, Error::OtherAnalysis { .. }) {
                            pause = LONG_PAUSE;
                        }
                    }
                    lock.release().await;
                }
                Ok(None) => tracing::debug!("another projector is at work, standing by"),
                Err(error) => tracing::warn!(error = chain(&error), "the database is not there, trying again"),
            }
            sleep(pause).await;
        }
    }

    async fn session(&self, lock: &mut Lock) -> Result<(), Error> {
        let (mut applier, mut checkpoint) =
            Applier::begin(self.projection, &self.pool, &self.log).await.inspect_err(|error| self.failed(error))?;
        self.stand_at(checkpoint);
        let mut fences = match self.projection {
            Projection::Documents => Some(Fences::new(self.cache.clone())),
            // No answer about knowledge is cached.
            Projection::Knowledge => None,
        };
        let (sender, mut batches) = mpsc::channel(2);
        let follow = self.batches.follow(format!("projector-{}", self.projection.name()));
        let reader = tokio::spawn(read(self.projection, self.log.clone(), checkpoint, follow, sender));
        let _ends_with_session = AbortOnDrop(reader);
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        announce::announce(&self.log, self.projection, 0, checkpoint, &[]).await;
        loop {
            tokio::select! {
                decoded = batches.recv() => match decoded {
                    Some(decoded) => checkpoint = self.apply(&mut applier, fences.as_mut(), checkpoint, decoded).await?,
                    None => return Ok(()),
                },
                _ = renewal.tick() => {
                    if let Some(fences) = &mut fences {
                        fences.renew().await;
                    }
                    // After a switch what is cached is of the old tables: another session has another epoch.
                    if !lock.is_held().await || !applier.is_on_its_tables().await? {
                        return Err(Error::Displaced);
                    }
                }
            }
        }
    }

    /// Applies a batch: fence the cache, commit, tell the world.
    async fn apply(
        &self,
        applier: &mut Applier,
        fences: Option<&mut Fences>,
        checkpoint: u64,
        decoded: Decoded,
    ) -> Result<u64, Error> {
        let begun = Instant::now();
        let last = decoded.batch.last_sequence();
        let pending = applier.write(checkpoint, last, &decoded.events).await.inspect_err(|error| self.failed(error))?;
        if let Some(fences) = fences {
            fences.before_commit(&pending.changed).await;
        }
        let changed = pending.changed.clone();
        pending.commit().await.inspect_err(|error| self.failed(error))?;
        announce::announce(&self.log, self.projection, checkpoint, last, &changed).await;
        decoded.batch.acknowledge().await;

        let projection = self.projection.name();
        counter!(EVENTS, "projection" => projection).increment(decoded.events.len() as u64);
        histogram!(BATCH_EVENTS, "projection" => projection).record(decoded.events.len() as f64);
        histogram!(BATCH_SECONDS, "projection" => projection).record(begun.elapsed().as_secs_f64());
        if let Some(event) = decoded.events.last() {
            let age = SystemClock.now() - event.envelope.time;
            histogram!(FRESHNESS_SECONDS, "projection" => projection).record(age.as_seconds_f64().max(0.0));
        }
        self.stand_at(last);
        Ok(last)
    }

    fn failed(&self, error: &Error) {
        counter!(FAILURES, "projection" => self.projection.name()).increment(1);
        match error {
            Error::Displaced => tracing::warn!("the checkpoint was moved by somebody else, reading it again"),
            Error::Database(_) | Error::Text(_) => {
                tracing::warn!(error = chain(error), "a batch was not applied, trying again");
            }
            Error::Orphan { .. } | Error::Unreadable(_) | Error::OtherAnalysis { .. } => {
                tracing::error!(error = chain(error), projection = self.projection.name(), "events cannot be applied");
            }
        }
    }

    fn stand_at(&self, checkpoint: u64) {
        gauge!(CHECKPOINT, "projection" => self.projection.name()).set(checkpoint as f64);
        self.positions.set(self.projection, checkpoint);
    }
}

/// Decodes a batch's events.
pub(crate) fn decode(batch: &Batch) -> Result<Vec<Positioned>, runtime::event_log::Error> {
    let positioned =
        |recorded: &Recorded| Ok(Positioned { sequence: recorded.sequence, envelope: recorded.decode_any()? });
    batch.events.iter().map(positioned).collect()
}

/// Reads and decodes, ahead of the applier by two batches at most.
async fn read(projection: Projection, log: EventLog, after: u64, follow: Follow, sender: mpsc::Sender<Decoded>) {
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
                counter!(FAILURES, "projection" => projection.name()).increment(1);
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

fn checks(log: &EventLog, pool: &PgPool, cache: &Cache, positions: &Positions) -> Checks {
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
                let checkpoints = Projection::ALL.map(|projection| (projection.name(), positions.get(projection)));
                let checkpoint = checkpoints.iter().map(|(_, checkpoint)| *checkpoint).min().unwrap_or(0);
                let mut numbers = BTreeMap::from([("checkpoint".to_owned(), to_i64(checkpoint))]);
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

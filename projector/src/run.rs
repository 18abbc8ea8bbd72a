//! The projector at work: one task reads and decodes, another applies, so that the database and the log are both busy.

use crate::apply::{Applier, Pending};
use crate::error::Error;
use crate::failures::decisions::{self, Decision};
use crate::health::{Positions, checks, measure_lag};
use crate::lock::Lock;
use crate::metrics::{BATCH_EVENTS, BATCH_SECONDS, EVENTS, FAILURES, FRESHNESS_SECONDS};
use crate::positioned::Read;
use crate::projection::Projection;
use crate::{announce, config, parking};
use events::Stream;
use metrics::{counter, histogram};
use runtime::cache::{Cache, Fences, RENEWAL};
use runtime::clock::{Clock, SystemClock};
use runtime::event_log::{Batch, Follow};
use runtime::service::{chain, told_to_stop, until_up};
use runtime::{EventLog, http, postgres, telemetry};
use sqlx::PgPool;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long a projector on standby waits before it asks for the lock again, and a failed batch before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long it waits when somebody must do something first.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// How often it looks for decisions of operators.
const DECISIONS: Duration = Duration::from_secs(1);

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

/// One projection at work.
struct Projector {
    projection: Projection,
    log: EventLog,
    pool: PgPool,
    cache: Cache,
    batches: config::Batches,
    positions: Positions,
}

/// A batch that was read and decoded.
struct Decoded {
    events: Vec<Read>,
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
        self.positions.stand_at(self.projection, checkpoint);
        let mut fences = match self.projection {
            Projection::Documents => Some(Fences::new(self.cache.clone())),
            // No answer about knowledge is cached.
            Projection::Knowledge => None,
        };
        let (sender, mut batches) = mpsc::channel(2);
        let follow = self.batches.follow(format!("projector-{}", self.projection.name()));
        let reader = tokio::spawn(read(self.log.clone(), checkpoint, follow, sender));
        let _ends_with_session = AbortOnDrop(reader);
        decisions::reconsider(&self.pool, self.projection).await?;
        self.count_parked().await?;
        let mut decisions = interval(DECISIONS);
        decisions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        announce::announce(&self.log, self.projection, 0, checkpoint, &[]).await;
        loop {
            tokio::select! {
                decoded = batches.recv() => match decoded {
                    Some(decoded) => checkpoint = self.apply(&mut applier, fences.as_mut(), checkpoint, decoded).await?,
                    None => return Ok(()),
                },
                _ = decisions.tick() => self.carry_out(&mut applier, fences.as_mut(), checkpoint).await?,
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
        let (events, time) = (decoded.events.len(), decoded.events.last().and_then(Read::time));
        let pending = applier.write(checkpoint, last, decoded.events).await.inspect_err(|error| self.failed(error))?;
        self.finish(pending, fences, checkpoint, last).await.inspect_err(|error| self.failed(error))?;
        decoded.batch.acknowledge().await;

        let projection = self.projection.name();
        counter!(EVENTS, "projection" => projection).increment(events as u64);
        histogram!(BATCH_EVENTS, "projection" => projection).record(events as f64);
        histogram!(BATCH_SECONDS, "projection" => projection).record(begun.elapsed().as_secs_f64());
        if let Some(time) = time {
            let age = SystemClock.now() - time;
            histogram!(FRESHNESS_SECONDS, "projection" => projection).record(age.as_seconds_f64().max(0.0));
        }
        self.positions.stand_at(self.projection, last);
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

    /// Carries out what operators decided about parked events: the oldest decision.
    async fn carry_out(
        &self,
        applier: &mut Applier,
        fences: Option<&mut Fences>,
        checkpoint: u64,
    ) -> Result<(), Error> {
        let Some(decision) = decisions::open(&self.pool, self.projection).await? else { return Ok(()) };
        let Some(stream) = decisions::held_up(&self.pool, decision.sequence).await? else {
            let outcome = "nothing to do: it is not parked, or waits for another";
            return Ok(decisions::done(&self.pool, decision.id, outcome).await?);
        };
        match self.try_again(applier, fences, checkpoint, &decision, stream).await {
            Ok(outcome) => {
                decisions::done(&self.pool, decision.id, &outcome).await?;
                tracing::info!(sequence = decision.sequence, decision.is_skip, outcome, "a decision was carried out");
                Ok(())
            }
            Err(error @ Error::Displaced) => Err(error),
            Err(error) => {
                // Whoever decided hears of it, and may decide again; it does not come up by itself for ever.
                decisions::done(&self.pool, decision.id, &format!("not carried out: {}", chain(&error))).await?;
                Err(error)
            }
        }
    }

    /// Applies what a stream has parked once more; says what came of it.
    async fn try_again(
        &self,
        applier: &mut Applier,
        mut fences: Option<&mut Fences>,
        checkpoint: u64,
        decision: &Decision,
        stream: Stream,
    ) -> Result<String, Error> {
        if decision.is_skip {
            applier.parking().skip(decision.sequence);
        }
        let mut applied = 0;
        loop {
            let parked = decisions::parked(&self.pool, &self.log, &stream).await?;
            let tried = parked.len();
            if tried == 0 {
                return Ok(format!("applied: {applied} events"));
            }
            let mut pending = applier.write_parked(checkpoint, stream, parked).await?;
            decisions::takes_hold(&mut **pending.transaction(), decision.id).await?;
            let waiting = pending.parked.len();
            applied += tried - waiting;
            self.finish(pending, fences.as_deref_mut(), checkpoint, checkpoint).await?;
            if waiting > 0 {
                return Ok(format!("{applied} events applied, {waiting} still wait"));
            }
        }
    }

    /// Fences the cache, commits, and tells the world.
    async fn finish(&self, pending: Pending, fences: Option<&mut Fences>, from: u64, to: u64) -> Result<(), Error> {
        let (changed, parked) = (pending.changed.clone(), pending.parked.len());
        if let Some(fences) = fences {
            fences.before_commit(&changed).await;
        }
        pending.commit().await?;
        announce::announce(&self.log, self.projection, from, to, &changed).await;
        if parked > 0 || from == to {
            self.count_parked().await?;
        }
        Ok(())
    }

    async fn count_parked(&self) -> Result<(), Error> {
        let parked = parking::count(&self.pool).await?;
        self.positions.has_parked(self.projection, parked);
        Ok(())
    }
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
        let events = batch.events.iter().map(Read::of).collect();
        if sender.send(Decoded { events, batch }).await.is_err() {
            return;
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

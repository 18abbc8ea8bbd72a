//! The assistant: a process manager that reads texts from the log, asks a language model about them, and records the
//! answers as events. A replay finds the answers in the log and asks nobody. Whatever fails here harms nothing else.

mod actor;
mod budget;
mod chat;
mod clusters;
mod config;
mod documents;
mod metrics;

pub(crate) use config::Assist;

use crate::decider::{self, Decider, Order};
use ::metrics::{counter, gauge};
use budget::Budget;
use chat::Chat;
use domain::Aggregate;
use domain::cluster::Cluster;
use domain::document::Document;
use metrics::{GIVEN_UP, POSITION};
use runtime::blobs::Blobs;
use runtime::clock::{Clock, SystemClock};
use runtime::event_log::{self, Follow};
use runtime::health::Checks;
use runtime::service::{chain, told_to_stop, until_up};
use runtime::telemetry::{self};
use runtime::watermarks::Watermark;
use runtime::{EventLog, http, postgres, traces};
use sqlx::PgPool;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::Instrument;

/// How long to wait before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);
/// Events read at once: each may be a question that takes a minute.
const BATCH: usize = 64;
/// Shortest time between two rounds of looking for clusters.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The assistant's parts.
struct Assistant {
    documents: Decider<Document>,
    clusters: Decider<Cluster>,
    blobs: Blobs,
    pool: PgPool,
    model: config::Model,
    chat: Chat,
    /// Clusters for which no answer could be used: this process asks about them no more.
    nameless: HashSet<uuid::Uuid>,
}

/// Why the assistant could not do its work.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// A question that has no answer.
    #[error("the question has no answer")]
    Chat(#[from] chat::Error),
    /// The event log.
    #[error("the event log failed")]
    Log(#[from] event_log::Error),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Asks until told to stop.
pub(crate) async fn run(config: Assist) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let telemetry = telemetry::start_traced(&config.log, &config.traces, "assistant")?;
    metrics::begin();
    let listener = TcpListener::bind(config.listen).await?;
    let pool = postgres::pool(&config.postgres, "assistant", "identity")?;
    let log = until_up("the event log", || EventLog::connect(&config.nats, "assistant")).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let budget = Budget::new(clock.clone(), config.model.llm_per_minute, config.model.llm_tokens_per_day);
    let mut assistant = Assistant {
        documents: Decider::new(log.clone(), clock.clone(), &config.commands),
        clusters: Decider::new(log.clone(), clock, &config.commands),
        blobs: Blobs::new(log.connection().clone()),
        pool: pool.clone(),
        chat: Chat::new(config.model.clone(), budget)?,
        model: config.model,
        nameless: HashSet::new(),
    };
    let checks = checks(&log, &pool, assistant.chat.is_answering());
    let checks = checks.needs_room(&Watermark::of_memory(&config.memory));
    let gauges = pool.clone();
    let routes = http::operations(poem::Route::new(), checks.clone(), &telemetry, move || {
        telemetry::pool("read_models", &gauges)
    });
    let endpoint = http::edge(routes, &config.http, http::Described::default());
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "assistant is up");
    let serving = http::serve(listener, endpoint, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    });
    tokio::select! {
        served = serving => served?,
        never = assistant.work(&log) => match never {},
    }
    log.close().await;
    Ok(())
}

impl Assistant {
    async fn work(&mut self, log: &EventLog) -> std::convert::Infallible {
        let position = until_up("the database", || position(&self.pool)).await;
        gauge!(POSITION).set(position as f64);
        let follow = Follow { name: "assistant".to_owned(), batch_events: BATCH, batch_bytes: 4 << 20, subject: None };
        let mut follower = log.follow(position, follow);
        let mut rounds = interval(self.model.llm_clusters_every.max(SHORTEST_PAUSE));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = rounds.tick() => {
                    if let Err(error) = clusters::round(self).await {
                        tracing::warn!(error = chain(&error), "clusters were not named, later again");
                    }
                    // A round may take longer than the pause: documents have their turn before the next.
                    rounds.reset();
                }
                batch = follower.next() => match batch {
                    Ok(batch) => {
                        self.batch(&batch).await;
                        batch.acknowledge().await;
                    }
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "the log cannot be followed, trying again");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    async fn batch(&mut self, batch: &event_log::Batch) {
        for recorded in &batch.events {
            match recorded.decode_any() {
                Ok(envelope) => {
                    let span = traces::assist(envelope.trace.as_ref(), recorded.sequence);
                    self.event(recorded.sequence, envelope.stream, &envelope.event).instrument(span).await;
                }
                Err(error) => tracing::error!(error = chain(&error), "an event cannot be read, and is passed over"),
            }
        }
        self.stand_at(batch.last_sequence()).await;
    }

    /// Asks about one event. A question that is at fault itself is given up; the model, the log and the database are waited
    /// for.
    async fn event(&mut self, sequence: u64, stream: events::Stream, event: &events::AnyEvent) {
        loop {
            match documents::event(self, sequence, stream, event).await {
                Ok(()) => return,
                Err(Error::Chat(error)) => {
                    counter!(GIVEN_UP).increment(1);
                    tracing::warn!(error = chain(&error), sequence, document.id = %stream.id, "a text was given up");
                    return;
                }
                Err(Error::Log(error @ (event_log::Error::Corrupt { .. } | event_log::Error::Missing { .. }))) => {
                    tracing::error!(error = chain(&error), sequence, "a text cannot be read, and is passed over");
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), sequence, "a text was not read, trying again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn stand_at(&self, sequence: u64) {
        gauge!(POSITION).set(sequence as f64);
        let moved = sqlx::query!(
            "update identity.assistant set sequence = $1 where assistant = 'documents' and sequence < $1",
            i64::try_from(sequence).unwrap_or(i64::MAX)
        )
        .execute(&self.pool)
        .await;
        if let Err(error) = moved {
            // What was answered is not asked again after a restart: the document says that it was.
            tracing::debug!(error = chain(&error), "the position was not written");
        }
    }
}

async fn position(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("select sequence from identity.assistant where assistant = 'documents'")
        .fetch_one(pool)
        .await?;
    Ok(u64::try_from(sequence).unwrap_or(0))
}

/// Carries an order out, however long the log is away: asking again would cost again. A rule's refusal ends the matter, as
/// the document or the cluster has changed meanwhile.
async fn record<A>(decider: &Decider<A>, order: impl Fn() -> Order<A::Command>)
where
    A: Aggregate,
    A::Command: Clone,
{
    loop {
        match decider.execute(order()).await {
            Ok(_) => return,
            Err(decider::Error::Log(error)) => {
                tracing::warn!(error = chain(&error), "an answer was not recorded, trying again");
                sleep(PAUSE).await;
            }
            Err(refused @ (decider::Error::Refused(_) | decider::Error::Stale { .. } | decider::Error::KeyReused)) => {
                tracing::info!(?refused, "an answer came too late");
                return;
            }
        }
    }
}

fn checks(log: &EventLog, pool: &PgPool, is_answering: Arc<AtomicBool>) -> Checks {
    let (log, pool) = (log.clone(), pool.clone());
    Checks::new("assistant")
        .needs("nats", move || {
            let log = log.clone();
            async move { log.is_connected() && log.head().await.is_ok() }
        })
        .needs("postgres", move || {
            let pool = pool.clone();
            async move { postgres::is_up(&pool).await }
        })
        .uses("model", move || {
            let is_answering = is_answering.load(Ordering::Relaxed);
            async move { is_answering }
        })
}

//! `projector replay`: fills new read models from the whole log beside the serving ones, then compares, or switches.

use crate::apply::{self, Positioned};
use crate::generation::{self, REPLAY_SCHEMA};
use crate::{config, migrate, run};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::event_log::Follower;
use runtime::postgres::READ_SCHEMA;
use runtime::{EventLog, postgres, telemetry};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

#[derive(Serialize)]
struct Report {
    events: u64,
    sequence: u64,
    seconds: f64,
    events_per_second: f64,
    switched: bool,
    /// Tables that differ: name, rows only in the serving ones, rows only in the replayed ones.
    differences: Vec<(&'static str, i64, i64)>,
}

/// Replays, and prints what came of it.
pub(crate) async fn run(config: config::Replay) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let mut database = config.postgres.clone();
    database.statement_timeout = Duration::ZERO;
    let pool = postgres::pool_without_sync(&database, "projector-replay", REPLAY_SCHEMA)?;
    let log = EventLog::connect(&config.nats, "projector-replay").await?;
    let report = replay(&pool, &log, &config).await?;
    if config.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!(
            "{} events in {:.1} s ({:.0} events/s), {}",
            report.events,
            report.seconds,
            report.events_per_second,
            if report.switched { "now serving" } else { "compared with the serving tables" }
        );
        for (table, serving, replayed) in &report.differences {
            println!("{table}: {serving} rows only in the serving tables, {replayed} only in the replayed ones");
        }
    }
    if report.differences.is_empty() { Ok(()) } else { Err("the serving tables differ from the replayed ones".into()) }
}

async fn replay(
    pool: &PgPool,
    log: &EventLog,
    config: &config::Replay,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    generation::remove(&mut *pool.acquire().await?, REPLAY_SCHEMA).await?;
    migrate::read_model(pool, REPLAY_SCHEMA).await?;
    let indexes = generation::drop_indexes(pool, REPLAY_SCHEMA).await?;

    let head = log.head().await?;
    let mut filling = Filling::new(pool, log, config, head);
    filling.up_to(head).await?;
    filling.progress.set_message("making indexes");
    for index in indexes {
        sqlx::query(AssertSqlSafe(index)).execute(pool).await?;
    }
    sqlx::query("analyze document, document_content, document_history").execute(pool).await?;
    filling.up_to(log.head().await?).await?;

    let mut transaction = pool.begin().await?;
    filling.up_to(generation::hold(&mut transaction).await?).await?;
    filling.progress.finish_and_clear();
    let mut differences = Vec::new();
    if config.check {
        differences = generation::differences(&mut transaction, READ_SCHEMA, REPLAY_SCHEMA).await?;
        generation::remove(&mut transaction, REPLAY_SCHEMA).await?;
    } else {
        generation::switch(&mut transaction).await?;
    }
    transaction.commit().await?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Report {
        events: filling.events,
        sequence: filling.checkpoint,
        seconds,
        events_per_second: filling.events as f64 / seconds,
        switched: !config.check,
        differences,
    })
}

/// New tables on their way to a sequence.
struct Filling<'a> {
    pool: &'a PgPool,
    batches: mpsc::Receiver<Result<Vec<Positioned>, runtime::event_log::Error>>,
    /// Events that were read but lie beyond what was asked for so far.
    ahead: Vec<Positioned>,
    checkpoint: u64,
    events: u64,
    progress: ProgressBar,
}

impl<'a> Filling<'a> {
    fn new(pool: &'a PgPool, log: &EventLog, config: &config::Replay, head: u64) -> Self {
        let follower = log.follow(0, config.batches.follow("projector-replay".to_owned()));
        let (sender, batches) = mpsc::channel(2);
        tokio::spawn(read(follower, sender));
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events, {per_sec}, {eta} left {msg}");
        let progress = ProgressBar::new(head).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { pool, batches, ahead: Vec::new(), checkpoint: 0, events: 0, progress }
    }

    /// Applies every event up to a sequence of the log.
    async fn up_to(&mut self, sequence: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        while self.checkpoint < sequence {
            let mut events = std::mem::take(&mut self.ahead);
            if events.is_empty() {
                events = self.batches.recv().await.ok_or("the log cannot be followed")??;
            }
            let beyond = events.partition_point(|event| event.sequence <= sequence);
            self.ahead = events.split_off(beyond);
            let last = events.last().map_or(sequence, |event| event.sequence);
            apply::write(self.pool, self.checkpoint, last, &events).await?.commit().await?;
            self.checkpoint = last;
            self.events += events.len() as u64;
            self.progress.set_position(last);
        }
        Ok(())
    }
}

async fn read(mut follower: Follower, sender: mpsc::Sender<Result<Vec<Positioned>, runtime::event_log::Error>>) {
    loop {
        let decoded = match follower.next().await {
            Ok(batch) => {
                batch.acknowledge().await;
                run::decode(&batch)
            }
            Err(error) => Err(error),
        };
        let is_end = decoded.is_err();
        if sender.send(decoded).await.is_err() || is_end {
            return;
        }
    }
}

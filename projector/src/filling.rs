//! `projector replay`: fills new read models from the whole log beside the serving ones, then compares, or switches.

use crate::apply::{Applier, Positioned};
use crate::lock::Lock;
use crate::projection::Projection;
use crate::{config, generation, migrate, run};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::event_log::Follower;
use runtime::{EventLog, postgres, telemetry};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};
use std::error::Error;
use std::time::Instant;
use tokio::sync::mpsc;

/// What came of replaying one projection.
#[derive(Serialize)]
struct Report {
    projection: Projection,
    events: u64,
    sequence: u64,
    seconds: f64,
    events_per_second: f64,
    switched: bool,
    /// Tables that differ: name, rows only in the serving ones, rows only in the replayed ones.
    differences: Vec<(&'static str, i64, i64)>,
}

/// Replays, and prints what came of it: with `--json` one report a line.
pub(crate) async fn run(config: config::Replay) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let log = EventLog::connect(&config.nats, "projector-replay").await?;
    let projections = config.projection.map_or(Projection::ALL.to_vec(), |projection| vec![projection]);
    let mut is_equal = true;
    for projection in projections {
        let report = replay(&log, &config, projection).await?;
        is_equal &= report.differences.is_empty();
        report.print(config.json)?;
    }
    if is_equal { Ok(()) } else { Err("the serving tables differ from the replayed ones".into()) }
}

impl Report {
    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        println!(
            "{}: {} events in {:.1} s ({:.0} events/s), {}",
            self.projection.name(),
            self.events,
            self.seconds,
            self.events_per_second,
            if self.switched { "now serving" } else { "compared with the serving tables" }
        );
        for (table, serving, replayed) in &self.differences {
            println!("{table}: {serving} rows only in the serving tables, {replayed} only in the replayed ones");
        }
        Ok(())
    }
}

async fn replay(
    log: &EventLog,
    config: &config::Replay,
    projection: Projection,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    let mut filling = Filling::begin(log, &config.postgres, &config.batches, projection).await?;
    filling.catch_up().await?;

    let mut transaction = filling.pool.clone().begin().await?;
    let sequence = generation::hold(&mut transaction, projection).await?;
    filling.up_to(sequence).await?;
    filling.finish();
    let mut differences = Vec::new();
    if config.check {
        let (serving, replayed) = (projection.schema(), projection.replay_schema());
        differences = generation::differences(&mut transaction, projection, serving, replayed).await?;
        generation::remove(&mut transaction, replayed).await?;
    } else {
        generation::switch(&mut transaction, projection).await?;
    }
    transaction.commit().await?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Report {
        projection,
        events: filling.events,
        sequence: filling.checkpoint,
        seconds,
        events_per_second: filling.events as f64 / seconds,
        switched: !config.check,
        differences,
    })
}

/// New tables on their way to a sequence.
pub(crate) struct Filling {
    projection: Projection,
    log: EventLog,
    pub(crate) pool: PgPool,
    applier: Applier,
    /// Definitions of the indexes that are made when the tables are full.
    indexes: Vec<String>,
    batches: mpsc::Receiver<Result<Vec<Positioned>, runtime::event_log::Error>>,
    /// Events that were read but lie beyond what was asked for so far.
    ahead: Vec<Positioned>,
    checkpoint: u64,
    events: u64,
    progress: ProgressBar,
    /// Held until all is done.
    _lock: Lock,
}

impl Filling {
    /// Begins a generation with empty tables beside the serving ones.
    pub(crate) async fn begin(
        log: &EventLog,
        database: &runtime::config::Postgres,
        batches: &config::Batches,
        projection: Projection,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let name = format!("projector-replay-{}", projection.name());
        let pool = postgres::pool_without_sync(database, &name, projection.replay_schema())?;
        let lock = Lock::try_take(&pool, projection.replay_lock_key()).await?;
        let lock = lock.ok_or("another replay or comparison of this projection is under way")?;
        generation::remove(&mut *pool.acquire().await?, projection.replay_schema()).await?;
        migrate::replayed(&pool, projection).await?;
        let indexes = generation::drop_indexes(&pool, projection).await?;
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(read(log.follow(0, batches.follow(name)), sender));
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events, {per_sec}, {eta} left {msg}");
        let progress = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (applier, _) = Applier::begin(projection, &pool, log).await?;
        Ok(Self {
            projection,
            log: log.clone(),
            pool,
            applier,
            indexes,
            batches: receiver,
            ahead: Vec::new(),
            checkpoint: 0,
            events: 0,
            progress,
            _lock: lock,
        })
    }

    /// Applies the log as far as it goes, makes the indexes, and applies what was appended meanwhile.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let head = self.log.head().await?;
        self.progress.set_length(head);
        self.up_to(head).await?;
        self.progress.set_message("making indexes");
        for index in std::mem::take(&mut self.indexes) {
            sqlx::query(AssertSqlSafe(index)).execute(&self.pool).await?;
        }
        let tables = self.projection.tables().join(", ");
        sqlx::query(AssertSqlSafe(format!("analyze {tables}"))).execute(&self.pool).await?;
        self.up_to(self.log.head().await?).await
    }

    /// Takes the progress bar away.
    pub(crate) fn finish(&self) {
        self.progress.finish_and_clear();
    }

    /// Applies every event up to a sequence of the log.
    pub(crate) async fn up_to(&mut self, sequence: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        while self.checkpoint < sequence {
            let mut events = std::mem::take(&mut self.ahead);
            if events.is_empty() {
                events = self.batches.recv().await.ok_or("the log cannot be followed")??;
            }
            let beyond = events.partition_point(|event| event.sequence <= sequence);
            self.ahead = events.split_off(beyond);
            let last = events.last().map_or(sequence, |event| event.sequence);
            self.applier.write(self.checkpoint, last, &events).await?.commit().await?;
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

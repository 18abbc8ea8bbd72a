//! `projector failures`: what could not be applied, and what operators do about it. Decisions are written down here and
//! carried out by the projector that is at work.

pub(crate) mod carrying_out;
pub(crate) mod decisions;

use crate::config::{self, Action};
use crate::numbers::{to_i64, to_u64};
use crate::parking;
use crate::projection::Projection;
use chrono::{DateTime, Utc};
use runtime::event_log::Raw;
use runtime::{EventLog, postgres, telemetry};
use serde::Serialize;
use sqlx::PgPool;
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a command waits for the projector, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

type Failed = Box<dyn Error + Send + Sync>;

/// An event that could not be applied.
#[derive(Serialize)]
struct Failure {
    projection: Projection,
    sequence: u64,
    /// Its subject in the log.
    stream: String,
    error: String,
    /// Later events of the stream that wait.
    waiting: i64,
}

/// A decision, and what came of it.
#[derive(Serialize)]
struct Decided {
    projection: String,
    sequence: i64,
    action: String,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
    outcome: Option<String>,
    done_at: Option<DateTime<Utc>>,
}

/// An event as it stands in the log, and all that is known of its failure.
#[derive(Serialize)]
struct Shown {
    failures: Vec<Failure>,
    decisions: Vec<Decided>,
    /// Headers and body, as they are.
    message: Option<Raw>,
}

/// Does what was asked.
pub(crate) async fn run(config: config::Failures) -> Result<(), Failed> {
    let _telemetry = telemetry::start(&config.log)?;
    match &config.action {
        Action::List => list(&config).await,
        Action::Show { sequence } => show(&config, *sequence).await,
        Action::Retry { sequence, projection, reason } => {
            decide(&config, *sequence, *projection, "retry", reason).await
        }
        Action::Skip { sequence, projection, reason } => {
            decide(&config, Some(*sequence), *projection, "skip", reason).await
        }
    }
}

async fn list(config: &config::Failures) -> Result<(), Failed> {
    let failures = failures(config, None).await?;
    for failure in &failures {
        if config.json {
            println!("{}", serde_json::to_string(failure)?);
        } else {
            print(failure);
        }
    }
    if failures.is_empty() && !config.json {
        println!("every event was applied");
    }
    Ok(())
}

fn print(failure: &Failure) {
    let Failure { projection, sequence, stream, error, waiting } = failure;
    println!("{sequence} in {}: {error}\n  of {stream}; {waiting} later events of it wait", projection.name());
}

async fn show(config: &config::Failures, sequence: u64) -> Result<(), Failed> {
    let failures = failures(config, Some(sequence)).await?;
    let pool = pool(config, Projection::Documents)?;
    let decisions = sqlx::query_as!(
        Decided,
        "select projection, sequence, action, reason, decided_by, decided_at, outcome, done_at
         from operations.failure_decision where sequence = $1 order by id",
        to_i64(sequence)
    )
    .fetch_all(&pool)
    .await?;
    let log = EventLog::connect(&config.nats, "projector-failures").await?;
    let message = log.raw(sequence).await?;
    let shown = Shown { failures, decisions, message };
    if config.json {
        println!("{}", serde_json::to_string(&shown)?);
        return Ok(());
    }
    shown.failures.iter().for_each(print);
    for decided in &shown.decisions {
        let Decided { action, reason, decided_by, decided_at, projection, .. } = decided;
        let outcome = decided.outcome.as_deref().unwrap_or("not carried out yet");
        println!("{decided_at} {action} in {projection} by {decided_by}: {reason}; {outcome}");
    }
    match &shown.message {
        Some(message) => println!("{}", serde_json::to_string_pretty(message)?),
        None => println!("the log has no message {sequence}"),
    }
    Ok(())
}

/// Events that could not be applied, those at a sequence alone if one is given.
async fn failures(config: &config::Failures, sequence: Option<u64>) -> Result<Vec<Failure>, Failed> {
    let mut failures = Vec::new();
    for projection in Projection::ALL {
        let rows = sqlx::query!(
            r#"select p.sequence, p.workspace_id, p.aggregate, p.stream_id, p.error as "error!",
                   (select count(*) from parked_event w where w.workspace_id is not distinct from p.workspace_id
                    and w.aggregate = p.aggregate and w.stream_id = p.stream_id and w.error is null) as "waiting!"
               from parked_event p where p.error is not null and ($1::bigint is null or p.sequence = $1) order by p.sequence"#,
            sequence.map(to_i64)
        )
        .fetch_all(&pool(config, projection)?)
        .await?;
        for row in rows {
            failures.push(Failure {
                projection,
                sequence: to_u64(row.sequence),
                stream: parking::stream(row.workspace_id, &row.aggregate, row.stream_id)?.subject(),
                error: row.error,
                waiting: row.waiting,
            });
        }
    }
    Ok(failures)
}

/// Writes a decision down for each failure that it is about, and waits until a projector has carried it out.
async fn decide(
    config: &config::Failures,
    sequence: Option<u64>,
    projection: Option<Projection>,
    action: &str,
    reason: &str,
) -> Result<(), Failed> {
    let mut failures = failures(config, sequence).await?;
    failures.retain(|failure| projection.is_none_or(|projection| failure.projection == projection));
    if failures.is_empty() {
        return Err("no such event is parked: see `projector failures list`".into());
    }
    if reason.trim().is_empty() {
        return Err("a reason is needed".into());
    }
    let pool = pool(config, Projection::Documents)?;
    let mut ids = Vec::new();
    for failure in &failures {
        let id = sqlx::query_scalar!(
            "insert into operations.failure_decision (projection, sequence, action, reason) values ($1, $2, $3, $4) returning id",
            failure.projection.name(),
            to_i64(failure.sequence),
            action,
            reason
        )
        .fetch_one(&pool)
        .await?;
        ids.push(id);
    }
    let is_done = outcomes(config, &pool, &ids).await?;
    if is_done { Ok(()) } else { Err("not everything could be applied: see `projector failures list`".into()) }
}

/// Waits for decisions to be carried out, and prints what came of them; says whether nothing is parked for their cause.
async fn outcomes(config: &config::Failures, pool: &PgPool, ids: &[i64]) -> Result<bool, Failed> {
    let begun = Instant::now();
    let decided = loop {
        let decided = sqlx::query_as!(
            Decided,
            "select projection, sequence, action, reason, decided_by, decided_at, outcome, done_at
             from operations.failure_decision where id = any($1) order by id",
            ids
        )
        .fetch_all(pool)
        .await?;
        if decided.iter().all(|decided| decided.done_at.is_some()) {
            break decided;
        }
        if begun.elapsed() > PATIENCE {
            return Err("no projector has carried it out yet; one will as soon as it is at work".into());
        }
        sleep(POLL).await;
    };
    for decided in &decided {
        if config.json {
            println!("{}", serde_json::to_string(decided)?);
        } else {
            let outcome = decided.outcome.as_deref().unwrap_or_default();
            println!("{} in {}: {outcome}", decided.sequence, decided.projection);
        }
    }
    Ok(decided.iter().all(|decided| decided.outcome.as_deref().is_some_and(|outcome| outcome.starts_with("applied"))))
}

fn pool(config: &config::Failures, projection: Projection) -> Result<PgPool, sqlx::Error> {
    postgres::pool(&config.postgres, "projector-failures", projection.schema())
}

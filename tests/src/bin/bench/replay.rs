//! Replay of a large log into empty read models, against COPY of the rows that it ends with.

use crate::Size;
use crate::report::{Goal, Row};
use crate::stack::Stack;
use chrono::{DateTime, Duration, Utc};
use events::document::{Event, Retitled, SkillLevel, Source, Tagged, Uploaded};
use events::{AccountId, CommandId, Content, DocumentId, Envelope, Stream, WorkspaceId};
use runtime::EventLog;
use runtime::event_log::Appended;
use serde_json::Value;
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use std::time::Instant;
use uuid::Uuid;

/// Whose documents they are.
const USERNAME: &str = "replay-user";
/// Documents whose events are written side by side: an upload is followed by its edits among those of so many others.
const WINDOW: usize = 500;
/// Tables whose rows are copied.
const TABLES: [&str; 3] = ["document", "document_content", "document_history"];

/// Measures the row.
pub(crate) async fn measure(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    token(stack, size).await?;
    let exe = std::env::current_exe()?;
    let output = tokio::process::Command::new(exe)
        .args(["projector", "replay", "--json", "--log", "warn"])
        .env("DATABASE_URL", stack.fact("database_url"))
        .env("NATS_URL", stack.fact("nats_services_url"))
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let (events, seconds) = (report["events"].as_f64().unwrap_or(0.0), report["seconds"].as_f64().unwrap_or(1.0));
    stack.caught_up().await?;
    let copy = copy_seconds(stack.fact("database_url")).await?;
    Ok(Row {
        name,
        value: events / seconds,
        unit: "events/s",
        // The same events, at the speed at which COPY makes the rows that they end with.
        baseline: Some(events / copy),
        goals: vec![Goal::Ratio(0.25)],
        ..Row::default()
    })
}

/// Fills the log if that was not done yet, and answers the token of the account whose documents they are.
pub(crate) async fn token(stack: &Stack, size: Size) -> anyhow::Result<String> {
    let client = tests::Client::register_or_log_in(stack.fact("command_url"), stack.fact("query_url"), USERNAME).await;
    let statistics = client.get("/v1/statistics").await.json();
    if statistics["documents"] == 0 {
        fill(stack, size).await?;
        stack.caught_up().await?;
    }
    Ok(client.token)
}

async fn fill(stack: &Stack, size: Size) -> anyhow::Result<()> {
    let nats = runtime::config::Nats {
        nats_url: stack.fact("nats_services_url").parse()?,
        nats_timeout: std::time::Duration::from_secs(10),
    };
    let log = EventLog::connect(&nats, "bench").await?;
    let account = AccountId::of_username(USERNAME);
    let windows: Vec<usize> = (0..size.documents).step_by(WINDOW).collect();
    for window in windows {
        let end = (window + WINDOW).min(size.documents);
        let writers = (window..end).map(|n| write(log.clone(), account, n, size.edits_each));
        for written in futures_util::future::join_all(writers).await {
            written?;
        }
    }
    log.close().await;
    Ok(())
}

/// One document's life: an upload, then edits.
async fn write(log: EventLog, account: AccountId, n: usize, edits: usize) -> anyhow::Result<()> {
    let workspace: WorkspaceId = account.personal_workspace();
    let stream =
        Stream::document(workspace, DocumentId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n as u128)));
    let begin: DateTime<Utc> = "2026-01-01T00:00:00Z".parse()?;
    let mut expected = 0;
    for step in 0..=edits {
        let event = match step {
            0 => Event::Uploaded(Uploaded {
                owner: account,
                title: format!("document {n}"),
                media_type: "text/plain".to_owned(),
                content: Content::of(format!("text {n} {}", "of words that say little ".repeat(20))),
                source: Source::default(),
                skill_level: SkillLevel::Unknown,
                tags: vec![format!("tag{}", n % 50)],
            }),
            step if step % 2 == 1 => {
                Event::Retitled(Retitled { title: format!("title {} {step}", n * 7_919 % 1_000_003) })
            }
            _ => Event::Tagged(Tagged { tag: format!("tag{}", 50 + n % 50) }),
        };
        let number = (n * 16 + step) as i64;
        let envelope = Envelope {
            id: CommandId(Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + number as u128)),
            stream,
            time: begin + Duration::milliseconds(number),
            actor: account,
            correlation: Uuid::from_u128(number as u128),
            causation: None,
            traceparent: None,
            event,
        };
        // No service edits these documents: the tip is left to be folded.
        match log.append(&envelope, expected, "none").await? {
            Appended::Stored(sequence) => expected = sequence,
            Appended::Duplicate(_) => anyhow::bail!("document {n} was written before"),
        }
    }
    Ok(())
}

/// Seconds that COPY takes for the rows of the serving tables, into tables made like them, indexes and all.
async fn copy_seconds(database_url: &str) -> anyhow::Result<f64> {
    let pool = PgPool::connect(database_url).await?;
    let mut connection = PgConnection::connect(database_url).await?;
    let mut seconds = 0.0;
    let run = async |connection: &mut PgConnection, statement: String| {
        sqlx::query(AssertSqlSafe(statement)).execute(connection).await
    };
    run(&mut connection, "drop schema if exists bench cascade".to_owned()).await?;
    run(&mut connection, "create schema bench".to_owned()).await?;
    for table in TABLES {
        run(&mut connection, format!("create table bench.{table} (like read_model.{table} including all)")).await?;
        let mut rows = pool.copy_out_raw(&format!("copy read_model.{table} to stdout")).await?;
        let mut copy = connection.copy_in_raw(&format!("copy bench.{table} from stdin")).await?;
        // Only the time of taking rows in counts, not of reading them.
        while let Some(chunk) = futures_util::StreamExt::next(&mut rows).await {
            let chunk = chunk?;
            let begun = Instant::now();
            copy.send(chunk).await?;
            seconds += begun.elapsed().as_secs_f64();
        }
        let begun = Instant::now();
        copy.finish().await?;
        seconds += begun.elapsed().as_secs_f64();
    }
    run(&mut connection, "drop schema bench cascade".to_owned()).await?;
    Ok(seconds)
}

//! `projector status`: how far the read models are behind the log.

use crate::{apply, config};
use runtime::{EventLog, postgres};
use serde::Serialize;
use std::error::Error;

#[derive(Serialize)]
struct Report {
    projection: &'static str,
    checkpoint: u64,
    head: u64,
    lag: u64,
}

/// Asks the log and the database, and prints the answer.
pub(crate) async fn run(config: config::Status) -> Result<(), Box<dyn Error + Send + Sync>> {
    let pool = postgres::pool(&config.postgres, "projector-status", postgres::READ_SCHEMA)?;
    let log = EventLog::connect(&config.nats, "projector-status").await?;
    let checkpoint = apply::checkpoint(&pool).await?;
    let head = log.head().await?;
    let report = Report { projection: apply::PROJECTION, checkpoint, head, lag: head.saturating_sub(checkpoint) };
    if config.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{:<12} {:>12} {:>12} {:>8}", "projection", "checkpoint", "head", "lag");
        println!("{:<12} {:>12} {:>12} {:>8}", report.projection, report.checkpoint, report.head, report.lag);
    }
    Ok(())
}

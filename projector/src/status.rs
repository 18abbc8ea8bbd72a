//! `projector status`: how far the read models are behind the log.

use crate::projection::Projection;
use crate::{apply, config};
use runtime::{EventLog, postgres};
use serde::Serialize;
use std::error::Error;

#[derive(Serialize)]
struct Report {
    projection: Projection,
    checkpoint: u64,
    head: u64,
    lag: u64,
}

/// Asks the log and the database, and prints the answer.
pub(crate) async fn run(config: config::Status) -> Result<(), Box<dyn Error + Send + Sync>> {
    let log = EventLog::connect(&config.nats, "projector-status").await?;
    let mut reports = Vec::new();
    for projection in Projection::ALL {
        let pool = postgres::pool(&config.postgres, "projector-status", projection.schema())?;
        let checkpoint = apply::checkpoint(&pool, projection).await?;
        let head = log.head().await?;
        reports.push(Report { projection, checkpoint, head, lag: head.saturating_sub(checkpoint) });
    }
    if config.json {
        println!("{}", serde_json::to_string(&reports)?);
        return Ok(());
    }
    println!("{:<12} {:>12} {:>12} {:>8}", "projection", "checkpoint", "head", "lag");
    for report in reports {
        println!("{:<12} {:>12} {:>12} {:>8}", report.projection.name(), report.checkpoint, report.head, report.lag);
    }
    Ok(())
}

//! `projector status`: how far the read models are behind the log, and which generations of them there are.

use crate::projection::Projection;
use crate::{apply, config, generation};
use runtime::{EventLog, postgres};
use serde::Serialize;
use sqlx::PgPool;
use std::error::Error;

#[derive(Serialize)]
struct Report {
    projection: Projection,
    checkpoint: u64,
    head: u64,
    lag: u64,
    generations: Vec<Generation>,
}

/// A full set of tables.
#[derive(Serialize)]
struct Generation {
    /// `serving`, `filling`, `checking`, `repairing` or `previous`.
    generation: &'static str,
    schema: &'static str,
    checkpoint: u64,
    /// The analyses that filled it, of knowledge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    analyses: Vec<i32>,
}

/// Asks the log and the database, and prints the answer.
pub(crate) async fn run(config: config::Status) -> Result<(), Box<dyn Error + Send + Sync>> {
    let log = EventLog::connect(&config.nats, "projector-status").await?;
    let mut reports = Vec::new();
    for projection in Projection::ALL {
        let pool = postgres::pool(&config.postgres, "projector-status", projection.schema())?;
        let checkpoint = apply::checkpoint(&pool, projection).await?;
        let head = log.head().await?;
        let generations = generations(&pool, projection).await?;
        reports.push(Report { projection, checkpoint, head, lag: head.saturating_sub(checkpoint), generations });
    }
    if config.json {
        println!("{}", serde_json::to_string(&reports)?);
        return Ok(());
    }
    println!("{:<12} {:>12} {:>12} {:>8}", "projection", "checkpoint", "head", "lag");
    for report in &reports {
        println!("{:<12} {:>12} {:>12} {:>8}", report.projection.name(), report.checkpoint, report.head, report.lag);
    }
    println!("\n{:<12} {:<10} {:<20} {:>12}  analyses", "projection", "generation", "schema", "checkpoint");
    for report in &reports {
        for Generation { generation, schema, checkpoint, analyses } in &report.generations {
            let analyses = analyses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            println!("{:<12} {generation:<10} {schema:<20} {checkpoint:>12}  {analyses}", report.projection.name());
        }
    }
    Ok(())
}

async fn generations(pool: &PgPool, projection: Projection) -> Result<Vec<Generation>, sqlx::Error> {
    let known = [
        ("serving", projection.schema()),
        ("filling", projection.replay_schema()),
        ("checking", projection.check_schema()),
        ("repairing", projection.workspace_schema()),
        ("previous", projection.previous_schema()),
    ];
    let mut connection = pool.acquire().await?;
    let mut generations = Vec::new();
    for (generation, schema) in known {
        if let Some(checkpoint) = generation::checkpoint(&mut connection, projection, schema).await? {
            let analyses = generation::analyses(&mut connection, schema).await?;
            generations.push(Generation { generation, schema, checkpoint, analyses });
        }
    }
    Ok(generations)
}

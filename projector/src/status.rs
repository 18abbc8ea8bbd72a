//! `projector status`: how far the read models are behind the log, which generations of them there are, and who works on
//! which shards.

use crate::checkpoints::Checkpoints;
use crate::projection::Projection;
use crate::{config, generation, leases};
use runtime::{EventLog, postgres};
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::error::Error;

#[derive(Serialize)]
struct Report {
    projection: Projection,
    checkpoint: u64,
    head: u64,
    lag: u64,
    generations: Vec<Generation>,
    shards: Vec<Shard>,
}

/// A shard, and who works on it.
#[derive(Serialize)]
struct Shard {
    shard: u64,
    checkpoint: u64,
    lag: u64,
    /// The projector's machine and process; absent while nobody works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    projector: Option<String>,
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
        let checkpoints = Checkpoints::load(&pool, projection, projection.schema()).await?;
        let (checkpoint, head) = (checkpoints.lowest(), log.head().await?);
        let (generations, workers) = (generations(&pool, projection).await?, leases::workers(&pool, projection).await?);
        let shard = |shard| {
            let checkpoint = checkpoints.of(shard).unwrap_or(0);
            Shard { shard, checkpoint, lag: head.saturating_sub(checkpoint), projector: workers.get(&shard).cloned() }
        };
        let shards = checkpoints.shards().map(shard).collect();
        reports.push(Report {
            projection,
            checkpoint,
            head,
            lag: head.saturating_sub(checkpoint),
            generations,
            shards,
        });
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
    println!("\n{:<12} {:<24} {:>12} {:>8}  shards", "projection", "projector", "checkpoint", "lag");
    for report in &reports {
        report.print_workers();
    }
    Ok(())
}

impl Report {
    /// A line for each projector, with its shards.
    fn print_workers(&self) {
        let mut of_worker: BTreeMap<&str, Vec<&Shard>> = BTreeMap::new();
        for shard in &self.shards {
            of_worker.entry(shard.projector.as_deref().unwrap_or("nobody")).or_default().push(shard);
        }
        for (projector, shards) in of_worker {
            let checkpoint = shards.iter().map(|shard| shard.checkpoint).min().unwrap_or(0);
            let lag = shards.iter().map(|shard| shard.lag).max().unwrap_or(0);
            let numbers = shards.iter().map(|shard| shard.shard.to_string()).collect::<Vec<_>>().join(" ");
            println!("{:<12} {projector:<24} {checkpoint:>12} {lag:>8}  {numbers}", self.projection.name());
        }
    }
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
        if let Some(checkpoints) = generation::checkpoints(&mut connection, projection, schema).await? {
            let checkpoint = checkpoints.lowest();
            let analyses = generation::analyses(&mut connection, schema).await?;
            generations.push(Generation { generation, schema, checkpoint, analyses });
        }
    }
    Ok(generations)
}

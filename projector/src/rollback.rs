//! `projector rollback`: the generation that served before serves again, and the other way round when asked once more. It
//! is brought to the serving one's sequence first, so that no read goes back in time.

use crate::filling::{Right, Servers};
use crate::projection::Projection;
use crate::{config, fit, generation};
use runtime::{EventLog, postgres, telemetry};
use serde::Serialize;
use std::error::Error;

type Failure = Box<dyn Error + Send + Sync>;

/// What came of it.
#[derive(Serialize)]
struct Report {
    projection: Projection,
    /// Where the generation had stopped.
    stopped_at: u64,
    /// Where it serves from.
    sequence: u64,
    /// Events that it lacked.
    events: u64,
}

/// Switches back, and prints what came of it.
pub(crate) async fn run(config: config::Rollback) -> Result<(), Failure> {
    let _telemetry = telemetry::start(&config.log)?;
    let log = EventLog::connect(&config.nats, "projector-rollback").await?;
    let servers = Servers {
        log: &log,
        postgres: &config.postgres,
        batches: &config.batches,
        most_per_second: config.max_events_per_second,
        json: config.json,
    };
    let pool = postgres::pool(&config.postgres, "projector-rollback", Projection::Documents.schema())?;
    let mut projections = Vec::new();
    for projection in Projection::wanted(config.projection) {
        let schema = projection.previous_schema();
        if generation::checkpoints(&mut *pool.acquire().await?, projection, schema).await?.is_some() {
            projections.push(projection);
        }
    }
    if projections.is_empty() {
        return Err("there is no previous generation to go back to".into());
    }
    // All or none: what cannot be is said before anything is switched.
    for projection in &projections {
        fit::check(&pool, *projection, projection.previous_schema(), "the previous generation").await?;
    }
    for projection in projections {
        let right = Right::take(&servers, projection, projection.previous_schema()).await?;
        let mut filling = right.fill(&servers).await?;
        let stopped_at = filling.checkpoint();
        let until = filling.comparable().await?;
        filling.catch_up(until).await?;
        let sequence = filling.take_over().await?;
        filling.finish();
        Report { projection, stopped_at, sequence, events: filling.events }.print(config.json)?;
    }
    Ok(())
}

impl Report {
    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        println!(
            "{}: the previous generation serves again from {} on; it had stopped at {} and was given {} events",
            self.projection.name(),
            self.sequence,
            self.stopped_at,
            self.events
        );
        Ok(())
    }
}

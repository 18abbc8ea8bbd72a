//! `projector verify`: whether the log is whole, every text that it names is there, and the read models are what it says.
//! Nothing is changed.

mod streams;
mod tables;
mod texts;

use crate::config;
use crate::filling::Servers;
use crate::parking;
use crate::projection::Projection;
use runtime::{EventLog, postgres, telemetry};
use serde::Serialize;
use std::collections::HashSet;
use std::error::Error;

/// What one check found: a line of JSON, or some of text.
pub(crate) trait Finding: Serialize {
    /// Whether nothing is wrong.
    fn is_right(&self) -> bool;
    /// Says it to people.
    fn print(&self);
}

/// Verifies, and prints what was found; fails if anything is wrong.
pub(crate) async fn run(config: config::Verify) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let log = EventLog::connect(&config.nats, "projector-verify").await?;
    let mut skipped = HashSet::new();
    if !config.log_only {
        let pool = postgres::pool(&config.postgres, "projector-verify", Projection::Documents.schema())?;
        for projection in Projection::ALL {
            skipped.extend(parking::skipped(&pool, projection).await?);
        }
    }
    let (streams, texts) = streams::verify(&log, &config.batches, config.shown as usize, &skipped).await?;
    let mut is_right = tell(&streams, config.json)?;
    is_right &= tell(&texts, config.json)?;
    let servers = Servers {
        log: &log,
        postgres: &config.postgres,
        batches: &config.batches,
        most_per_second: config.max_events_per_second,
        json: config.json,
    };
    let projections = match config.projection {
        _ if config.log_only => Vec::new(),
        Some(projection) => vec![projection],
        None => Projection::ALL.to_vec(),
    };
    for projection in projections {
        for table in tables::verify(&servers, projection, i64::from(config.shown)).await? {
            is_right &= tell(&table, config.json)?;
        }
    }
    if is_right { Ok(()) } else { Err("something is wrong".into()) }
}

fn tell(finding: &impl Finding, json: bool) -> Result<bool, serde_json::Error> {
    if json {
        println!("{}", serde_json::to_string(finding)?);
    } else {
        finding.print();
    }
    Ok(finding.is_right())
}

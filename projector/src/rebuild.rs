//! `projector rebuild`: fills new read models from the whole log beside the serving ones, compares them, and switches. One
//! that was killed goes on where it stopped.

use crate::filling::{Filling, Right, Servers, Until};
use crate::projection::Projection;
use crate::{config, difference, filler, generation, past, repair, workspace};
use events::WorkspaceId;
use runtime::{EventLog, telemetry};
use serde::Serialize;
use std::error::Error;
use std::time::{Duration, Instant};

/// Of tables that were filled no further than the serving ones stood: these were exchanged for older ones meanwhile.
pub(crate) const BEHIND: &str = "the serving tables went back";

/// Name of a table, rows only in the serving one, rows only in the new one.
pub(crate) type Differences = Vec<(&'static str, i64, i64)>;

/// What came of rebuilding one projection.
#[derive(Serialize)]
struct Report {
    projection: Projection,
    /// Events that this process has applied.
    events: u64,
    sequence: u64,
    /// Where an earlier rebuild had stopped; 0 when this one began anew.
    resumed_at: u64,
    /// Time without the comparison.
    seconds: f64,
    events_per_second: f64,
    switched: bool,
    /// Tables that differ; nothing when they were not compared.
    differences: Option<Differences>,
}

/// Rebuilds, and prints what came of it: with `--json` one report a line.
pub(crate) async fn run(config: config::Rebuild) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let log = EventLog::connect(&config.nats, "projector-rebuild").await?;
    if let Some(document) = config.document {
        return repair::run(&log, &config, document).await;
    }
    let servers = Servers {
        log: &log,
        postgres: &config.postgres,
        batches: &config.batches,
        most_per_second: config.max_events_per_second,
        json: config.json,
    };
    if let (Some(as_of), Some(name)) = (config.as_of, &config.into) {
        return past::make(&servers, &config, as_of, name).await;
    }
    if let Some(id) = config.workspace {
        return workspace::run(&servers, &config, WorkspaceId(id)).await;
    }
    let mut is_equal = true;
    for projection in Projection::wanted(config.projection) {
        let report = if config.check {
            check(&servers, projection).await?
        } else {
            rebuild(&servers, projection, config.from_scratch).await?
        };
        is_equal &= report.differences.as_ref().is_none_or(Vec::is_empty);
        report.print(config.json)?;
    }
    if is_equal || !config.check { Ok(()) } else { Err("the serving tables differ from the replayed ones".into()) }
}

async fn rebuild(
    servers: &Servers<'_>,
    projection: Projection,
    from_scratch: bool,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    let right = Right::take(servers, projection, projection.replay_schema()).await?;
    begin(&right, &filler::of(projection).await?, servers.log.head().await?, from_scratch).await?;
    let mut filling = right.fill(servers).await?;
    let resumed_at = filling.checkpoint();
    let until = filling.comparable().await?;
    filling.catch_up(until).await?;
    let compared = Instant::now();
    let differences = differences(&mut filling).await?;
    let compared = compared.elapsed();
    for (table, serving, replayed) in differences.iter().flatten() {
        let projection = projection.name();
        tracing::warn!(projection, table, serving, replayed, "rows that only the serving, only the new tables have");
    }
    let sequence = filling.take_over().await?;
    filling.finish();
    let took = begun.elapsed().saturating_sub(compared);
    Ok(Report { resumed_at, switched: true, ..Report::of(&filling, sequence, took, differences) })
}

/// Makes new tables, unless there are some that this very program has begun to fill, no further than to a sequence.
pub(crate) async fn begin(
    right: &Right,
    filler: &str,
    end: u64,
    from_scratch: bool,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (projection, schema) = (right.projection, &*right.schema);
    if let Some(before) = generation::filler(&right.pool, schema).await? {
        let at = generation::checkpoints(&mut *right.pool.acquire().await?, projection, schema).await?;
        let (at, furthest) = at.map_or((0, 0), |at| (at.lowest(), at.highest()));
        let name = projection.name();
        if from_scratch {
            tracing::info!(projection = name, sequence = at, "a half-filled generation is thrown away, as asked");
        } else if before != filler {
            tracing::warn!(
                projection = name,
                sequence = at,
                before,
                now = filler,
                "a half-filled generation was made by another program and is thrown away, beginning anew"
            );
        } else if furthest > end {
            tracing::warn!(
                projection = name,
                sequence = at,
                end,
                "a half-filled generation is ahead of where it is to end and is thrown away, beginning anew"
            );
        } else {
            tracing::info!(projection = name, sequence = at, "going on with a half-filled generation");
            return Ok(());
        }
    }
    generation::make(&right.pool, projection, schema, filler).await
}

async fn check(servers: &Servers<'_>, projection: Projection) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    let mut filling = aside(servers, projection).await?;
    let (mut snapshot, sequence) = filling.side_by_side().await?.ok_or(BEHIND)?;
    let took = begun.elapsed();
    let differences = difference::counts(&mut snapshot, projection, &filling.schema).await?;
    snapshot.rollback().await?;
    drop_aside(&mut filling).await?;
    Ok(Report::of(&filling, sequence, took, Some(differences)))
}

/// Fills a generation that is only looked at.
pub(crate) async fn aside(
    servers: &Servers<'_>,
    projection: Projection,
) -> Result<Filling, Box<dyn Error + Send + Sync>> {
    let right = Right::take(servers, projection, projection.check_schema()).await?;
    generation::make(&right.pool, projection, projection.check_schema(), "").await?;
    let mut filling = right.fill(servers).await?;
    filling.catch_up(Until::Serving).await?;
    Ok(filling)
}

/// Drops a generation that was looked at.
pub(crate) async fn drop_aside(filling: &mut Filling) -> Result<(), sqlx::Error> {
    filling.finish();
    generation::remove(&mut *filling.pool.acquire().await?, &filling.schema).await
}

async fn differences(filling: &mut Filling) -> Result<Option<Differences>, Box<dyn Error + Send + Sync>> {
    let Some((mut snapshot, _)) = filling.side_by_side().await? else {
        let projection = filling.projection.name();
        tracing::warn!(projection, "the serving tables stay behind the new ones, which are not compared with them");
        return Ok(None);
    };
    let differences = difference::counts(&mut snapshot, filling.projection, &filling.schema).await?;
    snapshot.rollback().await?;
    Ok(Some(differences))
}

impl Report {
    fn of(filling: &Filling, sequence: u64, took: Duration, differences: Option<Differences>) -> Self {
        let seconds = took.as_secs_f64();
        Self {
            projection: filling.projection,
            events: filling.events,
            sequence,
            resumed_at: 0,
            seconds,
            events_per_second: filling.events as f64 / seconds,
            switched: false,
            differences,
        }
    }

    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        println!(
            "{}: {} events in {:.1} s ({:.0} events/s){}, {}",
            self.projection.name(),
            self.events,
            self.seconds,
            self.events_per_second,
            if self.resumed_at > 0 { format!(" from {} on", self.resumed_at) } else { String::new() },
            if self.switched { "now serving" } else { "compared with the serving tables" }
        );
        for (table, serving, replayed) in self.differences.iter().flatten() {
            println!("{table}: {serving} rows only in the serving tables, {replayed} only in the replayed ones");
        }
        Ok(())
    }
}

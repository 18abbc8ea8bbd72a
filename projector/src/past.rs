//! Read models of the past: tables that show the log up to one of its sequences, kept until they are dropped. They are
//! filled as a rebuild fills its own, and nothing is switched.

mod moment;
mod record;

pub(crate) use moment::AsOf;

use crate::config::{self, PastAction};
use crate::filling::{Right, Servers, Until};
use crate::lock::Lock;
use crate::projection::Projection;
use crate::{filler, generation, rebuild};
use moment::Moment;
use runtime::past::Name;
use runtime::postgres::{self, OPERATIONS_SCHEMA};
use runtime::telemetry;
use serde::Serialize;
use sqlx::PgPool;
use std::error::Error;
use std::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

/// What came of filling one projection's tables.
#[derive(Serialize)]
struct Report {
    name: String,
    projection: Projection,
    /// Events that this process has applied.
    events: u64,
    /// The last sequence of the log that they show.
    sequence: u64,
    /// Where an earlier call had stopped; 0 when this one began anew.
    resumed_at: u64,
    seconds: f64,
    /// Whether an earlier call had made them: then this one did nothing.
    was_made: bool,
}

/// `projector rebuild --as-of`: makes a read model of the past, or what is missing of it, and prints what came of it.
pub(crate) async fn make(
    servers: &Servers<'_>,
    config: &config::Rebuild,
    as_of: AsOf,
    name: &Name,
) -> Result<(), Failure> {
    let pool = pool(servers.postgres)?;
    let projections = Projection::wanted(config.projection);
    let mut transaction = pool.begin().await?;
    let moment = match record::hold(&mut transaction, name).await? {
        Some((known, _)) if known != as_of.to_string() => {
            return Err(
                format!("there is a past {name} already, as of {known}: drop it, or choose another name").into()
            );
        }
        Some((_, moment)) => moment,
        None => moment::resolve(servers.log, as_of).await?,
    };
    record::begin(&mut transaction, (name, &projections), (as_of, &moment)).await?;
    transaction.commit().await?;
    tracing::info!(name = name.as_str(), sequence = moment.sequence, %as_of, "the past ends here");
    for projection in projections {
        fill(servers, &pool, (name, projection), moment.sequence, config.from_scratch).await?.print(config.json)?;
    }
    Ok(())
}

async fn fill(
    servers: &Servers<'_>,
    pool: &PgPool,
    (name, projection): (&Name, Projection),
    sequence: u64,
    from_scratch: bool,
) -> Result<Report, Failure> {
    let begun = Instant::now();
    let right = Right::take(servers, projection, name.schema(projection.name())).await?;
    let report = |events, resumed_at, was_made| Report {
        name: name.to_string(),
        projection,
        events,
        sequence,
        resumed_at,
        seconds: begun.elapsed().as_secs_f64(),
        was_made,
    };
    let filler = filler::of(projection).await?;
    let program = format!("{}, {filler}", env!("CARGO_PKG_VERSION"));
    if record::is_made(pool, (name, projection), &program).await?.ok_or("it was dropped meanwhile")? {
        return Ok(report(0, 0, true));
    }
    rebuild::begin(&right, &filler, sequence, from_scratch).await?;
    let mut filling = right.fill(servers).await?;
    let resumed_at = filling.checkpoint();
    filling.catch_up(Until::Sequence(sequence)).await?;
    let mut transaction = filling.pool.begin().await?;
    // Nobody would fill it again by himself if it were lost with the database's memory.
    sqlx::query("set local synchronous_commit = on").execute(&mut *transaction).await?;
    generation::seal(&mut transaction, projection, &filling.schema).await?;
    record::made(&mut transaction, name, projection).await?;
    transaction.commit().await?;
    filling.finish();
    Ok(report(filling.events, resumed_at, false))
}

/// `projector past`: lists read models of the past, or drops one.
pub(crate) async fn run(config: config::Past) -> Result<(), Failure> {
    let _telemetry = telemetry::start(&config.log)?;
    let pool = pool(&config.postgres)?;
    match &config.action {
        PastAction::List => list(&pool, config.json).await,
        PastAction::Drop { name } => remove(&pool, name).await,
    }
}

async fn list(pool: &PgPool, json: bool) -> Result<(), Failure> {
    let records = record::list(pool).await?;
    if records.is_empty() && !json {
        println!("there is no read model of the past");
    }
    for record in &records {
        if json {
            println!("{}", serde_json::to_string(record)?);
        } else {
            record.print();
        }
    }
    Ok(())
}

/// Drops all tables of a past, and what is known of it, together.
async fn remove(pool: &PgPool, name: &Name) -> Result<(), Failure> {
    let mut locks = Vec::new();
    for projection in Projection::ALL {
        let lock = Lock::try_take(pool, projection.replay_lock_key()).await?;
        locks.push(
            lock.ok_or_else(|| format!("tables of {} are being filled: try again after that", projection.name()))?,
        );
    }
    let mut transaction = pool.begin().await?;
    let was_there = record::remove(&mut transaction, name).await?;
    for projection in Projection::ALL {
        generation::remove(&mut transaction, &name.schema(projection.name())).await?;
    }
    transaction.commit().await?;
    drop(locks);
    if was_there { Ok(()) } else { Err(format!("there is no past {name}").into()) }
}

fn pool(config: &runtime::config::Postgres) -> Result<PgPool, sqlx::Error> {
    postgres::pool(config, "projector-past", OPERATIONS_SCHEMA)
}

impl Report {
    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { name, projection, events, sequence, resumed_at, seconds, was_made } = self;
        let projection = projection.name();
        let from = if *resumed_at > 0 { format!(" from {resumed_at} on") } else { String::new() };
        match was_made {
            true => println!("{projection}: the past {name} was made already, up to {sequence}"),
            false => {
                println!("{projection}: the past {name} up to {sequence}, {events} events{from} in {seconds:.1} s")
            }
        }
        Ok(())
    }
}

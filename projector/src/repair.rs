//! `projector rebuild --document`: one document's rows are made anew from its own events, where they serve. The projector
//! waits meanwhile, as the row of its shard's checkpoint is held.

use crate::numbers::to_shard;
use crate::numbers::to_u64;
use crate::positioned::{Positioned, Read};
use crate::projection::Projection;
use crate::{announce, config, documents, parking};
use events::{DocumentId, Stream};
use runtime::announcement::Visible;
use runtime::cache::Cache;
use runtime::{EventLog, postgres};
use serde::Serialize;
use sqlx::PgPool;
use std::error::Error;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// How often a stream is read again when a replica of the log has not yet what another has.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);
/// Answers that were read before the repair may be cached for so long after it.
const LATE_FILL: Duration = Duration::from_millis(1_500);

type Failure = Box<dyn Error + Send + Sync>;

/// What came of it.
#[derive(Serialize)]
struct Report {
    workspace: Uuid,
    document: Uuid,
    /// Events of the document that were folded.
    events: usize,
    /// Up to where the log was read.
    sequence: u64,
    /// Tables in which something was wrong; of the statistics' that of the whole workspace.
    repaired: Vec<&'static str>,
}

/// Repairs a document of every workspace that has one of this id, and prints what came of it.
pub(crate) async fn run(log: &EventLog, config: &config::Rebuild, document: Uuid) -> Result<(), Failure> {
    let document = DocumentId(document);
    let pool = postgres::pool_without_sync(&config.postgres, "projector-repair", Projection::Documents.schema())?;
    let cache = Cache::open(&config.redis)?;
    let streams = log.streams_of_document(document).await?;
    if streams.is_empty() {
        return Err(format!("the log has no document {document}").into());
    }
    for (stream, _) in streams {
        let report = repair(log, &pool, &cache, stream).await?;
        report.print(config.json)?;
    }
    Ok(())
}

async fn repair(log: &EventLog, pool: &PgPool, cache: &Cache, stream: Stream) -> Result<Report, Failure> {
    let workspace = stream.workspace.ok_or("a document belongs to a workspace")?;
    let document = DocumentId(stream.id);
    // Most of it is read before anything waits.
    let mut events = Vec::new();
    load(log, &stream, &mut events).await?;
    let mut transaction = pool.begin().await?;
    // Nothing would make this again after a crash of the database, unlike what the projector writes.
    sqlx::query("set local synchronous_commit = on").execute(&mut *transaction).await?;
    let checkpoint = sqlx::query_scalar!(
        "select sequence from checkpoint where projection = $1 and shard = $2 for update",
        Projection::Documents.name(),
        to_shard(stream.partition())
    )
    .fetch_one(&mut *transaction)
    .await?;
    let checkpoint = to_u64(checkpoint);
    load(log, &stream, &mut events).await?;
    let parked = parking::first(&mut *transaction, &stream).await?.unwrap_or(u64::MAX);
    let skipped = parking::skipped(&mut *transaction, Projection::Documents).await?;
    events.retain(|read| {
        let sequence = read.sequence();
        sequence <= checkpoint && sequence < parked && !skipped.contains(&sequence)
    });
    let events: Vec<Positioned> = events.into_iter().map(Read::readable).collect::<Result<_, _>>()?;
    let repaired = documents::repair(&mut transaction, (workspace, document), &events).await?;
    transaction.commit().await?;

    let changed = [(workspace, document, checkpoint)];
    cache.forget(workspace, document).await;
    let visible = Visible { previous: 0, sequence: checkpoint, shards: vec![stream.partition()] };
    announce::announce(log, Projection::Documents, visible, &changed).await;
    sleep(LATE_FILL).await;
    cache.forget(workspace, document).await;
    Ok(Report { workspace: workspace.0, document: document.0, events: events.len(), sequence: checkpoint, repaired })
}

/// Reads on to the end of a stream. A replica that answers may be behind: the stream's leader says how many there are.
async fn load(log: &EventLog, stream: &Stream, events: &mut Vec<Read>) -> Result<(), Failure> {
    let all = log.streams_of_document(DocumentId(stream.id)).await?;
    let count = all.iter().find(|(one, _)| one == stream).map_or(0, |(_, count)| *count);
    for _ in 0..ATTEMPTS {
        let mut last = events.last().map_or(0, Read::sequence);
        while let Some(recorded) = log.next(stream, last).await? {
            last = recorded.sequence;
            events.push(Read::of(&recorded));
        }
        if events.len() >= count {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err("the log does not give all events of the document".into())
}

impl Report {
    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { workspace, document, events, sequence, repaired } = self;
        let found = if repaired.is_empty() {
            "nothing was wrong".to_owned()
        } else {
            format!("repaired {}", repaired.join(", "))
        };
        println!("document {document} of workspace {workspace}: {events} events up to {sequence}, {found}");
        Ok(())
    }
}

//! `projector rebuild --workspace`: one workspace's rows are filled anew beside the serving ones from its own events, and
//! those that differ take the serving ones' place in one transaction, while the projector waits.

use crate::checkpoints::Checkpoints;
use crate::filling::{Filling, Right, Servers, Until};
use crate::projection::Projection;
use crate::rebuild::{self, Differences};
use crate::{config, filler, fit, generation};
use events::{Stream, WorkspaceId};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use uuid::Uuid;

/// How often it is tried while readers, a backup for instance, do not let go of the serving checkpoint.
const ATTEMPTS: u32 = 60;
/// Between two attempts readers and the projector go on.
const PAUSE: Duration = Duration::from_millis(500);

type Failure = Box<dyn Error + Send + Sync>;

/// What came of rebuilding a workspace's rows in one projection.
#[derive(Serialize)]
struct Report {
    workspace: Uuid,
    projection: Projection,
    /// Events of the workspace that this process has applied.
    events: u64,
    /// Where the serving tables stood.
    sequence: u64,
    /// Where an earlier call had stopped; 0 when this one began anew.
    resumed_at: u64,
    seconds: f64,
    /// Tables that differed: rows only in the serving one, rows only in the new one.
    differences: Differences,
    /// Whether the rows that differed were replaced.
    replaced: bool,
}

/// Rebuilds a workspace, and prints what came of it: with `--json` one report a line.
pub(crate) async fn run(
    servers: &Servers<'_>,
    config: &config::Rebuild,
    workspace: WorkspaceId,
) -> Result<(), Failure> {
    let subject = Stream::subject_of_many(workspace, None, None);
    if servers.log.last_under(&subject).await?.is_none() {
        return Err(format!("the log has no workspace {workspace}").into());
    }
    let mut is_equal = true;
    for projection in Projection::wanted(config.projection) {
        let report = rebuild(servers, config, projection, workspace).await?;
        is_equal &= report.differences.is_empty();
        report.print(config.json)?;
    }
    if is_equal || !config.check { Ok(()) } else { Err("the serving rows differ from the replayed ones".into()) }
}

async fn rebuild(
    servers: &Servers<'_>,
    config: &config::Rebuild,
    projection: Projection,
    workspace: WorkspaceId,
) -> Result<Report, Failure> {
    let begun = Instant::now();
    let right = Right::take(servers, projection, projection.workspace_schema()).await?;
    fit::check(&right.pool, projection, projection.schema(), "the serving generation").await?;
    let filler = format!("{}, workspace {workspace}", filler::of(projection).await?);
    let serving = Checkpoints::load(&right.pool, projection, projection.schema()).await?;
    rebuild::begin(&right, &filler, serving.highest(), config.from_scratch).await?;
    let subject = Stream::subject_of_many(workspace, None, None);
    let mut filling = right.fill_share(servers, subject).await?;
    let resumed_at = filling.checkpoint();
    filling.catch_up(Until::Serving).await?;
    let (sequence, differences) = take_over(&mut filling, workspace, config.check).await?;
    if config.check || differences.is_empty() {
        rebuild::drop_aside(&mut filling).await?;
    } else {
        filling.finish();
    }
    Ok(Report {
        workspace: workspace.0,
        projection,
        events: filling.events,
        sequence,
        resumed_at,
        seconds: begun.elapsed().as_secs_f64(),
        replaced: !config.check && !differences.is_empty(),
        differences,
    })
}

/// Replaces the rows that differ where the serving tables stand; says where that is and what differed. With `is_check`
/// everything is as it was afterwards.
async fn take_over(
    filling: &mut Filling,
    workspace: WorkspaceId,
    is_check: bool,
) -> Result<(u64, Differences), Failure> {
    for _ in 0..ATTEMPTS {
        let (mut transaction, sequence) = filling.held().await?.ok_or(rebuild::BEHIND)?;
        let (projection, schema) = (filling.projection, filling.schema.clone());
        let differences = replace(&mut transaction, projection, &schema, workspace).await?;
        if is_check || differences.is_empty() {
            transaction.rollback().await?;
            return Ok((sequence, differences));
        }
        match generation::renew_checkpoint(&mut transaction, projection, &schema).await {
            Ok(()) => {
                transaction.commit().await?;
                return Ok((sequence, differences));
            }
            Err(error) if generation::is_busy(&error) => {
                transaction.rollback().await?;
                tracing::warn!("the serving tables are being read for long, trying again");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("the serving tables are read without end, by a backup for instance: nothing was replaced".into())
}

/// Takes rows of a workspace that are only in the serving tables out of them, and puts those in that are only in the others;
/// says how many, by table. Rows that are the same are not touched.
async fn replace(
    transaction: &mut PgConnection,
    projection: Projection,
    schema: &str,
    workspace: WorkspaceId,
) -> Result<Differences, sqlx::Error> {
    // Nothing would make this again after a crash of the database, unlike what the projector writes.
    sqlx::query("set local synchronous_commit = on").execute(&mut *transaction).await?;
    let (serving, mut differences) = (projection.schema(), Vec::new());
    for table in projection.tables_of_workspaces() {
        let takes_out = format!(
            "delete from {serving}.{table} as s where s.workspace_id = $1
             and not exists (select from {schema}.{table} as r where r::text = s::text)"
        );
        // What is left there is among the new rows: where there are as many, nothing has to be looked for.
        let puts_in = format!(
            "insert into {serving}.{table} select r.* from {schema}.{table} as r where r.workspace_id = $1
             and (select count(*) from {schema}.{table}) <> (select count(*) from {serving}.{table} where workspace_id = $1)
             and not exists (select from {serving}.{table} as s where s.workspace_id = $1 and s::text = r::text)"
        );
        let mut rows = [0; 2];
        for (rows, statement) in rows.iter_mut().zip([takes_out, puts_in]) {
            let done = sqlx::query(AssertSqlSafe(statement)).bind(workspace.0).execute(&mut *transaction).await?;
            *rows = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
        }
        if rows != [0, 0] {
            differences.push((table, rows[0], rows[1]));
        }
    }
    if !differences.is_empty() {
        // Entity tags tell versions of this row apart: whatever clients have of the workspace is out of date.
        let touch = format!(
            "update {serving}.{} set sequence = sequence where workspace_id = $1",
            projection.workspace_table()
        );
        sqlx::query(AssertSqlSafe(touch)).bind(workspace.0).execute(transaction).await?;
    }
    Ok(differences)
}

impl Report {
    fn print(&self, json: bool) -> Result<(), serde_json::Error> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let Self { workspace, projection, events, sequence, seconds, .. } = self;
        let found = match (self.differences.is_empty(), self.replaced) {
            (true, _) => "every row is as the log says",
            (false, true) => "rows that differed are replaced",
            (false, false) => "rows differ",
        };
        println!(
            "{}: workspace {workspace} up to {sequence}, {events} events in {seconds:.1} s, {found}",
            projection.name()
        );
        for (table, serving, replayed) in &self.differences {
            println!("{table}: {serving} rows only in the serving tables, {replayed} only in the replayed ones");
        }
        Ok(())
    }
}

//! One log of many workspaces into empty read models: by one projector, and by two.

use crate::Size;
use crate::replay::fill;
use crate::report::{Goal, Row};
use crate::stack::{Stack, Stopped, child};
use sqlx::{AssertSqlSafe, PgPool};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::time::sleep;

/// Workspaces, so that every shard has some.
const WORKSPACES: usize = 64;
/// Of the documents of the row replay, one in so many.
const SHARE: usize = 10;
/// Their numbers begin here.
const FIRST: usize = 1 << 32;
/// The projections, and the schemas that tell where they stand.
const PROJECTIONS: [(&str, &str); 2] = [("documents", "read_model"), ("knowledge", "knowledge")];
/// Empties the read models, and what is remembered of the analyses.
const EMPTY: &str = "do $$ declare at record; begin
    for at in select schemaname, tablename from pg_tables where schemaname in ('read_model', 'knowledge', 'analysis')
              and tablename not in ('checkpoint', '_sqlx_migrations') loop
        execute format('truncate %I.%I', at.schemaname, at.tablename);
    end loop;
    update read_model.checkpoint set sequence = 0;
    update knowledge.checkpoint set sequence = 0;
end $$";
/// How often it is looked how far they are.
const POLL: Duration = Duration::from_millis(20);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A row for each projection: events a second by two projectors, against those by one.
pub(super) async fn measure(name: &str, stack: &Stack, size: Size) -> anyhow::Result<Vec<Row>> {
    let _stopped = Stopped::projector(stack)?;
    let each = size.documents / SHARE / WORKSPACES;
    for workspace in 0..WORKSPACES {
        let first = FIRST + workspace * each;
        fill::fill(stack, &format!("{name}-{workspace}"), first..first + each, size.edits_each).await?;
    }
    let pool = PgPool::connect(stack.fact("database_url")?).await?;
    let one = rates(stack, &pool, 1).await?;
    let two = rates(stack, &pool, 2).await?;
    pool.close().await;
    let rows = PROJECTIONS.iter().zip(one).zip(two);
    Ok(rows
        .map(|(((projection, _), one), two)| Row {
            name: format!("{name}_{projection}"),
            value: two,
            unit: "events/s",
            baseline: Some(one),
            goals: vec![Goal::Ratio(1.6)],
            ..Row::default()
        })
        .collect())
}

/// Events a second of each projection, from its first one on, by so many projectors.
async fn rates(stack: &Stack, pool: &PgPool, projectors: usize) -> anyhow::Result<[f64; 2]> {
    sqlx::raw_sql(EMPTY).execute(pool).await?;
    let log = runtime::EventLog::connect(&stack.nats("nats_services_url")?, "bench").await?;
    let head = log.head().await?;
    log.close().await;
    let mut children = Vec::new();
    for _ in 0..projectors {
        children.push(projector(stack)?);
    }
    let (mut begun, mut rates, started) = ([None; 2], [None; 2], Instant::now());
    while rates.iter().any(Option::is_none) {
        anyhow::ensure!(started.elapsed() < PATIENCE, "the projectors do not catch up");
        sleep(POLL).await;
        for (at, (_, schema)) in PROJECTIONS.iter().enumerate() {
            let query = format!("select max(sequence), min(sequence) from {schema}.checkpoint");
            let (furthest, nearest): (i64, i64) = sqlx::query_as(AssertSqlSafe(query)).fetch_one(pool).await?;
            if furthest > 0 {
                begun[at].get_or_insert_with(Instant::now);
            }
            if let (Some(begun), None, true) = (begun[at], rates[at], u64::try_from(nearest)? >= head) {
                rates[at] = Some(head as f64 / begun.elapsed().as_secs_f64());
            }
        }
    }
    for mut child in children {
        child.kill().await?;
    }
    Ok(rates.map(Option::unwrap_or_default))
}

fn projector(stack: &Stack) -> anyhow::Result<Child> {
    let mut command = child()?;
    command.args(["projector", "run", "--listen", "127.0.0.1:0", "--log", "error"]).stdin(Stdio::null());
    command.env("DATABASE_URL", stack.fact("database_url")?).env("NATS_URL", stack.fact("nats_services_url")?);
    command.env("REDIS_URL", stack.fact("redis_url")?).stdout(Stdio::null());
    Ok(command.spawn()?)
}

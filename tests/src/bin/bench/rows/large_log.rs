//! What a log of many events costs beside a short one: an append, the load of a decision's state, and a start.

use crate::Size;
use crate::http::{Connection, Request};
use crate::replay::fill;
use crate::report::{Goal, Row};
use crate::stack::{Stack, Stopped, child};
use anyhow::Context;
use compose::Port;
use events::AccountId;
use runtime::EventLog;
use std::ops::Range;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Events of the short log.
const SHORT: usize = 10_000;
/// Appends, and loads, that are measured.
const MEASURED: usize = 5_000;
/// Starts that are measured.
const STARTS: usize = 5;
/// Whose documents they are.
const USERNAME: &str = "large-log";
/// Where the numbers of documents begin: of the log, and of the appends that are measured on the short and the long one.
const FIRST: usize = 2 << 32;
const SHORT_APPENDS: usize = 3 << 32;
const LONG_APPENDS: usize = 4 << 32;
/// How long a service may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds, each the median of many.
struct Costs {
    append: f64,
    load: f64,
    start: f64,
}

/// Rows of the long log, against the short one.
pub(super) async fn measure(name: &str, stack: &Stack, size: Size) -> anyhow::Result<Vec<Row>> {
    // Nobody folds ten million events to measure what the log costs.
    let _stopped = Stopped::projector(stack)?;
    let document = |events: usize| FIRST + events / (size.edits_each + 1);
    fill::fill(stack, USERNAME, FIRST..document(SHORT), size.edits_each).await?;
    let short = costs(stack, FIRST..document(SHORT), SHORT_APPENDS).await?;
    fill::fill(stack, USERNAME, document(SHORT)..document(size.log_events), size.edits_each).await?;
    let long = costs(stack, FIRST..document(size.log_events), LONG_APPENDS).await?;
    let row = |what: &str, short: f64, long: f64| Row {
        name: format!("{name}_{what}"),
        value: long,
        unit: "ms",
        baseline: Some(short),
        goals: vec![Goal::RatioAtMost(1.1)],
        ..Row::default()
    };
    Ok(vec![
        row("append", short.append, long.append),
        row("load", short.load, long.load),
        row("start", short.start, long.start),
    ])
}

async fn costs(stack: &Stack, numbers: Range<usize>, appended: usize) -> anyhow::Result<Costs> {
    let log = EventLog::connect(&stack.nats("nats_services_url")?, "bench").await?;
    let owner = AccountId::of_username(USERNAME);
    let mut loads = Vec::new();
    for turn in 0..MEASURED {
        // Documents from all over the log.
        let number = numbers.start + turn * 7_919 % numbers.len();
        let begun = Instant::now();
        log.last(&fill::stream(owner, number)).await?.context("a document that was written is not there")?;
        loads.push(begun.elapsed());
    }
    let appends = fill::one_by_one(&log, USERNAME, appended..appended + MEASURED).await?;
    log.close().await;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(stack).await?);
    }
    Ok(Costs { append: median(appends), load: median(loads), start: median(starts) })
}

/// How long a command-service takes until it is ready.
async fn start(stack: &Stack) -> anyhow::Result<Duration> {
    let port = Port::free()?;
    let address = port.to_string();
    let begun = Instant::now();
    let mut command = child()?;
    command
        .args(["command-service", "--listen", &address, "--log", "error"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.env("DATABASE_URL", stack.fact("database_url")?).env("NATS_URL", stack.fact("nats_services_url")?);
    command
        .env("REDIS_URL", stack.fact("redis_url")?)
        .env("SYNCBOARD_SECRET_KEY", "of no use to anybody, and long enough");
    let mut service = command.spawn()?;
    let is_ready = async {
        loop {
            if let Ok(mut http) = Connection::open(&address).await {
                let mut ready = Request::new("GET", "/health/ready", "", "");
                if http.send(ready.numbered(0)).await?.status == 200 {
                    return anyhow::Ok(());
                }
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, is_ready).await.context("the service is not ready in time")??;
    let took = begun.elapsed();
    service.kill().await?;
    Ok(took)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1_000.0
}

//! Replay of a large log into empty read models, against COPY of the rows that it ends with.

mod copy;
pub(crate) mod fill;
mod readers;

pub(crate) use readers::beside_readers;

use crate::Size;
use crate::http::{Connection, Request};
use crate::report::{Goal, Row};
use crate::rows::account;
use crate::stack::{Stack, child};
use crate::usage::{self, Meter, Usage};
use anyhow::Context;
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;

/// Whose documents they are.
const USERNAME: &str = "replay";
/// Events a second that are wanted on a machine where COPY does so many rows a second.
const WANTED: (f64, f64) = (40_000.0, 185_000.0);

/// Measures the row.
pub(crate) async fn measure(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    token(stack, size).await?;
    let copied = copy::measure(stack).await?;
    let meter = Meter::start(stack);
    let (report, own) = projector_rebuild(stack).await?;
    let number = |name: &str| report[name].as_f64().with_context(|| format!("the replay does not say its {name}"));
    let (events, seconds) = (number("events")?, number("seconds")?);
    let wanted = WANTED.0 * (copied.rows / copied.seconds) / WANTED.1;
    Ok(Row {
        name,
        value: events / seconds,
        unit: "events/s",
        // The same events, were their rows made as fast as COPY makes them.
        baseline: Some(events / copied.seconds),
        cpu_seconds: Some(meter.read(stack).cpu_seconds + own.cpu_seconds),
        peak_mb: Some(own.peak_mb),
        goals: vec![Goal::Ratio(0.25), Goal::AtLeast(wanted.round())],
        ..Row::default()
    })
}

/// Runs the rebuild as an operator does, and answers its report and what its process used.
async fn projector_rebuild(stack: &Stack) -> anyhow::Result<(Value, Usage)> {
    let mut command = child()?;
    command.args(["projector", "rebuild", "--projection", "documents", "--json", "--log", "warn"]).stdin(Stdio::null());
    command.env("DATABASE_URL", stack.fact("database_url")?).env("NATS_URL", stack.fact("nats_services_url")?);
    let replay = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = replay.id().context("the replay has no process")?;
    let end = replay.wait_with_output();
    tokio::pin!(end);
    let mut used = Usage::default();
    let output = loop {
        tokio::select! {
            output = &mut end => break output?,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                used = usage::of_process(pid).map_or(used, |now| now.after(used));
            }
        }
    };
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((serde_json::from_slice(&output.stdout)?, used))
}

/// Fills the log if that was not done yet, and answers the token of the account whose documents they are.
pub(crate) async fn token(stack: &Stack, size: Size) -> anyhow::Result<String> {
    let token = account(stack, USERNAME).await?;
    stack.caught_up().await?;
    let mut http = Connection::open(stack.address("query_url")?).await?;
    let statistics = http.sample(Request::new("GET", "/v1/statistics", &token, "").numbered(0)).await?;
    let statistics: Value = serde_json::from_str(&statistics.body)?;
    if statistics["documents"] == 0 {
        fill::fill(stack, USERNAME, 0..size.documents, size.edits_each).await?;
        stack.caught_up().await?;
    }
    Ok(token)
}

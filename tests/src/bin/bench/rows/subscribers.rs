//! Many subscribers: what memory each takes, and how soon they hear what was written.

use super::account;
use super::workspace::{Workspace, Writer};
use crate::listener::{Kind, Listener};
use crate::load::Load;
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::usage::{self, Meter};
use crate::{Size, baseline};
use anyhow::Context;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Workspaces that they are of.
const WORKSPACES: usize = 10;
/// Events a second that each is sent: the next where the one before was too many.
const RATES: [u32; 4] = [10, 5, 2, 1];
/// The most that 95 of 100 deliveries may take, in milliseconds.
const DELAY: Goal = Goal::P95(100.0);
/// Most memory of one of them, in KB of 1,000 bytes.
const MEMORY: Goal = Goal::AtMost(20.0);
/// How much longer than planned deliveries may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows for the memory of subscribers of each kind and of all before they are sent anything, one for their deliveries at
/// each rate that is tried, and one for their memory after that.
pub(super) async fn measure(name: &str, stack: &Stack, size: Size) -> anyhow::Result<Vec<Row>> {
    let address = stack.address("query_url")?;
    let of_each_kind = size.subscribers / WORKSPACES / 2;
    let all = 2 * of_each_kind * WORKSPACES;
    let mut workspaces = Vec::new();
    for number in 0..WORKSPACES {
        let token = account(stack, &format!("{name}-{number}")).await?;
        workspaces.push(Workspace { writer: Writer::new(stack, &token).await?, listeners: Vec::new() });
        if number == 0 {
            // What the first subscriber of a process costs is not that of each.
            drop(Listener::open(address, &token, Kind::Socket).await?);
        }
    }
    let message = workspaces[0].writer.message(address).await?;
    let bare = baseline::fanout::rate(&message, all, 2 * RATES[0] as usize).await?;
    let memory_of_each = |when: &str, before: f64, count: usize| Row {
        name: format!("{name}_{when}"),
        value: (memory(stack) - before) / count as f64,
        unit: "KB each",
        ..Row::default()
    };
    let mut rows = Vec::new();
    let empty = memory(stack);
    for (when, kind) in [("sse", Kind::Stream), ("socket", Kind::Socket)] {
        let before = memory(stack);
        let mut opening = JoinSet::new();
        for workspace in workspaces.drain(..) {
            opening.spawn(workspace.open(address.to_owned(), kind, of_each_kind));
        }
        while let Some(workspace) = opening.join_next().await {
            workspaces.push(workspace??);
        }
        rows.push(memory_of_each(when, before, of_each_kind * WORKSPACES));
    }
    rows.push(Row { goals: vec![MEMORY], ..memory_of_each("idle", empty, all) });
    for rate in RATES {
        let load = deliver(&mut workspaces, rate, stack, size).await?;
        let used = load.meter.read(stack);
        let row = Row::of_load(format!("{name}_{rate}"), &load, used, Some(bare), vec![DELAY]);
        let is_enough = row.is_met(DELAY);
        rows.push(row);
        if is_enough {
            break;
        }
    }
    rows.push(Row { goals: vec![MEMORY], ..memory_of_each("used", empty, all) });
    Ok(rows)
}

/// Writes to each workspace so many events a second, and measures each delivery. The workspaces take turns.
async fn deliver(workspaces: &mut Vec<Workspace>, rate: u32, stack: &Stack, size: Size) -> anyhow::Result<Load> {
    let every = Duration::from_secs(1) / rate;
    let count = rate as usize * usize::try_from(size.time.as_secs())?;
    let (meter, begun) = (Meter::start(stack), Instant::now());
    let mut delivering = JoinSet::new();
    for (turn, workspace) in (0..).zip(workspaces.drain(..)) {
        delivering.spawn(workspace.deliver(begun + every / WORKSPACES as u32 * turn, every, count));
    }
    let mut latencies = Vec::new();
    let delivered = async {
        while let Some(delivered) = delivering.join_next().await {
            let (workspace, delays) = delivered??;
            workspaces.push(workspace);
            latencies.extend(delays);
        }
        anyhow::Ok(())
    };
    timeout(size.time + PATIENCE, delivered).await.context("deliveries do not come")??;
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Load { rate, latencies, meter })
}

/// Resident memory of the query-service in KB of 1,000 bytes.
fn memory(stack: &Stack) -> f64 {
    usage::memory(stack.pid("query-service"), "VmRSS") * 1_048.576
}

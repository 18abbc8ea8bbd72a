//! Load in a closed loop: so many connections, each of which waits for its answer before it sends again.

use crate::http::{Connection, Request};
use crate::stack::Stack;
use crate::usage::Meter;
use anyhow::Context;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Numbers of requests that each connection has for itself.
const NUMBERS: u64 = 1_000_000_000;
/// Share of the time for which the load runs before it counts.
const WARM_UP: u32 = 8;
/// How much longer than planned a load may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a load came to.
pub(crate) struct Load {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Latencies in microseconds, ascending.
    pub(crate) latencies: Vec<u32>,
    /// What the system uses since the load began to count.
    pub(crate) meter: Meter,
}

/// Sends requests for a time, one list of them for each connection, round and round. Every answer must be one of
/// success.
pub(crate) async fn run(
    stack: &Stack,
    address: &str,
    requests: Vec<Vec<Request>>,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut connections = Vec::with_capacity(requests.len());
    for requests in requests {
        connections.push((Connection::open(address).await?, requests));
    }
    let begin = Instant::now() + time / WARM_UP;
    let mut tasks = JoinSet::new();
    for (number, (connection, requests)) in (0..).zip(connections) {
        tasks.spawn(drive(connection, requests, number * NUMBERS, begin, begin + time));
    }
    tokio::time::sleep_until(begin.into()).await;
    let meter = Meter::start(stack);
    let mut latencies = Vec::new();
    let joined = async {
        while let Some(task) = tasks.join_next().await {
            latencies.extend(task??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(time + PATIENCE, joined).await.context("answers do not come")??;
    let rate = latencies.len() as f64 / begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Load { rate, latencies, meter })
}

async fn drive(
    mut connection: Connection,
    mut requests: Vec<Request>,
    first: u64,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::with_capacity(64 * 1024);
    let mut number = first;
    loop {
        for request in &mut requests {
            let bytes = request.numbered(number);
            let sent = Instant::now();
            if sent >= end {
                return Ok(latencies);
            }
            connection.send(bytes).await?.success()?;
            if sent >= begin {
                latencies.push(microseconds(sent));
            }
            number += 1;
        }
    }
}

/// Time since then.
pub(crate) fn microseconds(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}

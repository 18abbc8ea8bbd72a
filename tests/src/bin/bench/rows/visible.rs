//! How soon others see an upload. The loop is open: the next upload does not wait for the answers to those before it.

use super::{account, upload_request};
use crate::Size;
use crate::http::{Connection, Request};
use crate::load::{Load, microseconds};
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::usage::Meter;
use anyhow::Context;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Uploads a second.
const RATE: u32 = 1_000;
/// The least rate that counts as this one.
const LEAST: f64 = 950.0;
/// Connections that take turns to upload, and as many that read: each has its turn every 64 ms.
const TURNS: u32 = 64;
/// How much longer than planned the row may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An upload that was acknowledged.
struct Uploaded {
    path: String,
    at: Instant,
}

/// Time from the acknowledgement of an upload to the answer of the read that asks for it.
pub(super) async fn measure(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = account(stack, &name).await?;
    let mut connections = Vec::new();
    for _ in 0..TURNS {
        let writer = Connection::open(stack.address("command_url")?).await?;
        connections.push((writer, Connection::open(stack.address("query_url")?).await?));
    }
    let (meter, begun) = (Meter::start(stack), Instant::now());
    let mut writers = JoinSet::new();
    let mut readers = JoinSet::new();
    for (turn, (writer, reader)) in (0..).zip(connections) {
        let (sender, uploaded) = mpsc::unbounded_channel();
        writers.spawn(write(writer, upload_request(&token), turn, (begun, begun + size.time), sender));
        readers.spawn(read(reader, token.clone(), uploaded));
    }
    let mut latencies = Vec::new();
    let joined = async {
        while let Some(task) = writers.join_next().await {
            task??;
        }
        let written = begun.elapsed();
        while let Some(task) = readers.join_next().await {
            latencies.extend(task??);
        }
        anyhow::Ok(written)
    };
    let written =
        tokio::time::timeout(size.time + PATIENCE, joined).await.context("uploads do not become visible")??;
    latencies.sort_unstable();
    let load = Load { rate: latencies.len() as f64 / written.as_secs_f64(), latencies, meter };
    let goals = vec![Goal::P50(5.0), Goal::P99(25.0), Goal::AtLeast(LEAST)];
    Ok(Row::of_load(name, &load, load.meter.read(stack), None, goals))
}

async fn write(
    mut http: Connection,
    mut request: Request,
    turn: u32,
    (begin, end): (Instant, Instant),
    sender: mpsc::UnboundedSender<Uploaded>,
) -> anyhow::Result<()> {
    for round in 0.. {
        let number = round * TURNS + turn;
        let due = begin + Duration::from_secs(1) / RATE * number;
        if due >= end {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let answer = http.send(request.numbered(number.into())).await?.success()?;
        let at = Instant::now();
        let uploaded: Value = serde_json::from_slice(answer.body)?;
        let id = uploaded["id"].as_str().context("the answer has no id")?;
        let path = format!("/v1/documents/{id}?min_sequence={}", uploaded["sequence"]);
        sender.send(Uploaded { path, at }).ok().context("nobody reads any more")?;
    }
    Ok(())
}

async fn read(
    mut http: Connection,
    token: String,
    mut uploaded: mpsc::UnboundedReceiver<Uploaded>,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::new();
    while let Some(Uploaded { path, at }) = uploaded.recv().await {
        let answer = http.send(Request::new("GET", &path, &token, "").numbered(0)).await?;
        anyhow::ensure!(answer.status == 200, "{path} is answered {}", answer.status);
        latencies.push(microseconds(at));
    }
    Ok(latencies)
}

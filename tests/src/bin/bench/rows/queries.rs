//! Reads of one document and of pages.

use super::{account, id, upload_request};
use crate::http::{Connection, Request};
use crate::load::microseconds;
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::usage::Meter;
use crate::{Size, baseline, load, replay};
use serde_json::Value;
use std::time::Instant;

/// Connections that read.
const READERS: usize = 64;
/// Documents of a page.
const PAGE: usize = 50;

/// One document, again and again, against a handler that has the answer ready.
pub(super) async fn get_hot(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = account(stack, &name.replace('_', "-")).await?;
    let mut http = Connection::open(stack.address("command_url")?).await?;
    let id = id(http.send(upload_request(&token).numbered(0)).await?.success()?.body)?;
    stack.caught_up().await?;
    let address = stack.address("query_url")?;
    let mut get = Request::new("GET", &format!("/v1/documents/{id}"), &token, "");
    let sample = Connection::open(address).await?.sample(get.numbered(0)).await?;
    let requests = vec![vec![get]; READERS];
    let baseline = baseline::handler(stack, &sample, requests.clone(), size.time).await?;
    let load = load::run(stack, address, requests, size.time).await?;
    let goals = vec![Goal::Ratio(0.7), Goal::P99(5.0)];
    Ok(Row::of_load(name, &load, load.meter.read(stack), Some(baseline), goals))
}

/// Pages by every sort, each followed from its beginning, out of the documents that the row replay has made.
pub(super) async fn list(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = replay::token(stack, size).await?;
    let mut http = Connection::open(stack.address("query_url")?).await?;
    let sorts = ["updated_at", "created_at", "title"].map(|sort| [(sort, "asc"), (sort, "desc")]).concat();
    let mut cursors = vec![String::new(); sorts.len()];
    let (meter, begun) = (Meter::start(stack), Instant::now());
    let mut latencies = Vec::new();
    while begun.elapsed() < size.time {
        for ((sort, order), cursor) in sorts.iter().zip(&mut cursors) {
            let path = format!("/v1/documents?limit={PAGE}&sort={sort}&order={order}{cursor}");
            let mut request = Request::new("GET", &path, &token, "");
            let sent = Instant::now();
            let answer = http.send(request.numbered(0)).await?.success()?;
            latencies.push(microseconds(sent));
            let page: Value = serde_json::from_slice(answer.body)?;
            anyhow::ensure!(page["documents"].as_array().map(Vec::len) == Some(PAGE), "a page is not full");
            *cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
    }
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    let load = load::Load { rate, latencies, meter };
    Ok(Row::of_load(name, &load, load.meter.read(stack), None, vec![Goal::P99(10.0)]))
}

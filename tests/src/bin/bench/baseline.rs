//! What the parts alone reach: a bare handler that answers the same bytes, a bare acknowledged append of the same
//! bytes, a bare write of them to many sockets.

mod append;
pub(crate) mod fanout;
mod http;

pub(crate) use http::{handler, serve};

use crate::http::{Request, Sample};
use crate::stack::Stack;
use anyhow::Context;
use std::time::Duration;

/// The limit of a command that was answered so: its request passes both parts, one after the other, on the same cores.
/// Each part gets half of the time.
pub(crate) async fn limit(
    stack: &Stack,
    sample: &Sample,
    requests: Vec<Vec<Request>>,
    time: Duration,
) -> anyhow::Result<f64> {
    let connections = requests.len();
    let answer: serde_json::Value = serde_json::from_str(&sample.body)?;
    let sequence = answer["sequence"].as_u64().context("the answer names no event")?;
    let handler = handler(stack, sample, requests, time / 2).await?;
    let append = append::rate(stack, sequence, connections, time / 2).await?;
    Ok(1.0 / (1.0 / handler + 1.0 / append))
}

//! A few subscribers of one workspace: how much they are sent when events are written as fast as they receive them.

use super::account;
use super::workspace::{Writer, delays};
use crate::listener::{Kind, Listener, Moment};
use crate::load::Load;
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::usage::Meter;
use crate::{Size, baseline};
use anyhow::Context;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Subscribers.
const SUBSCRIBERS: usize = 100;
/// Messages a second that they should be sent together.
const MESSAGES: usize = 100_000;
/// Connections that write.
const WRITERS: usize = 64;
/// Events that are written before every subscriber has received the first of them.
const AHEAD: usize = 512;
/// How much longer than planned deliveries may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the row: as many events as the goal has in the time.
pub(super) async fn measure(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let address = stack.address("query_url")?;
    let token = account(stack, &name).await?;
    let of_each_writer = MESSAGES / SUBSCRIBERS * usize::try_from(size.time.as_secs())? / WRITERS;
    let events = of_each_writer * WRITERS;
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(Writer::new(stack, &token).await?);
    }
    let message = writers[0].message(address).await?;
    let bare = baseline::fanout::rate(&message, SUBSCRIBERS, events).await?;
    let mut listeners = Vec::new();
    for kind in [Kind::Stream, Kind::Socket].into_iter().cycle().take(SUBSCRIBERS) {
        listeners.push(Listener::open(address, &token, kind).await?);
    }
    let (ahead, received) = (Arc::new(Semaphore::new(AHEAD)), Arc::new(AtomicUsize::new(0)));
    let (mut receiving, mut writing) = (JoinSet::new(), JoinSet::new());
    let (meter, begun) = (Meter::start(stack), Instant::now());
    for listener in listeners {
        let (ahead, received) = (ahead.clone(), received.clone());
        receiving.spawn(listener.receive(events, begun, move || {
            if (received.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(SUBSCRIBERS) {
                ahead.add_permits(1);
            }
        }));
    }
    for writer in writers {
        writing.spawn(write(writer, ahead.clone(), of_each_writer, begun));
    }
    let mut latencies = Vec::new();
    let delivered = async {
        let mut acknowledged = HashMap::new();
        while let Some(written) = writing.join_next().await {
            acknowledged.extend(written??.into_iter().map(|moment| (moment.sequence, moment.at)));
        }
        while let Some(received) = receiving.join_next().await {
            latencies.extend(delays(&acknowledged, &received??.1)?);
        }
        anyhow::Ok(())
    };
    timeout(size.time + PATIENCE, delivered).await.context("deliveries do not come")??;
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let load = Load { rate, latencies, meter };
    Ok(Row::of_load(name, &load, load.meter.read(stack), Some(bare), vec![Goal::AtLeast(MESSAGES as f64)]))
}

/// Writes so many events, each when there is room ahead of the subscribers.
async fn write(mut writer: Writer, ahead: Arc<Semaphore>, count: usize, begun: Instant) -> anyhow::Result<Vec<Moment>> {
    let mut acknowledged = Vec::with_capacity(count);
    for _ in 0..count {
        ahead.acquire().await?.forget();
        acknowledged.push(writer.write(begun).await?);
    }
    Ok(acknowledged)
}

//! The bare append: a message of the log itself, its headers and its payload, to a stream like the log's.

use crate::stack::Stack;
use anyhow::Context as _;
use async_nats::jetstream::Context;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::Config;
use events::stream::PREFIX;
use runtime::event_log::{Connection, STREAM};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The stream that is made for the measurement, and removed.
const SCRATCH: &str = "BENCH";
/// First token of its subjects.
const SUBJECTS: &str = "bench";
/// How much longer than planned the appends may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Numbers of messages that each of those in flight has for itself.
const NUMBERS: u64 = 1_000_000_000;

/// Acknowledged appends a second of the message at a sequence of the log, so many in flight.
pub(super) async fn rate(stack: &Stack, sequence: u64, in_flight: usize, time: Duration) -> anyhow::Result<f64> {
    let nats = stack.nats("nats_admin_url")?;
    let connection = Connection::open(&nats, "bench").await?;
    let context = connection.context();
    let log = context.get_stream(STREAM).await?;
    let message = Arc::new(log.get_raw_message(sequence).await?);
    // The same promises as the log's; nobody is told of its messages.
    let config = Config {
        name: SCRATCH.to_owned(),
        subjects: vec![format!("{SUBJECTS}.>")],
        republish: None,
        ..log.cached_info().config.clone()
    };
    drop(context.delete_stream(SCRATCH).await);
    context.create_stream(config).await?;
    let rate = appends(context, &message, in_flight, time).await;
    context.delete_stream(SCRATCH).await?;
    drop(connection.client().drain().await);
    rate
}

async fn appends(
    context: &Context,
    message: &Arc<StreamMessage>,
    in_flight: usize,
    time: Duration,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, _) in (0..).zip(0..in_flight) {
        tasks.spawn(append(context.clone(), message.clone(), number * NUMBERS, begun + time));
    }
    let mut count = 0;
    let joined = async {
        while let Some(task) = tasks.join_next().await {
            count += task??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(time + PATIENCE, joined).await.context("acknowledgements do not come")??;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Appends one after the other, each to a subject of its own, as long and of as many tokens as the log's.
async fn append(context: Context, message: Arc<StreamMessage>, first: u64, end: Instant) -> anyhow::Result<u64> {
    let subject = message.subject.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('.'));
    let (stem, id) = subject.context("no subject of the log")?;
    let mut count = 0;
    while Instant::now() < end {
        let id = format!("{:0>1$}", first + count, id.len());
        let copy = PublishMessage::build()
            .headers(message.headers.clone())
            .payload(message.payload.clone())
            .message_id(&id)
            .expected_last_subject_sequence(0);
        context.send_publish(format!("{SUBJECTS}{stem}.{id}"), copy).await?.await?;
        count += 1;
    }
    Ok(count)
}

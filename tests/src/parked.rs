//! What the projector cannot apply and has parked, as its operators see it.

use crate::system::System;
use async_nats::HeaderMap;
use runtime::event_log::STREAM;
use serde_json::Value;

/// What `projector failures` prints, a JSON object a line, and whether it ended well.
pub async fn failures(system: &System, args: &[&str]) -> (Vec<Value>, bool) {
    let output = system.projector(&[&["failures", "--json"], args].concat()).await;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    (lines, output.status.success())
}

/// How many events a projection has parked, as its health page says.
pub async fn parked(system: &System, projection: &str) -> Value {
    system.statistics().await[format!("{projection}_parked")].clone()
}

/// Stores a message of the log once more, with a change of its subject or headers; says where.
pub async fn stored_again(system: &System, sequence: u64, change: impl FnOnce(&mut String, &mut HeaderMap)) -> u64 {
    let context = system.administrator().await;
    let log = context.get_stream(STREAM).await.expect("the log is there");
    let message = log.get_raw_message(sequence).await.expect("it is there");
    let (mut subject, mut headers) = (message.subject.to_string(), HeaderMap::new());
    // Without what was expected of the stream then, and without the mark by which the log knows a repetition.
    for (name, values) in message.headers.iter().filter(|(name, _)| !name.to_string().starts_with("Nats-")) {
        values.iter().for_each(|value| headers.append(name.clone(), value.clone()));
    }
    change(&mut subject, &mut headers);
    let sent = context.publish_with_headers(subject, headers, message.payload).await.expect("it is sent");
    sent.await.expect("it is stored").sequence
}

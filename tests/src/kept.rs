//! Kept logs: what a log of some version held, message by message, and what the read models must show of it for ever.

use crate::client::Client;
use crate::system::System;
use async_nats::HeaderMap;
use runtime::event_log::STREAM;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A message as it stands in a log.
#[derive(Serialize, Deserialize)]
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// Its headers; what a command expected of its stream among them.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

/// A part of what a user is shown under a path. Later versions may show more, and not otherwise.
#[derive(Serialize, Deserialize)]
pub struct Shown {
    /// Who asks.
    pub user: String,
    /// For what.
    pub path: String,
    /// What the answer has at least.
    pub part: Value,
}

impl Message {
    /// The kind of event that it is, with its version.
    pub fn event_type(&self) -> &str {
        self.headers.get(events::codec::header::TYPE).map_or("", String::as_str)
    }
}

impl Shown {
    /// What a user is shown under a path now, and of that some fields; all of it where none are named.
    pub async fn ask(client: &Client, user: &str, path: String, fields: &[&str]) -> Self {
        let answer = client.get(&path).await.expect(200).json();
        let part = match fields {
            [] => answer,
            fields => {
                fields.iter().filter_map(|field| Some(((*field).to_owned(), answer.get(*field)?.clone()))).collect()
            }
        };
        Self { user: user.to_owned(), path, part }
    }

    /// Panics unless the user is shown at least this.
    pub async fn check(&self, client: &Client, min_sequence: u64) {
        let and = if self.path.contains('?') { '&' } else { '?' };
        let answer = client.get(&format!("{}{and}min_sequence={min_sequence}", self.path)).await.expect(200).json();
        assert!(holds(&answer, &self.part), "{} of {}: {answer} instead of {}", self.path, self.user, self.part);
    }
}

/// Whether a value has everything of a part; lists have the same length.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        (whole, part) => whole == part,
    }
}

/// Every message of a system's log, in its order.
pub async fn read_log(system: &System) -> Vec<Message> {
    let mut log = system.administrator().await.get_stream(STREAM).await.expect("the log is there");
    let head = log.info().await.expect("it says where it ends").state.last_sequence;
    let mut messages = Vec::new();
    for sequence in 1..=head {
        let message = log.get_raw_message(sequence).await.expect("a log has no gaps");
        let header = |(name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>)| {
            let [value] = &values[..] else { panic!("{name} has {} values", values.len()) };
            (name.to_string(), value.to_string())
        };
        messages.push(Message {
            subject: message.subject.to_string(),
            headers: message.headers.iter().map(header).collect(),
            body: String::from_utf8(message.payload.to_vec()).expect("events are UTF-8"),
        });
    }
    messages
}

/// Writes messages into a system's empty log, where each must stand at its old sequence, after the one that it follows.
pub async fn write_log(system: &System, messages: &[Message]) {
    let log = system.administrator().await;
    for (at, message) in messages.iter().enumerate() {
        let mut headers = HeaderMap::new();
        message.headers.iter().for_each(|(name, value)| headers.insert(name.as_str(), value.as_str()));
        let sent = log.publish_with_headers(message.subject.clone(), headers, message.body.clone().into()).await;
        let stored = sent.expect("it is sent").await.unwrap_or_else(|error| panic!("message {}: {error}", at + 1));
        assert_eq!(stored.sequence, at as u64 + 1);
    }
}

/// Reads a file with a JSON value a line.
pub fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}

/// Writes a file with a JSON value a line.
pub fn write<T: Serialize>(path: &Path, values: &[T]) {
    let lines = values.iter().map(|value| serde_json::to_string(value).expect("it is plain JSON") + "\n");
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
    fs::write(path, lines.collect::<String>()).expect("the file can be written");
}

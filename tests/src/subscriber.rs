//! A subscriber over Server-Sent Events, which reads the stream by the rules of the HTML standard (section 9.2).

use crate::client::Client;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a message may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message as `EventSource` would dispatch it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The last event id when it came.
    pub id: u64,
    /// Its event type.
    pub event: String,
    /// Its data, which is JSON here.
    pub data: Value,
}

/// An open stream.
pub struct Subscriber {
    pieces: BoxStream<'static, reqwest::Result<Bytes>>,
    unread: Vec<u8>,
    /// The last event id.
    pub last_event_id: Option<u64>,
}

impl Subscriber {
    /// Opens the stream of a client, with a query string such as `?after=0`.
    pub async fn open(client: &Client, query: &str) -> Self {
        Self::of(client.query(Method::GET, &format!("/v1/events{query}"))).await
    }

    /// Opens the stream of a client as it connects again.
    pub async fn resume(client: &Client, last_event_id: u64) -> Self {
        let request = client.query(Method::GET, "/v1/events");
        Self::of(request.header("Last-Event-ID", last_event_id)).await
    }

    /// Opens the stream that a request asks for.
    pub async fn of(request: RequestBuilder) -> Self {
        // The client's own limit of time is for answers that end.
        let answer = request.timeout(PATIENCE * 20).send().await.expect("the service answers");
        let status = answer.status();
        if status != 200 {
            panic!("{status}: {}", answer.text().await.unwrap_or_default());
        }
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { pieces: answer.bytes_stream().into_stream().boxed(), unread: Vec::new(), last_event_id: None }
    }

    /// The next message; `None` when the stream has ended, however it has. Blocks without data only move the id on.
    pub async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, async {
            loop {
                match self.block().await? {
                    (event, data) if !data.is_empty() => {
                        let data = serde_json::from_str(&data).expect("data is JSON");
                        return Some(Message { id: self.last_event_id.expect("a message has an id"), event, data });
                    }
                    _ => {}
                }
            }
        })
        .await
        .expect("a message comes in time")
    }

    /// The next message, which must be an event.
    pub async fn event(&mut self) -> Message {
        let message = self.next().await.expect("the stream goes on");
        assert_ne!(message.event, "closed", "{}", message.data);
        assert_eq!(message.data["sequence"], message.id, "the id of an event is its sequence");
        message
    }

    /// Everything up to an event with a sequence, which must come.
    pub async fn up_to(&mut self, sequence: u64) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        while messages.last().is_none_or(|last| last.id < sequence) {
            messages.push(self.event().await);
        }
        messages
    }

    /// Waits until the last event id is at least a sequence, and says what came meanwhile.
    pub async fn until_id(&mut self, sequence: u64) -> Vec<String> {
        let mut came = Vec::new();
        while self.last_event_id.is_none_or(|id| id < sequence) {
            let block = timeout(PATIENCE, self.block()).await.expect("the id moves on in time");
            let (event, data) = block.expect("the stream goes on");
            came.extend((!data.is_empty()).then_some(event));
        }
        came
    }

    /// Waits for a block without data, which must come next, and says where the subscriber stands.
    pub async fn heartbeat(&mut self) -> u64 {
        let block =
            timeout(PATIENCE, self.block()).await.expect("there is a sign of life").expect("the stream goes on");
        assert!(block.1.is_empty(), "{block:?} is no heartbeat");
        self.last_event_id.expect("it says where")
    }

    /// The next block; `None` at the end of the stream.
    async fn block(&mut self) -> Option<(String, String)> {
        let end = loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                break end;
            }
            let piece = self.pieces.next().await?.ok()?;
            self.unread.extend_from_slice(&piece);
        };
        let rest = self.unread.split_off(end + 2);
        let block = String::from_utf8(std::mem::replace(&mut self.unread, rest)).expect("a stream is UTF-8");
        let (mut event, mut data) = ("message".to_owned(), String::new());
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.last_event_id = Some(value.parse().expect("an id is a sequence")),
                "event" => value.clone_into(&mut event),
                "data" => data.push_str(value),
                _ => {}
            }
        }
        Some((event, data))
    }
}

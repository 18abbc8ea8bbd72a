//! A workspace that is written to, and its subscribers.

use crate::http::{Connection, NUMBER, Request};
use crate::listener::{Kind, Listener, Moment};
use crate::load::microseconds;
use crate::rows::{id, upload_request};
use crate::stack::Stack;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// Writes to a workspace: new titles for a document of its own.
pub(super) struct Writer {
    token: String,
    http: Connection,
    retitle: Request,
    number: u64,
}

impl Writer {
    /// Makes the document.
    pub(super) async fn new(stack: &Stack, token: &str) -> anyhow::Result<Self> {
        let mut http = Connection::open(stack.address("command_url")?).await?;
        let id = id(http.send(upload_request(token).numbered(0)).await?.success()?.body)?;
        let body = json!({ "title": format!("title {NUMBER}") }).to_string();
        let retitle = Request::new("PUT", &format!("/v1/documents/{id}/title"), token, &body);
        Ok(Self { token: token.to_owned(), http, retitle, number: 0 })
    }

    /// Writes the next event; when it was acknowledged.
    pub(super) async fn write(&mut self, begin: Instant) -> anyhow::Result<Moment> {
        self.number += 1;
        let answer = self.http.send(self.retitle.numbered(self.number)).await?.success()?;
        let at = microseconds(begin);
        let answer: Value = serde_json::from_slice(answer.body)?;
        Ok(Moment { sequence: answer["sequence"].as_u64().context("the answer names no event")?, at })
    }

    /// The bytes that such an event is sent as; once it is there, all that was written before it is visible.
    pub(super) async fn message(&mut self, address: &str) -> anyhow::Result<Vec<u8>> {
        let listener = Listener::open(address, &self.token, Kind::Stream).await?;
        let written = self.write(Instant::now()).await?;
        listener.message(written.sequence).await
    }
}

/// A workspace with many subscribers.
pub(super) struct Workspace {
    pub(super) writer: Writer,
    pub(super) listeners: Vec<Listener>,
}

impl Workspace {
    /// Opens so many subscriptions of a kind.
    pub(super) async fn open(mut self, address: String, kind: Kind, count: usize) -> anyhow::Result<Self> {
        for _ in 0..count {
            self.listeners.push(Listener::open(&address, &self.writer.token, kind).await?);
        }
        Ok(self)
    }

    /// Writes so many events at a pace, whatever becomes of them; how long after its acknowledgement each came to each
    /// subscriber.
    pub(super) async fn deliver(
        mut self,
        begin: Instant,
        every: Duration,
        count: usize,
    ) -> anyhow::Result<(Self, Vec<u32>)> {
        let mut receiving = JoinSet::new();
        for listener in self.listeners.drain(..) {
            receiving.spawn(listener.receive(count, begin, || {}));
        }
        let mut acknowledged = HashMap::new();
        for turn in (0..).take(count) {
            sleep_until((begin + every * turn).into()).await;
            let moment = self.writer.write(begin).await?;
            acknowledged.insert(moment.sequence, moment.at);
        }
        let mut all = Vec::new();
        while let Some(received) = receiving.join_next().await {
            let (listener, arrivals) = received??;
            self.listeners.push(listener);
            all.extend(delays(&acknowledged, &arrivals)?);
        }
        Ok((self, all))
    }
}

/// From each acknowledgement to the arrival, in microseconds; none where the arrival was first. Every event must have come
/// once, in order.
pub(super) fn delays(acknowledged: &HashMap<u64, u32>, arrivals: &[Moment]) -> anyhow::Result<Vec<u32>> {
    anyhow::ensure!(arrivals.len() == acknowledged.len(), "events are missing");
    anyhow::ensure!(arrivals.is_sorted_by(|one, next| one.sequence < next.sequence), "an event came twice or late");
    let delay = |arrival: &Moment| {
        let at = acknowledged.get(&arrival.sequence).context("an event came that was not written")?;
        Ok(arrival.at.saturating_sub(*at))
    };
    arrivals.iter().map(delay).collect()
}

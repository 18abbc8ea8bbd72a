//! A subscription over WebSocket, begun with a ticket as a browser begins one.

use crate::client::Client;
use anyhow::Context;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Where tickets are.
pub(super) const TICKETS: &str = "/v1/tickets";

/// An open subscription.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// An event, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) sequence: u64,
    pub(super) time: DateTime<Utc>,
}

impl Socket {
    /// Opens one with an answered ticket and further parameters.
    pub(super) async fn open(client: &Client, ticket: &Value, wanted: &str) -> anyhow::Result<Self> {
        let ticket = ticket["ticket"].as_str().context("no ticket")?;
        let address = client.query.replacen("http", "ws", 1);
        Ok(Self(connect_async(format!("{address}/v1/events/socket?ticket={ticket}{wanted}")).await?.0))
    }

    /// The next event, past signs of life.
    pub(super) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            match self.0.next().await.context("the connection was cut")?? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text)?;
                    if message["type"] != "position" {
                        return Ok(serde_json::from_value(message)?);
                    }
                }
                Message::Close(frame) => {
                    anyhow::bail!("closed: {}", frame.map(|frame| frame.reason).unwrap_or_default())
                }
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}

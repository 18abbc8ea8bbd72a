//! The log on NATS JetStream: append with an expected sequence, load one stream, follow everything.

mod append;
mod appended;
mod follow;
mod load;
mod observed;
mod pages;
mod provision;
mod texts;
#[cfg(feature = "validate")]
mod validate;

pub use append::Appended;
pub use async_nats::Client;
pub use follow::{Batch, Follow, Follower};
pub use load::{Raw, Recorded};
pub use pages::{Page, Pages};
pub use provision::{STREAM, provision};
pub use texts::Texts;

use crate::config;
use crate::metrics::{LOG_COMPLAINTS, LOG_DISCONNECTIONS, LOG_FAILURES};
use async_nats::jetstream;
use async_nats::{ConnectOptions, Event, ServerAddr};
use metrics::counter;
use std::error::Error as StdError;
use std::time::Duration;

/// Why the log did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream's last sequence is not the expected one: another event was appended first.
    #[error("another event was appended first")]
    Conflict,
    /// Nobody knows whether the event was stored: the answer did not come. Load and look for its command.
    #[error("the log did not answer in time")]
    OutcomeUnknown,
    /// The log cannot be reached or refused; nothing was stored.
    #[error("the event log is not available")]
    Unavailable {
        /// What NATS said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A message that should be an event is none.
    #[error("message {sequence} of the log is not a readable event")]
    Corrupt {
        /// Its sequence.
        sequence: u64,
        /// Why.
        #[source]
        source: events::codec::Error,
    },
    /// A text that an event names is not in the blob store.
    #[error("the blob store does not hold {sha256}")]
    Missing {
        /// Its address.
        sha256: String,
    },
    /// The stream or server is set up in a way that could lose events.
    #[error("the event log is not set up as it must be: {0}")]
    Misconfigured(String),
}

impl Error {
    pub(crate) fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        counter!(LOG_FAILURES).increment(1);
        Self::Unavailable { source: source.into() }
    }
}

/// A handle on the log; clones share one connection.
#[derive(Clone)]
pub struct EventLog {
    client: Client,
    context: jetstream::Context,
    stream: jetstream::stream::Stream,
}

impl EventLog {
    /// Connects, and checks that the stream is there and protects what it holds.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Misconfigured`].
    pub async fn connect(config: &config::Nats, name: &str) -> Result<Self, Error> {
        Self::over(connect(config, name).await?, config.nats_timeout).await
    }

    /// The log over a connection that stands already, with the same checks.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Misconfigured`].
    pub async fn over(client: Client, timeout: Duration) -> Result<Self, Error> {
        let context = jetstream(&client, timeout);
        let stream = context.get_stream(STREAM).await.map_err(Error::unavailable)?;
        provision::check(&client, &stream.cached_info().config)?;
        Ok(Self { client, context, stream })
    }

    /// Whether the connection stands now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        is_connected(&self.client)
    }

    /// The last sequence of the log, 0 when empty. What else the server says with it is in the metrics from then on.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn head(&self) -> Result<u64, Error> {
        let asked = observed::Asked::default();
        let info = self.stream.get_info().await.map_err(Error::unavailable)?;
        asked.answered(&info);
        Ok(info.state.last_sequence)
    }

    /// The connection, for core subscriptions and announcements.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// JetStream, for the blob store.
    #[must_use]
    pub fn context(&self) -> &jetstream::Context {
        &self.context
    }

    /// Sends what is buffered and closes the connection.
    pub async fn close(&self) {
        if let Err(error) = self.client.drain().await {
            tracing::debug!(%error, "nats connection was closed already");
        }
    }
}

/// Connects to NATS and stays connected: it tries again for ever, at most 250 ms apart.
///
/// # Errors
/// [`Error::Unavailable`] when the first connection fails.
pub async fn connect(config: &config::Nats, name: &str) -> Result<Client, Error> {
    let servers = servers(config)?;
    options(config, name, &servers).connect(servers).await.map_err(Error::unavailable)
}

/// As [`connect`], but the first connection too is made when the server is there; for those who can do without.
///
/// # Errors
/// [`Error::Unavailable`] for an address that is none.
pub async fn connect_in_background(config: &config::Nats, name: &str) -> Result<Client, Error> {
    let servers = servers(config)?;
    options(config, name, &servers).retry_on_initial_connect().connect(servers).await.map_err(Error::unavailable)
}

/// Whether a connection stands now.
#[must_use]
pub fn is_connected(client: &Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected
}

/// JetStream over a connection.
#[must_use]
pub fn jetstream(client: &Client, timeout: Duration) -> jetstream::Context {
    jetstream::ContextBuilder::new().timeout(timeout).ack_timeout(timeout).build(client.clone())
}

fn servers(config: &config::Nats) -> Result<Vec<ServerAddr>, Error> {
    config.nats_url.expose().split(',').map(|url| url.trim().parse().map_err(Error::unavailable)).collect()
}

fn options(config: &config::Nats, name: &str, servers: &[ServerAddr]) -> ConnectOptions {
    // The client does not take credentials from an address by itself.
    let credentials = servers.iter().find_map(|server| Some((server.username()?, server.password()?)));
    let options = match credentials {
        Some((user, password)) => ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned()),
        None => ConnectOptions::new(),
    };
    options
        .name(name)
        .connection_timeout(config.nats_timeout)
        .request_timeout(Some(config.nats_timeout))
        .ping_interval(Duration::from_secs(5))
        .client_capacity(4_096)
        .reconnect_delay_callback(|attempts| Duration::from_millis((10 << attempts.min(5)).min(250)))
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("nats connected"),
                Event::Disconnected => {
                    counter!(LOG_DISCONNECTIONS).increment(1);
                    tracing::warn!("nats disconnected");
                }
                Event::LameDuckMode => complaint("lame_duck", &event),
                Event::SlowConsumer(_) => complaint("slow_consumer", &event),
                Event::ServerError(_) => complaint("server", &event),
                Event::ClientError(_) => complaint("client", &event),
                Event::Draining | Event::Closed => tracing::warn!(%event, "nats event"),
            }
        })
}

/// Counts a complaint, of a kind that is in [`crate::metrics::COMPLAINTS`].
fn complaint(kind: &'static str, event: &Event) {
    counter!(LOG_COMPLAINTS, "kind" => kind).increment(1);
    tracing::warn!(%event, "nats event");
}

//! The log on NATS JetStream: append with an expected sequence, load one stream, follow everything.

mod append;
mod appended;
mod connection;
mod follow;
mod load;
mod observed;
mod pages;
mod provision;
mod storage;
mod texts;
#[cfg(feature = "validate")]
mod validate;

pub use append::Appended;
pub use async_nats::Client;
pub use connection::Connection;
pub use follow::{Batch, Follow, Follower};
pub use load::{Raw, Recorded};
pub use pages::{Page, Pages};
pub use provision::{STREAM, provision};
pub use texts::Texts;

use crate::config;
use crate::metrics::LOG_FAILURES;
use async_nats::jetstream;
use metrics::counter;
use std::error::Error as StdError;

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
    /// Which sort it is, in a word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unavailable { .. } => "unavailable",
            Self::Corrupt { .. } => "corrupt",
            Self::Missing { .. } => "missing",
            Self::Misconfigured(_) => "misconfigured",
        }
    }

    /// The log does not do its part now, for this reason.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        counter!(LOG_FAILURES).increment(1);
        Self::Unavailable { source: source.into() }
    }
}

/// A handle on the log; clones share one connection.
#[derive(Clone)]
pub struct EventLog {
    connection: Connection,
    stream: jetstream::stream::Stream,
}

impl EventLog {
    /// Connects, and checks that the stream is there and protects what it holds.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Misconfigured`].
    pub async fn connect(config: &config::Nats, name: &str) -> Result<Self, Error> {
        Self::over(Connection::open(config, name).await?).await
    }

    /// The log over a connection that stands already, with the same checks.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Misconfigured`].
    pub async fn over(connection: Connection) -> Result<Self, Error> {
        let stream = provision::stream(connection.client(), connection.context()).await?;
        Ok(Self { connection, stream })
    }

    /// Whether the connection stands now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connection.is_up()
    }

    /// The last sequence of the log, 0 when empty. What else the server says with it is in the metrics from then on.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn head(&self) -> Result<u64, Error> {
        let _steady = self.connection.hold().await;
        let asked = observed::Asked::default();
        let info = self.stream.get_info().await.map_err(Error::unavailable)?;
        asked.answered(&info);
        Ok(info.state.last_sequence)
    }

    /// The connection, for core subscriptions and announcements.
    #[must_use]
    pub const fn client(&self) -> &Client {
        self.connection.client()
    }

    /// The connection, for the blob store.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends what is buffered and closes the connection.
    pub async fn close(&self) {
        if let Err(error) = self.client().drain().await {
            tracing::debug!(%error, "nats connection was closed already");
        }
    }
}

//! When what was appended, by the clock of the log's server, which never goes back from one message to the next.

use super::follow::FORGOTTEN_AFTER;
use super::{Error, EventLog, load};
use async_nats::datetime;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use std::time::Duration;

/// How long the server may take to hand a message out.
const PATIENCE: Duration = Duration::from_secs(2);

impl EventLog {
    /// When the message at a sequence was appended; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn appended(&self, sequence: u64) -> Result<Option<DateTime<Utc>>, Error> {
        let message = load::at(&self.stream, sequence).await?;
        Ok(message
            .and_then(|message| DateTime::from_timestamp(message.time.unix_timestamp(), message.time.nanosecond())))
    }

    /// The sequence of the first message that was appended at a time or later; `None` if there is none yet.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn first_appended(&self, time: DateTime<Utc>) -> Result<Option<u64>, Error> {
        let nanoseconds = i128::from(time.timestamp_micros()) * 1_000;
        let start_time = datetime::from_nanos(nanoseconds).map_err(Error::unavailable)?;
        let consumer: PullConsumer = self
            .stream
            .create_consumer(pull::Config {
                deliver_policy: DeliverPolicy::ByStartTime { start_time },
                ack_policy: AckPolicy::None,
                headers_only: true,
                inactive_threshold: FORGOTTEN_AFTER,
                memory_storage: true,
                ..pull::Config::default()
            })
            .await
            .map_err(Error::unavailable)?;
        if consumer.cached_info().num_pending == 0 {
            return Ok(None);
        }
        let fetch = consumer.fetch().max_messages(1).expires(PATIENCE);
        let mut messages = fetch.messages().await.map_err(Error::unavailable)?;
        let first = messages.next().await.ok_or_else(|| Error::unavailable("the first message did not come"))?;
        let first = first.map_err(Error::unavailable)?;
        Ok(Some(first.info().map_err(Error::unavailable)?.stream_sequence))
    }
}

//! Pages: what some streams of a workspace say after a sequence, a page at a time, for readers who are far behind.

use super::follow::FORGOTTEN_AFTER;
use super::{Error, EventLog, Recorded};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use events::Stream;
use futures_util::StreamExt;
use std::time::Duration;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Events of one subject with wildcards, in the order of the log.
pub struct Pages {
    log: EventLog,
    subject: String,
    position: u64,
    session: Option<Session>,
}

/// A consumer, and how many deliveries it has made.
struct Session {
    consumer: PullConsumer,
    delivered: u64,
    is_empty: bool,
}

/// Some events.
#[derive(Debug)]
pub struct Page {
    /// They, in the order of the log.
    pub events: Vec<Recorded>,
    /// Whether they reach to where the log ended when the page was asked for.
    pub is_last: bool,
}

impl EventLog {
    /// Reads what stands under a subject, which may have wildcards, after a sequence.
    #[must_use]
    pub fn pages(&self, subject: String, after: u64) -> Pages {
        Pages { log: self.clone(), subject, position: after, session: None }
    }
}

impl Pages {
    /// The next page. After an error, and when it was dropped unfinished, make the pages anew where the last one ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the log does not give the page now.
    pub async fn next(&mut self, most: usize) -> Result<Page, Error> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.begin().await?,
        };
        if session.is_empty {
            return Ok(Page { events: Vec::new(), is_last: true });
        }
        let _steady = self.log.connection.hold().await;
        let fetch = session.consumer.fetch().max_messages(most).expires(PATIENCE);
        let mut messages = fetch.messages().await.map_err(Error::unavailable)?;
        let mut events: Vec<Recorded> = Vec::new();
        let mut is_last = false;
        while let Some(message) = messages.next().await {
            let message = message.map_err(Error::unavailable)?;
            let info = message.info().map_err(Error::unavailable)?;
            let (sequence, delivered) = (info.stream_sequence, info.consumer_sequence);
            is_last = info.pending == 0;
            if delivered != session.delivered + 1 {
                return Err(Error::unavailable("a delivery is missing"));
            }
            session.delivered = delivered;
            let (stream, message) = (Stream::of(&message.subject), message.split().0);
            events.push(Recorded::new(sequence, stream, message.headers.unwrap_or_default(), message.payload));
            self.position = sequence;
        }
        if session.delivered == 0 || (events.is_empty() && !is_last) {
            return Err(Error::unavailable("the page did not come"));
        }
        session.is_empty = is_last;
        // What was appended since needs a consumer that has not run dry.
        self.session = (!is_last).then_some(session);
        Ok(Page { events, is_last })
    }

    async fn begin(&self) -> Result<Session, Error> {
        let consumer: PullConsumer = self
            .log
            .stream
            .create_consumer(pull::Config {
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.position + 1 },
                filter_subject: self.subject.clone(),
                ack_policy: AckPolicy::None,
                inactive_threshold: FORGOTTEN_AFTER,
                memory_storage: true,
                ..pull::Config::default()
            })
            .await
            .map_err(Error::unavailable)?;
        let is_empty = consumer.cached_info().num_pending == 0;
        Ok(Session { consumer, delivered: 0, is_empty })
    }
}

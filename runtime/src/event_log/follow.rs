//! Follow: the whole log from a sequence on, in batches of whatever is there, without a gap or a repeat.
//!
//! The reader's checkpoint is the truth. The JetStream consumer is made anew at checkpoint + 1 whenever anything is odd
//! (an error, silence, a missing delivery): that takes a second where mending would take guessing.

use super::{Error, EventLog, Recorded};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use events::Stream;
use futures_util::{FutureExt, StreamExt};
use std::time::Duration;
use tokio::task::unconstrained;
use tokio::time::timeout;

/// How long the server remembers a consumer that nobody reads from.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// How often is looked whether the connection is still the one over which the server delivers.
const LOOK: Duration = Duration::from_millis(250);

/// No message of the log is larger: what NATS takes at once, and the rest. The server gives none to who asks for fewer bytes.
const LARGEST: usize = 9 << 20;

/// How a follower reads.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Name of the consumer: one for each reader.
    pub name: String,
    /// Most events of one batch.
    pub batch_events: usize,
    /// Most bytes of one batch.
    pub batch_bytes: usize,
    /// Only what stands under this subject, which may have wildcards; everything when left out.
    pub subject: Option<String>,
}

/// Events in the order of the log.
#[derive(Debug)]
pub struct Batch {
    /// At least one event.
    pub events: Vec<Recorded>,
    last: Message,
}

impl Batch {
    /// The last sequence in it.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.events.last().map_or(0, |event| event.sequence)
    }

    /// Tells the server that this batch and all before it are done. Losing this word is harmless.
    pub async fn acknowledge(&self) {
        if let Err(error) = self.last.ack_with(AckKind::Ack).await {
            tracing::debug!(%error, "an acknowledgement was not sent");
        }
    }
}

/// Reads the log from a sequence on.
pub struct Follower {
    log: EventLog,
    /// The durable consumer's name; one without a name is forgotten by the server soon after the last read.
    name: Option<String>,
    batch_events: usize,
    batch_bytes: usize,
    subject: Option<String>,
    /// The last sequence handed out.
    position: u64,
    session: Option<Session>,
}

/// One consumer's deliveries.
struct Session {
    messages: pull::Stream,
    delivered: u64,
    /// How often the connection was made before it.
    times_made: u64,
    /// Whether a delivery was missing.
    is_broken: bool,
}

/// One good delivery, or a reason to begin again.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation per event")]
enum Delivery {
    Event(Recorded, Message),
    Known,
    Broken,
}

impl EventLog {
    /// Follows the log after a sequence (0: from its beginning).
    #[must_use]
    pub fn follow(&self, after: u64, follow: Follow) -> Follower {
        let Follow { name, batch_events, batch_bytes, subject } = follow;
        let log = self.clone();
        Follower { log, name: Some(name), batch_events, batch_bytes, subject, position: after, session: None }
    }

    /// Follows as [`EventLog::follow`], leaving nothing at the server: for readers who keep no checkpoint, as many as there
    /// are. Nothing has to be acknowledged.
    #[must_use]
    pub fn watch(&self, after: u64, batch_events: usize, batch_bytes: usize) -> Follower {
        let log = self.clone();
        Follower { log, name: None, batch_events, batch_bytes, subject: None, position: after, session: None }
    }
}

impl Follower {
    /// The next batch: waits for one event, then takes what is there up to the batch's limits. Safe to drop and call
    /// again. Comes back by itself when the server was away.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the consumer cannot be made now; call again.
    pub async fn next(&mut self) -> Result<Batch, Error> {
        loop {
            if self.session.is_none() {
                self.session = Some(self.begin().await?);
            }
            if let Some(batch) = self.collect().await {
                self.position = batch.last_sequence();
                return Ok(batch);
            }
            self.session = None;
        }
    }

    /// Takes the consumer off the server, for those who do not come back.
    pub async fn end(self) {
        let Some(name) = &self.name else { return };
        if let Err(error) = self.log.stream.delete_consumer(name).await {
            tracing::debug!(%error, consumer.name = name, "a consumer was not removed");
        }
    }

    /// Collects a batch; `None` when the session is broken before it had an event.
    async fn collect(&mut self) -> Option<Batch> {
        let session = self.session.as_mut().filter(|session| !session.is_broken)?;
        let mut events: Vec<Recorded> = Vec::new();
        let mut last = None;
        let mut bytes = 0;
        while events.len() < self.batch_events && bytes < self.batch_bytes {
            let next = session.messages.next();
            let item = match &last {
                None => match timeout(LOOK, next).await {
                    Ok(item) => item,
                    // Deliveries that were on their way to the connection before this one may be lost, the last of all too.
                    Err(_) if self.log.connection.times_made() != session.times_made => return None,
                    Err(_) => continue,
                },
                // Not held to tokio's budget, at whose end there seems to be nothing: no batch would have more than 128 events.
                Some(_) => match unconstrained(next).now_or_never() {
                    Some(item) => item,
                    None => break,
                },
            };
            let position = events.last().map_or(self.position, |event| event.sequence);
            match session.read(item, position) {
                Delivery::Event(event, message) => {
                    bytes += event.bytes();
                    events.push(event);
                    last = Some(message);
                }
                Delivery::Known => {}
                Delivery::Broken => {
                    session.is_broken = true;
                    // What was collected is good.
                    break;
                }
            }
        }
        let last = last?;
        Some(Batch { events, last })
    }

    async fn begin(&self) -> Result<Session, Error> {
        let stream = &self.log.stream;
        let times_made = self.log.connection.times_made();
        if let Some(name) = &self.name
            && let Err(error) = stream.delete_consumer(name).await
        {
            tracing::debug!(%error, consumer.name = name, "no earlier consumer was removed");
        }
        let of_all = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.position + 1 },
            filter_subject: self.subject.clone().unwrap_or_default(),
            ..pull::Config::default()
        };
        let consumer: PullConsumer = stream
            .create_consumer(match &self.name {
                Some(name) => pull::Config {
                    durable_name: Some(name.clone()),
                    ack_policy: AckPolicy::All,
                    ack_wait: Duration::from_secs(300),
                    inactive_threshold: FORGOTTEN_AFTER,
                    max_ack_pending: i64::try_from(self.batch_events.saturating_mul(8)).unwrap_or(i64::MAX),
                    ..of_all
                },
                None => pull::Config {
                    ack_policy: AckPolicy::None,
                    inactive_threshold: FORGOTTEN_AFTER,
                    memory_storage: true,
                    ..of_all
                },
            })
            .await
            .map_err(Error::unavailable)?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(self.batch_events.saturating_mul(2))
            .max_bytes_per_batch(self.batch_bytes.saturating_mul(2).max(LARGEST))
            .expires(Duration::from_secs(10))
            .heartbeat(Duration::from_millis(500))
            .messages()
            .await
            .map_err(Error::unavailable)?;
        tracing::info!(consumer.name = self.name, sequence = self.position, "following the log");
        Ok(Session { messages, delivered: 0, times_made, is_broken: false })
    }
}

impl Session {
    fn read(&mut self, item: Option<Result<Message, pull::MessagesError>>, position: u64) -> Delivery {
        let message = match item {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                tracing::warn!(%error, sequence = position, "the log went silent, following anew");
                return Delivery::Broken;
            }
            None => return Delivery::Broken,
        };
        let Ok(info) = message.info() else {
            return Delivery::Broken;
        };
        let (sequence, delivered) = (info.stream_sequence, info.consumer_sequence);
        if delivered != self.delivered + 1 {
            tracing::warn!(sequence, "a delivery is missing, following anew");
            return Delivery::Broken;
        }
        self.delivered = delivered;
        if sequence <= position {
            return Delivery::Known;
        }
        let stream = Stream::of(&message.subject);
        let headers = message.headers.clone().unwrap_or_default();
        Delivery::Event(Recorded::new(sequence, stream, headers, message.payload.clone()), message)
    }
}

//! Load: one stream, by its last message where that says enough, else all of it.

use super::append::TIP;
use super::{Error, EventLog};
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind, LastRawMessageErrorKind, RawMessageErrorKind};
use bytes::Bytes;
use events::stream::{Aggregate, PREFIX};
use events::{DocumentId, Envelope, EventType, Stream, codec};
use futures_util::TryStreamExt;
use serde::Serialize;
use std::collections::BTreeMap;

/// A message of the log, its event not read yet.
#[derive(Debug)]
pub struct Recorded {
    /// Its position in the log.
    pub sequence: u64,
    /// Its stream.
    pub stream: Stream,
    headers: async_nats::HeaderMap,
    body: Bytes,
}

impl Recorded {
    pub(super) fn new(sequence: u64, stream: Stream, headers: async_nats::HeaderMap, body: Bytes) -> Self {
        Self { sequence, stream, headers, body }
    }

    /// The decision state after this event, as it was given to [`EventLog::append`]; nothing if it was too long.
    #[must_use]
    pub fn tip(&self) -> Option<&str> {
        self.header(TIP)
    }

    /// The sequence of its stream's last event when it was appended, as its command expected it; 0 when it is the first.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.header(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE.as_ref())?.parse().ok()
    }

    /// Bytes that it takes, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.len() + 512
    }

    /// Reads it as an event of one aggregate.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn decode<E: EventType>(&self) -> Result<Envelope<E>, Error> {
        codec::decode(self.stream, |name| self.header(name), &self.body)
            .map_err(|source| Error::Corrupt { sequence: self.sequence, source })
    }

    /// Reads it as an event of whichever aggregate.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn decode_any(&self) -> Result<Envelope<events::AnyEvent>, Error> {
        codec::decode_any(self.stream, |name| self.header(name), &self.body)
            .map_err(|source| Error::Corrupt { sequence: self.sequence, source })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.as_str())
    }
}

impl From<StreamMessage> for Recorded {
    fn from(message: StreamMessage) -> Self {
        Self::new(message.sequence, Stream::of(&message.subject), message.headers, message.payload)
    }
}

impl EventLog {
    /// The last message of a stream; one round trip. Any replica may answer, also one that lags.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn last(&self, stream: &Stream) -> Result<Option<Recorded>, Error> {
        let _steady = self.connection.hold().await;
        found(*stream, self.stream.direct_get_last_for_subject(stream.subject()).await)
    }

    /// The last message of a stream as the log's leader has it: none that was acknowledged is missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn newest(&self, stream: &Stream) -> Result<Option<Recorded>, Error> {
        let _steady = self.connection.hold().await;
        Ok(self.newest_under(&stream.subject()).await?.map(Recorded::from))
    }

    /// The message at a sequence, of whichever stream.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn at(&self, sequence: u64) -> Result<Option<Recorded>, Error> {
        let _steady = self.connection.hold().await;
        Ok(at(&self.stream, sequence).await?.map(Recorded::from))
    }

    /// The first message of a stream after a sequence; one round trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn next(&self, stream: &Stream, after: u64) -> Result<Option<Recorded>, Error> {
        let _steady = self.connection.hold().await;
        found(*stream, self.stream.direct_get_next_for_subject(stream.subject(), Some(after + 1)).await)
    }

    /// The last sequence under a subject, which may have wildcards, as the log's leader has it; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn last_under(&self, subject: &str) -> Result<Option<u64>, Error> {
        Ok(self.newest_under(subject).await?.map(|message| message.sequence))
    }

    async fn newest_under(&self, subject: &str) -> Result<Option<StreamMessage>, Error> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(Error::unavailable(error)),
        }
    }

    /// The streams of documents with this id, in whichever workspace, and how many events each has.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn streams_of_document(&self, id: DocumentId) -> Result<Vec<(Stream, usize)>, Error> {
        let filter = format!("{PREFIX}.*.*.{}.{id}", Aggregate::Document.name());
        let subjects = self.stream.info_with_subjects(filter).await.map_err(Error::unavailable)?;
        let subjects: Vec<(String, usize)> = subjects.try_collect().await.map_err(Error::unavailable)?;
        Ok(subjects.iter().filter_map(|(subject, events)| Some((Stream::parse(subject)?, *events))).collect())
    }
}

/// A message of the log as it is, for people to look at.
#[derive(Clone, Debug, Serialize)]
pub struct Raw {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, what is no UTF-8 replaced.
    pub body: String,
}

impl EventLog {
    /// The message at a sequence of the log, readable or not; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn raw(&self, sequence: u64) -> Result<Option<Raw>, Error> {
        let Some(message) = at(&self.stream, sequence).await? else { return Ok(None) };
        let headers = message
            .headers
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.to_string(), value.as_str().to_owned())));
        Ok(Some(Raw {
            subject: message.subject.to_string(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&message.payload).into_owned(),
        }))
    }
}

fn found(stream: Stream, answer: Result<StreamMessage, DirectGetError>) -> Result<Option<Recorded>, Error> {
    let recorded = |message: StreamMessage| Recorded::new(message.sequence, stream, message.headers, message.payload);
    Ok(message(answer)?.map(recorded))
}

/// The message at a sequence. Any replica may answer first, and one that lags does not have the last ones yet: that there is
/// none is the leader's to say.
pub(super) async fn at<I>(
    stream: &jetstream::stream::Stream<I>,
    sequence: u64,
) -> Result<Option<StreamMessage>, Error> {
    if let Some(message) = message(stream.direct_get(sequence).await)? {
        return Ok(Some(message));
    }
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Error::unavailable(error)),
    }
}

/// What the server answers; `None` where there is no message.
fn message(answer: Result<StreamMessage, DirectGetError>) -> Result<Option<StreamMessage>, Error> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::unavailable(error)),
    }
}

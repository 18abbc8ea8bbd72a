//! Append: one event, on condition that its stream ends where the decision thought it ends.

use super::{Error, EventLog};
use crate::traces;
use async_nats::HeaderMap;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use events::codec::trace_headers;
use events::{Envelope, EventType, TraceContext};
use std::error::Error as _;

/// Header with the decision state after the event, see [`super::Recorded::tip`].
pub(super) const TIP: &str = "syncboard-tip";

/// What newer servers say of a message of the same id that they have not decided about yet.
const IN_PROCESS: ErrorCode = ErrorCode(10_158);

/// Longest tip that goes with an event: JetStream takes 64 KiB of headers.
const LONGEST_TIP: usize = 48 << 10;

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is stored at this sequence.
    Stored(u64),
    /// A message of the same command stands at this sequence already; this one was dropped.
    Duplicate(u64),
}

impl EventLog {
    /// Appends an event to its stream, whose last event must stand at `expected` (0: the stream must be empty). `tip` is
    /// the decision state after it, one line, as [`super::Recorded::tip`] gives it back; one that is too long stays behind.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the stream ends elsewhere, [`Error::OutcomeUnknown`] when no answer came,
    /// [`Error::Unavailable`] when nothing was stored.
    pub async fn append<E: EventType>(
        &self,
        envelope: &Envelope<E>,
        expected: u64,
        tip: &str,
    ) -> Result<Appended, Error> {
        let span = traces::append(envelope);
        let outcome = self.store(envelope, expected, tip, traces::context(&span)).await;
        match &outcome {
            Ok(Appended::Stored(sequence)) => {
                span.record("syncboard.sequence", sequence);
            }
            Ok(Appended::Duplicate(_)) => {}
            Err(error) => traces::failed(&span, error.kind()),
        }
        outcome
    }

    async fn store<E: EventType>(
        &self,
        envelope: &Envelope<E>,
        expected: u64,
        tip: &str,
        trace: Option<TraceContext>,
    ) -> Result<Appended, Error> {
        let _steady = self.connection.hold().await;
        if !self.is_connected() {
            return Err(Error::unavailable("not connected"));
        }
        let encoded = events::codec::encode(envelope);
        #[cfg(feature = "validate")]
        super::validate::assert_valid(&envelope.event.type_name(), &encoded.body);
        let mut headers = HeaderMap::new();
        for (name, value) in encoded.headers {
            headers.insert(name, value);
        }
        // Who reads it goes on with the span that appends it.
        for (name, value) in trace.iter().flat_map(trace_headers) {
            headers.insert(name, value);
        }
        let tip = ascii(tip);
        if tip.len() <= LONGEST_TIP {
            headers.insert(TIP, tip);
        }
        let message = PublishMessage::build()
            .headers(headers)
            .payload(encoded.body.into())
            .message_id(envelope.id.to_string())
            .expected_last_subject_sequence(expected);
        let sent = self.connection.context().send_publish(envelope.stream.subject(), message).await.map_err(refusal)?;
        let stored = sent.await.map_err(refusal)?;
        // A cluster of NATS 2.10 says so of a message that it has not decided about yet.
        if stored.duplicate && stored.sequence == 0 {
            return Err(Error::OutcomeUnknown);
        }
        Ok(if stored.duplicate { Appended::Duplicate(stored.sequence) } else { Appended::Stored(stored.sequence) })
    }
}

fn refusal(error: PublishError) -> Error {
    let said = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    if said.is_some_and(|said| said.error_code() == IN_PROCESS) {
        return Error::OutcomeUnknown;
    }
    match error.kind() {
        PublishErrorKind::WrongLastSequence => Error::Conflict,
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Error::OutcomeUnknown,
        PublishErrorKind::StreamNotFound
        | PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::MaxAckPending
        | PublishErrorKind::MaxPayloadExceeded
        | PublishErrorKind::Other => Error::unavailable(error),
    }
}

/// JSON with every character beyond ASCII escaped: not every NATS client reads other bytes in headers.
fn ascii(json: &str) -> String {
    if json.is_ascii() {
        return json.to_owned();
    }
    let mut ascii = String::with_capacity(json.len() * 2);
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_is_ascii_and_reads_back() {
        let json = serde_json::to_string("größe 🦀 \"x\"").expect("a string is JSON");
        let escaped = ascii(&json);
        assert!(escaped.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&escaped).expect("still JSON"), "größe 🦀 \"x\"");
    }
}

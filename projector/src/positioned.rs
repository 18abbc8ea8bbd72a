//! Events with their positions, and what stands in the log but cannot be read as an event.

use chrono::{DateTime, Utc};
use events::{AnyEvent, Envelope, Stream};
use runtime::event_log::Recorded;
use runtime::service::chain;

/// An event with its position.
pub(crate) struct Positioned {
    /// Its sequence.
    pub(crate) sequence: u64,
    /// The event.
    pub(crate) envelope: Envelope<AnyEvent>,
}

/// What stands at a position of the log.
#[expect(clippy::large_enum_variant, reason = "nearly all are events")]
pub(crate) enum Read {
    /// An event.
    Event(Positioned),
    /// Something that this program cannot read.
    Unreadable {
        /// Its sequence.
        sequence: u64,
        /// The stream that it belongs to.
        stream: Stream,
        /// Why.
        error: String,
    },
}

impl Read {
    /// Reads a message of the log.
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let (sequence, stream) = (recorded.sequence, recorded.stream);
        match recorded.decode_any() {
            Ok(envelope) => Self::Event(Positioned { sequence, envelope }),
            Err(error) => Self::Unreadable { sequence, stream, error: chain(&error) },
        }
    }

    /// Where it stands.
    pub(crate) const fn sequence(&self) -> u64 {
        match self {
            Self::Event(positioned) => positioned.sequence,
            Self::Unreadable { sequence, .. } => *sequence,
        }
    }

    /// The stream that it belongs to.
    pub(crate) const fn stream(&self) -> &Stream {
        match self {
            Self::Event(positioned) => &positioned.envelope.stream,
            Self::Unreadable { stream, .. } => stream,
        }
    }

    /// The event, or why there is none.
    pub(crate) fn readable(self) -> Result<Positioned, String> {
        match self {
            Self::Event(positioned) => Ok(positioned),
            Self::Unreadable { sequence, error, .. } => Err(format!("message {sequence} cannot be read: {error}")),
        }
    }

    /// When it happened, if that can be read.
    pub(crate) const fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Event(positioned) => Some(positioned.envelope.time),
            Self::Unreadable { .. } => None,
        }
    }
}

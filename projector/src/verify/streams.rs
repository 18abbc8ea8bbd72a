//! The log itself: no sequence without an event, each event right after the one of its stream that its command was decided
//! on, no event id twice.

use super::Finding;
use super::texts::Texts;
use crate::config;
use events::{AnyEvent, Stream};
use runtime::EventLog;
use runtime::event_log::{Error, Recorded};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use uuid::Uuid;

/// Events whose ids and streams are remembered at once; a longer log is walked several times, each time for its share.
const REMEMBERED: u64 = 2_000_000;

/// What the log has, and what is wrong with it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Streams {
    check: &'static str,
    events: u64,
    streams: u64,
    faults: u64,
    /// The first few of them.
    shown: Vec<Fault>,
}

/// Something wrong at a sequence.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
enum Fault {
    /// Sequences without an event.
    Missing { after: u64, before: u64 },
    /// An event was appended to its stream after another one than the last.
    Gap { sequence: u64, stream: String, follows: u64, last: u64 },
    /// The id of an earlier event.
    Repeated { sequence: u64, stream: String, id: Uuid },
    /// Nobody can read it.
    Unreadable { sequence: u64, stream: String, error: String },
}

/// One walk over the log, for a share of its streams and ids.
struct Walk {
    share: u64,
    shares: u64,
    shown: usize,
    last: HashMap<Stream, u64>,
    ids: HashSet<Uuid>,
    found: Streams,
}

/// Walks the log up to where it ends now; looks for the texts on the way.
/// What somebody decided to leave out may be unreadable.
pub(super) async fn verify(
    log: &EventLog,
    batches: &config::Batches,
    shown: usize,
    skipped: &HashSet<u64>,
) -> Result<(Streams, Texts), Error> {
    let head = log.head().await?;
    let shares = head.div_ceil(REMEMBERED).max(1);
    let mut streams = Streams { check: "streams", ..Streams::default() };
    let mut texts = Texts::new(log, shown);
    for share in 0..shares {
        let mut walk = Walk::new(share, shares, shown);
        let mut follower = log.follow(0, batches.follow(format!("projector-verify-{}", std::process::id())));
        let mut position = 0;
        while position < head {
            let batch = follower.next().await?;
            batch.acknowledge().await;
            for recorded in batch.events.iter().filter(|recorded| recorded.sequence <= head) {
                let event = walk.event(position, recorded, skipped.contains(&recorded.sequence));
                position = recorded.sequence;
                if share == 0
                    && let Some(AnyEvent::Document(event)) = event
                {
                    texts.event(&event, recorded.sequence).await?;
                }
            }
            if batch.last_sequence() > head {
                // What was appended meanwhile is not looked at; what lies between it and the last event is missing.
                walk.nothing_between(position, head + 1);
                position = head;
            }
        }
        follower.end().await;
        streams.add(walk, shown);
    }
    Ok((streams, texts.finish().await?))
}

impl Walk {
    fn new(share: u64, shares: u64, shown: usize) -> Self {
        Self { share, shares, shown, last: HashMap::new(), ids: HashSet::new(), found: Streams::default() }
    }

    /// Looks at the event after a position, and reads it.
    fn event(&mut self, position: u64, recorded: &Recorded, is_skipped: bool) -> Option<AnyEvent> {
        let (sequence, stream) = (recorded.sequence, recorded.stream);
        self.nothing_between(position, sequence);
        if self.share == 0 {
            self.found.events += 1;
        }
        let envelope = match recorded.decode_any() {
            Ok(envelope) => envelope,
            Err(error) => {
                if self.share == 0 && !is_skipped {
                    let error = runtime::service::chain(&error);
                    self.fault(Fault::Unreadable { sequence, stream: stream.subject(), error });
                }
                self.follows(sequence, stream, recorded.expected());
                return None;
            }
        };
        self.follows(sequence, stream, recorded.expected());
        self.is_new(sequence, stream, envelope.id.0);
        Some(envelope.event)
    }

    fn nothing_between(&mut self, after: u64, before: u64) {
        if self.share == 0 && before > after + 1 {
            self.fault(Fault::Missing { after, before });
        }
    }

    /// An event says which one of its stream it was decided on: that must be the one before it.
    fn follows(&mut self, sequence: u64, stream: Stream, expected: Option<u64>) {
        if !self.is_of_share(&stream) {
            return;
        }
        let last = self.last.insert(stream, sequence).unwrap_or(0);
        if let Some(follows) = expected.filter(|expected| *expected != last) {
            self.fault(Fault::Gap { sequence, stream: stream.subject(), follows, last });
        }
    }

    fn is_new(&mut self, sequence: u64, stream: Stream, id: Uuid) {
        if self.is_of_share(&id) && !self.ids.insert(id) {
            self.fault(Fault::Repeated { sequence, stream: stream.subject(), id });
        }
    }

    fn is_of_share(&self, what: &impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        hasher.finish() % self.shares == self.share
    }

    fn fault(&mut self, fault: Fault) {
        self.found.faults += 1;
        if self.found.shown.len() < self.shown {
            self.found.shown.push(fault);
        }
    }
}

impl Streams {
    fn add(&mut self, walk: Walk, shown: usize) {
        self.events += walk.found.events;
        self.streams += walk.last.len() as u64;
        self.faults += walk.found.faults;
        self.shown.extend(walk.found.shown);
        self.shown.truncate(shown);
    }
}

impl Finding for Streams {
    fn is_right(&self) -> bool {
        self.faults == 0
    }

    fn print(&self) {
        println!("log: {} events in {} streams, {} faults", self.events, self.streams, self.faults);
        for fault in &self.shown {
            match fault {
                Fault::Missing { after, before } => println!("  no event between {after} and {before}"),
                Fault::Gap { sequence, stream, follows, last } => println!(
                    "  {sequence} of {stream} follows {follows}, and the event of this stream before it is {last}"
                ),
                Fault::Repeated { sequence, stream, id } => println!("  {sequence} of {stream} has the id {id} again"),
                Fault::Unreadable { sequence, stream, error } => println!("  {sequence} of {stream}: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{DocumentId, WorkspaceId};

    fn stream(n: u128) -> Stream {
        Stream::document(WorkspaceId(Uuid::from_u128(1)), DocumentId(Uuid::from_u128(n)))
    }

    #[test]
    fn events_must_follow_the_last_of_their_stream() {
        let mut walk = Walk::new(0, 1, 9);
        walk.follows(1, stream(1), Some(0));
        walk.follows(2, stream(2), Some(0));
        walk.follows(4, stream(1), Some(1));
        assert_eq!(walk.found.faults, 0);
        walk.follows(7, stream(1), Some(5));
        walk.follows(8, stream(3), Some(6));
        walk.follows(9, stream(2), Some(0));
        let gap = |sequence, n, follows, last| Fault::Gap { sequence, stream: stream(n).subject(), follows, last };
        assert_eq!(walk.found.shown, [gap(7, 1, 5, 4), gap(8, 3, 6, 0), gap(9, 2, 0, 2)]);
    }

    #[test]
    fn an_id_is_there_once_and_no_sequence_is_left_out() {
        let mut walk = Walk::new(0, 1, 1);
        walk.is_new(1, stream(1), Uuid::from_u128(1));
        walk.is_new(2, stream(2), Uuid::from_u128(2));
        walk.nothing_between(1, 2);
        assert_eq!(walk.found.faults, 0);
        walk.is_new(3, stream(2), Uuid::from_u128(1));
        walk.nothing_between(3, 5);
        assert_eq!((walk.found.faults, walk.found.shown.len()), (2, 1), "all are counted, the first are shown");
    }

    #[test]
    fn shares_together_look_at_everything_once() {
        let mut all = Streams::default();
        for share in 0..3 {
            let mut walk = Walk::new(share, 3, 100);
            for n in 1..=60 {
                walk.follows(n, stream(u128::from(n % 20)), Some(999));
                walk.is_new(n, stream(1), Uuid::from_u128(u128::from(n % 30)));
            }
            all.add(walk, 100);
        }
        assert_eq!((all.streams, all.faults), (20, 60 + 30));
    }
}

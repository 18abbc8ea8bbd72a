//! The tip of a stream: what its last message carries so that the next command needs no other, namely the decision state
//! and a memory of the commands that led there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Aggregate;
use events::CommandId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Commands that a stream remembers besides its first.
const REMEMBERED: usize = 24;
/// Bytes of one remembered command: 8 of its id, 4 of its fingerprint, 6 of its sequence.
const ENTRY: usize = 18;

/// A stream as the next command meets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tip<A> {
    /// The decision state.
    pub(crate) state: A,
    /// Which commands led to it.
    pub(crate) memory: Memory,
    /// Sequence of the stream's last event; 0 for an empty stream.
    pub(crate) sequence: u64,
}

/// A command that was done: enough to recognise it and to answer it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    id: u64,
    fingerprint: u32,
    /// Where its event stands; unknown (0) until it is stored.
    pub(crate) sequence: u64,
}

/// The first and the last commands of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    first: Option<Done>,
    recent: VecDeque<Done>,
}

#[derive(Serialize, Deserialize)]
struct Written<S> {
    state: S,
    memory: String,
}

impl<A: Aggregate> Tip<A> {
    /// The tip after an event that is not stored yet.
    pub(crate) fn after(&self, event: &A::Event, done: Done) -> Self {
        let mut memory = self.memory.clone();
        memory.add(done);
        Self { state: self.state.clone().evolve(event), memory, sequence: 0 }
    }

    /// The tip once its event is stored.
    pub(crate) fn stored_at(mut self, sequence: u64) -> Self {
        self.sequence = sequence;
        self.memory.settle(sequence);
        self
    }

    /// One line: the state's format, a space, JSON.
    pub(crate) fn write(&self) -> String {
        let written = Written { state: &self.state, memory: URL_SAFE_NO_PAD.encode(self.memory.to_bytes()) };
        let json = serde_json::to_string(&written).expect("states have string keys and no failing serializer");
        format!("{} {json}", A::STATE_FORMAT)
    }

    /// Reads a tip back; `None` if it has another format, and must be folded from the stream's events.
    pub(crate) fn read(line: &str, sequence: u64) -> Option<Self> {
        let json = line.strip_prefix(A::STATE_FORMAT)?.strip_prefix(' ')?;
        let written: Written<A> = serde_json::from_str(json).ok()?;
        let memory = Memory::from_bytes(&URL_SAFE_NO_PAD.decode(written.memory).ok()?);
        Some(Self { state: written.state, memory, sequence }.stored_at(sequence))
    }
}

impl Done {
    /// A command that is about to be appended.
    pub(crate) fn pending(id: CommandId, fingerprint: u32) -> Self {
        Self { id: short(id), fingerprint, sequence: 0 }
    }

    /// Whether it was the same command with the same content, as far as is known (0: it is not).
    pub(crate) fn is_same(&self, fingerprint: u32) -> bool {
        self.fingerprint == 0 || self.fingerprint == fingerprint
    }
}

impl Memory {
    /// The command with an id, if the stream remembers it.
    pub(crate) fn find(&self, id: CommandId) -> Option<Done> {
        let id = short(id);
        self.first.iter().chain(&self.recent).find(|done| done.id == id).copied()
    }

    fn add(&mut self, done: Done) {
        if self.first.is_none() {
            self.first = Some(done);
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(done);
    }

    fn settle(&mut self, sequence: u64) {
        for done in self.first.iter_mut().chain(&mut self.recent).filter(|done| done.sequence == 0) {
            done.sequence = sequence;
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((self.recent.len() + 1) * ENTRY);
        for done in self.first.iter().chain(&self.recent) {
            bytes.extend_from_slice(&done.id.to_be_bytes());
            bytes.extend_from_slice(&done.fingerprint.to_be_bytes());
            bytes.extend_from_slice(&done.sequence.to_be_bytes()[2..]);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut all = bytes.chunks_exact(ENTRY).map(|entry| Done {
            id: number(&entry[..8]),
            fingerprint: u32::try_from(number(&entry[8..12])).expect("four bytes"),
            sequence: number(&entry[12..]),
        });
        Self { first: all.next(), recent: all.collect() }
    }
}

/// Half of a UUID is enough within one stream's few dozen commands.
fn short(id: CommandId) -> u64 {
    id.0.as_u64_pair().0 ^ id.0.as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::document::Document;
    use events::document::{Event, Trashed};
    use uuid::Uuid;

    fn command(n: u128) -> CommandId {
        CommandId(Uuid::from_u128(n))
    }

    #[test]
    fn a_tip_reads_back_with_its_sequence() {
        let event = Event::Trashed(Trashed {});
        let mut tip = Tip::<Document>::default();
        for n in 1..=40 {
            tip = tip.after(&event, Done::pending(command(n), 7)).stored_at(n as u64 * 10);
        }
        let pending = tip.after(&event, Done::pending(command(41), 8));
        let read = Tip::<Document>::read(&pending.write(), 500).expect("its own line reads back");
        assert_eq!(read.state, pending.state);
        assert_eq!(read.memory.find(command(41)).map(|done| done.sequence), Some(500));
        assert_eq!(read.memory.find(command(40)).map(|done| done.sequence), Some(400));
        assert_eq!(read.memory.find(command(1)).map(|done| done.sequence), Some(10), "the first is never forgotten");
        assert_eq!(read.memory.find(command(2)), None, "the oldest edits are");
    }

    #[test]
    fn a_tip_of_another_format_is_not_read() {
        assert!(Tip::<Document>::read("document.0 {}", 1).is_none());
    }
}

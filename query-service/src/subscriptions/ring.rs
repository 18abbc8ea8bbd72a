//! The ring: the last events of all workspaces, in memory once for all subscribers, each of whom only remembers where it is.
//!
//! Invariant: a workspace's channel holds every event of the workspace after the channel's floor and up to the ring's end.
//! A position not below the floor is therefore all that a subscriber needs to go on without a gap or a repeat.

use super::message::Message;
use events::WorkspaceId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The last events of all workspaces. One writes, many read.
pub(crate) struct Ring {
    channels: Mutex<Channels>,
    /// Up to where the log was published here.
    end: AtomicU64,
    most: usize,
    most_bytes: usize,
}

struct Channels {
    by_workspace: HashMap<WorkspaceId, Arc<Channel>>,
    /// What the channels hold together, oldest first.
    order: VecDeque<(WorkspaceId, usize)>,
    bytes: usize,
    /// Nothing up to here is in any channel.
    floor: u64,
}

/// The last events of one workspace.
pub(crate) struct Channel {
    recent: Mutex<Recent>,
    woken: watch::Sender<()>,
}

struct Recent {
    messages: VecDeque<Arc<Message>>,
    floor: u64,
}

/// What follows a position.
pub(crate) enum Read {
    /// Messages, and the position after them; fewer than asked for if there are no more now.
    Messages(Vec<Arc<Message>>, u64),
    /// Some are no longer here: the log has them.
    Behind,
}

impl Ring {
    /// An empty ring for so many messages of so many bytes.
    pub(crate) fn new(most: usize, most_bytes: usize) -> Self {
        let channels = Channels { by_workspace: HashMap::new(), order: VecDeque::new(), bytes: 0, floor: 0 };
        Self { channels: Mutex::new(channels), end: AtomicU64::new(0), most, most_bytes }
    }

    /// Begins after a sequence; to be called before anything is published or read.
    pub(crate) fn begin(&self, after: u64) {
        held(&self.channels).floor = after;
        self.end.store(after, Ordering::SeqCst);
    }

    /// Up to where the log was published here.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::SeqCst)
    }

    /// The channel of a workspace.
    pub(crate) fn channel(&self, workspace: WorkspaceId) -> Arc<Channel> {
        held(&self.channels).channel(workspace)
    }

    /// Publishes the next messages, which with those of no workspace reach up to a sequence.
    pub(crate) fn publish(&self, messages: Vec<(WorkspaceId, Message)>, end: u64) {
        let mut woken: Vec<Arc<Channel>> = Vec::new();
        let mut channels = held(&self.channels);
        for (workspace, message) in messages {
            let channel = channels.channel(workspace);
            channels.order.push_back((workspace, message.bytes()));
            channels.bytes += message.bytes();
            held(&channel.recent).messages.push_back(Arc::new(message));
            if !woken.iter().any(|known| Arc::ptr_eq(known, &channel)) {
                woken.push(channel);
            }
        }
        while channels.order.len() > self.most || channels.bytes > self.most_bytes {
            channels.evict();
        }
        drop(channels);
        self.end.store(end, Ordering::SeqCst);
        for channel in woken {
            channel.woken.send_replace(());
        }
    }

    /// What follows a position in a channel, at most so many.
    pub(crate) fn read(&self, channel: &Channel, after: u64, most: usize) -> Read {
        // Before the channel is looked at: what was published until now is in it, or was in it.
        let end = self.end();
        let recent = held(&channel.recent);
        if after < recent.floor {
            return Read::Behind;
        }
        let begin = recent.messages.partition_point(|message| message.sequence <= after);
        let messages: Vec<_> = recent.messages.range(begin..).take(most).cloned().collect();
        let last = messages.last().map_or(after, |message| message.sequence);
        let position = if messages.len() < most { last.max(end) } else { last };
        Read::Messages(messages, position)
    }

    /// Gives a channel back.
    pub(crate) fn give_back(&self, workspace: WorkspaceId, channel: Arc<Channel>) {
        let mut channels = held(&self.channels);
        drop(channel);
        channels.forget_unused(workspace);
    }

    /// Wakes every subscriber.
    pub(crate) fn wake_all(&self) {
        for channel in held(&self.channels).by_workspace.values() {
            channel.woken.send_replace(());
        }
    }
}

impl Channels {
    fn channel(&mut self, workspace: WorkspaceId) -> Arc<Channel> {
        let floor = self.floor;
        let new = || {
            let recent = Mutex::new(Recent { messages: VecDeque::new(), floor });
            Arc::new(Channel { recent, woken: watch::Sender::new(()) })
        };
        self.by_workspace.entry(workspace).or_insert_with(new).clone()
    }

    /// Lets go of the oldest message.
    fn evict(&mut self) {
        let Some((workspace, bytes)) = self.order.pop_front() else { return };
        self.bytes -= bytes;
        let Some(channel) = self.by_workspace.get(&workspace) else { return };
        let mut recent = held(&channel.recent);
        if let Some(message) = recent.messages.pop_front() {
            recent.floor = message.sequence;
            self.floor = message.sequence;
        }
        drop(recent);
        self.forget_unused(workspace);
    }

    /// Forgets a channel that holds nothing and that nobody else holds.
    fn forget_unused(&mut self, workspace: WorkspaceId) {
        let is_unused =
            |channel: &Arc<Channel>| Arc::strong_count(channel) <= 1 && held(&channel.recent).messages.is_empty();
        if self.by_workspace.get(&workspace).is_some_and(is_unused) {
            self.by_workspace.remove(&workspace);
        }
    }
}

impl Channel {
    /// Tells when something was published, or when there is another reason to look.
    pub(crate) fn woken(&self) -> watch::Receiver<()> {
        self.woken.subscribe()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{DocumentId, Stream};
    use uuid::Uuid;

    const MOST: usize = 12;

    fn workspace(n: u64) -> WorkspaceId {
        WorkspaceId(Uuid::from_u128(u128::from(n)))
    }

    fn message(n: u64, sequence: u64) -> (WorkspaceId, Message) {
        let stream = Stream::document(workspace(n), DocumentId(Uuid::nil()));
        (workspace(n), Message::at(sequence, stream))
    }

    #[test]
    fn a_position_reads_exactly_what_follows_or_is_told_that_it_is_behind() {
        let ring = Ring::new(MOST, usize::MAX);
        ring.begin(100);
        // Whose each event is; 0 for those of no workspace, which only move the end.
        let of: Vec<u64> = (0..400_u64).map(|n| (n * n / 7 + n / 50) % 5).collect();
        let kept: Vec<_> = (1..3).map(|n| (n, ring.channel(workspace(n)))).collect();
        let (mut sequence, mut complete, mut behind) = (100, 0, 0);
        for batch in of.chunks(3) {
            let messages = batch.iter().enumerate().filter(|(_, n)| **n > 0);
            let messages = messages.map(|(at, n)| message(*n, sequence + 1 + at as u64)).collect();
            sequence += batch.len() as u64;
            ring.publish(messages, sequence);
            let others = (3..5).map(|n| (n, ring.channel(workspace(n))));
            for (n, channel) in kept.iter().cloned().chain(others) {
                for after in 100.max(sequence - 30)..=sequence {
                    let is_theirs = |at: &u64| of[(*at - 101) as usize] == n;
                    let expected: Vec<u64> = (after + 1..=sequence).filter(is_theirs).collect();
                    match ring.read(&channel, after, 100) {
                        Read::Messages(messages, position) => {
                            let read: Vec<u64> = messages.iter().map(|message| message.sequence).collect();
                            assert_eq!((read, position), (expected, sequence));
                            complete += 1;
                        }
                        Read::Behind => {
                            assert!(after < sequence - MOST as u64, "{after} is not behind {sequence}");
                            behind += 1;
                        }
                    }
                }
                ring.give_back(workspace(n), channel);
            }
        }
        assert!(complete > 1_000 && behind > 1_000, "{complete} {behind}");
    }

    #[test]
    fn a_full_read_ends_at_its_last_message() {
        let ring = Ring::new(MOST, usize::MAX);
        ring.publish(vec![message(1, 1), message(2, 2), message(1, 3)], 4);
        let channel = ring.channel(workspace(1));
        let at = |read| match read {
            Read::Messages(messages, position) => (messages.len(), position),
            Read::Behind => (0, 0),
        };
        assert_eq!(at(ring.read(&channel, 0, 1)), (1, 1));
        assert_eq!(at(ring.read(&channel, 1, 2)), (1, 4), "and fewer than asked for at the end");
        assert_eq!(at(ring.read(&channel, 9, 2)), (0, 9), "who has seen more elsewhere stays there");
    }

    #[test]
    fn a_channel_is_forgotten_with_its_last_message_and_subscriber() {
        let ring = Ring::new(1, usize::MAX);
        let channel = ring.channel(workspace(1));
        ring.publish(vec![message(1, 1), message(2, 2)], 2);
        assert_eq!(super::held(&ring.channels).by_workspace.len(), 2);
        ring.give_back(workspace(1), channel);
        assert_eq!(super::held(&ring.channels).by_workspace.len(), 1);
    }
}

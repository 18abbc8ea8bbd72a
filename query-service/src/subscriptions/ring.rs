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

    /// Lets go of the oldest message, and of its channel if nobody needs that any more.
    fn evict(&mut self) {
        let Some((workspace, bytes)) = self.order.pop_front() else { return };
        self.bytes -= bytes;
        let Some(channel) = self.by_workspace.get(&workspace) else { return };
        let mut recent = held(&channel.recent);
        if let Some(message) = recent.messages.pop_front() {
            recent.floor = message.sequence;
            self.floor = message.sequence;
        }
        let is_needed = !recent.messages.is_empty() || Arc::strong_count(channel) > 1;
        drop(recent);
        if !is_needed {
            self.by_workspace.remove(&workspace);
        }
    }

    /// Forgets a channel that holds nothing and that nobody else holds.
    fn forget(&mut self, workspace: WorkspaceId) {
        let is_unused =
            |channel: &Arc<Channel>| Arc::strong_count(channel) <= 1 && held(&channel.recent).messages.is_empty();
        if self.by_workspace.get(&workspace).is_some_and(is_unused) {
            self.by_workspace.remove(&workspace);
        }
    }
}

impl Ring {
    /// Gives a channel back.
    pub(crate) fn give_back(&self, workspace: WorkspaceId, channel: Arc<Channel>) {
        let mut channels = held(&self.channels);
        drop(channel);
        channels.forget(workspace);
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

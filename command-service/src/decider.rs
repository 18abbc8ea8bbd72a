//! The way of every command: load the stream's tip, decide, append on condition that the stream still ends there.
//!
//! Invariant: a command leads to at most one event, whatever fails. Whenever an append is not plainly accepted (another
//! event came first, the answer was lost, the server calls it a duplicate), the tip is read again and asked whether it
//! remembers the command; only if not is it decided once more.

use crate::config;
use crate::metrics::{APPEND_SECONDS, APPENDS, CONFLICTS, FAILED, REPLAYS, STATE_HITS, STATE_LOADS, UNKNOWN};
use crate::tip::{Done, Tip};
use domain::Aggregate;
use events::{AccountId, CommandId, Envelope, EventType, Stream};
use metrics::{counter, histogram};
use quick_cache::sync::Cache;
use runtime::EventLog;
use runtime::clock::Clock;
use runtime::event_log::{self, Appended, Recorded};
use runtime::http::RequestContext;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Decides the commands of one kind of aggregate.
pub(crate) struct Decider<A: Aggregate> {
    log: EventLog,
    clock: Arc<dyn Clock>,
    tips: Cache<Stream, Arc<Tip<A>>>,
    attempts: u32,
    timeout: Duration,
}

/// A command on its way, with what surrounds it.
pub(crate) struct Order<C> {
    /// Whose state decides.
    pub(crate) stream: Stream,
    /// The same for every retry.
    pub(crate) id: CommandId,
    /// The wish.
    pub(crate) command: C,
    /// Who asks.
    pub(crate) actor: AccountId,
    /// In which request.
    pub(crate) context: RequestContext,
    /// Sequences at which the stream may end (`If-Match`).
    pub(crate) allowed: Option<Vec<u64>>,
    /// Whether the stream is expected to be empty, so that it need not be loaded first.
    pub(crate) is_creation: bool,
}

/// A command that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Sequence of its event; of the stream's last event if there was nothing to do.
    pub(crate) sequence: u64,
    /// Whether it led to an event.
    pub(crate) is_changed: bool,
    /// Whether it was done before, and this is its first answer again.
    pub(crate) is_replayed: bool,
}

/// A command that was not accepted; nothing was appended.
#[derive(Debug)]
pub(crate) enum Error<E> {
    /// A rule refused it.
    Refused(E),
    /// The stream ends at none of the allowed sequences.
    Stale {
        /// Where it ends.
        sequence: u64,
    },
    /// Its id was used for another command.
    KeyReused,
    /// The log did not do its part.
    Log(event_log::Error),
}

impl<E> From<event_log::Error> for Error<E> {
    fn from(error: event_log::Error) -> Self {
        Self::Log(error)
    }
}

/// What came of deciding once.
enum Step {
    Done(Outcome),
    /// Look at the stream again, then decide again.
    Again(event_log::Error),
}

impl<A: Aggregate> Decider<A>
where
    A::Command: Clone,
{
    pub(crate) fn new(log: EventLog, clock: Arc<dyn Clock>, config: &config::Commands) -> Self {
        let tips = Cache::new(config.states);
        Self { log, clock, tips, attempts: config.command_attempts, timeout: config.command_timeout }
    }

    /// The state of a stream as the log has it now.
    pub(crate) async fn load(&self, stream: Stream) -> Result<A, event_log::Error> {
        Ok(self.newest(stream).await?.state.clone())
    }

    /// The tip of a stream as the log has it now.
    pub(crate) async fn tip(&self, stream: Stream) -> Result<Arc<Tip<A>>, event_log::Error> {
        self.newest(stream).await
    }

    /// Whether a command was done, as far as its stream remembers. Its first answer then stands, whatever other streams
    /// say by now: whoever asks them before a command asks this first.
    pub(crate) async fn remembers(&self, stream: Stream, id: CommandId) -> Result<bool, event_log::Error> {
        Ok(self.newest(stream).await?.memory.find(id).is_some())
    }

    /// The tip of a stream as this process saw it last, if it remembers it.
    pub(crate) fn recall(&self, stream: Stream) -> Option<Arc<Tip<A>>> {
        self.tips.get(&stream)
    }

    /// Carries a command out.
    pub(crate) async fn execute(&self, order: Order<A::Command>) -> Result<Outcome, Error<A::Error>> {
        let begun = Instant::now();
        let fingerprint = fingerprint(&order.command);
        let mut last_error = None;
        for attempt in 0..self.attempts {
            if attempt > 0 && begun.elapsed() > self.timeout {
                break;
            }
            let is_newest = attempt > 0;
            let tip = if is_newest { self.newest(order.stream).await? } else { self.first_look(&order).await? };
            let mut step = self.attempt(&order, fingerprint, &tip).await;
            // A refusal, or nothing to do, by any other state says little: others may have changed the stream.
            let says_no = matches!(step, Err(Error::Refused(_) | Error::Stale { .. }))
                || matches!(step, Ok(Step::Done(Outcome { is_changed: false, .. })));
            if says_no && !is_newest {
                let tip = self.newest(order.stream).await?;
                step = self.attempt(&order, fingerprint, &tip).await;
            }
            match step? {
                Step::Done(outcome) => return Ok(outcome),
                Step::Again(error) => last_error = Some(error),
            }
        }
        Err(Error::Log(last_error.unwrap_or(event_log::Error::Conflict)))
    }

    /// One decision on one tip.
    async fn attempt(
        &self,
        order: &Order<A::Command>,
        fingerprint: u32,
        tip: &Tip<A>,
    ) -> Result<Step, Error<A::Error>> {
        if let Some(done) = tip.memory.find(order.id) {
            if !done.is_same(fingerprint) {
                return Err(Error::KeyReused);
            }
            counter!(REPLAYS).increment(1);
            return Ok(Step::Done(Outcome { sequence: done.sequence, is_changed: true, is_replayed: true }));
        }
        if order.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&tip.sequence)) {
            return Err(Error::Stale { sequence: tip.sequence });
        }
        let Some(event) = tip.state.decide(order.command.clone()).map_err(Error::Refused)? else {
            return Ok(Step::Done(Outcome { sequence: tip.sequence, is_changed: false, is_replayed: false }));
        };
        let next = tip.after(&event, Done::pending(order.id, fingerprint));
        let envelope = Envelope {
            id: order.id,
            stream: order.stream,
            time: self.clock.now(),
            actor: order.actor,
            correlation: order.context.id,
            causation: None,
            trace: order.context.trace.clone(),
            event,
        };
        let begun = Instant::now();
        let appended = self.log.append(&envelope, tip.sequence, &next.write()).await;
        histogram!(APPEND_SECONDS).record(begun.elapsed().as_secs_f64());
        match appended {
            Ok(Appended::Stored(sequence)) => {
                counter!(APPENDS, "aggregate" => A::Event::AGGREGATE.name()).increment(1);
                self.tips.insert(order.stream, Arc::new(next.stored_at(sequence)));
                Ok(Step::Done(Outcome { sequence, is_changed: true, is_replayed: false }))
            }
            // The log remembers a command that the tip has forgotten.
            Ok(Appended::Duplicate(sequence)) if sequence <= tip.sequence => {
                self.recorded(order, fingerprint, sequence).await
            }
            Ok(Appended::Duplicate(_)) | Err(event_log::Error::Conflict) => {
                counter!(CONFLICTS).increment(1);
                Ok(Step::Again(event_log::Error::Conflict))
            }
            Err(event_log::Error::OutcomeUnknown) => {
                counter!(UNKNOWN).increment(1);
                Ok(Step::Again(event_log::Error::OutcomeUnknown))
            }
            Err(error) => {
                counter!(FAILED).increment(1);
                Err(Error::Log(error))
            }
        }
    }

    /// The first answer to a command whose event stands at a sequence.
    async fn recorded(
        &self,
        order: &Order<A::Command>,
        fingerprint: u32,
        sequence: u64,
    ) -> Result<Step, Error<A::Error>> {
        let recorded = self.log.at(sequence).await?;
        let tip = recorded.as_ref().and_then(Recorded::tip).and_then(|line| Tip::<A>::read(line, sequence));
        let done = tip.and_then(|tip| tip.memory.find(order.id));
        if done.is_some_and(|done| !done.is_same(fingerprint)) {
            return Err(Error::KeyReused);
        }
        counter!(REPLAYS).increment(1);
        Ok(Step::Done(Outcome { sequence, is_changed: true, is_replayed: true }))
    }

    /// A tip for the first attempt, which others may have gone beyond: from memory, or from whichever replica of the log.
    async fn first_look(&self, order: &Order<A::Command>) -> Result<Arc<Tip<A>>, event_log::Error> {
        if let Some(tip) = self.tips.get(&order.stream) {
            counter!(STATE_HITS).increment(1);
            return Ok(tip);
        }
        if order.is_creation {
            return Ok(Arc::default());
        }
        let last = self.log.last(&order.stream).await?;
        self.read(order.stream, last).await
    }

    /// The tip as the log's leader has it.
    async fn newest(&self, stream: Stream) -> Result<Arc<Tip<A>>, event_log::Error> {
        let last = self.log.newest(&stream).await?;
        self.read(stream, last).await
    }

    /// Reads the tip of a stream: from its last message, or from all of them if that says no state, or one of another format.
    async fn read(&self, stream: Stream, last: Option<Recorded>) -> Result<Arc<Tip<A>>, event_log::Error> {
        counter!(STATE_LOADS).increment(1);
        let Some(last) = last else {
            return Ok(Arc::default());
        };
        let tip = match last.tip().and_then(|line| Tip::read(line, last.sequence)) {
            Some(tip) => tip,
            None => self.fold(stream, &last).await?,
        };
        let tip = Arc::new(tip);
        self.tips.insert(stream, tip.clone());
        Ok(tip)
    }

    /// Folds a stream up to its last event, from where this process knows it. Fingerprints are not in the events: of commands
    /// that are read here only the ids are remembered.
    async fn fold(&self, stream: Stream, last: &Recorded) -> Result<Tip<A>, event_log::Error> {
        let known = self.tips.get(&stream).filter(|tip| tip.sequence <= last.sequence);
        let mut tip = known.map_or_else(Tip::default, |tip| Tip::clone(&tip));
        while tip.sequence < last.sequence {
            let next = match last.expected() {
                Some(before) if before == tip.sequence => None,
                _ => self.log.next(&stream, tip.sequence).await?,
            };
            let recorded = next.as_ref().unwrap_or(last);
            // Any replica may answer, and one that lags has not all that comes before the last.
            if recorded.expected().is_some_and(|before| before != tip.sequence) {
                return Err(event_log::Error::unavailable("a replica of the log lags"));
            }
            let envelope = recorded.decode::<A::Event>()?;
            tip = tip.after(&envelope.event, Done::pending(envelope.id, 0)).stored_at(recorded.sequence);
        }
        Ok(tip)
    }
}

/// Four bytes of SHA-256 over the command's JSON: the same key with another content is told apart.
fn fingerprint<C: Serialize>(command: &C) -> u32 {
    let digest = Sha256::digest(serde_json::to_vec(command).expect("commands are plain JSON"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]).max(1)
}

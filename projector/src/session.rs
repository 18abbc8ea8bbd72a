//! A session: the shards that a worker holds, applied from where they stand until something changes. One task reads and
//! decodes, another applies, so that the database and the log are both busy.

use crate::announce;
use crate::apply::{Applier, ChangedDocument, Pending};
use crate::checkpoints::Checkpoints;
use crate::error::Error;
use crate::failures::{carrying_out, decisions};
use crate::leases::{Balance, Held, Leases, connection_name};
use crate::metrics::{BATCH_EVENTS, BATCH_SECONDS, EVENTS, FAILURES, FRESHNESS_SECONDS};
use crate::parking;
use crate::positioned::Read;
use crate::projection::Projection;
use crate::traced::Traced;
use crate::worker::{PAUSE, Worker, told};
use metrics::{counter, histogram};
use runtime::EventLog;
use runtime::announcement::Visible;
use runtime::cache::{Fences, RENEWAL};
use runtime::clock::{Clock, SystemClock};
use runtime::event_log::{Batch, Follow};
use runtime::service::chain;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tracing::Instrument;

/// How often it looks for decisions of operators.
const DECISIONS: Duration = Duration::from_secs(1);
/// How often the checkpoints of shards move for which nothing was in the log.
const PASSING: Duration = Duration::from_millis(100);
/// How often it looks whether everyone has a share.
pub(crate) const BALANCING: Duration = Duration::from_millis(500);

/// Why a session ended well.
pub(crate) enum End {
    /// Told to stop.
    Told,
    /// Other shards are to be held.
    Uneven,
    /// The log cannot be reached from here; others may reach it.
    LogAway,
}

/// Shards that are being applied.
pub(crate) struct Session<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) applier: Applier,
    leases: &'a Leases,
    shards: BTreeSet<u64>,
    /// Of documents alone: no answer about knowledge is cached.
    fences: Option<Fences>,
    /// Up to where the log was seen; checkpoints may be behind, with nothing in between.
    seen: u64,
    /// When all checkpoints were there.
    passed: Instant,
    batches: mpsc::Receiver<Decoded>,
    _ends_with_session: AbortOnDrop,
}

/// A batch that was read, and what of it belongs to the session's shards.
struct Decoded {
    events: Vec<Read>,
    batch: Batch,
}

impl<'a> Session<'a> {
    /// Begins where the shards stand.
    pub(crate) async fn begin(worker: &'a Worker, leases: &'a Leases, held: &Held) -> Result<Self, Error> {
        let Worker { projection, log, pool, .. } = worker;
        let applier = Applier::serving(*projection, pool, log, held).await?;
        let fences = match projection {
            Projection::Documents => Some(Fences::new(worker.cache.clone(), held.shards.iter().copied())),
            Projection::Knowledge => None,
        };
        let seen = applier.checkpoints().lowest();
        let (sender, batches) = mpsc::channel(2);
        let follow = worker.batches.follow(connection_name(*projection, held.owner));
        let shards = held.shards.clone();
        let _ends_with_session =
            AbortOnDrop(tokio::spawn(read(log.clone(), seen, shards.clone(), follow, (sender, worker.lease))));
        worker.standings.hold(*projection, applier.checkpoints());
        let session =
            Self { worker, applier, leases, shards, fences, seen, passed: Instant::now(), batches, _ends_with_session };
        decisions::reconsider(pool, *projection).await?;
        session.count_parked().await?;
        session.announce(0, &[]).await;
        Ok(session)
    }

    /// Applies until something changes.
    pub(crate) async fn work(mut self, held: &Held, stop: &mut watch::Receiver<bool>) -> Result<End, Error> {
        let (mut decisions, mut renewal, mut balance, mut passing) =
            (every(DECISIONS), every(RENEWAL), every(BALANCING), every(PASSING));
        loop {
            tokio::select! {
                () = told(stop) => return Ok(End::Told),
                decoded = self.batches.recv() => match decoded {
                    Some(decoded) => self.apply(decoded).await.inspect_err(|error| self.failed(error))?,
                    None => return Ok(End::LogAway),
                },
                _ = decisions.tick() => if carrying_out::next(&mut self).await? {
                    decisions.reset_immediately();
                },
                _ = passing.tick() => self.pass().await?,
                _ = renewal.tick() => {
                    // After a switch what is cached is of the old tables: another session has another epoch. While the
                    // tables are held, for a switch, the word on what is cached runs out.
                    if !self.applier.is_up_to_date().await? {
                        return Err(Error::Displaced);
                    }
                    if let Some(fences) = &mut self.fences && self.leases.is_alive() {
                        fences.renew().await;
                    }
                }
                _ = balance.tick() => {
                    if !self.worker.log.is_connected() {
                        return Ok(End::LogAway);
                    }
                    if self.leases.balance(held).await? == Balance::Uneven {
                        return Ok(End::Uneven);
                    }
                }
            }
        }
    }

    /// Applies a batch: fence the cache, commit, tell the world.
    async fn apply(&mut self, decoded: Decoded) -> Result<(), Error> {
        let (begun, previous, last) = (Instant::now(), self.seen, decoded.batch.last_sequence());
        let mut events = decoded.events;
        events.retain(|read| !self.applier.checkpoints().cover(read));
        if events.is_empty() {
            self.seen = last;
            self.announce(previous, &[]).await;
        } else {
            let (count, time) = (events.len(), events.last().and_then(Read::time));
            let traced = Traced::begin(self.worker.projection, &events);
            let applied = self.apply_events(events, (previous, last)).instrument(traced.last()).await;
            applied.inspect_err(|error| traced.failed(error))?;
            self.measure(count, begun, time.map(|time| SystemClock.now() - time));
        }
        self.worker.standings.stand_at(self.worker.projection, &self.shards, last);
        decoded.batch.acknowledge().await;
        Ok(())
    }

    async fn apply_events(&mut self, events: Vec<Read>, (previous, last): (u64, u64)) -> Result<(), Error> {
        let to = self.moved_by(&events, last);
        let pending = self.applier.write(to, events).await?;
        self.seen = last;
        self.finish(pending, previous).await
    }

    /// Which checkpoints a batch moves: of the shards that it changes, and now and then of all.
    fn moved_by(&mut self, events: &[Read], last: u64) -> Checkpoints {
        if self.passed.elapsed() < PASSING {
            return Checkpoints::all_at(events.iter().map(|read| read.stream().partition()), last);
        }
        self.passed = Instant::now();
        self.applier.checkpoints().at_least(last)
    }

    /// Moves checkpoints up to what was seen, where nothing else moves them.
    async fn pass(&mut self) -> Result<(), Error> {
        if self.passed.elapsed() >= PASSING && self.applier.checkpoints().lowest() < self.seen {
            let to = self.applier.checkpoints().at_least(self.seen);
            self.applier.pass(&to).await?;
            self.passed = Instant::now();
        }
        Ok(())
    }

    /// Fences the cache, commits, and tells the world.
    pub(crate) async fn finish(&mut self, pending: Pending, previous: u64) -> Result<(), Error> {
        let (changed, parked) = (pending.changed.clone(), pending.parked.len());
        if let Some(fences) = &mut self.fences {
            // Who was silent for too long may have a successor, whose fences are not to be written over.
            if !self.leases.is_alive() {
                return Err(Error::Displaced);
            }
            fences.before_commit(&changed).await;
        }
        pending.commit().await?;
        self.announce(previous, &changed).await;
        if parked > 0 {
            self.count_parked().await?;
        }
        Ok(())
    }

    /// Up to where the log was seen.
    pub(crate) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether something of a shard is this session's business.
    pub(crate) fn holds(&self, shard: u64) -> bool {
        self.shards.contains(&shard)
    }

    /// Says how many events wait.
    pub(crate) async fn count_parked(&self) -> Result<(), Error> {
        let parked = parking::count(&self.worker.pool, self.worker.projection.schema()).await?;
        self.worker.standings.have_parked(self.worker.projection, &parked);
        Ok(())
    }

    async fn announce(&self, previous: u64, changed: &[ChangedDocument]) {
        let visible = Visible { previous, sequence: self.seen, shards: self.shards.iter().copied().collect() };
        announce::announce(&self.worker.log, self.worker.projection, visible, changed).await;
    }

    fn measure(&self, events: usize, begun: Instant, age: Option<chrono::Duration>) {
        let projection = self.worker.projection.name();
        counter!(EVENTS, "projection" => projection).increment(events as u64);
        histogram!(BATCH_EVENTS, "projection" => projection).record(events as f64);
        histogram!(BATCH_SECONDS, "projection" => projection).record(begun.elapsed().as_secs_f64());
        if let Some(age) = age {
            histogram!(FRESHNESS_SECONDS, "projection" => projection).record(age.as_seconds_f64().max(0.0));
        }
    }

    /// Says what went wrong, in the log and in numbers.
    fn failed(&self, error: &Error) {
        let projection = self.worker.projection.name();
        counter!(FAILURES, "projection" => projection).increment(1);
        match error {
            Error::Displaced => tracing::warn!(projection, "shards were taken or tables exchanged, looking again"),
            Error::Database(_) | Error::Log(_) | Error::Text(_) => {
                tracing::warn!(error = chain(error), projection, "a batch was not applied, trying again");
            }
            Error::Orphan { .. } | Error::Unreadable(_) | Error::OtherAnalysis { .. } => {
                tracing::error!(error = chain(error), projection, "events cannot be applied");
            }
        }
    }
}

/// Reads and decodes, ahead of the applier by two batches at most. The whole log is read, which proves that nothing was
/// left out; what belongs to other shards is not decoded. Ends when the log cannot be followed for so long: others may be
/// able to.
async fn read(
    log: EventLog,
    after: u64,
    shards: BTreeSet<u64>,
    follow: Follow,
    (sender, patience): (mpsc::Sender<Decoded>, Duration),
) {
    let mut follower = log.follow(after, follow);
    let mut failing = None;
    loop {
        let batch = match follower.next().await {
            Ok(batch) => batch,
            Err(error) if failing.get_or_insert_with(Instant::now).elapsed() < patience => {
                tracing::warn!(error = chain(&error), "the log cannot be followed, trying again");
                sleep(PAUSE).await;
                continue;
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the log cannot be followed, leaving it to others");
                return;
            }
        };
        failing = None;
        let ours = batch.events.iter().filter(|recorded| shards.contains(&recorded.stream.partition()));
        let events = ours.map(Read::of).collect();
        if sender.send(Decoded { events, batch }).await.is_err() {
            return;
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

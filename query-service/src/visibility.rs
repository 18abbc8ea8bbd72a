//! Up to where the read models show the log, each projection and each of its shards for itself, and waiting until they show
//! enough. The projectors' announcements say it at once; where they are missing, the database is asked while somebody waits.

use crate::hot::Hot;
use crate::metrics::{VISIBLE, WAIT_SECONDS, WAIT_TIMEOUTS};
use events::{TraceContext, WorkspaceId};
use futures_util::StreamExt;
use metrics::{counter, gauge, histogram};
use poem::http::StatusCode;
use runtime::announcement::{self, Changed, Visible};
use runtime::event_log::Client;
use runtime::http::Problem;
use runtime::traces;
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at};
use tracing::Instrument;

/// How often the database is asked while reads wait.
const POLL: Duration = Duration::from_millis(25);

/// What fills tables that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    /// Documents, their texts and histories, statistics.
    Documents,
    /// Concepts, clusters, duplicates, links.
    Knowledge,
}

impl Projection {
    const fn name(self) -> &'static str {
        match self {
            Self::Documents => announcement::DOCUMENTS,
            Self::Knowledge => announcement::KNOWLEDGE,
        }
    }
}

/// The visible sequences of a projection's shards, each at its partition's place.
type Sequences = [u64; events::PARTITIONS as usize];

/// What of the log must be visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Events of one workspace.
    Of(WorkspaceId),
    /// Every event.
    Whole,
}

impl Part {
    fn visible(self, sequences: &Sequences) -> u64 {
        match self {
            Self::Of(workspace) => place(events::partition(Some(workspace))).map_or(0, |place| sequences[place]),
            Self::Whole => sequences.iter().copied().min().unwrap_or(0),
        }
    }
}

/// What is known of the visible sequences of a projection; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Known {
    shown: Arc<watch::Sender<Sequences>>,
    /// When the database was asked last; locked while it is.
    asked: Arc<Mutex<Option<Instant>>>,
}

impl Known {
    /// Nothing is known any more. To be called when a connection to the database is made: should it have crashed, its last
    /// commits may be gone, and are made once more.
    pub(crate) fn forget(&self) {
        self.shown.send_replace(Sequences::default());
    }
}

/// The visible sequences of a projection; clones share them.
#[derive(Clone)]
pub(crate) struct Visibility {
    pool: PgPool,
    projection: Projection,
    timeout: Duration,
    known: Known,
    /// Whether it ends there, and nothing is to be waited for.
    is_past: bool,
}

impl Visibility {
    pub(crate) const fn new(pool: PgPool, projection: Projection, timeout: Duration, known: Known) -> Self {
        Self { pool, projection, timeout, known, is_past: false }
    }

    /// That of tables which show the log up to a sequence for ever.
    pub(crate) fn of_past(pool: PgPool, projection: Projection, sequence: u64) -> Self {
        let past = Self { is_past: true, ..Self::new(pool, projection, Duration::ZERO, Known::default()) };
        past.raise((0..events::PARTITIONS).map(|shard| (shard, sequence)));
        past
    }

    /// The sequence that everything read from now on shows at least, as far as is known.
    pub(crate) fn now(&self, part: Part) -> u64 {
        part.visible(&self.known.shown.borrow())
    }

    /// Waits until everything read of a workspace from now on shows at least a sequence, and says what it shows.
    ///
    /// # Errors
    /// 503 `not_yet_visible` after the configured time; 400 `after_this_past` where no time would help.
    pub(crate) async fn at_least(&self, workspace: WorkspaceId, min_sequence: Option<u64>) -> Result<u64, Problem> {
        let part = Part::Of(workspace);
        let now = self.now(part);
        let wanted = min_sequence.unwrap_or(0);
        if self.is_past && wanted > now {
            let title = "this service shows a past that ends before this sequence";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "after_this_past", title);
            return Err(problem.detail(format!("asked for {wanted}, the past ends at {now}")));
        }
        // Nothing was announced yet: ask rather than say 0.
        if now >= wanted && now > 0 {
            return Ok(now);
        }
        let begun = Instant::now();
        let waiting = self.wait(part, wanted).instrument(traces::wait(self.projection.name(), wanted));
        let visible = timeout_at(begun + self.timeout, waiting).await;
        histogram!(WAIT_SECONDS).record(begun.elapsed().as_secs_f64());
        match visible {
            Ok(visible) => Ok(visible?),
            Err(_) => {
                counter!(WAIT_TIMEOUTS).increment(1);
                let title = "the read models do not show this sequence yet";
                let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_yet_visible", title);
                problem.retry_after = Some(1);
                Err(problem.detail(format!("asked for {wanted}, visible is {}", self.now(part))))
            }
        }
    }

    /// Waits as long as it takes until everything read from now on shows at least a sequence, and says what it shows.
    pub(crate) async fn until(&self, wanted: u64) -> u64 {
        loop {
            match self.wait(Part::Whole, wanted).await {
                Ok(visible) => return visible,
                Err(error) => tracing::debug!(%error, "the read models do not say what they show, trying again"),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn wait(&self, part: Part, wanted: u64) -> Result<u64, sqlx::Error> {
        let mut announced = self.known.shown.subscribe();
        if self.now(part) == 0 {
            self.ask().await?;
        }
        let mut poll = interval_at(Instant::now() + POLL, POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let visible = part.visible(&announced.borrow_and_update());
            if visible >= wanted {
                return Ok(visible);
            }
            tokio::select! {
                _ = announced.changed() => {}
                _ = poll.tick() => self.ask_for_all().await?,
            }
        }
    }

    /// One of those who wait asks for all of them.
    async fn ask_for_all(&self) -> Result<(), sqlx::Error> {
        let Ok(mut asked) = self.known.asked.try_lock() else { return Ok(()) };
        // Ticks of those who wait are not together; half is enough for who waits alone to ask at each of his.
        if asked.is_some_and(|asked| asked.elapsed() < POLL / 2) {
            return Ok(());
        }
        *asked = Some(Instant::now());
        self.ask().await
    }

    async fn ask(&self) -> Result<(), sqlx::Error> {
        // Each projection has a table `checkpoint` in its schema; that of documents is the first of the search path.
        let table = match self.projection {
            Projection::Documents => "checkpoint",
            Projection::Knowledge => "knowledge.checkpoint",
        };
        let query = format!("select shard, sequence from {table}");
        let rows: Vec<(i16, i64)> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(&self.pool).await?;
        let sequences = rows.into_iter().map(|(shard, at)| (u64::try_from(shard), u64::try_from(at)));
        self.raise(sequences.filter_map(|(shard, at)| Some((shard.ok()?, at.ok()?))));
        Ok(())
    }

    /// Shards show the log up to their sequences.
    fn raise(&self, shown: impl IntoIterator<Item = (u64, u64)>) {
        let is_raised = self.known.shown.send_if_modified(|sequences| {
            let before = *sequences;
            for (shard, sequence) in shown {
                if let Some(place) = place(shard) {
                    sequences[place] = sequences[place].max(sequence);
                }
            }
            *sequences != before
        });
        if is_raised {
            gauge!(VISIBLE, "projection" => self.projection.name()).set(self.now(Part::Whole) as f64);
        }
    }

    /// A projector has said so, in the trace of the last event that it applied.
    fn announced(&self, visible: &Visible, trace: Option<&TraceContext>) {
        let _heard = trace.map(|trace| traces::hear(trace, self.projection.name(), visible.sequence));
        self.raise(visible.shards.iter().map(|shard| (*shard, visible.sequence)));
    }
}

/// Where a shard stands among the sequences; `None` for one that there is not.
fn place(shard: u64) -> Option<usize> {
    (shard < events::PARTITIONS).then_some(shard as usize)
}

/// Listens to the projectors for ever.
pub(crate) async fn listen(nats: Client, documents: Visibility, knowledge: Visibility, hot: Arc<Hot>) {
    loop {
        match nats.subscribe(announcement::SUBJECTS).await {
            Ok(mut announcements) => {
                let mut last = Sequences::default();
                while let Some(message) = announcements.next().await {
                    let trace = traces::of_message(message.headers.as_ref());
                    match announcement::projection(&message.subject) {
                        Some(announcement::DOCUMENTS) => {
                            let Ok(visible) = serde_json::from_slice::<Visible>(&message.payload) else { continue };
                            for place in visible.shards.iter().filter_map(|shard| place(*shard)) {
                                if visible.previous != last[place] {
                                    hot.forget_all();
                                }
                                last[place] = visible.sequence;
                            }
                            documents.announced(&visible, trace.as_ref());
                        }
                        Some(announcement::KNOWLEDGE) => {
                            let Ok(visible) = serde_json::from_slice::<Visible>(&message.payload) else { continue };
                            knowledge.announced(&visible, trace.as_ref());
                        }
                        Some(_) => {}
                        None => {
                            let Some(workspace) = announcement::workspace(&message.subject) else { continue };
                            let Ok(changed) = serde_json::from_slice::<Changed>(&message.payload) else { continue };
                            hot.forget(workspace, &changed.documents);
                        }
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "announcements cannot be heard, trying again"),
        }
        hot.forget_all();
        sleep(Duration::from_millis(500)).await;
    }
}

//! Up to where the read models show the log, each projection for itself, and waiting until they show enough. The
//! projector's announcements say it at once; where they are missing, the database is asked while somebody waits.

use crate::hot::Hot;
use crate::metrics::{VISIBLE, WAIT_SECONDS, WAIT_TIMEOUTS};
use futures_util::StreamExt;
use metrics::{counter, gauge, histogram};
use poem::http::StatusCode;
use runtime::announcement::{self, Changed, Visible};
use runtime::event_log::Client;
use runtime::http::Problem;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

/// How often the database is asked while a read waits and no announcement comes.
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

/// The visible sequence of a projection; clones share it.
#[derive(Clone)]
pub(crate) struct Visibility {
    pool: PgPool,
    projection: Projection,
    timeout: Duration,
    sequence: Arc<watch::Sender<u64>>,
    /// Whether it ends there, and nothing is to be waited for.
    is_past: bool,
}

impl Visibility {
    pub(crate) fn new(pool: PgPool, projection: Projection, timeout: Duration) -> Self {
        Self { pool, projection, timeout, sequence: Arc::new(watch::Sender::new(0)), is_past: false }
    }

    /// That of tables which show the log up to a sequence for ever.
    pub(crate) fn of_past(pool: PgPool, projection: Projection, sequence: u64) -> Self {
        let past = Self { is_past: true, ..Self::new(pool, projection, Duration::ZERO) };
        past.raise(sequence);
        past
    }

    /// The sequence that everything read from now on shows at least, as far as is known.
    pub(crate) fn now(&self) -> u64 {
        *self.sequence.borrow()
    }

    /// Waits until everything read from now on shows at least a sequence, and says what it shows.
    ///
    /// # Errors
    /// 503 `not_yet_visible` after the configured time; 400 `after_this_past` where no time would help.
    pub(crate) async fn at_least(&self, min_sequence: Option<u64>) -> Result<u64, Problem> {
        let now = self.now();
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
        let visible = timeout_at(begun + self.timeout, self.wait(wanted)).await;
        histogram!(WAIT_SECONDS).record(begun.elapsed().as_secs_f64());
        match visible {
            Ok(visible) => Ok(visible?),
            Err(_) => {
                counter!(WAIT_TIMEOUTS).increment(1);
                let title = "the read models do not show this sequence yet";
                let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_yet_visible", title);
                problem.retry_after = Some(1);
                Err(problem.detail(format!("asked for {wanted}, visible is {}", self.now())))
            }
        }
    }

    /// Waits as long as it takes until everything read from now on shows at least a sequence, and says what it shows.
    pub(crate) async fn until(&self, wanted: u64) -> u64 {
        loop {
            match self.wait(wanted).await {
                Ok(visible) => return visible,
                Err(error) => tracing::debug!(%error, "the read models do not say what they show, trying again"),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn wait(&self, wanted: u64) -> Result<u64, sqlx::Error> {
        let mut announced = self.sequence.subscribe();
        if self.now() == 0 {
            self.ask().await?;
        }
        loop {
            let visible = *announced.borrow_and_update();
            if visible >= wanted {
                return Ok(visible);
            }
            tokio::select! {
                _ = announced.changed() => {}
                () = sleep(POLL) => self.ask().await?,
            }
        }
    }

    async fn ask(&self) -> Result<(), sqlx::Error> {
        // Each projection has a table `checkpoint` in its schema; that of documents is the first of the search path.
        let sequence = match self.projection {
            Projection::Documents => {
                sqlx::query_scalar!("select min(sequence) from checkpoint").fetch_one(&self.pool).await
            }
            Projection::Knowledge => {
                sqlx::query_scalar!("select min(sequence) from knowledge.checkpoint").fetch_one(&self.pool).await
            }
        }?;
        self.raise(sequence.and_then(|sequence| u64::try_from(sequence).ok()).unwrap_or(0));
        Ok(())
    }

    fn raise(&self, sequence: u64) {
        let is_raised = self.sequence.send_if_modified(|now| {
            let is_more = sequence > *now;
            *now = sequence.max(*now);
            is_more
        });
        if is_raised {
            gauge!(VISIBLE, "projection" => self.projection.name()).set(sequence as f64);
        }
    }
}

/// Listens to the projector for ever.
pub(crate) async fn listen(nats: Client, documents: Visibility, knowledge: Visibility, hot: Arc<Hot>) {
    loop {
        match nats.subscribe(announcement::SUBJECTS).await {
            Ok(mut announcements) => {
                let mut last = 0;
                while let Some(message) = announcements.next().await {
                    match announcement::projection(&message.subject) {
                        Some(announcement::DOCUMENTS) => {
                            let Ok(visible) = serde_json::from_slice::<Visible>(&message.payload) else { continue };
                            if visible.previous != last {
                                hot.forget_all();
                            }
                            last = visible.sequence;
                            documents.raise(visible.sequence);
                        }
                        Some(announcement::KNOWLEDGE) => {
                            let Ok(visible) = serde_json::from_slice::<Visible>(&message.payload) else { continue };
                            knowledge.raise(visible.sequence);
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

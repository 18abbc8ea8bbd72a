//! The hub: what all subscriptions of this process share, and how many there may be.

use super::ring::Ring;
use super::subscription::Subscription;
use crate::config::Subscriptions;
use crate::metrics::{MESSAGES, SUBSCRIBERS, SUBSCRIBERS_REFUSED};
use crate::tables::Tables;
use events::WorkspaceId;
use metrics::{Counter, counter, gauge};
use poem::http::StatusCode;
use runtime::EventLog;
use runtime::http::Problem;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// What all subscriptions share.
pub(crate) struct Hub {
    pub(crate) config: Subscriptions,
    pub(crate) tables: Tables,
    pub(crate) ring: Ring,
    /// Subscriptions that read from the log at once.
    pub(super) readers: Semaphore,
    /// Counts what is handed out; kept, as it would be looked up by its name at each step.
    pub(super) messages: Counter,
    log: OnceLock<EventLog>,
    ready: watch::Sender<bool>,
    is_stopping: AtomicBool,
    places: Mutex<Places>,
    /// Told when a place is given back.
    left: watch::Sender<()>,
}

#[derive(Default)]
struct Places {
    all: usize,
    by_workspace: HashMap<WorkspaceId, usize>,
}

/// A subscriber's place; given back when it is dropped.
pub(crate) struct Place {
    hub: Arc<Hub>,
    workspace: WorkspaceId,
}

impl Hub {
    pub(crate) fn new(config: &Subscriptions, tables: Tables) -> Arc<Self> {
        let most_bytes = usize::try_from(config.recent_bytes.as_u64()).unwrap_or(usize::MAX);
        Arc::new(Self {
            config: config.clone(),
            tables,
            ring: Ring::new(config.recent_events as usize, most_bytes),
            readers: Semaphore::new(config.backlog_readers.max(1)),
            messages: counter!(MESSAGES),
            log: OnceLock::new(),
            ready: watch::Sender::new(false),
            is_stopping: AtomicBool::new(false),
            places: Mutex::default(),
            left: watch::Sender::new(()),
        })
    }

    /// The reader has read what was there.
    pub(super) fn is_ready(&self, log: &EventLog) {
        self.log.get_or_init(|| log.clone());
        self.ready.send_if_modified(|is_ready| !std::mem::replace(is_ready, true));
    }

    /// The log, once the reader is ready.
    ///
    /// # Errors
    /// 503 when it does not come in time.
    pub(super) async fn log(&self, patience: Duration) -> Result<&EventLog, Problem> {
        let mut ready = self.ready.subscribe();
        drop(timeout(patience, ready.wait_for(|is_ready| *is_ready)).await);
        self.log.get().ok_or_else(|| Problem::unavailable("the event log is not available"))
    }

    /// A place for one more subscriber.
    ///
    /// # Errors
    /// 429 when the workspace has too many, 503 when this process has.
    pub(crate) fn place(self: &Arc<Self>, workspace: WorkspaceId) -> Result<Place, Problem> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |status, title: &str| {
            counter!(SUBSCRIBERS_REFUSED).increment(1);
            let mut problem = Problem::new(status, "too_many_subscribers", title);
            problem.retry_after = Some(10);
            Err(problem)
        };
        if places.all >= self.config.subscribers || self.is_stopping() {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "this process has too many subscribers");
        }
        let of_workspace = places.by_workspace.entry(workspace).or_default();
        if *of_workspace >= self.config.workspace_subscribers {
            return refused(StatusCode::TOO_MANY_REQUESTS, "the workspace has too many subscribers");
        }
        *of_workspace += 1;
        places.all += 1;
        gauge!(SUBSCRIBERS).set(places.all as f64);
        Ok(Place { hub: self.clone(), workspace })
    }

    /// Whether the process was told to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Closes every subscription.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        // Nobody waits for a turn any more.
        self.readers.close();
        self.ring.wake_all();
    }

    /// Waits until every subscriber has left, or for a time.
    pub(crate) async fn emptied(&self, patience: Duration) {
        let mut left = self.left.subscribe();
        let is_empty = |_: &()| self.places.lock().unwrap_or_else(PoisonError::into_inner).all == 0;
        drop(timeout(patience, left.wait_for(is_empty)).await);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.hub.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.all -= 1;
        gauge!(SUBSCRIBERS).set(places.all as f64);
        if let Some(of_workspace) = places.by_workspace.get_mut(&self.workspace) {
            *of_workspace -= 1;
            if *of_workspace == 0 {
                places.by_workspace.remove(&self.workspace);
            }
        }
        drop(places);
        self.hub.left.send_replace(());
    }
}

impl Place {
    /// The hub that it is a place of.
    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Whose place it is.
    pub(super) fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// Begins a subscription after a sequence, or with what comes from now on.
///
/// # Errors
/// Those of [`Hub::place`]; 400 for a sequence beyond the log's end; 503 when the log is away.
pub(crate) async fn subscribe(
    hub: &Arc<Hub>,
    admitted: runtime::auth::Admitted,
    filter: super::filter::Filter,
    after: Option<u64>,
) -> Result<Subscription, Problem> {
    let place = hub.place(admitted.caller.workspace)?;
    let log = hub.log(hub.config.heartbeat).await?.clone();
    let position = after.unwrap_or_else(|| hub.ring.end());
    // Those between the end of the ring and that of the log are on their way; none after that is known to anybody.
    if position > hub.ring.end() {
        let head = log.head().await?;
        if position > head {
            let detail = format_args!("asked for what follows {position}, and the log ends at {head}");
            return Err(Problem::invalid_parameter(detail));
        }
    }
    Ok(Subscription::new(place, log, filter, position, admitted.until))
}

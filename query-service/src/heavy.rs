//! Work that takes a processor and whole texts: a few at a time, off the threads that serve.

use runtime::http::Problem;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns at such work; clones share them.
#[derive(Clone)]
pub(crate) struct Heavy(Arc<Semaphore>);

/// A turn. Take it before the texts are read.
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Heavy {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<Turn, Problem> {
        self.0.clone().acquire_owned().await.map(Turn).map_err(|_| Problem::internal())
    }
}

impl Turn {
    /// Does the work. The turn lasts as long as it, whether or not anybody waits for it still.
    pub(crate) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let work = move || {
            let _turn = self;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
    }
}

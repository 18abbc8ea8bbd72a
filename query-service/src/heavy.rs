//! Work that takes a processor and whole texts: a few at a time, off the threads that serve.

use runtime::http::{Problem, off_thread};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a turn is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Turns at such work; clones share them.
#[derive(Clone)]
pub(crate) struct Heavy(Arc<Semaphore>);

/// A turn. Take it before the texts are read.
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Heavy {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once.max(1))))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// 503 `overloaded` when it does not come in time.
    pub(crate) async fn turn(&self) -> Result<Turn, Problem> {
        let turn = timeout(PATIENCE, self.0.clone().acquire_owned()).await.map_err(|_| Problem::overloaded(1))?;
        turn.map(Turn).map_err(|_| Problem::internal())
    }
}

impl Turn {
    /// Does the work. The turn lasts as long as it, whether or not anybody waits for it still.
    pub(crate) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        off_thread(self, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_the_work() {
        let heavy = Heavy::new(0);
        let turn = heavy.turn().await.expect("there is always one");
        let (begin, begun) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let work = turn.run(move || {
            begin.send(()).expect("somebody listens");
            ended.recv()
        });
        tokio::select! {
            _ = work => panic!("it was not told to end"),
            begun = begun => begun.expect("it begins"),
        }
        // Nobody waits for it any more.
        assert!(heavy.turn().now_or_never().is_none(), "the work goes on");
        end.send(()).expect("it listens");
        assert_eq!(heavy.turn().await.expect("a turn").run(|| 7).await, Ok(7));
    }
}

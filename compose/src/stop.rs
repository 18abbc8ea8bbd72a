//! Being told to stop: SIGINT from a terminal, or SIGTERM. Heard from the very beginning, so that none is missed.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ears for the signals that end the runner.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let hear = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Done when told to stop; once more for each further time.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

//! Restarting what dies: at once the first time, then with growing pauses, until it lives again for a while.

use crate::data::put_aside;
use crate::facts::Board;
use crate::process::{self, Spec};
use crate::say;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking, spawn_local};
use tokio::time::{MissedTickBehavior, interval_at, sleep};

/// A life longer than this is a good one: after it the next restart is at once again.
const GOOD_LIFE: Duration = Duration::from_secs(10);
/// How often is looked how long a log is.
const LOOK: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A process that is kept alive.
pub(crate) struct Supervised {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Supervised {
    /// Takes over a running child.
    pub(crate) fn new(spec: Spec, child: Child, board: Board) -> Self {
        if let Some(pid) = child.id() {
            board.started(spec.name, pid);
        }
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: spawn_local(keep_alive(spec, child, board, stopped)) }
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        drop(self.task.await);
    }
}

async fn keep_alive(spec: Spec, mut child: Child, board: Board, mut stopped: oneshot::Receiver<()>) {
    let mut pause = Duration::ZERO;
    loop {
        let born = Instant::now();
        let ended = tokio::select! {
            status = lived(&spec, &mut child) => status,
            _ = &mut stopped => {
                process::stop(&mut child, spec.stop_signal, spec.patience).await;
                return;
            }
        };
        if born.elapsed() > GOOD_LIFE {
            pause = Duration::ZERO;
        }
        if ended.and_then(|status| status.code()).is_some_and(|code| spec.hopeless_status == Some(code)) {
            say::line(format_args!("{} ended ({}) and stays down; {}", spec.name, describe(ended), spec.last_words()));
            return;
        }
        say::line(format_args!("{} ended ({}), restarting", spec.name, describe(ended)));
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                _ = &mut stopped => return,
            }
            pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            match spec.spawn() {
                Ok(next) => {
                    child = next;
                    break;
                }
                Err(error) => say::line(format_args!("{error:#}")),
            }
        }
        if let Some(pid) = child.id() {
            board.started(spec.name, pid);
        }
    }
}

/// Waits until a process has ended, and looks after its log meanwhile.
async fn lived(spec: &Spec, child: &mut Child) -> Option<ExitStatus> {
    let mut looks = interval_at(tokio::time::Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            status = child.wait() => return status.ok(),
            _ = looks.tick() => {
                let log = spec.log.clone();
                if let Ok(Err(error)) = spawn_blocking(move || put_aside(&log)).await {
                    say::line(format_args!("the log {} is not put aside: {error}", spec.log.display()));
                }
            }
        }
    }
}

/// How a process ended, in words.
pub(crate) fn describe(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => format!("signal {signal}"),
        Some((None, Some(code))) => format!("exit status {code}"),
        _ => "unknown".to_owned(),
    }
}

//! How far filling a generation is: a bar on a terminal, else a line of JSON on standard error each second.

use crate::projection::Projection;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(1);

/// Shown until it is dropped.
pub(crate) struct Progress {
    state: Arc<Mutex<State>>,
    bar: ProgressBar,
    lines: Option<JoinHandle<()>>,
}

struct State {
    projection: Projection,
    phase: &'static str,
    begun: Instant,
    from: u64,
    at: u64,
    events: u64,
    head: u64,
}

/// One line.
#[derive(Serialize)]
struct Line {
    projection: Projection,
    phase: &'static str,
    /// Events that this process has applied.
    events: u64,
    /// Where the generation stands.
    sequence: u64,
    /// Where the log ends.
    head: u64,
    /// Events a second since this process began.
    rate: f64,
    /// Until the head is reached at that rate; nothing before there is a rate.
    eta_seconds: Option<f64>,
}

impl Progress {
    /// Begins to show a generation that stands at a sequence.
    pub(crate) fn begin(projection: Projection, from: u64, json: bool) -> Self {
        let state =
            State { projection, phase: "filling", begun: Instant::now(), from, at: from, events: 0, head: from };
        let state = Arc::new(Mutex::new(state));
        if json || !std::io::stderr().is_terminal() {
            let lines = tokio::spawn(write_lines(state.clone()));
            return Self { state, bar: ProgressBar::hidden(), lines: Some(lines) };
        }
        let template = "{prefix} {bar:40} {pos}/{len} events, {per_sec}, {eta} left, {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0)
            .with_style(style)
            .with_message("filling")
            .with_prefix(projection.name())
            .with_position(from);
        // What an earlier process has done is no part of this one's rate.
        bar.reset_eta();
        Self { state, bar, lines: None }
    }

    /// The head of the log is there.
    pub(crate) fn head(&mut self, head: u64) {
        self.change(|state| state.head = state.head.max(head));
        self.bar.set_length(head);
    }

    /// The generation stands here now.
    pub(crate) fn at(&mut self, sequence: u64, events: u64) {
        self.change(|state| {
            (state.at, state.events) = (sequence, events);
            state.head = state.head.max(sequence);
        });
        self.bar.set_position(sequence);
    }

    /// Something else is done now.
    pub(crate) fn phase(&mut self, phase: &'static str) {
        self.change(|state| state.phase = phase);
        self.bar.set_message(phase);
    }

    /// Writes the last line, or takes the bar away.
    pub(crate) fn finish(&mut self) {
        self.bar.finish_and_clear();
        if let Some(lines) = self.lines.take() {
            lines.abort();
            self.change(|state| state.phase = "done");
            write(&self.state);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            lines.abort();
        }
    }
}

async fn write_lines(state: Arc<Mutex<State>>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        write(&state);
    }
}

fn write(state: &Mutex<State>) {
    let line = state.lock().unwrap_or_else(PoisonError::into_inner).line();
    let line = serde_json::to_string(&line).expect("a line is plain JSON");
    // Who closes standard error does not want to know.
    drop(writeln!(std::io::stderr(), "{line}"));
}

impl State {
    fn line(&self) -> Line {
        let rate = (self.at - self.from) as f64 / self.begun.elapsed().as_secs_f64().max(1e-3);
        let left = self.head.saturating_sub(self.at) as f64;
        Line {
            projection: self.projection,
            phase: self.phase,
            events: self.events,
            sequence: self.at,
            head: self.head,
            rate: rate.round(),
            eta_seconds: (rate > 0.0).then(|| (left / rate).round()),
        }
    }
}

//! A rebuild that is looked on while it runs, by the progress that it tells.

use crate::system::System;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

/// A rebuild that is looked on.
pub struct Running {
    /// Its process.
    pub child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts one.
    pub fn start(system: &System, args: &[&str]) -> Self {
        let mut command = system.projector_command(&["rebuild", "--json", "--log", "warn"]);
        let mut child =
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the projector starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    /// The next line of progress; nothing after the last.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.lines.next_line().await.expect("lines can be read")?;
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
            if line["phase"].is_string() {
                return Some(line);
            }
        }
    }

    /// The next line of progress, which must come.
    pub async fn progress(&mut self) -> Value {
        self.next().await.expect("it says how far it is")
    }

    /// Waits for progress of some kind, and says up to where that was.
    pub async fn until(&mut self, is_there: impl Fn(&Value) -> bool) -> u64 {
        loop {
            let line = self.progress().await;
            assert_ne!(line["phase"], "done", "it was too fast to be killed");
            if is_there(&line) {
                return sequence(&line);
            }
        }
    }
}

/// The `sequence` of something in JSON.
#[track_caller]
pub fn sequence(of: &Value) -> u64 {
    of["sequence"].as_u64().unwrap_or_else(|| panic!("no sequence in {of}"))
}

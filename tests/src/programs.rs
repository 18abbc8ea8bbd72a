//! Programs that are not ours, as subscribers: their output is read line by line.

use crate::system::System;
use crate::tools::installed;
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a line may take that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs; it ends with the test.
pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts one, installed from the Debian package of its name where it is missing.
    pub fn start(name: &'static str, args: &[&str]) -> Self {
        let mut command = Command::new(installed(&[name], name));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it is there");
        let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Self { child, lines }
    }

    /// The WebSocket client of another language, subscribed with a query string.
    pub fn socket(system: &System, query: &str, token: &str, more: &[&str]) -> Self {
        let address = query_address(system);
        let (host, port) = address.split_once(':').expect("a host and a port");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/websocket.py");
        let path = format!("/v1/events/socket{query}");
        Self::start("python3", &[&[script, host, port, &path, token], more].concat())
    }

    /// Its next line; nothing once it has ended.
    pub async fn line(&mut self) -> Option<String> {
        timeout(PATIENCE, self.lines.next_line()).await.expect("a line comes in time").expect("its output is text")
    }

    /// The next message of the WebSocket client that is an event, or its last line.
    pub async fn message(&mut self) -> String {
        loop {
            let line = self.line().await.expect("the client goes on");
            if !line.contains(r#""type":"position""#) {
                return line;
            }
        }
    }

    /// Says something to it.
    pub async fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is piped");
        input.write_all(line.as_bytes()).await.expect("it listens");
        input.flush().await.expect("it listens");
    }
}

/// Whether a program of ours that runs a system of itself was started as a part of that system.
pub fn is_of_system(args: &[OsString]) -> bool {
    let parts = ["command-service", "query-service", "projector", "--data"];
    args.get(1).is_some_and(|arg| parts.iter().any(|part| arg == part))
}

/// Host and port of the query-service.
pub fn query_address(system: &System) -> String {
    system.fact("query_url").trim_start_matches("http://").to_owned()
}

//! The system under measurement: a child that ends with this process, whatever ends this process.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::http::{self, Request};

/// The services.
pub(crate) const SERVICES: [&str; 3] = ["command-service", "query-service", "projector"];
/// The servers.
pub(crate) const SERVERS: [&str; 3] = ["nats-server", "postgres", "redis-server"];

/// How long a start may take: the first one on a fresh machine installs the servers.
const START: Duration = Duration::from_secs(900);
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(30);
/// How long the projector may need for what was written: at most a million events.
const CATCH_UP: Duration = Duration::from_secs(600);

/// A running system on a data folder of its own.
pub(crate) struct Stack {
    runner: Child,
    /// Held open: the runner may still write.
    _output: Lines<BufReader<ChildStdout>>,
    data: PathBuf,
    facts: Value,
}

impl Stack {
    /// Starts it on an empty data folder.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let data = std::env::temp_dir().join(format!("syncboard-bench-{}", std::process::id()));
        let mut command = child()?;
        command.arg("--data").arg(&data).arg("--json");
        for flag in ["--command-listen", "--query-listen", "--projector-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        for name in ["DATABASE_URL", "NATS_URL", "REDIS_URL", "SYNCBOARD_DATA"] {
            command.env_remove(name);
        }
        let mut runner = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(runner.stdout.take().context("the runner has no output")?).lines();
        let mut stack = Self { runner, _output: output, data, facts: Value::Null };
        let line =
            tokio::time::timeout(START, stack._output.next_line()).await.context("the system does not start")??;
        stack.facts = serde_json::from_str(&line.context("the system did not start")?)?;
        Ok(stack)
    }

    /// A fact of the runner.
    pub(crate) fn fact(&self, name: &str) -> anyhow::Result<&str> {
        self.facts[name].as_str().with_context(|| format!("the runner does not say its {name}"))
    }

    /// What an acknowledged event survives.
    pub(crate) fn durability(&self) -> String {
        format!("1 replica, {}", self.facts["durability"].as_str().unwrap_or("durability unknown"))
    }

    /// Host and port of a service.
    pub(crate) fn address(&self, url: &str) -> anyhow::Result<&str> {
        Ok(self.fact(url)?.trim_start_matches("http://"))
    }

    /// The log, with the credential of services or of the administrator.
    pub(crate) fn nats(&self, url: &str) -> anyhow::Result<runtime::config::Nats> {
        Ok(runtime::config::Nats { nats_url: self.fact(url)?.parse()?, nats_timeout: Duration::from_secs(10) })
    }

    /// Where the runner keeps its data.
    pub(crate) fn data(&self) -> &std::path::Path {
        &self.data
    }

    /// The process that a part was started as.
    pub(crate) fn pid(&self, part: &str) -> u32 {
        self.facts["pids"][part].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
    }

    /// Stops or continues a part.
    pub(crate) fn signal(&self, part: &str, signal: Signal) -> anyhow::Result<()> {
        send(self.pid(part), signal)
    }

    /// Waits until the read models show the whole log.
    pub(crate) async fn caught_up(&self) -> anyhow::Result<()> {
        let mut http = http::Connection::open(self.address("projector_url")?).await?;
        let mut health = Request::new("GET", "/health", "", "");
        let begun = Instant::now();
        while begun.elapsed() < CATCH_UP {
            let health: Value = serde_json::from_slice(http.send(health.numbered(0)).await?.body)?;
            if health["statistics"]["lag"] == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("the projector does not catch up")
    }

    /// Fails if a part died and was started again: what was measured meanwhile means nothing.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let now: Value = serde_json::from_slice(&std::fs::read(self.data.join("run.json"))?)?;
        for part in SERVICES.iter().chain(&SERVERS) {
            anyhow::ensure!(now["pids"][part] == self.facts["pids"][part], "{part} died and was started again");
        }
        Ok(())
    }

    /// Stops it and removes its data.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        send(self.runner.id().context("the runner died")?, Signal::TERM)?;
        let status = tokio::time::timeout(STOP, self.runner.wait()).await.context("the system does not stop")??;
        anyhow::ensure!(status.success(), "the runner ended with {status}");
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(pid) = self.runner.id() {
            drop(send(pid, Signal::TERM));
            let begun = Instant::now();
            while begun.elapsed() < STOP && matches!(self.runner.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
            drop(self.runner.start_kill());
        }
        drop(std::fs::remove_dir_all(&self.data));
    }
}

/// The system's projector, stopped until this is dropped.
pub(crate) struct Stopped<'a>(&'a Stack);

impl<'a> Stopped<'a> {
    /// Stops it.
    pub(crate) fn projector(stack: &'a Stack) -> anyhow::Result<Self> {
        stack.signal("projector", Signal::STOP)?;
        Ok(Self(stack))
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.signal("projector", Signal::CONT) {
            eprintln!("the projector does not go on: {error:#}");
        }
    }
}

/// This program as a child that is killed when this process ends, and to which no interrupt of the terminal goes.
pub(crate) fn child() -> anyhow::Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(std::env::current_exe()?);
    command.process_group(0).kill_on_drop(true);
    Ok(command)
}

fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no such process")?;
    Ok(kill_process(pid, signal)?)
}

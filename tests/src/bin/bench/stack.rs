//! The system under measurement, and what its processes use.

use anyhow::Context;
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Processes of a stack, the services first.
pub(crate) const PARTS: [&str; 6] =
    ["command-service", "query-service", "projector", "nats-server", "postgres", "redis-server"];

/// A running system; ends with this process.
pub(crate) struct Stack {
    runner: Child,
    data: std::path::PathBuf,
    facts: Value,
}

impl Stack {
    /// Starts it on an empty data folder.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let data = std::env::temp_dir().join(format!("syncboard-bench-{}", std::process::id()));
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(std::env::current_exe()?)
            .arg("--data")
            .arg(&data)
            .arg("--json");
        for flag in ["--command-listen", "--query-listen", "--projector-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        for name in ["DATABASE_URL", "NATS_URL", "REDIS_URL"] {
            command.env_remove(name);
        }
        let mut runner = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let output = runner.stdout.take().context("no output")?;
        let line = BufReader::new(output).lines().next().context("the system did not start")??;
        Ok(Self { runner, data, facts: serde_json::from_str(&line)? })
    }

    /// A fact of the runner.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_default()
    }

    /// What an acknowledged event survives.
    pub(crate) fn durability(&self) -> String {
        format!("1 replica, {}", self.fact("durability"))
    }

    /// Host and port of a service.
    pub(crate) fn address(&self, url: &str) -> String {
        self.fact(url).trim_start_matches("http://").to_owned()
    }

    /// The process of a part.
    pub(crate) fn pid(&self, part: &str) -> u32 {
        self.facts["pids"][part].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
    }

    /// Resident memory of a part in MB: now (`VmRSS`) or at most so far (`VmHWM`).
    pub(crate) fn memory(&self, part: &str, line: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(part))).unwrap_or_default();
        let kilobytes = status.lines().find_map(|text| {
            text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next()?.parse::<f64>().ok()
        });
        kilobytes.unwrap_or(0.0) / 1_024.0
    }

    /// Processor seconds that all parts have used, the backends of PostgreSQL with them.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let backends =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid("postgres"))).unwrap_or_default();
        let parts = PARTS.iter().map(|part| self.pid(part));
        let all = parts.chain(backends.split_whitespace().filter_map(|pid| pid.parse().ok()));
        all.map(cpu_ticks).sum::<f64>() / 100.0
    }

    /// Stops or continues a part.
    pub(crate) fn signal(&self, part: &str, signal: Signal) {
        tests::system::send(self.pid(part), signal);
    }

    /// Waits until the read models show the whole log.
    pub(crate) async fn caught_up(&self) -> anyhow::Result<()> {
        let http = tests::client::http();
        for _ in 0..6_000 {
            let health: Value = http.get(format!("{}/health", self.fact("projector_url"))).send().await?.json().await?;
            if health["statistics"]["lag"] == 0 {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("the projector does not catch up")
    }

    /// Stops it and removes its data.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        tests::system::send(self.runner.id(), Signal::TERM);
        self.runner.wait()?;
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.runner.kill());
        drop(self.runner.wait());
        drop(std::fs::remove_dir_all(&self.data));
    }
}

fn cpu_ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    field(11) + field(12)
}

//! Starting and stopping child processes. A child dies with the runner, however the runner dies.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How a process is started.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) log: PathBuf,
    /// Options of setpriv that take privileges away.
    pub(crate) privileges: Vec<String>,
    /// What it is sent when the runner dies: a name as setpriv knows it.
    pub(crate) death_signal: &'static str,
    /// What asks it to stop.
    pub(crate) stop_signal: Signal,
    /// How long it may take to stop when asked.
    pub(crate) patience: Duration,
    /// An exit status after which starting it again would not help.
    pub(crate) hopeless_status: Option<i32>,
}

impl Spec {
    /// A process with usual signals.
    pub(crate) fn new(name: &'static str, program: &Path, log: PathBuf) -> Self {
        Self {
            name,
            program: program.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            log,
            privileges: Vec::new(),
            death_signal: "KILL",
            stop_signal: Signal::TERM,
            patience: Duration::from_secs(20),
            hopeless_status: None,
        }
    }

    /// Adds arguments.
    pub(crate) fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts it.
    pub(crate) fn spawn(&self) -> anyhow::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().with_context(|| format!("cannot start {}", self.program.display()))
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> anyhow::Result<ExitStatus> {
        Ok(self.spawn()?.wait().await?)
    }

    /// The command, through setpriv where there is one (Linux): it sets the parent-death signal, after the account.
    fn command(&self) -> Command {
        let mut command = if has_setpriv() {
            let mut command = Command::new(SETPRIV);
            command.args(&self.privileges).arg("--pdeathsig").arg(self.death_signal).arg("--").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        // A secret that is given as a file is not to be given twice.
        for name in self.env.iter().filter_map(|(name, _)| name.strip_suffix("_FILE")) {
            command.env_remove(name);
        }
        // A process group of its own: an interrupt from the terminal goes to the runner alone, which stops all in order.
        command.args(&self.args).envs(self.env.iter().cloned()).process_group(0).kill_on_drop(true);
        command
    }

    /// The last lines that it logged, and where the others are.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n");
        format!("its log {} ends with\n{last}", self.log.display())
    }
}

pub(crate) const SETPRIV: &str = "/usr/bin/setpriv";

pub(crate) fn has_setpriv() -> bool {
    Path::new(SETPRIV).exists()
}

/// Asks a child to stop, and kills it when it takes longer than `patience`.
pub(crate) async fn stop(child: &mut Child, ask: Signal, patience: Duration) {
    signal(child, ask);
    if timeout(patience, child.wait()).await.is_err() {
        signal(child, Signal::KILL);
        drop(child.wait().await);
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}

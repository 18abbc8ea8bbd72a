//! Installing the servers that are missing, where that can be done without asking; saying what to install where not.

use crate::data::{Data, is_root};
use crate::find::Server;
use anyhow::Context;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.d/syncboard.conf";

/// Makes sure that the wanted servers are on this machine.
pub(crate) fn ensure(wanted: &[Server], may_install: bool, data: &Data) -> anyhow::Result<()> {
    if missing(wanted).is_empty() {
        return Ok(());
    }
    if !may_install || !can_install() {
        anyhow::bail!(advice(&missing(wanted)));
    }
    // Several runners may start at once, as tests do: one installs, the others find what it installed.
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(std::env::temp_dir().join("syncboard-install.lock"))?;
    lock.lock()?;
    let missing_now = missing(wanted);
    if !missing_now.is_empty() {
        install(&missing_now, data)?;
    }
    let still = missing(wanted);
    anyhow::ensure!(still.is_empty(), "{}", advice(&still));
    Ok(())
}

fn missing(wanted: &[Server]) -> Vec<Server> {
    wanted.iter().copied().filter(|server| server.find().is_none()).collect()
}

const fn package(server: Server) -> &'static str {
    match server {
        Server::Postgres => "postgresql",
        Server::Nats => "nats-server",
        Server::Redis => "redis-server",
    }
}

fn can_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && (is_root() || succeeds(Command::new("sudo").args(["-n", "true"])))
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn install(servers: &[Server], data: &Data) -> anyhow::Result<()> {
    let packages: Vec<_> = servers.iter().map(|server| package(*server)).collect();
    eprintln!("installing {} with apt-get (log: {})", packages.join(", "), data.log("apt").display());
    let log = OpenOptions::new().create(true).append(true).open(data.log("apt"))?;
    let _quiet = Quiet::begin()?;
    let wait = "DPkg::Lock::Timeout=300";
    apt(&log, &["-o", wait, "update", "-qq"])?;
    let mut install = vec!["-o", wait, "install", "-y", "-qq", "--no-install-recommends"];
    install.extend(packages);
    apt(&log, &install)
}

fn apt(log: &File, args: &[&str]) -> anyhow::Result<()> {
    let mut command = privileged("env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
    let status = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?).status()?;
    anyhow::ensure!(status.success(), "apt-get {} failed, see its log", args.join(" "));
    Ok(())
}

fn privileged(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Keeps Debian's packages from starting servers of their own, and PostgreSQL's from making a cluster, while it lives.
struct Quiet {
    removes_policy: bool,
}

impl Quiet {
    fn begin() -> anyhow::Result<Self> {
        let removes_policy = !Path::new(POLICY).exists();
        if removes_policy {
            place(POLICY, "#!/bin/sh\nexit 101\n", "0755")?;
        }
        if !Path::new("/usr/bin/pg_createcluster").exists() {
            place(CLUSTERS, "create_main_cluster = false\n", "0644")?;
        }
        Ok(Self { removes_policy })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if self.removes_policy {
            succeeds(privileged("rm").args(["-f", POLICY]));
        }
    }
}

/// Puts a small file in a place that needs privileges.
fn place(path: &str, text: &str, mode: &str) -> anyhow::Result<()> {
    let draft = std::env::temp_dir().join(format!("syncboard-{}", crate::data::random()));
    fs::write(&draft, text)?;
    let placed = succeeds(privileged("install").args(["-D", "-m", mode]).arg(&draft).arg(path));
    fs::remove_file(&draft).context("cannot remove a temporary file")?;
    anyhow::ensure!(placed, "cannot write {path}");
    Ok(())
}

fn advice(missing: &[Server]) -> String {
    let names: Vec<_> = missing.iter().map(|server| format!("  {}", server.name())).collect();
    let debian: Vec<_> = missing.iter().map(|server| package(*server)).collect();
    let (mut fedora, mut brew) = (Vec::new(), Vec::new());
    for server in missing {
        match server {
            Server::Postgres => (fedora.push("postgresql-server"), brew.push("postgresql@17")),
            Server::Nats => (fedora.push("nats-server"), brew.push("nats-server")),
            Server::Redis => (fedora.push("valkey"), brew.push("redis")),
        };
    }
    format!(
        "these servers are missing, or too old:\n{}\n\n\
         Debian, Ubuntu:  sudo apt-get install --no-install-recommends {}\n\
         Fedora:          sudo dnf install {}\n\
         macOS:           brew install {}\n\n\
         or use servers that run already: set DATABASE_URL, NATS_URL and REDIS_URL",
        names.join("\n"),
        debian.join(" "),
        fedora.join(" "),
        brew.join(" ")
    )
}

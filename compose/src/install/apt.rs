//! Debian's and Ubuntu's packages, installed without starting servers or making a cluster.

use crate::data::{is_root, random};
use anyhow::Context;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.d/syncboard.conf";
/// Stands in the files that are ours, so that those which an interrupted installation left are removed by the next.
const MARK: &str = "# placed by syncboard while it installs servers";

/// Whether packages can be installed without asking anybody.
pub(super) fn can_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && (is_root() || succeeds(Command::new("sudo").args(["-n", "true"])))
}

/// Installs packages; what apt says goes to a log.
pub(super) fn install(packages: &[&str], log: &Path) -> anyhow::Result<()> {
    let output = OpenOptions::new().create(true).append(true).open(log)?;
    let _quiet = Quiet::begin()?;
    let wait = "DPkg::Lock::Timeout=300";
    // A foreign package source that does not answer fails the update, and is no reason not to try.
    let is_updated = apt(&output, &["-o", wait, "update", "-qq"])?;
    let mut install = vec!["-o", wait, "install", "-y", "-qq", "--no-install-recommends"];
    install.extend(packages);
    let is_installed = apt(&output, &install)?;
    anyhow::ensure!(
        is_installed,
        "apt-get could not {}install {}; see {}",
        if is_updated { "" } else { "update or " },
        packages.join(" "),
        log.display()
    );
    Ok(())
}

fn apt(log: &File, args: &[&str]) -> anyhow::Result<bool> {
    let mut command = privileged("env");
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
    let status = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?).status()?;
    Ok(status.success())
}

fn privileged(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Keeps packages from starting servers of their own, and PostgreSQL's from making a cluster, while it lives.
struct Quiet {
    placed: Vec<&'static str>,
}

impl Quiet {
    fn begin() -> anyhow::Result<Self> {
        let mut quiet = Self { placed: Vec::new() };
        quiet.place(POLICY, &format!("#!/bin/sh\n{MARK}\nexit 101\n"), "0755")?;
        if !Path::new("/usr/bin/pg_createcluster").exists() {
            quiet.place(CLUSTERS, &format!("{MARK}\ncreate_main_cluster = false\n"), "0644")?;
        }
        Ok(quiet)
    }

    /// Puts a small file in a place that needs privileges, unless somebody else's is there.
    fn place(&mut self, path: &'static str, text: &str, mode: &str) -> anyhow::Result<()> {
        if Path::new(path).exists() && !fs::read_to_string(path).is_ok_and(|text| text.contains(MARK)) {
            return Ok(());
        }
        let draft = std::env::temp_dir().join(format!("syncboard-{}", random()));
        fs::write(&draft, text)?;
        let is_placed = succeeds(privileged("install").args(["-D", "-m", mode]).arg(&draft).arg(path));
        fs::remove_file(&draft).context("cannot remove a temporary file")?;
        anyhow::ensure!(is_placed, "cannot write {path}");
        self.placed.push(path);
        Ok(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        for path in &self.placed {
            succeeds(privileged("rm").args(["-f", path]));
        }
    }
}

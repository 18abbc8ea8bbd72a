//! Installing the servers that are missing, where that can be done without asking; saying what to install where not.

mod advice;
mod apt;

use crate::data::Data;
use crate::find::Server;
use crate::say;
use rustix::process::geteuid;
use std::fs::{OpenOptions, TryLockError};
use std::path::Path;

/// Makes sure that the wanted servers are on this machine.
pub(crate) async fn ensure(wanted: &[Server], may_install: bool, data: &Data) -> anyhow::Result<()> {
    if missing(wanted).is_empty() {
        return Ok(());
    }
    if !may_install || !apt::can_install() {
        anyhow::bail!(advice::on(&missing(wanted)));
    }
    let (wanted, log) = (wanted.to_vec(), data.log("apt"));
    // On a thread of its own, so that the runner hears when it is told to stop; the installation is ended orderly even so.
    tokio::task::spawn_blocking(move || install(&wanted, &log)).await?
}

/// Several runners may start at once, as tests do: one installs, the others find what it installed.
fn install(wanted: &[Server], log: &Path) -> anyhow::Result<()> {
    let path = std::env::temp_dir().join(format!("syncboard-install-{}.lock", geteuid().as_raw()));
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say::line("waiting for another runner, which installs servers");
            lock.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let missing_now = missing(wanted);
    if !missing_now.is_empty() {
        let packages: Vec<_> = missing_now.iter().map(|server| package(*server)).collect();
        say::line(format_args!("installing {} with apt-get (log: {})", packages.join(", "), log.display()));
        apt::install(&packages, log)?;
        say::done("servers installed");
    }
    let still = missing(wanted);
    anyhow::ensure!(still.is_empty(), "{}", advice::on(&still));
    Ok(())
}

fn missing(wanted: &[Server]) -> Vec<Server> {
    wanted.iter().copied().filter(|server| server.find().is_none()).collect()
}

/// Debian's package.
const fn package(server: Server) -> &'static str {
    match server {
        Server::Postgres => "postgresql",
        Server::Nats => "nats-server",
        Server::Redis => "redis-server",
    }
}

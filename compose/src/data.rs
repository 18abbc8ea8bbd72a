//! The data folder: who may read it, who is using it, and the secrets in it.

use anyhow::Context;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A log over so many bytes is put aside.
const LONG_LOG: u64 = 10 << 20;

/// A data folder that this process holds.
pub(crate) struct Data {
    /// Its absolute path.
    pub(crate) path: PathBuf,
    is_ephemeral: bool,
    _lock: File,
}

/// Passwords of the private servers and the secret that signs tokens; made once, kept with mode 0600.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) postgres: String,
    pub(crate) nats_admin: String,
    pub(crate) nats_services: String,
    pub(crate) nats_subscriber: String,
    pub(crate) redis: String,
    pub(crate) secret_key: String,
}

impl Data {
    /// Opens a folder, making it if need be, for this process alone.
    pub(crate) fn open(path: &Path, is_ephemeral: bool) -> anyhow::Result<Self> {
        let path = if is_ephemeral {
            std::env::temp_dir().join(format!("syncboard-{}", random()))
        } else {
            std::path::absolute(path)?
        };
        // The database's account must be able to pass through; what is secret has modes of its own.
        let mode = if is_root() { 0o711 } else { 0o700 };
        if !path.exists() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(&path)
                .with_context(|| format!("cannot make {}", path.display()))?;
        }
        let logs = path.join("logs");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&logs)
            .with_context(|| format!("cannot make {}", logs.display()))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, is_ephemeral, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                anyhow::bail!(
                    "{} is in use by another runner; stop it, or choose another folder with --data",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
        }
    }

    /// The secrets of the folder, made on first use.
    pub(crate) fn secrets(&self) -> anyhow::Result<Secrets> {
        let path = self.path.join("secrets.json");
        if let Some(secrets) = read_json(&path)? {
            return Ok(secrets);
        }
        let secrets = Secrets {
            postgres: random(),
            nats_admin: random(),
            nats_services: random(),
            nats_subscriber: random(),
            redis: random(),
            secret_key: format!("{}{}", random(), random()),
        };
        write_json(&path, &secrets)?;
        Ok(secrets)
    }

    /// Keeps a secret in a file of its own, for the services, unless there is one already: it may have been replaced since.
    pub(crate) fn keep_first(&self, name: &str, value: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join("credentials").join(name);
        if path.exists() { Ok(path) } else { self.keep(name, value) }
    }

    /// Keeps a secret in a file of its own, for the services.
    pub(crate) fn keep(&self, name: &str, value: &str) -> anyhow::Result<PathBuf> {
        let folder = self.path.join("credentials");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(name);
        write_private(&path, value.as_bytes())?;
        Ok(path)
    }

    /// Where a process logs to; a long log is put aside first.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        let path = self.path.join("logs").join(format!("{name}.log"));
        if is_long(&path) {
            drop(fs::rename(&path, aside(&path)));
        }
        path
    }
}

fn is_long(log: &Path) -> bool {
    fs::metadata(log).is_ok_and(|log| log.len() > LONG_LOG)
}

fn aside(log: &Path) -> PathBuf {
    log.with_extension("log.1")
}

/// Puts what a log has aside, in place of what was put aside before, if it is long. The process that appends to it goes on;
/// what is written within the moment that it takes can be lost.
pub(crate) fn put_aside(log: &Path) -> std::io::Result<()> {
    if is_long(log) {
        fs::copy(log, aside(log))?;
        OpenOptions::new().write(true).truncate(true).open(log)?;
    }
    Ok(())
}

impl Drop for Data {
    fn drop(&mut self) {
        if !self.is_ephemeral {
            return;
        }
        // A server that was killed while it started may write for a moment longer.
        for _ in 0..50 {
            if fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Reads a JSON file; `None` if it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json).with_context(|| format!("{} is damaged", path.display()))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a JSON file that only its owner can read; whole or not at all.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    write_private(path, &serde_json::to_vec_pretty(value)?)
}

/// Writes a file that only its owner can read; whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_extension("tmp");
    drop(fs::remove_file(&unfinished));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Random bits of the operating system, 122 of them, hexadecimal.
pub(crate) fn random() -> String {
    format!("{:032x}", random_number())
}

/// A random number.
#[expect(clippy::disallowed_methods, reason = "passwords and ports must not be guessed, and are never made again")]
pub(crate) fn random_number() -> u128 {
    uuid::Uuid::new_v4().as_u128()
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_put_aside_under_its_writer() {
        let folder = std::env::temp_dir().join(format!("syncboard-log-{}", random()));
        fs::create_dir(&folder).expect("a folder");
        let path = folder.join("service.log");
        let mut log = OpenOptions::new().create(true).append(true).open(&path).expect("a log");
        log.write_all(b"short\n").expect("it is written");
        put_aside(&path).expect("nothing to do");
        assert_eq!(fs::read(&path).expect("a log"), b"short\n");

        log.write_all(&vec![b'x'; 10 << 20]).expect("it is written");
        put_aside(&path).expect("it is put aside");
        log.write_all(b"next\n").expect("it is written");
        assert_eq!(fs::read(&path).expect("a log"), b"next\n");
        assert_eq!(fs::metadata(path.with_extension("log.1")).expect("the one before").len(), (10 << 20) + 6);
        fs::remove_dir_all(folder).expect("it is there");
    }
}

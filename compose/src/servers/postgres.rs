//! The private PostgreSQL: it refuses to be root, so it gets an account without privileges.

use crate::data::{Data, Secrets, is_root};
use crate::find::{Found, Server};
use crate::process::{SETPRIV, Spec, has_setpriv};
use anyhow::Context;
use rustix::process::Signal;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// As whom the server runs.
pub(crate) struct Account {
    /// Options of setpriv; none when it runs as ourselves.
    privileges: Vec<String>,
    ids: Option<(u32, u32)>,
}

/// The program to run: the newest, or the one that wrote the files, which no other major version reads.
pub(crate) fn find(data: &Data) -> anyhow::Result<Found> {
    let Ok(version) = fs::read_to_string(data.path.join("postgres/PG_VERSION")) else {
        return Server::Postgres.find().context("PostgreSQL is gone");
    };
    let version = version.trim();
    let found = Server::Postgres.all().into_iter().filter(|found| found.version.0.to_string() == version);
    found.max_by_key(|found| found.version).with_context(|| {
        format!(
            "the database in {} was made by PostgreSQL {version}, which is not on this machine; install that version too \
             (Debian and Ubuntu: postgresql-{version}), or move the database to a newer one with pg_upgrade",
            data.path.join("postgres").display()
        )
    })
}

/// Makes the database's files on the first start. What was interrupted is begun anew.
pub(crate) async fn prepare(found: &Found, data: &Data, secrets: &Secrets) -> anyhow::Result<Account> {
    let account = account(&data.path)?;
    let (folder, unfinished) = (data.path.join("postgres"), data.path.join("postgres.new"));
    if folder.exists() {
        return Ok(account);
    }
    drop(fs::remove_dir_all(&unfinished));
    fs::DirBuilder::new().mode(0o700).create(&unfinished)?;
    let password = data.path.join("postgres.password");
    drop(fs::remove_file(&password));
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&password)?
        .write_all(secrets.postgres.as_bytes())?;
    if let Some((user, group)) = account.ids {
        chown(&unfinished, Some(user), Some(group))?;
        chown(&password, Some(user), Some(group))?;
    }
    let locale = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let mut initdb = Spec::new("initdb", &found.program.with_file_name("initdb"), data.log("initdb")).args([
        "--username=syncboard".into(),
        "--auth=scram-sha-256".into(),
        "--encoding=UTF8".into(),
        format!("--locale={locale}"),
        format!("--pwfile={}", password.display()),
        format!("--pgdata={}", unfinished.display()),
    ]);
    initdb.privileges.clone_from(&account.privileges);
    let status = initdb.run().await?;
    fs::remove_file(&password)?;
    anyhow::ensure!(status.success(), "initdb failed; {}", initdb.last_words());
    fs::rename(&unfinished, &folder)?;
    Ok(account)
}

/// How the server is started.
pub(crate) fn spec(found: &Found, port: u16, data: &Data, account: &Account) -> Spec {
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "max_connections=100".to_owned(),
        "max_wal_size=2GB".to_owned(),
        "wal_compression=on".to_owned(),
        "random_page_cost=1.1".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    let mut spec = Spec::new("postgres", &found.program, data.log("postgres"))
        .args(["-D".into(), data.path.join("postgres").into_os_string()])
        .args(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    spec.privileges.clone_from(&account.privileges);
    // When the runner dies: stop at once, and take the backends along. When it stops: end sessions, then stop cleanly.
    spec.death_signal = "QUIT";
    spec.stop_signal = Signal::INT;
    // It writes everything that it holds in memory before it ends; a kill would cost the next start a recovery.
    spec.patience = Duration::from_secs(60);
    spec
}

fn account(data: &Path) -> anyhow::Result<Account> {
    if !is_root() {
        return Ok(Account { privileges: Vec::new(), ids: None });
    }
    anyhow::ensure!(
        has_setpriv(),
        "PostgreSQL does not run as root, and setpriv (util-linux) is not here to drop privileges"
    );
    let name = ["postgres", "nobody"]
        .into_iter()
        .find(|name| id("-u", name).is_some())
        .context("no account to run PostgreSQL as")?;
    let (user, group) = id("-u", name).zip(id("-g", name)).context("no account to run PostgreSQL as")?;
    let mut privileges = vec![format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
    if !passes(&privileges, data) {
        // The folder lies in a home that others may not enter. Rather than open that home, the server may search folders.
        let plain = privileges.len();
        let is_enough = ["dac_read_search", "dac_override"].into_iter().any(|capability| {
            privileges.truncate(plain);
            privileges.extend([format!("--inh-caps=+{capability}"), format!("--ambient-caps=+{capability}")]);
            passes(&privileges, data)
        });
        anyhow::ensure!(
            is_enough,
            "the account {name}, as which PostgreSQL runs, cannot enter {}; choose another folder with --data, such as /var/lib/syncboard",
            data.display()
        );
    }
    Ok(Account { privileges, ids: Some((user, group)) })
}

fn id(option: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([option, name]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Whether a process with these privileges can enter a folder.
fn passes(privileges: &[String], folder: &Path) -> bool {
    let enters = Command::new(SETPRIV)
        .args(privileges)
        .args(["--", "sh", "-c", "cd \"$1\"", "sh"])
        .arg(folder)
        .stderr(Stdio::null())
        .status();
    enters.is_ok_and(|status| status.success())
}

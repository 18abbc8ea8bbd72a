//! The private servers: their configuration, their first start, and how each is told what it is.

mod nats;
mod postgres;
mod redis;

pub(crate) use nats::durability;

use crate::config::Run;
use crate::data::{Data, Secrets};
use crate::find::{Found, Server};
use crate::process::Spec;
use crate::{install, ports, ready};
use anyhow::Context;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

/// How long a private server may take to begin listening: after a crash PostgreSQL replays its write-ahead log first.
const START: Duration = Duration::from_secs(60);

/// A server that is running.
pub(crate) struct Started {
    pub(crate) spec: Spec,
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) version: (u32, u32, u32),
}

/// The private servers that were started; `None` where one that runs elsewhere is used.
pub(crate) struct Servers {
    pub(crate) postgres: Option<Started>,
    pub(crate) nats: Option<Started>,
    pub(crate) redis: Option<Started>,
}

/// Starts the servers that the configuration does not point at.
pub(crate) async fn start(config: &Run, data: &Data, secrets: &Secrets, say: impl Fn(&str)) -> anyhow::Result<Servers> {
    let is_given = |server| match server {
        Server::Postgres => config.database_url.is_some(),
        Server::Nats => config.nats_url.is_some(),
        Server::Redis => config.redis_url.is_some(),
    };
    let wanted: Vec<_> = Server::ALL.into_iter().filter(|server| !is_given(*server)).collect();
    install::ensure(&wanted, !config.no_install, data)?;
    let find = |server: Server| {
        wanted
            .contains(&server)
            .then(|| server.find().with_context(|| format!("{} is gone", server.name())))
            .transpose()
    };
    let (mut postgres, mut nats, mut redis) = (None, None, None);
    if let Some(found) = find(Server::Nats)? {
        nats = Some(begin(found, |found, port| nats::spec(found, port, config, data, secrets)).await?);
        say("nats-server");
    }
    if let Some(found) = find(Server::Redis)? {
        redis = Some(begin(found, |found, port| redis::spec(found, port, data, secrets)).await?);
        say("redis-server");
    }
    if let Some(found) = find(Server::Postgres)? {
        let account = postgres::prepare(&found, data, secrets).await?;
        postgres = Some(begin(found, |found, port| Ok(postgres::spec(found, port, data, &account))).await?);
        say("postgres");
    }
    Ok(Servers { postgres, nats, redis })
}

/// Starts a server on a free port and waits until it listens; another port, or another try, if it ends before.
async fn begin(found: Found, spec: impl Fn(&Found, u16) -> anyhow::Result<Spec>) -> anyhow::Result<Started> {
    let deadline = Instant::now() + START;
    loop {
        let port = ports::free()?;
        let spec = spec(&found, port)?;
        let mut child = spec.spawn()?;
        tokio::select! {
            () = ready::listening(port) => return Ok(Started { spec, child, port, version: found.version }),
            _ = child.wait() => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
        if Instant::now() >= deadline {
            anyhow::bail!("{} does not start; its log ends with\n{}", spec.name, spec.tail());
        }
        sleep(Duration::from_millis(300)).await;
    }
}

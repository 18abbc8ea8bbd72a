//! The private servers: their configuration, their first start, and how each is told what it is.

mod nats;
mod postgres;
mod redis;

pub(crate) use nats::durability;

use crate::config::Run;
use crate::data::{Data, Secrets};
use crate::facts::Board;
use crate::find::{Found, Server};
use crate::ports::Port;
use crate::process::Spec;
use crate::supervise::Supervised;
use crate::{install, ready, say};
use anyhow::Context;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long a private server may take to begin listening: after a crash PostgreSQL replays its write-ahead log first.
const START: Duration = Duration::from_secs(60);
/// How long a server that ends while it starts is tried again: its port may be taken, its predecessor still dying.
const RETRY: Duration = Duration::from_secs(10);

/// A server that is running; its port stays its own while it is restarted.
pub(crate) struct Running {
    pub(crate) port: Port,
    pub(crate) version: (u32, u32, u32),
}

/// The private servers that were started; `None` where one that runs elsewhere is used.
pub(crate) struct Servers {
    pub(crate) postgres: Option<Running>,
    pub(crate) nats: Option<Running>,
    pub(crate) redis: Option<Running>,
}

/// Starts the servers that the configuration does not point at.
pub(crate) async fn start(
    config: &Run,
    data: &Data,
    secrets: &Secrets,
    board: &Board,
    supervised: &mut Vec<Supervised>,
) -> anyhow::Result<Servers> {
    let is_given = |server| match server {
        Server::Postgres => config.database_url.is_some(),
        Server::Nats => config.nats_url.is_some(),
        Server::Redis => config.redis_url.is_some(),
    };
    let wanted: Vec<_> = Server::ALL.into_iter().filter(|server| !is_given(*server)).collect();
    install::ensure(&wanted, !config.no_install, data).await?;
    let find = |server: Server| {
        wanted
            .contains(&server)
            .then(|| server.find().with_context(|| format!("{} is gone", server.name())))
            .transpose()
    };
    let (mut postgres, mut nats, mut redis) = (None, None, None);
    if let Some(found) = find(Server::Nats)? {
        let spec = |found: &Found, port| nats::spec(found, port, config, data, secrets);
        nats = Some(begin(found, spec, board, supervised).await?);
    }
    if let Some(found) = find(Server::Redis)? {
        let spec = |found: &Found, port| redis::spec(found, port, data, secrets);
        redis = Some(begin(found, spec, board, supervised).await?);
    }
    if wanted.contains(&Server::Postgres) {
        let found = postgres::find(data)?;
        let account = postgres::prepare(&found, data, secrets).await?;
        let spec = |found: &Found, port| Ok(postgres::spec(found, port, data, &account));
        postgres = Some(begin(found, spec, board, supervised).await?);
    }
    Ok(Servers { postgres, nats, redis })
}

/// Starts a server on a free port and waits until it listens; another port, or another try, if it ends before.
async fn begin(
    found: Found,
    spec: impl Fn(&Found, u16) -> anyhow::Result<Spec>,
    board: &Board,
    supervised: &mut Vec<Supervised>,
) -> anyhow::Result<Running> {
    let begun = Instant::now();
    loop {
        let port = Port::free()?;
        let spec = spec(&found, port.number)?;
        let mut child = spec.spawn()?;
        let has_ended = tokio::select! {
            () = ready::listening(port.number) => {
                say::done(spec.name);
                supervised.push(Supervised::new(spec, child, board.clone()));
                return Ok(Running { port, version: found.version });
            }
            _ = child.wait() => true,
            () = sleep_until(begun + START) => false,
        };
        if !has_ended || begun.elapsed() > RETRY {
            anyhow::bail!("{} does not start; {}", spec.name, spec.last_words());
        }
        sleep(Duration::from_millis(300)).await;
    }
}

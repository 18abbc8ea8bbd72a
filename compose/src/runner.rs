//! The runner: servers, migration, services, and back again.

use crate::config::Run;
use crate::data::{Data, Secrets};
use crate::facts::{Board, Facts};
use crate::process::Spec;
use crate::servers::{self, Servers};
use crate::supervise::{Supervised, describe};
use crate::{ports, ready, screen};
use anyhow::Context;
use runtime::service::told_to_stop;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// How long the services may take to be ready.
const READY: Duration = Duration::from_secs(120);

/// Where the services listen.
struct Addresses {
    command: SocketAddr,
    query: SocketAddr,
    projector: SocketAddr,
}

/// Runs everything until told to stop.
pub(crate) async fn run(config: Run) -> anyhow::Result<ExitCode> {
    let data = Data::open(&config.data, config.ephemeral)?;
    let addresses = Addresses {
        command: ports::resolve(config.command_listen, "--command-listen")?,
        query: ports::resolve(config.query_listen, "--query-listen")?,
        projector: ports::resolve(config.projector_listen, "--projector-listen")?,
    };
    LocalSet::new()
        .run_until(async {
            tokio::select! {
                // A stop while starting: the children die with this process's handles on them.
                () = told_to_stop() => Ok(ExitCode::SUCCESS),
                system = start(&config, &data, &addresses) => system?.until_stopped().await,
            }
        })
        .await
}

/// Everything that runs, services before the servers that they need.
struct System {
    services: Vec<Supervised>,
    servers: Vec<Supervised>,
    board: Board,
}

impl System {
    async fn until_stopped(self) -> anyhow::Result<ExitCode> {
        told_to_stop().await;
        eprintln!("stopping");
        let stopping = async {
            futures_util::future::join_all(self.services.into_iter().map(Supervised::stop)).await;
            futures_util::future::join_all(self.servers.into_iter().map(Supervised::stop)).await;
        };
        tokio::select! {
            () = stopping => eprintln!("stopped"),
            () = told_to_stop() => eprintln!("stopped at once"),
        }
        self.board.clear();
        Ok(ExitCode::SUCCESS)
    }
}

async fn start(config: &Run, data: &Data, addresses: &Addresses) -> anyhow::Result<System> {
    let say = |what: &str| eprintln!("  ✓ {what}");
    eprintln!("preparing in {}", data.path.display());
    let secrets = data.secrets()?;
    let started = servers::start(config, data, &secrets, say).await?;
    let board = Board::new(facts(config, data, addresses, &secrets, &started));
    board.started("runner", std::process::id());
    let servers = [started.nats, started.redis, started.postgres]
        .into_iter()
        .flatten()
        .map(|server| Supervised::new(server.spec, server.child, board.clone()))
        .collect();

    let secret_key = config.secret_key.as_ref().unwrap_or(&secrets.secret_key);
    let environment = environment(&board.facts(), addresses, secret_key);
    let migrate = service("migrate", &["projector", "migrate"], data, &environment)?;
    let status = timeout(READY, migrate.run()).await.context("the migration does not end")??;
    anyhow::ensure!(status.success(), "the migration failed; its log ends with\n{}", migrate.tail());
    say("tables, stream and blob store");

    let mut services = Vec::new();
    for (name, address) in
        [("projector", addresses.projector), ("query-service", addresses.query), ("command-service", addresses.command)]
    {
        let spec = service(name, &[name], data, &environment)?;
        let mut child = spec.spawn()?;
        tokio::select! {
            () = ready::ready(address) => say(name),
            status = child.wait() => {
                anyhow::bail!("{name} ended ({}); its log ends with\n{}", describe(status.ok()), spec.tail())
            }
            () = tokio::time::sleep(READY) => anyhow::bail!("{name} is not ready; its log ends with\n{}", spec.tail()),
        }
        services.push(Supervised::new(spec, child, board.clone()));
    }
    // Commands first: a drain ends with everything that was accepted visible.
    services.reverse();
    if config.json {
        println!("{}", serde_json::to_string(&board.facts())?);
    } else {
        println!("{}", screen::ready(&board.facts()));
    }
    Ok(System { services, servers, board })
}

/// A service of this very program.
fn service(name: &'static str, args: &[&str], data: &Data, environment: &[(String, String)]) -> anyhow::Result<Spec> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut spec = Spec::new(name, &program, data.log(name)).args(args.iter().copied());
    spec.env = environment.to_vec();
    Ok(spec)
}

fn environment(facts: &Facts, addresses: &Addresses, secret_key: &str) -> Vec<(String, String)> {
    [
        ("DATABASE_URL", facts.database_url.clone()),
        ("NATS_URL", facts.nats_services_url.clone()),
        ("NATS_ADMIN_URL", facts.nats_admin_url.clone()),
        ("REDIS_URL", facts.redis_url.clone()),
        ("SYNCBOARD_SECRET_KEY", secret_key.to_owned()),
        ("SYNCBOARD_COMMAND_LISTEN", addresses.command.to_string()),
        ("SYNCBOARD_QUERY_LISTEN", addresses.query.to_string()),
        ("SYNCBOARD_PROJECTOR_LISTEN", addresses.projector.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn facts(config: &Run, data: &Data, addresses: &Addresses, secrets: &Secrets, servers: &Servers) -> Facts {
    let given = |url: &Option<String>| url.clone().unwrap_or_default();
    let nats = |user: &str, password: &str| match &servers.nats {
        Some(server) => format!("nats://{user}:{password}@127.0.0.1:{}", server.port),
        None => given(&config.nats_url),
    };
    Facts {
        command_url: format!("http://{}", addresses.command),
        query_url: format!("http://{}", addresses.query),
        projector_url: format!("http://{}", addresses.projector),
        nats_url: nats("subscriber", &secrets.nats_subscriber),
        nats_subject: "syncboard.live.>".to_owned(),
        data: data.path.clone(),
        logs: data.path.join("logs"),
        durability: servers.nats.as_ref().map_or_else(
            || "as the given NATS server promises".to_owned(),
            |server| servers::durability(server.version, config),
        ),
        nats_services_url: nats("services", &secrets.nats_services),
        nats_admin_url: nats("admin", &secrets.nats_admin),
        database_url: servers.postgres.as_ref().map_or_else(
            || given(&config.database_url),
            |server| format!("postgres://syncboard:{}@127.0.0.1:{}/postgres", secrets.postgres, server.port),
        ),
        redis_url: servers.redis.as_ref().map_or_else(
            || given(&config.redis_url),
            |server| format!("redis://:{}@127.0.0.1:{}", secrets.redis, server.port),
        ),
        pids: BTreeMap::new(),
    }
}

//! The services and the migration before them: this very program, started again as each of them.

use crate::config::Run;
use crate::data::{Data, Secrets};
use crate::facts::{Board, Facts};
use crate::ports::{self, Port};
use crate::process::Spec;
use crate::supervise::{Supervised, describe};
use crate::{ready, say};
use anyhow::Context;
use runtime::config::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::slice;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long the migration, and then each service, may take to be ready.
const READY: Duration = Duration::from_secs(120);
/// Exit status of a service that is wrongly configured: starting it again would not help.
const MISCONFIGURED: i32 = 2;

/// Where the services listen.
pub(crate) struct Addresses {
    pub(crate) command: SocketAddr,
    pub(crate) query: SocketAddr,
    pub(crate) projector: SocketAddr,
    /// Only where there is a language model to ask.
    pub(crate) assistant: Option<SocketAddr>,
    _held: Vec<Port>,
}

impl Addresses {
    /// The configured ones, with a free port where the port is 0.
    pub(crate) fn of(config: &Run) -> anyhow::Result<Self> {
        let mut held = Vec::new();
        let mut resolve = |address: SocketAddr, flag| {
            if address.port() != 0 {
                ports::check(address, flag)?;
                return anyhow::Ok(address);
            }
            let port = Port::free()?;
            let address = SocketAddr::new(address.ip(), port.number);
            held.push(port);
            Ok(address)
        };
        Ok(Self {
            command: resolve(config.command_listen, "--command-listen")?,
            query: resolve(config.query_listen, "--query-listen")?,
            projector: resolve(config.projector_listen, "--projector-listen")?,
            assistant: match &config.llm_url {
                Some(_) => Some(resolve(config.assistant_listen, "--assistant-listen")?),
                None => None,
            },
            _held: held,
        })
    }
}

/// Settings of every service. Secrets are given as files: they can be replaced while services run, and no process shows them.
pub(crate) fn environment(
    config: &Run,
    data: &Data,
    facts: &Facts,
    addresses: &Addresses,
    secrets: &Secrets,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut environment = Vec::new();
    let mut set = |name: &str, file: PathBuf| environment.push((format!("{name}_FILE"), file.display().to_string()));
    for (name, value, given) in [
        ("DATABASE_URL", facts.database_url.as_str(), config.database_url.as_ref()),
        ("NATS_URL", &facts.nats_services_url, config.nats_url.as_ref()),
        ("NATS_ADMIN_URL", &facts.nats_admin_url, None),
        ("REDIS_URL", &facts.redis_url, config.redis_url.as_ref()),
    ] {
        set(name, given_or(given, || data.keep(name, value))?);
    }
    for (name, given) in [
        ("SYNCBOARD_SECRET_KEY", config.secret_key.as_ref()),
        ("SYNCBOARD_ACCEPTED_KEYS", config.accepted_keys.as_ref()),
    ] {
        match given {
            Some(given) => set(name, given_or(Some(given), || data.keep(name, given.expose()))?),
            // A key of the runner's own making is replaced in its file, and stays so.
            None if config.secret_key.is_none() => set(name, data.keep_first(name, &secrets.secret_key)?),
            // Who brings a key and names no other accepts no other.
            None => {}
        }
    }
    // The private servers keep everything in the data folder.
    let disks = if config.disk_paths.is_empty() { slice::from_ref(&data.path) } else { &config.disk_paths };
    let disks: Vec<_> = disks.iter().map(|path| path.display().to_string()).collect();
    let addresses = [
        ("SYNCBOARD_COMMAND_LISTEN", addresses.command.to_string()),
        ("SYNCBOARD_QUERY_LISTEN", addresses.query.to_string()),
        ("SYNCBOARD_PROJECTOR_LISTEN", addresses.projector.to_string()),
        ("SYNCBOARD_DISK_PATHS", disks.join(",")),
    ]
    .into_iter()
    .chain(addresses.assistant.map(|assistant| ("SYNCBOARD_ASSISTANT_LISTEN", assistant.to_string())))
    .chain(config.llm_url.iter().map(|url| ("SYNCBOARD_LLM_URL", url.clone())));
    environment.extend(addresses.map(|(name, value)| (name.to_owned(), value)));
    Ok(environment)
}

/// The file that a setting came from, or one that is made for it.
fn given_or(given: Option<&Secret>, make: impl FnOnce() -> anyhow::Result<PathBuf>) -> anyhow::Result<PathBuf> {
    match given.and_then(Secret::file) {
        Some(file) => Ok(std::path::absolute(file)?),
        None => make(),
    }
}

/// Makes or updates what the services need in the servers.
pub(crate) async fn migrate(data: &Data, environment: &[(String, String)]) -> anyhow::Result<()> {
    let migrate = spec("migrate", &["projector", "migrate"], data, environment)?;
    let ended = timeout(READY, migrate.run()).await;
    let status = ended.with_context(|| format!("the migration does not end; {}", migrate.last_words()))??;
    anyhow::ensure!(status.success(), "the migration failed; {}", migrate.last_words());
    say::done("tables, stream and blob store");
    Ok(())
}

/// Starts the services, readers first, and waits until each is ready.
pub(crate) async fn start(
    data: &Data,
    addresses: &Addresses,
    environment: &[(String, String)],
    board: &Board,
    services: &mut Vec<Supervised>,
) -> anyhow::Result<()> {
    let all: [(&str, &[&str], Option<SocketAddr>); 4] = [
        ("projector", &["projector"], Some(addresses.projector)),
        ("query-service", &["query-service"], Some(addresses.query)),
        ("command-service", &["command-service"], Some(addresses.command)),
        ("assistant", &["command-service", "assist"], addresses.assistant),
    ];
    for (name, args, address) in all {
        let Some(address) = address else { continue };
        let spec = spec(name, args, data, environment)?;
        let mut child = spec.spawn()?;
        let outcome = tokio::select! {
            () = ready::ready(address) => Ok(()),
            status = child.wait() => Err(format!("{name} ended ({}); {}", describe(status.ok()), spec.last_words())),
            () = sleep(READY) => Err(format!("{name} is not ready; {}", spec.last_words())),
        };
        outcome.map_err(anyhow::Error::msg)?;
        services.push(Supervised::new(spec, child, board.clone()));
        say::done(name);
    }
    Ok(())
}

fn spec(name: &'static str, args: &[&str], data: &Data, environment: &[(String, String)]) -> anyhow::Result<Spec> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut spec = Spec::new(name, &program, data.log(name)).args(args.iter().copied());
    spec.env = environment.to_vec();
    spec.hopeless_status = Some(MISCONFIGURED);
    Ok(spec)
}

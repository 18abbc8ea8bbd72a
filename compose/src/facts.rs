//! What others need to know of a running system: where everything listens, and which processes it is made of.

use crate::config::Run;
use crate::data::{Data, Secrets, read_json, write_json};
use crate::say;
use crate::servers::{self, Servers};
use crate::services::Addresses;
use runtime::config::Secret;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The facts, as `--json` prints them and `run.json` in the data folder keeps them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) command_url: String,
    pub(crate) query_url: String,
    pub(crate) projector_url: String,
    /// With the credential of a subscriber, who can read live events and nothing else.
    pub(crate) nats_url: String,
    pub(crate) nats_subject: String,
    pub(crate) data: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) durability: String,
    /// With the services' credentials.
    pub(crate) nats_services_url: String,
    pub(crate) nats_admin_url: String,
    pub(crate) database_url: String,
    pub(crate) redis_url: String,
    pub(crate) pids: BTreeMap<String, u32>,
}

impl Facts {
    /// The facts of a system on these servers; a URL that was given is told without its credentials to subscribers.
    pub(crate) fn of(config: &Run, data: &Data, addresses: &Addresses, secrets: &Secrets, servers: &Servers) -> Self {
        let given = |url: &Option<Secret>| url.as_ref().map(|url| url.expose().to_owned()).unwrap_or_default();
        let nats = |user: &str, password: &str| {
            servers.nats.as_ref().map(|server| format!("nats://{user}:{password}@{}", server.port))
        };
        Self {
            command_url: url(addresses.command),
            query_url: url(addresses.query),
            projector_url: url(addresses.projector),
            nats_url: nats("subscriber", &secrets.nats_subscriber)
                .unwrap_or_else(|| without_credentials(&given(&config.nats_url))),
            nats_subject: "syncboard.live.>".to_owned(),
            data: data.path.clone(),
            logs: data.path.join("logs"),
            durability: servers.nats.as_ref().map_or_else(
                || "as the given NATS server promises".to_owned(),
                |server| servers::durability(server.version, config),
            ),
            nats_services_url: nats("services", &secrets.nats_services).unwrap_or_else(|| given(&config.nats_url)),
            nats_admin_url: nats("admin", &secrets.nats_admin).unwrap_or_else(|| given(&config.nats_url)),
            database_url: servers.postgres.as_ref().map_or_else(
                || given(&config.database_url),
                |server| format!("postgres://syncboard:{}@{}/postgres", secrets.postgres, server.port),
            ),
            redis_url: servers.redis.as_ref().map_or_else(
                || given(&config.redis_url),
                |server| format!("redis://:{}@{}", secrets.redis, server.port),
            ),
            pids: BTreeMap::new(),
        }
    }
}

/// The address as a client on this machine names it.
fn url(address: SocketAddr) -> String {
    format!("http://{}", runtime::ready::reachable(address))
}

fn without_credentials(urls: &str) -> String {
    let bare = |url: &str| match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => url.to_owned(),
    };
    urls.split(',').map(bare).collect::<Vec<_>>().join(",")
}

/// The facts in the data folder, kept true as processes come and go.
#[derive(Clone)]
pub(crate) struct Board {
    state: Rc<RefCell<State>>,
    path: PathBuf,
}

#[derive(Default)]
struct State {
    facts: Option<Facts>,
    pids: BTreeMap<String, u32>,
}

impl Board {
    pub(crate) fn new(data: &Path) -> Self {
        Self { state: Rc::default(), path: path(data) }
    }

    /// A process was started. Written at once: who kills processes must find the new one.
    pub(crate) fn started(&self, name: &str, pid: u32) {
        self.state.borrow_mut().pids.insert(name.to_owned(), pid);
        self.write();
    }

    /// The facts are known now.
    pub(crate) fn publish(&self, facts: Facts) {
        self.state.borrow_mut().facts = Some(facts);
        self.write();
    }

    /// The facts with the processes of now, once they were published.
    pub(crate) fn facts(&self) -> Option<Facts> {
        let state = self.state.borrow();
        state.facts.as_ref().map(|facts| Facts { pids: state.pids.clone(), ..facts.clone() })
    }

    /// Nothing runs any more.
    pub(crate) fn clear(&self) {
        drop(std::fs::remove_file(&self.path));
    }

    fn write(&self) {
        if let Some(Err(error)) = self.facts().map(|facts| write_json(&self.path, &facts)) {
            say::line(format_args!("{error:#}"));
        }
    }
}

/// The facts of the system that runs, or last ran, on a data folder.
pub(crate) fn read(data: &Path) -> anyhow::Result<Option<Facts>> {
    read_json(&path(data))
}

fn path(data: &Path) -> PathBuf {
    data.join("run.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_not_told_the_credentials_of_a_given_server() {
        assert_eq!(without_credentials("nats://a:b@one:4222,tls://two"), "nats://one:4222,tls://two");
        assert_eq!(without_credentials("token@one:4222"), "one:4222");
    }

    #[test]
    fn a_service_on_every_address_is_reached_on_loopback() {
        let address = |text: &str| text.parse().expect("an address");
        assert_eq!(url(address("0.0.0.0:8080")), "http://127.0.0.1:8080");
        assert_eq!(url(address("[::]:8080")), "http://[::1]:8080");
        assert_eq!(url(address("10.0.0.7:8080")), "http://10.0.0.7:8080");
    }
}

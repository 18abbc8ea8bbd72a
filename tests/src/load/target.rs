//! Where the load goes: a system that runs on this machine, unless another is allowed expressly.

use super::profiles::Plan;
use crate::client::Client;
use anyhow::Context;
use reqwest::Url;
use runtime::clock::{Clock, SystemClock};

/// A running system, and a name for what is done to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address of the command-service.
    pub command: String,
    /// Address of the query-service.
    pub query: String,
    /// That of the projector, where it is known.
    projector: Option<String>,
    run: String,
}

impl Target {
    /// A system by its addresses. Only those on this machine are taken, unless any are.
    pub fn new(command: &str, query: &str, is_any_host: bool) -> anyhow::Result<Self> {
        for address in [command, query] {
            let url: Url = address.parse().with_context(|| format!("{address:?} is not an address"))?;
            let sockets = url.socket_addrs(|| None).with_context(|| format!("{address} cannot be found"))?;
            let is_here = url.scheme() == "http" && sockets.iter().all(|socket| socket.ip().is_loopback());
            anyhow::ensure!(is_here || is_any_host, "{address} is not on this machine; --any-host allows it");
        }
        let [command, query] = [command, query].map(|address| address.trim_end_matches('/').to_owned());
        Ok(Self { command, query, projector: None, run: format!("{:x}", SystemClock.now().timestamp_millis()) })
    }

    /// A system whose projector is known too.
    #[must_use]
    pub fn with_projector(self, projector: &str) -> Self {
        Self { projector: Some(projector.to_owned()), ..self }
    }

    /// The processes that can be asked for their metrics, and where.
    pub(super) fn processes(&self) -> Vec<(&'static str, &str)> {
        let users = [("command-service", self.command.as_str()), ("query-service", self.query.as_str())];
        users.into_iter().chain(self.projector.as_deref().map(|projector| ("projector", projector))).collect()
    }

    /// What accounts of a plan begin with; those of another run begin otherwise.
    pub(super) fn run_of(&self, plan: &Plan) -> String {
        format!("{}-{}", self.run, plan.name)
    }

    /// User names of a plan's accounts.
    pub(super) fn usernames(&self, plan: &Plan) -> Vec<String> {
        (0..plan.accounts()).map(|n| format!("load-{}-{n}", self.run_of(plan))).collect()
    }

    /// User names and clients of a plan's accounts, logged in. One after the other: a service hashes few passwords at once.
    pub(super) async fn clients(&self, plan: &Plan) -> Vec<(String, Client)> {
        let mut clients = Vec::new();
        for username in self.usernames(plan) {
            let client = Client::register_or_log_in(&self.command, &self.query, &username).await;
            clients.push((username, client));
        }
        clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_on_this_machine_are_taken_unless_any_are() {
        let here = "http://127.0.0.1:8080";
        for other in ["http://192.0.2.1:8081", "https://127.0.0.1:8081", "http://[2001:db8::1]:8081"] {
            let error = Target::new(here, other, false).expect_err("another machine");
            assert!(error.to_string().contains("--any-host"), "{error}");
            assert!(Target::new(here, other, true).is_ok());
        }
        assert!(Target::new(here, "http://localhost:8081/", false).is_ok());
        assert!(Target::new("127.0.0.1:8080", here, true).is_err());
    }
}

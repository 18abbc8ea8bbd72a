//! What to do about missing servers where they cannot be installed without asking.

use super::package;
use crate::find::Server;

/// Names each missing server, how to install it on usual systems, and how to do without.
pub(super) fn on(missing: &[Server]) -> String {
    let lines = |line: fn(Server) -> String| missing.iter().map(|server| line(*server)).collect::<Vec<_>>();
    let variables = lines(|server| variable(server).to_owned());
    format!(
        "these servers are missing, or too old:\n{}\n\n\
         Debian, Ubuntu:  sudo apt-get install --no-install-recommends {}\n\
         Fedora:          sudo dnf install {}\n\
         macOS:           brew install {}\n\n\
         or use servers that run already: set {}",
        lines(description).join("\n"),
        lines(|server| package(server).to_owned()).join(" "),
        lines(|server| fedora(server).to_owned()).join(" "),
        lines(|server| brew(server).to_owned()).join(" "),
        variables.join(", "),
    )
}

fn description(server: Server) -> String {
    let newest = server.all().into_iter().max_by_key(|found| found.version);
    match newest {
        Some(found) => {
            let (major, minor, patch) = found.version;
            format!("  {}; {} is {major}.{minor}.{patch}", server.name(), found.program.display())
        }
        None => format!("  {}", server.name()),
    }
}

const fn variable(server: Server) -> &'static str {
    match server {
        Server::Postgres => "DATABASE_URL",
        Server::Nats => "NATS_URL",
        Server::Redis => "REDIS_URL",
    }
}

const fn fedora(server: Server) -> &'static str {
    match server {
        Server::Postgres => "postgresql-server",
        Server::Nats => "nats-server",
        Server::Redis => "valkey",
    }
}

const fn brew(server: Server) -> &'static str {
    match server {
        Server::Postgres => "postgresql@17",
        Server::Nats => "nats-server",
        Server::Redis => "redis",
    }
}

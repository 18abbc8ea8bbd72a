//! The runner: servers, migration, services, and back again in the other order, however far it came.

use crate::config::Run;
use crate::data::Data;
use crate::facts::{Board, Facts};
use crate::servers::{self, Servers};
use crate::services::{self, Addresses};
use crate::stop::Stop;
use crate::supervise::Supervised;
use crate::{say, screen};
use futures_util::future::join_all;
use std::process::ExitCode;
use tokio::task::LocalSet;

/// Runs everything until told to stop.
pub(crate) async fn run(config: Run) -> anyhow::Result<ExitCode> {
    let mut stop = Stop::listen()?;
    let data = Data::open(&config.data, config.ephemeral)?;
    let addresses = Addresses::of(&config)?;
    let local = LocalSet::new();
    let run = async {
        let mut system = System::new(&data);
        let outcome = tokio::select! {
            biased;
            () = stop.told() => Ok(()),
            outcome = system.start(&config, &data, &addresses) => outcome,
        };
        if outcome.is_ok() && system.is_ready {
            stop.told().await;
        }
        system.stop(&mut stop).await;
        outcome.map(|()| ExitCode::SUCCESS)
    };
    local.run_until(run).await
}

/// Everything that runs.
struct System {
    services: Vec<Supervised>,
    servers: Vec<Supervised>,
    running: Option<Servers>,
    board: Board,
    is_ready: bool,
}

impl System {
    fn new(data: &Data) -> Self {
        Self {
            services: Vec::new(),
            servers: Vec::new(),
            running: None,
            board: Board::new(&data.path),
            is_ready: false,
        }
    }

    async fn start(&mut self, config: &Run, data: &Data, addresses: &Addresses) -> anyhow::Result<()> {
        say::line(format_args!("preparing in {}", data.path.display()));
        let secrets = data.secrets()?;
        let running = servers::start(config, data, &secrets, &self.board, &mut self.servers).await?;
        let running = self.running.insert(running);
        self.board.started("runner", std::process::id());
        let facts = Facts::of(config, data, addresses, &secrets, running);
        self.board.publish(facts.clone());

        let environment = services::environment(config, data, &facts, addresses, &secrets)?;
        services::migrate(data, &environment).await?;
        services::start(data, addresses, &environment, &self.board, &mut self.services).await?;
        let facts = self.board.facts().unwrap_or(facts);
        if config.json {
            say::result(serde_json::to_string(&facts)?);
        } else {
            say::result(screen::ready(&facts));
        }
        self.is_ready = true;
        Ok(())
    }

    /// Drains the services, then stops the servers that they need; at once when told a second time.
    async fn stop(self, told: &mut Stop) {
        if self.services.is_empty() && self.servers.is_empty() {
            return;
        }
        say::line("stopping");
        let stopping = async {
            join_all(self.services.into_iter().map(Supervised::stop)).await;
            join_all(self.servers.into_iter().map(Supervised::stop)).await;
        };
        tokio::select! {
            () = stopping => say::line("stopped"),
            () = told.told() => say::line("stopped at once"),
        }
        self.board.clear();
    }
}

//! Events in, read models out: follows the log and keeps the tables that queries read; rebuilds and verifies them.

mod announce;
mod apply;
mod checkpoints;
mod compare;
mod config;
mod copy;
mod difference;
mod documents;
mod error;
mod failures;
mod filler;
mod filling;
mod fit;
mod generation;
mod health;
mod knowledge;
mod leases;
mod lock;
mod metrics;
mod migrate;
mod numbers;
mod parking;
mod past;
mod positioned;
mod progress;
mod projection;
mod rebuild;
mod repair;
mod rollback;
mod run;
mod session;
mod status;
mod throttle;
mod traced;
mod verify;
mod worker;
mod workspace;

pub use config::Config;
pub use projection::Projection;

use config::Subcommand;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

/// The program's main function over its arguments, the program's name first.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::service::main(args, dispatch)
}

async fn dispatch(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    match config.subcommand {
        None => run::run(config.run).await,
        Some(Subcommand::Run(config)) => run::run(*config).await,
        Some(Subcommand::Migrate(config)) => migrate::run(config).await,
        Some(Subcommand::Status(config)) => status::run(config).await,
        Some(Subcommand::Rebuild(config)) => rebuild::run(config).await,
        Some(Subcommand::Rollback(config)) => rollback::run(config).await,
        Some(Subcommand::Verify(config)) => verify::run(config).await,
        Some(Subcommand::Compare(config)) => compare::run(config).await,
        Some(Subcommand::Failures(config)) => failures::run(config).await,
        Some(Subcommand::Past(config)) => past::run(config).await,
        Some(Subcommand::Health(config)) => Ok(runtime::ready::ask(config.listen).await?),
    }
}

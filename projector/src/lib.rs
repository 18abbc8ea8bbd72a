//! Events in, read models out: follows the log and keeps the tables that queries read; replays it into new ones.

mod announce;
mod apply;
mod compare;
mod config;
mod documents;
mod error;
mod failures;
mod generation;
mod health;
mod knowledge;
mod lock;
mod metrics;
mod migrate;
mod parking;
mod positioned;
mod projection;
mod replay;
mod run;
mod status;

pub use config::Config;
pub use generation::differences;
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
        Some(Subcommand::Run(config)) => run::run(config).await,
        Some(Subcommand::Migrate(config)) => migrate::run(config).await,
        Some(Subcommand::Status(config)) => status::run(config).await,
        Some(Subcommand::Replay(config)) => replay::run(config).await,
        Some(Subcommand::Compare(config)) => compare::run(config).await,
        Some(Subcommand::Failures(config)) => failures::run(config).await,
    }
}

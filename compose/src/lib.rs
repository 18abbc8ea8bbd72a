//! The whole system on one machine: one program that is the runner, the upload command, and each service, so that one
//! build is enough. The runner starts the services as processes of their own, by calling itself.

mod config;
mod data;
mod facts;
mod find;
mod install;
mod map;
mod ports;
mod process;
mod ready;
mod request;
mod runner;
mod say;
mod screen;
mod servers;
mod services;
mod session;
mod stop;
mod supervise;
mod upload;

use config::{Cli, Subcommand};
pub use ports::Port;
use std::ffi::OsString;
use std::process::ExitCode;

/// The program over its arguments, the program's name first.
pub fn main(mut args: Vec<OsString>) -> ExitCode {
    let service = args.get(1).and_then(|name| name.to_str()).map(str::to_owned);
    let mut call = |main: fn(Vec<OsString>) -> ExitCode| {
        args.remove(0);
        main(std::mem::take(&mut args))
    };
    match service.as_deref() {
        Some("command-service") => return call(command_service::main_from),
        Some("query-service") => return call(query_service::main_from),
        Some("projector") => return call(projector::main_from),
        _ => {}
    }
    let cli = runtime::config::parse::<Cli>(args).unwrap_or_else(|error| error.exit());
    let result = match cli.subcommand {
        None => block_on(runner::run(cli.run)),
        Some(Subcommand::Upload(config)) => block_on(upload::run(config)),
        Some(Subcommand::Map(config)) => block_on(map::run(config)),
        Some(Subcommand::CommandService(_) | Subcommand::QueryService(_) | Subcommand::Projector(_)) => {
            unreachable!("services are called before the arguments are parsed")
        }
    };
    result.unwrap_or_else(|error| {
        say::line(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// The command lines of all programs, for those who document them.
#[must_use]
pub fn commands() -> Vec<clap::Command> {
    use clap::CommandFactory;
    [Cli::command(), command_service::Config::command(), projector::Config::command(), query_service::Config::command()]
        .map(runtime::config::documented)
        .into()
}

/// One thread: a child's parent-death signal is sent when the *thread* that started it ends.
fn block_on(future: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    runtime::service::use_ring();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

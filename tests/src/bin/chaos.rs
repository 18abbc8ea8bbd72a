//! Kills parts of a running system while clients write, then compares what they were told with what is there.
//! `cargo run --release -p tests --bin chaos -- --kills 200`

use clap::Parser;
use std::process::ExitCode;
use std::time::Duration;
use tests::chaos::{self, Plan};

#[derive(Parser)]
struct Args {
    /// How many processes to kill
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Seed of which, when and what
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Within what time everything must be ready again after a kill
    #[arg(long, value_parser = runtime::config::duration, default_value = "10s")]
    recovery: Duration,
    /// Clients that upload and edit all the time
    #[arg(long, default_value_t = 64)]
    clients: usize,
}

fn main() -> ExitCode {
    // The runner starts this very program as the services.
    let args: Vec<_> = std::env::args_os().collect();
    if tests::programs::is_of_system(&args) {
        return compose::main(args);
    }
    let Args { kills, recovery, seed, clients } = Args::parse();
    let program = std::env::current_exe().expect("a running program has a path");
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let report = runtime.block_on(chaos::run(&program, Plan { kills, recovery, seed, clients }));
    println!("{report}");
    ExitCode::SUCCESS
}

//! Kills parts of a running system while clients write, then compares what they were told with what is there.
//! `cargo run --release -p tests --bin chaos -- --kills 200`

use clap::Parser;
use std::process::ExitCode;
use tests::chaos::{self, Plan};

#[derive(Parser)]
struct Args {
    /// How many processes to kill, each at most 10 s after the one before
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Seed of which, when and what
    #[arg(long, default_value_t = 1)]
    seed: u64,
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
    let Args { kills, seed, clients } = Args::parse();
    let program = std::env::current_exe().expect("a running program has a path");
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let report = runtime.block_on(chaos::run(&program, Plan { kills, seed, clients }));
    println!("{report}");
    ExitCode::SUCCESS
}

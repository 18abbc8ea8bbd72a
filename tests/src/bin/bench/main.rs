//! What the system reaches, each row beside the limit of its parts, measured in the same run on the same machine.
//! `cargo run --release -p tests --bin bench -- [ROW...] [--json] [--quick]`

mod baseline;
mod http;
mod replay;
mod report;
mod rows;
mod stack;

use clap::Parser;
use report::Row;
use stack::Stack;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks as ratios against baselines of the same run
#[derive(Parser)]
struct Args {
    /// Rows to measure, by name; all when left out
    rows: Vec<String>,
    /// One JSON object for each row
    #[arg(long)]
    json: bool,
    /// A tenth of the documents and events, and two seconds for each row
    #[arg(long)]
    quick: bool,
    /// Seconds for each row that is measured by time
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    time: Duration,
    documents: usize,
    edits_each: usize,
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let first = args.get(1).and_then(|arg| arg.to_str()).unwrap_or_default();
    match first {
        // The runner starts this very program as the services.
        "command-service" | "query-service" | "projector" | "--data" => return compose::main(args),
        "bare-http" => return baseline::serve(&args[2..]),
        _ => {}
    }
    let args = Args::parse();
    let size = Size {
        time: Duration::from_secs(if args.quick { 2 } else { args.seconds }),
        documents: if args.quick { 20_000 } else { 200_000 },
        edits_each: 4,
    };
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    match runtime.block_on(run(&args, size)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args, size: Size) -> anyhow::Result<()> {
    runtime::service::use_ring();
    let stack = Stack::start()?;
    let unknown: Vec<_> = args.rows.iter().filter(|name| !rows::NAMES.contains(&name.as_str())).collect();
    anyhow::ensure!(unknown.is_empty(), "no such row: {unknown:?}; there are {}", rows::NAMES.join(", "));
    if !args.json {
        report::head(&stack.durability());
    }
    for name in rows::NAMES {
        if args.rows.is_empty() || args.rows.iter().any(|wanted| wanted == name) {
            let row: Row = rows::measure(name, &stack, size).await?;
            row.print(args.json, &stack.durability());
        }
    }
    stack.stop()
}

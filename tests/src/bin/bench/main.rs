//! What the system reaches, each row beside the limit of its parts, measured in the same run on the same machine.
//! `cargo run --release -p tests --bin bench -- [ROW...] [--json] [--quick] [--seconds S]`

mod baseline;
mod http;
mod listener;
mod load;
mod replay;
mod report;
mod rows;
mod stack;
mod usage;

use clap::Parser;
use rows::Name;
use stack::Stack;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longest time that one row may take; the one that loads a million events takes some minutes.
const LONGEST_ROW: Duration = Duration::from_secs(1_800);

/// Benchmarks as ratios against baselines of the same run
#[derive(Parser)]
struct Args {
    /// Rows to measure; all when left out
    rows: Vec<Name>,
    /// One JSON object for each row
    #[arg(long)]
    json: bool,
    /// A tenth of the documents, events and subscribers, and two seconds for each row
    #[arg(long)]
    quick: bool,
    /// Seconds for each row that is measured by time [default: 8, or 2 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// How long a row that is measured by time runs.
    pub(crate) time: Duration,
    /// Documents whose events are replayed and listed.
    pub(crate) documents: usize,
    /// Edits of each of them.
    pub(crate) edits_each: usize,
    /// Subscribers at once.
    pub(crate) subscribers: usize,
    /// Events of a long log.
    pub(crate) log_events: usize,
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    match args.get(1).and_then(|arg| arg.to_str()) {
        // The runner starts this very program as the services.
        Some("command-service" | "query-service" | "projector" | "--data") => return compose::main(args),
        Some("bare-http") => return code(baseline::serve(args[1..].to_vec())),
        Some("bare-fanout") => return code(baseline::fanout::serve(args[1..].to_vec())),
        Some(_) | None => {}
    }
    let args = Args::parse();
    runtime::service::use_ring();
    runtime::service::use_all_file_descriptors();
    // On the main thread, as every child is: a parent-death signal is sent when the thread that started the child ends.
    code(runtime_of(async {
        tokio::select! {
            result = run(&args) => result,
            () = runtime::service::told_to_stop() => Err(anyhow::anyhow!("stopped")),
        }
    }))
}

fn runtime_of(main: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(main)
}

fn code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the rows; a row that cannot be measured is an error in the end, and does not keep the others back.
async fn run(args: &Args) -> anyhow::Result<()> {
    let seconds = args.seconds.unwrap_or(if args.quick { 2 } else { 8 });
    let (documents, subscribers) = if args.quick { (20_000, 1_000) } else { (200_000, 10_000) };
    let log_events = 50 * documents;
    let size = Size { time: Duration::from_secs(seconds), documents, edits_each: 4, subscribers, log_events };
    let stack = Stack::start().await?;
    let durability = stack.durability();
    if !args.json {
        report::head(&durability);
    }
    let mut failed = Vec::new();
    for name in Name::all().filter(|name| args.rows.contains(name) || (args.rows.is_empty() && name.is_usual())) {
        let measured = tokio::time::timeout(LONGEST_ROW, rows::measure(name, &stack, size)).await;
        match measured.map_err(anyhow::Error::from).flatten() {
            Ok(rows) => rows.iter().for_each(|row| row.print(args.json, &durability)),
            Err(error) => {
                eprintln!("{}: {error:#}", name.text());
                failed.push(name.text());
            }
        }
    }
    stack.stop().await?;
    anyhow::ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

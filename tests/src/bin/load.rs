//! Load on a system by the profiles of `tests/load/profiles.json`, with k6 or without it.
//! `cargo run --release -p tests --bin load -- [PROFILE...] [--short] [--driver rust]`; docs/load.md has the rest.

use anyhow::Context;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use tests::System;
use tests::load::{K6, Profiles, Report, Target, count, drive, watched};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load by profiles: users who log in, upload, edit, read, list and subscribe
#[derive(Parser)]
struct Args {
    /// Profiles to run, one after the other; all when left out
    profiles: Vec<String>,
    /// Their short forms: each ends within a minute
    #[arg(long)]
    short: bool,
    /// What makes the load
    #[arg(long, value_enum, default_value_t = Driver::K6)]
    driver: Driver,
    /// The program k6
    #[arg(long, default_value = "k6")]
    k6: PathBuf,
    /// Address of the command-service of a running system; one of its own is started if absent
    #[arg(long, requires = "query_url")]
    command_url: Option<String>,
    /// Address of its query-service
    #[arg(long, requires = "command_url")]
    query_url: Option<String>,
    /// Address of its projector, whose memory is then looked at too
    #[arg(long, requires = "command_url")]
    projector_url: Option<String>,
    /// Take addresses that are not on this machine
    #[arg(long)]
    any_host: bool,
    /// Folder with the load.md that tables and plots are written into
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))]
    docs: PathBuf,
    /// One JSON object for each profile, and nothing written into documents
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Driver {
    /// The scripts of tests/load, by an installed k6
    K6,
    /// This program
    Rust,
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if tests::programs::is_of_system(&args) {
        return compose::main(args);
    }
    runtime::service::use_all_file_descriptors();
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    match runtime.block_on(run(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the profiles; answers whether everything held that must.
async fn run(args: &Args) -> anyhow::Result<bool> {
    let profiles = Profiles::read()?;
    let names = if args.profiles.is_empty() { profiles.names() } else { args.profiles.clone() };
    let plans = names.iter().map(|name| profiles.plan(name, args.short)).collect::<anyhow::Result<Vec<_>>>()?;
    let k6 = match args.driver {
        Driver::K6 => Some(K6::find(&args.k6).await?),
        Driver::Rust => None,
    };
    let given = args.command_url.as_deref().zip(args.query_url.as_deref());
    let system = match given {
        Some(_) => None,
        None => Some(System::start(std::env::current_exe()?).await),
    };
    let started = system.as_ref().map(|system| (system.fact("command_url"), system.fact("query_url")));
    let (command, query) = given.or(started).context("a system")?;
    let projector = args.projector_url.as_deref().or(system.as_ref().map(|system| system.fact("projector_url")));
    let target = Target::new(command, query, args.any_host)?;
    let target = match projector {
        Some(projector) => target.with_projector(projector),
        None => target,
    };
    let mut is_good = true;
    for plan in plans {
        eprintln!("{}: {}, {}", plan.name, plan.about, humantime::format_duration(plan.form.length()));
        let run = async {
            match &k6 {
                Some(k6) => Ok((k6.version.clone(), k6.drive(&target, &plan).await?)),
                None => anyhow::Ok(("Rust driver".to_owned(), drive(&target, &plan).await)),
            }
        };
        let (outcome, courses) = watched(&target, plan.form.length(), run).await;
        let (driver, record) = outcome?;
        let truth = count(&target, &plan, &record).await;
        let report = Report { plan, driver, record, courses, truth };
        is_good &= report.missed().is_empty();
        if args.json {
            println!("{}", report.json());
        } else {
            println!("{}\n{}\n{}\n", report.table(), report.course(), report.verdict());
            report.write(&args.docs)?;
        }
    }
    if let Some(system) = system {
        system.finish().await;
    }
    Ok(is_good)
}

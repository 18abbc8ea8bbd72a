//! How good and how fast the analysis is, on sets of texts whose concepts or clusters people have named. The sets are not
//! part of this repository: FOLDER holds `kp/<set>.jsonl` (id, text, gold: a list of key phrases) and `cl/<set>.jsonl`
//! (id, text, label).

mod clusters;
mod concepts;
mod feed;

use anyhow::Context;
use clap::Parser;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

// As in the services, so that what is measured is what they do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Quality and speed of concepts and clusters
#[derive(Parser)]
struct Args {
    /// Folder of the sets
    folder: PathBuf,
    /// One JSON object for each set, one a line
    #[arg(long)]
    json: bool,
    /// Cluster as many documents as this too, spliced from those of each set
    #[arg(long)]
    scale: Option<usize>,
}

/// What one set came to.
#[derive(Serialize)]
struct Report<T> {
    set: String,
    kind: &'static str,
    documents: usize,
    #[serde(flatten)]
    values: T,
    /// Largest memory of this process so far, in bytes.
    peak_bytes: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut found = 0;
    for path in sets(&args.folder.join("kp"))? {
        let documents: Vec<concepts::Document> = read(&path)?;
        report(args, "concepts", &path, documents.len(), concepts::measure(&documents))?;
        found += 1;
    }
    for path in sets(&args.folder.join("cl"))? {
        let documents: Vec<clusters::Document> = read(&path)?;
        report(args, "clusters", &path, documents.len(), clusters::measure(&documents))?;
        if let Some(scale) = args.scale {
            report(args, "clusters at scale", &path, scale, clusters::measure_scale(&documents, scale))?;
        }
        found += 1;
    }
    anyhow::ensure!(found > 0, "{} has neither kp/*.jsonl nor cl/*.jsonl", args.folder.display());
    Ok(())
}

fn report<T: Serialize>(
    args: &Args,
    kind: &'static str,
    path: &Path,
    documents: usize,
    values: T,
) -> anyhow::Result<()> {
    let set = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let report = serde_json::to_value(Report { set, kind, documents, values, peak_bytes: peak_bytes() })?;
    if args.json {
        println!("{report}");
        return Ok(());
    }
    let text = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    println!("{} ({}, {documents} documents)", text("set"), text("kind"));
    for (name, value) in report.as_object().into_iter().flatten() {
        if let (Some(number), false) = (value.as_f64(), name == "documents") {
            println!("  {name:<28} {number:>14.3}");
        }
    }
    Ok(())
}

/// The sets of a folder, in the order of their names; none if there is no such folder.
fn sets(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    Ok(paths)
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let document = |(line, text): (usize, &str)| {
        serde_json::from_str(text).with_context(|| format!("{}:{}", path.display(), line + 1))
    };
    text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()).map(document).collect()
}

fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.unwrap_or(0) * 1_024
}

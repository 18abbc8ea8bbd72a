//! `upload PATH...`: real files into the system, several in flight, nothing twice.

mod client;
mod files;

use crate::config::Upload;
use crate::say;
use client::{Client, Fate};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

/// Uploads every file; exit status 0 only if all went in.
pub(crate) async fn run(config: Upload) -> anyhow::Result<ExitCode> {
    let found = files::find(&config.paths);
    let client = Client::log_in(&config.access.command_url()?, &config.access).await?;

    let begun = Instant::now();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {per_sec}, {eta} left")?;
    let progress = ProgressBar::new(found.files.len() as u64).with_style(style);
    let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = 0;
    let mut uploads = futures_util::stream::iter(&found.files)
        .map(|file| {
            let client = &client;
            let tags = &config.tags;
            async move { (file, client.upload(file, tags).await) }
        })
        .buffer_unordered(usize::from(config.in_flight));
    while let Some((file, outcome)) = uploads.next().await {
        match outcome {
            Ok(Fate::Uploaded) => *fates.entry("uploaded").or_default() += 1,
            Ok(Fate::Revised) => *fates.entry("revised").or_default() += 1,
            Ok(Fate::Unchanged) => *fates.entry("unchanged").or_default() += 1,
            Err(reason) => {
                failed += 1;
                progress.suspend(|| say::line(format_args!("{}: {reason}", file.shown.display())));
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    for (path, error) in &found.unreadable {
        say::line(format_args!("{}: {error}", path.display()));
    }
    failed += found.unreadable.len();

    let seconds = begun.elapsed().as_secs_f64();
    let count = |fate: &str| fates.get(fate).copied().unwrap_or(0);
    say::result(format_args!(
        "{} uploaded, {} revised, {} unchanged, {failed} failed, {} skipped (not text) in {seconds:.1} s ({:.0} files/s)",
        count("uploaded"),
        count("revised"),
        count("unchanged"),
        found.skipped,
        found.files.len() as f64 / seconds.max(0.001),
    ));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! What the main function of every service does: read the configuration, start the runtime, wait for the word to stop.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Parses a configuration and runs a service to its end. Exit status: 0 stopped as told, 1 failed, 2 wrongly configured.
pub fn main<C, F>(args: impl IntoIterator<Item = OsString>, run: impl FnOnce(C) -> F) -> ExitCode
where
    C: clap::Parser,
    F: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
{
    let config = match crate::config::parse::<C>(args) {
        Ok(config) => config,
        Err(error) => {
            let is_failure = error.use_stderr();
            drop(error.print());
            return if is_failure { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    use_ring();
    use_all_file_descriptors();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Takes all the file descriptors that this process may have, one for each connection, where fewer were given to begin
/// with. Having to do with fewer is no reason not to start.
pub fn use_all_file_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit of file descriptors stays as it is");
    }
}

/// Makes ring the TLS provider of this process. A second call is no harm: the first stays.
pub fn use_ring() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Done when the process is told to stop: SIGTERM, or SIGINT from a terminal.
///
/// # Panics
/// When signals cannot be heard at all, which no running system does.
pub async fn told_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be heard");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be heard");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Tries until it succeeds, half a second apart: at start, the parts of the system come up in any order.
pub async fn until_up<T, E, F>(what: &str, mut attempt: impl FnMut() -> F) -> T
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => {
                tracing::warn!(error = chain(&error), "{what} is not there yet, trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// An error with all its causes in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

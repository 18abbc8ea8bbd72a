//! The committed monitoring, as its tests read it: rules, their tests, dashboards; and a real Prometheus over a system.

mod dashboards;
mod promql;
mod rules;
mod server;

pub use dashboards::{Dashboard, dashboards};
pub use promql::{groupings, selectors};
pub use rules::{Alert, alerts, expressions, tested};
pub use server::Monitor;

use std::path::{Path, PathBuf};

/// A file or folder of the committed monitoring.
#[must_use]
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring").join(path)
}

/// Files of a folder of the committed monitoring, in order.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(file(folder)).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} is empty");
    paths
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

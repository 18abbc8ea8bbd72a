//! Resident memory of the services.

use crate::report::{Goal, Row};
use crate::stack::{SERVICES, Stack};
use crate::usage;
use std::time::Duration;

/// A row for each service: what it holds now.
pub(super) async fn measure(name: &str, stack: &Stack, most: f64) -> Vec<Row> {
    // What the last request left is over by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let row = |service: &str| Row {
        name: format!("{name}_{}", service.split('-').next().unwrap_or(service)),
        value: usage::memory(stack.pid(service), "VmRSS"),
        unit: "MB",
        peak_mb: Some(usage::memory(stack.pid(service), "VmHWM")),
        goals: vec![Goal::AtMost(most)],
        ..Row::default()
    };
    SERVICES.map(row).to_vec()
}

//! The numbers of this process, by the names that Prometheus' own libraries give them. Read from `/proc` when they are
//! asked for; what cannot be read is left out.

use crate::build;
use crate::metrics::{
    BUILD, PROCESS_CPU, PROCESS_FILES, PROCESS_FILES_LIMIT, PROCESS_MEMORY, PROCESS_START, PROCESS_THREADS,
};
use metrics::{counter, gauge};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Says what runs, and since when.
pub(crate) fn begin(service: &'static str) {
    let labels = [
        ("service", service),
        ("version", build::VERSION),
        ("commit", build::COMMIT),
        ("rustc", build::RUSTC),
        ("target", build::TARGET),
    ];
    gauge!(BUILD, &labels).set(1.0);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    gauge!(PROCESS_START).set(started.as_secs_f64());
    refresh();
}

/// Brings the gauges up to date.
pub(crate) fn refresh() {
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        counter!(PROCESS_CPU).absolute(seconds);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kilobytes) = field(&status, "VmRSS:") {
        gauge!(PROCESS_MEMORY).set(kilobytes * 1_024.0);
    }
    if let Some(threads) = field(&status, "Threads:") {
        gauge!(PROCESS_THREADS).set(threads);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        gauge!(PROCESS_FILES).set(files.count() as f64);
    }
    if let Some(limit) = getrlimit(Resource::Nofile).current {
        gauge!(PROCESS_FILES_LIMIT).set(limit as f64);
    }
}

/// Bytes of memory that this process takes.
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    field(&status, "VmRSS:").map(|kilobytes| kilobytes as u64 * 1_024)
}

/// Whole seconds of processor time. The name in the second field may have spaces and parentheses of its own.
fn cpu_seconds(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    ticks.checked_div(clock_ticks_per_second())
}

fn field(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_what_linux_writes() {
        let ticks = clock_ticks_per_second();
        let stat = format!("7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 {} {} 0 0 20", 3 * ticks, 2 * ticks);
        assert_eq!(cpu_seconds(&stat), Some(5));
        assert_eq!(field("Name:\tx\nVmRSS:\t  2048 kB\nThreads:\t3\n", "VmRSS:"), Some(2_048.0));
        assert_eq!(field("", "VmRSS:"), None);
    }
}

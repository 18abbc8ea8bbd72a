//! What the processes of a system use, as `/proc` says.

use crate::stack::{SERVERS, SERVICES, Stack};

/// Clock ticks in a second, the same on every Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    /// Most resident memory of one process.
    pub(crate) peak_mb: f64,
}

impl Usage {
    /// What a process has used by now. One that has ended still says its time, and its memory no more.
    pub(crate) fn after(self, before: Self) -> Self {
        Self { peak_mb: self.peak_mb.max(before.peak_mb), ..self }
    }
}

/// Measures from its start on.
pub(crate) struct Meter {
    cpu_seconds: f64,
}

impl Meter {
    /// Starts, and forgets the peaks so far.
    pub(crate) fn start(stack: &Stack) -> Self {
        for part in SERVICES {
            // Where peaks cannot be forgotten, they are those since the process started.
            drop(std::fs::write(format!("/proc/{}/clear_refs", stack.pid(part)), "5"));
        }
        Self { cpu_seconds: cpu_seconds(stack) }
    }

    /// What all parts together have used of the processors since, and the peak of the largest service.
    pub(crate) fn read(&self, stack: &Stack) -> Usage {
        let peaks = SERVICES.map(|part| memory(stack.pid(part), "VmHWM"));
        Usage { cpu_seconds: cpu_seconds(stack) - self.cpu_seconds, peak_mb: peaks.into_iter().fold(0.0, f64::max) }
    }
}

/// What one process has used in its life, if it is still there.
pub(crate) fn of_process(pid: u32) -> Option<Usage> {
    let [user, system, ..] = times(pid)?;
    Some(Usage { cpu_seconds: user + system, peak_mb: memory(pid, "VmHWM") })
}

/// Resident memory of a process in MB: now (`VmRSS`) or at most (`VmHWM`).
pub(crate) fn memory(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1_024.0
}

/// Processor seconds of all parts so far; PostgreSQL's with those of its backends, living and gone.
fn cpu_seconds(stack: &Stack) -> f64 {
    let own = |pid| times(pid).map_or(0.0, |[user, system, ..]| user + system);
    let parts: f64 = SERVICES.iter().chain(&SERVERS).map(|part| own(stack.pid(part))).sum();
    let postgres = stack.pid("postgres");
    let gone = times(postgres).map_or(0.0, |[_, _, user, system]| user + system);
    let backends = std::fs::read_to_string(format!("/proc/{postgres}/task/{postgres}/children")).unwrap_or_default();
    parts + gone + backends.split_whitespace().filter_map(|pid| pid.parse().ok()).map(own).sum::<f64>()
}

/// Seconds in user and system mode, its own and then those of children that ended.
fn times(pid: u32) -> Option<[f64; 4]> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may contain anything; what follows it does not.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || Some(fields.next()?.parse::<f64>().ok()? / TICKS);
    Some([next()?, next()?, next()?, next()?])
}

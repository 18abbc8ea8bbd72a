//! Rows, as a table or as JSON.

use crate::load::Load;
use crate::usage::Usage;
use serde_json::json;

/// One measured row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What the parts alone reach, in the same unit.
    pub(crate) baseline: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) peak_mb: Option<f64>,
    pub(crate) goals: Vec<Goal>,
}

/// What a row should reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least this share of the baseline.
    Ratio(f64),
    /// At most so many times the baseline.
    RatioAtMost(f64),
    /// A median of at most so many milliseconds.
    P50(f64),
    /// A 95th percentile of at most so many milliseconds.
    P95(f64),
    /// A 99th percentile of at most so many milliseconds.
    P99(f64),
    /// A value of at least this.
    AtLeast(f64),
    /// A value of at most this.
    AtMost(f64),
}

impl Row {
    /// What a load of requests came to.
    pub(crate) fn of_load(name: String, load: &Load, used: Usage, baseline: Option<f64>, goals: Vec<Goal>) -> Self {
        Self {
            name,
            value: load.rate,
            unit: "1/s",
            baseline,
            p50_ms: percentile(&load.latencies, 0.5),
            p95_ms: percentile(&load.latencies, 0.95),
            p99_ms: percentile(&load.latencies, 0.99),
            cpu_seconds: Some(used.cpu_seconds),
            peak_mb: Some(used.peak_mb),
            goals,
        }
    }

    /// The value's share of the baseline.
    fn ratio(&self) -> Option<f64> {
        self.baseline.map(|baseline| self.value / baseline)
    }

    /// Whether a goal is reached.
    pub(crate) fn is_met(&self, goal: Goal) -> bool {
        match goal {
            Goal::Ratio(least) => self.ratio().is_some_and(|ratio| ratio >= least),
            Goal::RatioAtMost(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Goal::P50(most) => self.p50_ms.is_some_and(|p50| p50 <= most),
            Goal::P95(most) => self.p95_ms.is_some_and(|p95| p95 <= most),
            Goal::P99(most) => self.p99_ms.is_some_and(|p99| p99 <= most),
            Goal::AtLeast(least) => self.value >= least,
            Goal::AtMost(most) => self.value <= most,
        }
    }

    fn goal(&self) -> String {
        let goal = |goal: &Goal| match goal {
            Goal::Ratio(least) => format!("ratio >= {least}"),
            Goal::RatioAtMost(most) => format!("ratio <= {most}"),
            Goal::P50(most) => format!("p50 <= {most} ms"),
            Goal::P95(most) => format!("p95 <= {most} ms"),
            Goal::P99(most) => format!("p99 <= {most} ms"),
            Goal::AtLeast(least) => format!(">= {least} {}", self.unit),
            Goal::AtMost(most) => format!("<= {most} {}", self.unit),
        };
        self.goals.iter().map(goal).collect::<Vec<_>>().join(", ")
    }

    /// Prints the row.
    pub(crate) fn print(&self, as_json: bool, durability: &str) {
        let met = (!self.goals.is_empty()).then(|| self.goals.iter().all(|goal| self.is_met(*goal)));
        if as_json {
            let row = json!({
                "name": self.name, "value": rounded(self.value), "unit": self.unit,
                "baseline": self.baseline.map(rounded), "ratio": self.ratio().map(rounded), "p50_ms": self.p50_ms,
                "p95_ms": self.p95_ms, "p99_ms": self.p99_ms, "cpu_seconds": self.cpu_seconds.map(rounded),
                "peak_memory_mb": self.peak_mb.map(rounded), "durability": durability, "goal": self.goal(), "met": met,
            });
            println!("{row}");
            return;
        }
        let number =
            |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
        println!(
            "{:<22} {:>10.1} {:<9} {:>10} {:>6} {:>8} {:>8} {:>8} {:>7} {:>7}  {:<46} {}",
            self.name,
            self.value,
            self.unit,
            number(self.baseline, 1),
            number(self.ratio(), 2),
            number(self.p50_ms, 2),
            number(self.p95_ms, 2),
            number(self.p99_ms, 2),
            number(self.cpu_seconds, 1),
            number(self.peak_mb, 0),
            self.goal(),
            met.map_or("", |met| if met { "met" } else { "MISSED" }),
        );
    }
}

/// Prints the table's head.
pub(crate) fn head(durability: &str) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores; {durability}");
    println!(
        "{:<22} {:>10} {:<9} {:>10} {:>6} {:>8} {:>8} {:>8} {:>7} {:>7}  {:<46} met",
        "name", "value", "unit", "baseline", "ratio", "p50 ms", "p95 ms", "p99 ms", "cpu s", "peak MB", "goal"
    );
}

/// To three digits: no more was measured.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// A percentile of latencies in microseconds, as milliseconds.
fn percentile(sorted: &[u32], share: f64) -> Option<f64> {
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().checked_sub(1)?);
    Some(f64::from(sorted[index]) / 1_000.0)
}

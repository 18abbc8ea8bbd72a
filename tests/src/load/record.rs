//! What was measured, step by step.

use super::figures::Figures;
use super::profiles::Thresholds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An access token for a password.
    LogIn,
    /// A new document.
    Upload,
    /// The document just uploaded, read with `min_sequence`: waits until it can be seen.
    Visible,
    /// A new title, on condition that nobody else has edited.
    Edit,
    /// A document, no older than its reader knows it.
    Read,
    /// A page of the newest documents.
    List,
    /// A ticket for a subscription.
    Ticket,
    /// From asking for a socket to the event that was asked for.
    Subscribe,
    /// From the time of an event to its arrival at a listener.
    Delivery,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::LogIn,
        Self::Upload,
        Self::Visible,
        Self::Edit,
        Self::Read,
        Self::List,
        Self::Ticket,
        Self::Subscribe,
        Self::Delivery,
    ];
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which.
    pub step: Step,
    /// When it ended, since the beginning.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Every step of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The steps, in no order.
    pub samples: Vec<Sample>,
    /// How long the load was planned to last.
    pub length: Duration,
}

impl Record {
    /// Figures of some steps; none if none was taken.
    pub fn figures(&self, is_wanted: impl Fn(Step) -> bool) -> Option<Figures> {
        Figures::of(self.samples.iter().filter(|sample| is_wanted(sample.step)), self.length)
    }

    /// How many steps of a kind succeeded.
    pub fn succeeded(&self, step: Step) -> u64 {
        self.samples.iter().filter(|sample| sample.step == step && sample.failure.is_none()).count() as u64
    }

    /// What failed and why, with how often.
    pub fn failures(&self) -> BTreeMap<String, u64> {
        let mut failures = BTreeMap::new();
        for sample in &self.samples {
            if let Some(failure) = &sample.failure {
                *failures.entry(format!("{}: {failure}", sample.step)).or_default() += 1;
            }
        }
        failures
    }

    /// The thresholds that requests or deliveries do not hold, in words. No requests at all hold none.
    pub fn missed(&self, thresholds: &Thresholds) -> Vec<String> {
        let requests = self.figures(|step| step != Step::Delivery);
        let deliveries = self.figures(|step| step == Step::Delivery);
        let mut missed = Vec::new();
        if requests.is_none() {
            missed.push("no request was made".to_owned());
        }
        for (what, figures) in [("requests", requests), ("deliveries", deliveries)] {
            let Some(figures) = figures else { continue };
            for (name, value, most) in
                [("p95", figures.p95_ms, thresholds.p95_ms), ("p99", figures.p99_ms, thresholds.p99_ms)]
            {
                if value >= most {
                    missed.push(format!("{name} of {what} is {value:.0} ms, and must be under {most} ms"));
                }
            }
            let share = figures.failed as f64 / figures.count as f64;
            if share >= thresholds.failed {
                let (share, most) = (share * 100.0, thresholds.failed * 100.0);
                missed.push(format!("{share:.2} % of {what} failed, and must be under {most} %"));
            }
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Thresholds = Thresholds { p95_ms: 500.0, p99_ms: 1_000.0, failed: 0.001 };

    fn record(step: Step, count: usize, change: impl Fn(usize, &mut Sample)) -> Record {
        let sample = |n| {
            let mut sample = Sample { step, at: Duration::ZERO, took: Duration::from_millis(1), failure: None };
            change(n, &mut sample);
            sample
        };
        Record { samples: (0..count).map(sample).collect(), length: Duration::from_secs(1) }
    }

    #[test]
    fn fast_answers_hold_every_threshold_and_none_at_all_hold_none() {
        assert!(record(Step::Read, 100, |_, _| {}).missed(&LIMITS).is_empty());
        assert_eq!(record(Step::Read, 0, |_, _| {}).missed(&LIMITS), ["no request was made"]);
    }

    #[test]
    fn each_threshold_can_be_missed_by_requests_and_by_deliveries() {
        for (step, what) in [(Step::Read, "requests"), (Step::Delivery, "deliveries")] {
            let slow = |from: usize, ms| {
                record(step, 1_000, move |n, sample| {
                    if n >= from {
                        sample.took = Duration::from_millis(ms);
                    }
                })
            };
            let is_missed = |record: &Record, name: &str| {
                record.missed(&LIMITS).iter().any(|missed| missed.contains(name) && missed.contains(what))
            };
            assert!(is_missed(&slow(949, 500), "p95") && !is_missed(&slow(950, 500), "p95"), "{what}");
            assert!(is_missed(&slow(989, 1_000), "p99") && !is_missed(&slow(990, 1_000), "p99"), "{what}");
            let one_fails = |count| {
                record(step, count, |n, sample| {
                    sample.failure = (n == 0).then(|| "503".to_owned());
                })
            };
            assert!(is_missed(&one_fails(1_000), "failed") && !is_missed(&one_fails(1_001), "failed"), "{what}");
        }
    }
}

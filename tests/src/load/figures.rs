//! Steps in a few numbers.

use super::record::Sample;
use serde::Serialize;
use std::time::Duration;

/// Numbers of some steps. Percentiles are exact, by the nearest rank, and include steps that failed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many were taken.
    pub count: usize,
    /// How many of them failed.
    pub failed: usize,
    /// How many a second, over the planned time.
    pub per_second: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// None took longer.
    pub max_ms: f64,
}

impl Figures {
    /// Of the steps of a time; none if there are none.
    pub(super) fn of<'a>(samples: impl Iterator<Item = &'a Sample>, time: Duration) -> Option<Self> {
        let mut failed = 0;
        let mut times: Vec<_> = samples
            .map(|sample| {
                failed += usize::from(sample.failure.is_some());
                sample.took
            })
            .collect();
        times.sort_unstable();
        let rank = |share: f64| ((times.len() as f64 * share).ceil() as usize).max(1) - 1;
        let at = |share| times.get(rank(share)).map(|time| (time.as_secs_f64() * 1e5).round() / 100.0);
        Some(Self {
            count: times.len(),
            failed,
            per_second: times.len() as f64 / time.as_secs_f64(),
            p50_ms: at(0.5)?,
            p95_ms: at(0.95)?,
            p99_ms: at(0.99)?,
            max_ms: at(1.0)?,
        })
    }
}

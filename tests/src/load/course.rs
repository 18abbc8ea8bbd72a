//! What a run does over time: whether anything grows, or slows down.

use super::figures::Figures;
use super::record::{Record, Step};
use super::target::Target;
use crate::client::{Answer, http};
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often processes are asked.
const TICK: Duration = Duration::from_secs(1);
/// What they are asked for: the metric, what it is called here, and its unit.
const METRICS: [(&str, &str, f64); 2] =
    [("process_resident_memory_bytes", "memory, MiB", 1_048_576.0), ("process_open_fds", "open files", 1.0)];

/// Something in each quarter of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Course {
    /// What it is, and its unit.
    pub what: String,
    /// 0 where nothing is known.
    pub quarters: [f64; 4],
}

/// The quarter of a run that a time is in.
fn quarter(at: Duration, length: Duration) -> usize {
    ((at.as_secs_f64() / length.as_secs_f64() * 4.0) as usize).min(3)
}

/// The most that each process of a system has in each quarter of a run.
pub async fn watched<T>(target: &Target, length: Duration, run: impl Future<Output = T>) -> (T, Vec<Course>) {
    let mut courses: Vec<_> = target
        .processes()
        .iter()
        .flat_map(|(name, _)| METRICS.map(|(_, called, _)| format!("{name}: {called}")))
        .map(|what| Course { what, quarters: [0.0; 4] })
        .collect();
    let watching = async {
        let (begun, client, mut ticks) = (Instant::now(), http(), interval(TICK));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for ((_, url), courses) in target.processes().iter().zip(courses.chunks_mut(METRICS.len())) {
                let Ok(answer) = client.get(format!("{url}/metrics")).send().await else { continue };
                let Ok(answer) = Answer::of(answer).await else { continue };
                for (course, (metric, _, unit)) in courses.iter_mut().zip(METRICS) {
                    let most = &mut course.quarters[quarter(begun.elapsed(), length)];
                    *most = most.max(answer.metric(metric).unwrap_or_default() / unit);
                }
            }
        }
    };
    let outcome = tokio::select! {
        outcome = run => outcome,
        () = watching => unreachable!("it is asked for ever"),
    };
    (outcome, courses)
}

/// How long requests took in each quarter.
pub(super) fn latencies(record: &Record) -> Vec<Course> {
    let figures = [0, 1, 2, 3].map(|wanted| {
        let samples = record.samples.iter().filter(|sample| sample.step != Step::Delivery);
        Figures::of(samples.filter(|sample| quarter(sample.at, record.length) == wanted), record.length / 4)
    });
    let course = |what: &str, quarters| Course { what: what.to_owned(), quarters };
    vec![
        course("requests: p50 ms", figures.map(|figures| figures.map_or(0.0, |figures| figures.p50_ms))),
        course("requests: p95 ms", figures.map(|figures| figures.map_or(0.0, |figures| figures.p95_ms))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::record::Sample;
    use super::*;

    #[test]
    fn what_slows_down_is_seen_in_the_last_quarter() {
        let sample = |second| Sample {
            step: Step::Read,
            at: Duration::from_secs(second),
            took: Duration::from_millis(if second < 6 { 1 } else { 9 }),
            failure: None,
        };
        let record = Record { samples: (0..9).map(sample).collect(), length: Duration::from_secs(8) };
        let [median, _] = <[Course; 2]>::try_from(latencies(&record)).expect("two rows");
        assert_eq!(median.quarters, [1.0, 1.0, 1.0, 9.0]);
    }
}

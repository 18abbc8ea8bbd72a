//! A limit on how fast a generation is filled, so that whoever serves meanwhile has the machine.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Into how many steps a second is divided.
const STEPS: u32 = 4;

/// Lets a number of events pass each second.
pub(crate) struct Throttle {
    most_per_second: Option<u32>,
    /// When the next events may be applied.
    next: Instant,
}

impl Throttle {
    pub(crate) fn new(most_per_second: Option<u32>) -> Self {
        Self { most_per_second, next: Instant::now() }
    }

    /// How many events a batch may have: a quarter of a second's, so that there are no long pauses after long strides.
    pub(crate) fn batch_events(&self, wanted: usize) -> usize {
        self.most_per_second.map_or(wanted, |most| wanted.min((most / STEPS).max(1) as usize))
    }

    /// Waits until the next events may be applied, after so many were. Time that was not used is not saved up.
    pub(crate) async fn after(&mut self, events: usize) {
        self.next = self.next_after(events, Instant::now());
        sleep_until(self.next).await;
    }

    fn next_after(&self, events: usize, now: Instant) -> Instant {
        match self.most_per_second {
            None => now,
            Some(most) => {
                let step = Duration::from_secs(1) / STEPS;
                let earliest = now.checked_sub(step).unwrap_or(now);
                self.next.max(earliest) + Duration::from_secs_f64(events as f64 / f64::from(most.max(1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_take_their_share_of_a_second() {
        let mut throttle = Throttle::new(Some(200));
        let begun = throttle.next;
        for _ in 0..4 {
            throttle.next = throttle.next_after(50, begun);
        }
        assert_eq!(throttle.next - begun, Duration::from_secs(1));
        assert_eq!((throttle.batch_events(4_000), throttle.batch_events(7)), (50, 7));
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let throttle = Throttle::new(Some(10));
        let later = throttle.next + Duration::from_secs(60);
        assert!(throttle.next_after(10, later) >= later + Duration::from_millis(750));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let throttle = Throttle::new(None);
        let now = Instant::now();
        assert_eq!((throttle.next_after(1_000_000, now), throttle.batch_events(4_000)), (now, 4_000));
    }
}

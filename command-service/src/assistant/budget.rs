//! How much may be asked: so many questions a minute, so many tokens a day.

use super::metrics::WAITING;
use chrono::{DateTime, Days, NaiveTime, Utc};
use metrics::gauge;
use runtime::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// What is left of both.
pub(super) struct Budget {
    clock: Arc<dyn Clock>,
    /// Between two questions.
    pause: Duration,
    next: Instant,
    tokens_per_day: u64,
    spent: u64,
    /// When the tokens of the present day end.
    midnight: DateTime<Utc>,
}

impl Budget {
    pub(super) fn new(clock: Arc<dyn Clock>, per_minute: u32, tokens_per_day: u64) -> Self {
        let midnight = midnight_after(clock.now());
        let pause = Duration::from_secs(60) / per_minute.max(1);
        Self { clock, pause, next: Instant::now(), tokens_per_day, spent: 0, midnight }
    }

    /// Waits until a question may be asked, and counts it.
    pub(super) async fn wait(&mut self) {
        while let Some(left) = self.exhausted_for(self.clock.now()) {
            gauge!(WAITING).set(1.0);
            tracing::warn!(tokens = self.spent, "the day's tokens are spent, waiting for the next day");
            sleep(left).await;
        }
        gauge!(WAITING).set(0.0);
        sleep_until(self.next).await;
        self.next = Instant::now() + self.pause;
    }

    /// Counts what an answer has cost.
    pub(super) fn spend(&mut self, tokens: u64) {
        self.spent = self.spent.saturating_add(tokens);
    }

    /// How long there are no tokens; begins a new day where one has begun.
    fn exhausted_for(&mut self, now: DateTime<Utc>) -> Option<Duration> {
        if now >= self.midnight {
            self.midnight = midnight_after(now);
            self.spent = 0;
        }
        let is_exhausted = self.spent >= self.tokens_per_day;
        is_exhausted.then(|| (self.midnight - now).to_std().unwrap_or_default() + Duration::from_millis(1))
    }
}

fn midnight_after(now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.date_naive().checked_add_days(Days::new(1)).unwrap_or(now.date_naive());
    tomorrow.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(DateTime<Utc>);

    impl Clock for Fixed {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    #[tokio::test]
    async fn spent_tokens_come_back_at_midnight() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let mut budget = Budget::new(Arc::new(Fixed(at("2026-01-02T22:00:00Z"))), 60, 100);
        budget.spend(99);
        assert_eq!(budget.exhausted_for(at("2026-01-02T22:00:00Z")), None);
        budget.spend(1);
        let left = budget.exhausted_for(at("2026-01-02T23:00:00Z")).expect("nothing is left");
        assert_eq!(left.as_secs(), 3_600);
        assert_eq!(budget.exhausted_for(at("2026-01-03T00:00:00Z")), None);
    }
}

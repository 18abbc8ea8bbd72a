//! Where time comes from. Only the edge asks; what follows the log must never see the wall clock.

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the time of day.
pub trait Clock: Send + Sync + 'static {
    /// The time now, to the microsecond, which is what the log and the database keep.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

//! A moment of the log: the sequence that a wish for a time comes to.

use super::Failure;
use crate::positioned::Read;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use runtime::EventLog;
use runtime::clock::{Clock, SystemClock};
use std::fmt;
use std::str::FromStr;

/// An event is appended so soon after its own time, at the latest, and clocks of services differ by less.
const MARGIN: TimeDelta = TimeDelta::minutes(1);
/// Most events, and bytes, that are read at once.
const BATCH: (usize, usize) = (4_000, 8 << 20);

/// The past that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// With every event up to a sequence of the log.
    Sequence(u64),
    /// With every event up to a time.
    Time(DateTime<Utc>),
}

impl FromStr for AsOf {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(sequence));
        }
        let time =
            DateTime::parse_from_rfc3339(text).map_err(|_| "is neither a sequence nor a time as RFC 3339 has it")?;
        Ok(Self::Time(time.to_utc()))
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(sequence) => sequence.fmt(f),
            Self::Time(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

/// Where a past ends.
pub(super) struct Moment {
    /// The last sequence that belongs to it.
    pub(super) sequence: u64,
    /// When that was appended; nothing where the log has nothing at the sequence.
    pub(super) appended_at: Option<DateTime<Utc>>,
}

/// Resolves what was asked for. For a time that is the last event that happened by then, as its own time says; whatever
/// the log has before it belongs to the past too.
pub(super) async fn resolve(log: &EventLog, as_of: AsOf) -> Result<Moment, Failure> {
    let head = log.head().await?;
    let sequence = match as_of {
        AsOf::Sequence(sequence) if sequence > head => return Err(format!("the log ends at {head}").into()),
        AsOf::Sequence(sequence) => sequence,
        AsOf::Time(time) if time > SystemClock.now() => return Err("that time has not come yet".into()),
        AsOf::Time(time) => last_by(log, time, head).await?,
    };
    if sequence == 0 {
        return Err("the log has no event that old".into());
    }
    Ok(Moment { sequence, appended_at: log.appended(sequence).await? })
}

/// The last event whose own time is not after another. Events have the clocks of those who decided them, and those need
/// not agree with the log's order; the log's own clock says where it is worth looking.
async fn last_by(log: &EventLog, time: DateTime<Utc>, head: u64) -> Result<u64, Failure> {
    let before = |first: Option<u64>| first.map_or(head, |first| first.saturating_sub(1));
    let mut last = before(log.first_appended(time - MARGIN).await?);
    let end = before(log.first_appended(time + MARGIN).await?).min(head);
    let (mut follower, mut position) = (log.watch(last, BATCH.0, BATCH.1), last);
    while position < end {
        let batch = follower.next().await?;
        for read in batch.events.iter().filter(|recorded| recorded.sequence <= end).map(Read::of) {
            if read.time().is_some_and(|at| at <= time) {
                last = read.sequence();
            }
        }
        position = batch.last_sequence();
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_or_a_time_is_said_as_it_was_understood() {
        for (text, said) in [
            ("17", "17"),
            ("2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z"),
            ("2026-11-21T20:00:00.250+02:00", "2026-11-21T18:00:00.250Z"),
        ] {
            assert_eq!(text.parse::<AsOf>().map(|as_of| as_of.to_string()).as_deref(), Ok(said));
        }
        for none in ["", "-1", "yesterday", "2026-11-21"] {
            assert!(none.parse::<AsOf>().is_err(), "{none:?}");
        }
    }
}

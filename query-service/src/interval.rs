//! Courses of time: days, weeks and months of UTC, with those in which nothing happened.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use poem_openapi::Enum;
use runtime::http::Problem;
use std::collections::BTreeMap;

/// How long an interval is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum Interval {
    /// A day.
    #[default]
    Day,
    /// A week from Monday on.
    Week,
    /// A month of the calendar.
    Month,
}

impl Interval {
    /// Its name in SQL.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first day of the interval that a day belongs to.
    fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day)
            }
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the interval before; `None` at the beginning of time.
    fn before(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_sub_days(Days::new(1)),
            Self::Week => start.checked_sub_days(Days::new(7)),
            Self::Month => start.checked_sub_months(Months::new(1)),
        }
    }

    /// The intervals of a range with what was counted in each, in order, at most the last so many. Where the range is open
    /// it ends with what was counted.
    pub(crate) fn fill(
        self,
        counted: &BTreeMap<NaiveDate, i64>,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        most: u32,
    ) -> Vec<(NaiveDate, i64)> {
        let first = from.map(|from| self.start(from.date_naive())).or(counted.keys().next().copied());
        // The range ends before `to`, so that midnight belongs to the interval before.
        let last = to.map(|to| self.start((to - chrono::Duration::microseconds(1)).date_naive()));
        let last = last.or(counted.keys().next_back().copied());
        let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
        let starts = std::iter::successors(Some(last), |start| self.before(*start));
        let mut intervals: Vec<_> = starts
            .take_while(|start| *start >= first)
            .take(most as usize)
            .map(|start| (start, counted.get(&start).copied().unwrap_or(0)))
            .collect();
        intervals.reverse();
        intervals
    }
}

/// Checks that a range of time does not end before it begins.
///
/// # Errors
/// 400 `invalid_parameter`.
pub(crate) fn check(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<(), Problem> {
    // Dates of answers have a year of four digits, as RFC 3339 has it.
    if from.iter().chain(&to).any(|time| !(0..=9_999).contains(&time.year())) {
        return Err(Problem::invalid_parameter("a year has four digits"));
    }
    match (from, to) {
        (Some(from), Some(to)) if from >= to => Err(Problem::invalid_parameter("`from` must be before `to`")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().expect("a time"))
    }

    #[test]
    fn intervals_begin_where_the_database_has_them_begin() {
        assert_eq!(Interval::Week.start(day("2026-01-01")), day("2025-12-29"));
        assert_eq!(Interval::Month.start(day("2026-02-28")), day("2026-02-01"));
        assert_eq!(Interval::Month.before(day("2026-03-01")), Some(day("2026-02-01")));
    }

    #[test]
    fn intervals_without_anything_are_there_too() {
        let counted = BTreeMap::from([(day("2026-01-01"), 2), (day("2026-01-04"), 1)]);
        let numbers =
            |intervals: Vec<(NaiveDate, i64)>| intervals.into_iter().map(|(_, number)| number).collect::<Vec<_>>();
        assert_eq!(numbers(Interval::Day.fill(&counted, None, None, 100)), [2, 0, 0, 1]);
        assert_eq!(numbers(Interval::Day.fill(&counted, None, None, 2)), [0, 1]);
        let (from, to) = (at("2025-12-31T23:00:00Z"), at("2026-01-03T00:00:00Z"));
        assert_eq!(numbers(Interval::Day.fill(&counted, from, to, 100)), [0, 2, 0]);
        assert!(Interval::Month.fill(&BTreeMap::new(), None, None, 100).is_empty());
        let ages = Interval::Day.fill(&counted, at("0001-01-01T00:00:00Z"), at("9999-12-31T00:00:00Z"), 10);
        assert_eq!(ages.len(), 10);
    }

    #[test]
    fn a_range_goes_forward() {
        assert!(check(at("2026-01-02T00:00:00Z"), at("2026-01-02T00:00:00Z")).is_err());
        assert!(check(None, at("2026-01-02T00:00:00Z")).is_ok());
    }
}

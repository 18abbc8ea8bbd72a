//! What this service counts.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Answers to reads of one document, by where they came from: memory, redis, postgres.
pub(crate) const READS: &str = "syncboard_query_document_reads_total";
/// Time that reads waited for their `min_sequence`.
pub(crate) const WAIT_SECONDS: &str = "syncboard_query_wait_duration_seconds";
/// Reads whose `min_sequence` did not come in time.
pub(crate) const WAIT_TIMEOUTS: &str = "syncboard_query_wait_timeouts_total";
/// The sequence up to which the read models show the log.
pub(crate) const VISIBLE: &str = "syncboard_query_visible_sequence";

pub(crate) fn describe() {
    describe_counter!(READS, "reads of one document, by source");
    describe_histogram!(WAIT_SECONDS, Unit::Seconds, "time that reads waited for min_sequence");
    describe_counter!(WAIT_TIMEOUTS, "reads whose min_sequence did not come in time");
    describe_gauge!(VISIBLE, "sequence up to which the read models show the log");
}

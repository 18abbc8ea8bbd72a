//! What this service counts.

use events::Aggregate;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Events appended, by aggregate.
pub(crate) const APPENDS: &str = "syncboard_command_appends_total";
/// Appends that met another event first and were decided again.
pub(crate) const CONFLICTS: &str = "syncboard_command_conflicts_total";
/// Appends whose answer did not come and was looked for.
pub(crate) const UNKNOWN: &str = "syncboard_command_unknown_outcomes_total";
/// Appends that the log refused or could not take; nothing was stored.
pub(crate) const FAILED: &str = "syncboard_command_appends_failed_total";
/// Commands answered from the memory of their stream.
pub(crate) const REPLAYS: &str = "syncboard_command_replays_total";
/// Time of one append.
pub(crate) const APPEND_SECONDS: &str = "syncboard_command_append_duration_seconds";
/// States found in memory.
pub(crate) const STATE_HITS: &str = "syncboard_command_state_hits_total";
/// States loaded from the log.
pub(crate) const STATE_LOADS: &str = "syncboard_command_state_loads_total";
/// Searches for documents with the same text that failed or took too long.
pub(crate) const DUPLICATE_LOOKUPS_FAILED: &str = "syncboard_command_duplicate_lookups_failed_total";
/// Password hashes waiting or in progress.
pub(crate) const PASSWORD_QUEUE: &str = "syncboard_command_password_queue";

/// Describes them, and begins every counter at 0: one that appears with its first event has no rate at that event.
pub(crate) fn begin() {
    describe_counter!(APPENDS, "events appended to the log");
    describe_counter!(CONFLICTS, "appends that met another event first");
    describe_counter!(UNKNOWN, "appends whose answer did not come in time");
    describe_counter!(FAILED, "appends that the log refused or could not take");
    describe_counter!(REPLAYS, "retried commands answered with their first answer");
    describe_histogram!(APPEND_SECONDS, Unit::Seconds, "time of one append");
    describe_counter!(STATE_HITS, "decision states found in memory");
    describe_counter!(STATE_LOADS, "decision states loaded from the log");
    describe_counter!(
        DUPLICATE_LOOKUPS_FAILED,
        "searches for documents with the same text that failed or took too long"
    );
    describe_gauge!(PASSWORD_QUEUE, "password hashes waiting or in progress");
    for aggregate in [Aggregate::Document, Aggregate::Cluster, Aggregate::Concept, Aggregate::Account] {
        counter!(APPENDS, "aggregate" => aggregate.name().to_owned()).increment(0);
    }
    for name in [CONFLICTS, UNKNOWN, FAILED, REPLAYS, STATE_HITS, STATE_LOADS, DUPLICATE_LOOKUPS_FAILED] {
        counter!(name).increment(0);
    }
    drop(histogram!(APPEND_SECONDS));
    gauge!(PASSWORD_QUEUE).set(0.0);
}

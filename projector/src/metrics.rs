//! What the projector counts.

use crate::projection::Projection;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Events applied.
pub(crate) const EVENTS: &str = "syncboard_projector_applied_events_total";
/// Events of one transaction.
pub(crate) const BATCH_EVENTS: &str = "syncboard_projector_batch_events";
/// Time of one transaction.
pub(crate) const BATCH_SECONDS: &str = "syncboard_projector_batch_duration_seconds";
/// Batches that failed and are tried again.
pub(crate) const FAILURES: &str = "syncboard_projector_failures_total";
/// Events that wait because they, or earlier ones of their streams, cannot be applied.
pub(crate) const PARKED: &str = "syncboard_projector_parked_events";
pub(crate) const ANALYSES_BROKEN: &str = "syncboard_projector_analyses_broken_total";
/// Shards of a projection that this process works on.
pub(crate) const SHARDS: &str = "syncboard_projector_shards";
/// Events between the checkpoint and the head of the log.
pub(crate) const LAG: &str = "syncboard_projector_lag";
/// Age of the oldest event that is not applied.
pub(crate) const LAG_SECONDS: &str = "syncboard_projector_lag_seconds";
/// The last sequence applied.
pub(crate) const CHECKPOINT: &str = "syncboard_projector_checkpoint";
/// Age of the last applied event when it became visible.
pub(crate) const FRESHNESS_SECONDS: &str = "syncboard_projector_freshness_seconds";

/// Describes them, and begins every one that can be at 0: a counter that appears with its first event has no rate at it.
pub(crate) fn begin() {
    describe_counter!(EVENTS, "events applied to the read models");
    describe_histogram!(BATCH_EVENTS, "events of one transaction");
    describe_histogram!(BATCH_SECONDS, Unit::Seconds, "time of one transaction");
    describe_counter!(ANALYSES_BROKEN, "texts on which the analysis broke, and in which nothing was found");
    describe_gauge!(PARKED, "events that wait because they, or earlier ones of their streams, cannot be applied");
    describe_counter!(FAILURES, "batches that failed and are tried again");
    describe_gauge!(SHARDS, "shards of a projection that this process works on");
    describe_gauge!(LAG, "events between checkpoint and head of the log");
    describe_gauge!(LAG_SECONDS, Unit::Seconds, "age of the oldest event that is not applied, 0 if all are");
    describe_gauge!(CHECKPOINT, "last sequence applied");
    describe_histogram!(FRESHNESS_SECONDS, Unit::Seconds, "age of an event when it became visible");
    counter!(ANALYSES_BROKEN).increment(0);
    for projection in Projection::ALL.map(Projection::name) {
        counter!(EVENTS, "projection" => projection).increment(0);
        counter!(FAILURES, "projection" => projection).increment(0);
        gauge!(SHARDS, "projection" => projection).set(0.0);
        for name in [BATCH_EVENTS, BATCH_SECONDS, FRESHNESS_SECONDS] {
            drop(histogram!(name, "projection" => projection));
        }
    }
}

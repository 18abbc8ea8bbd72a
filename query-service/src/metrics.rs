//! What this service counts.

use crate::config::Subscriptions;
use crate::subscriptions::Closed;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Answers to reads of one document, by where they came from: memory, redis, postgres.
pub(crate) const READS: &str = "syncboard_query_document_reads_total";
/// Time that reads waited for their `min_sequence`.
pub(crate) const WAIT_SECONDS: &str = "syncboard_query_wait_duration_seconds";
/// Reads whose `min_sequence` did not come in time.
pub(crate) const WAIT_TIMEOUTS: &str = "syncboard_query_wait_timeouts_total";
/// The sequence up to which the read models show the log.
pub(crate) const VISIBLE: &str = "syncboard_query_visible_sequence";
/// Subscribers that are connected.
pub(crate) const SUBSCRIBERS: &str = "syncboard_query_subscribers";
/// Subscribers that this process takes.
pub(crate) const SUBSCRIBERS_LIMIT: &str = "syncboard_query_subscribers_limit";
/// Subscribers who were turned away as there were too many.
pub(crate) const SUBSCRIBERS_REFUSED: &str = "syncboard_query_subscribers_refused_total";
/// Messages handed out to subscribers.
pub(crate) const MESSAGES: &str = "syncboard_query_messages_total";
/// Subscriptions that this service has ended, by code: too_slow, token_expired, stopping.
pub(crate) const CLOSED: &str = "syncboard_query_subscriptions_closed_total";
/// Pages of the log that were read for subscribers who were behind.
pub(crate) const BACKLOG_PAGES: &str = "syncboard_query_backlog_pages_total";

/// Describes them, and begins every counter at 0: one that appears with its first event has no rate at that event.
pub(crate) fn begin(subscriptions: &Subscriptions) {
    describe_counter!(READS, "reads of one document, by source");
    describe_histogram!(WAIT_SECONDS, Unit::Seconds, "time that reads waited for min_sequence");
    describe_counter!(WAIT_TIMEOUTS, "reads whose min_sequence did not come in time");
    describe_gauge!(VISIBLE, "sequence up to which the read models show the log");
    describe_gauge!(SUBSCRIBERS, "subscribers that are connected");
    describe_gauge!(SUBSCRIBERS_LIMIT, "subscribers that this process takes");
    describe_counter!(SUBSCRIBERS_REFUSED, "subscribers who were turned away as there were too many");
    describe_counter!(MESSAGES, "messages handed out to subscribers");
    describe_counter!(CLOSED, "subscriptions that this service has ended, by code");
    describe_counter!(BACKLOG_PAGES, "pages of the log read for subscribers who were behind");
    for source in ["memory", "redis", "postgres"] {
        counter!(READS, "source" => source).increment(0);
    }
    for closed in Closed::ALL {
        counter!(CLOSED, "code" => closed.code()).increment(0);
    }
    for name in [WAIT_TIMEOUTS, SUBSCRIBERS_REFUSED, MESSAGES, BACKLOG_PAGES] {
        counter!(name).increment(0);
    }
    drop(histogram!(WAIT_SECONDS));
    gauge!(SUBSCRIBERS).set(0.0);
    gauge!(SUBSCRIBERS_LIMIT).set(subscriptions.subscribers as f64);
}

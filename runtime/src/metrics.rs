//! What every service counts, whatever it does. What only one service counts is in that service.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

/// Requests, by operation and class of status.
pub(crate) const REQUESTS: &str = "syncboard_http_requests_total";
pub(crate) const REQUESTS_ABORTED: &str = "syncboard_http_requests_aborted_total";
/// Time from a request's first byte to the head of its answer.
pub(crate) const REQUEST_SECONDS: &str = "syncboard_http_request_duration_seconds";
pub(crate) const REQUESTS_IN_PROGRESS: &str = "syncboard_http_requests_in_progress";
/// How many may be in progress at once.
pub(crate) const REQUESTS_LIMIT: &str = "syncboard_http_requests_limit";
/// Connections of the pool, busy and idle.
pub(crate) const CONNECTIONS: &str = "syncboard_database_connections";
/// How many the pool may open.
pub(crate) const CONNECTIONS_LIMIT: &str = "syncboard_database_connections_limit";
/// Statements that took longer than `SYNCBOARD_SLOW_STATEMENT`.
pub(crate) const SLOW_STATEMENTS: &str = "syncboard_database_slow_statements_total";
/// Spans that the collector has taken.
pub(crate) const SPANS_SENT: &str = "syncboard_trace_spans_sent_total";
/// Spans that it has not, by reason.
pub(crate) const SPANS_DROPPED: &str = "syncboard_trace_spans_dropped_total";
/// Whether a dependency answers, asked at each scrape.
pub(crate) const DEPENDENCY_UP: &str = "syncboard_dependency_up";
/// Whether the service is of use.
pub(crate) const READY: &str = "syncboard_ready";
/// Always 1; what runs is in its labels.
pub(crate) const BUILD: &str = "syncboard_build_info";
/// Connections to NATS that were lost.
pub(crate) const LOG_DISCONNECTIONS: &str = "syncboard_log_disconnections_total";
/// What NATS complained of, by kind.
pub(crate) const LOG_COMPLAINTS: &str = "syncboard_log_complaints_total";
/// Requests to JetStream without a usable answer.
pub(crate) const LOG_FAILURES: &str = "syncboard_log_failures_total";
pub(crate) const LOG_LAST_SEQUENCE: &str = "syncboard_log_last_sequence";
pub(crate) const LOG_LAST_APPEND: &str = "syncboard_log_last_append_timestamp_seconds";
pub(crate) const LOG_EVENTS: &str = "syncboard_log_events";
pub(crate) const LOG_BYTES: &str = "syncboard_log_bytes";
pub(crate) const LOG_CONSUMERS: &str = "syncboard_log_consumers";
/// Whether the log's stream has a leader; of one server without a cluster always 1 while it answers.
pub(crate) const LOG_HAS_LEADER: &str = "syncboard_log_has_leader";
/// Replicas beside the leader, by whether they follow.
pub(crate) const LOG_REPLICAS: &str = "syncboard_log_replicas";
/// When a secret was last replaced while this process ran.
pub(crate) const SECRET_REPLACED: &str = "syncboard_secret_replaced_timestamp_seconds";
/// Whether a secret's file holds what cannot be used.
pub(crate) const SECRET_REFUSED: &str = "syncboard_secret_refused";
/// What is left of what has a watermark.
pub(crate) const LEFT: &str = "syncboard_watermark_left_bytes";
/// What must be left of it.
pub(crate) const LEAST: &str = "syncboard_watermark_least_bytes";
pub(crate) const PROCESS_CPU: &str = "process_cpu_seconds_total";
pub(crate) const PROCESS_MEMORY: &str = "process_resident_memory_bytes";
pub(crate) const PROCESS_FILES: &str = "process_open_fds";
pub(crate) const PROCESS_FILES_LIMIT: &str = "process_max_fds";
pub(crate) const PROCESS_START: &str = "process_start_time_seconds";
pub(crate) const PROCESS_THREADS: &str = "process_threads";

/// Kinds of complaints of NATS.
pub(crate) const COMPLAINTS: [&str; 4] = ["slow_consumer", "server", "client", "lame_duck"];

/// Describes them, and begins every counter at 0: one that appears with its first event has no rate at that event.
pub(crate) fn begin() {
    describe_counter!(REQUESTS, "requests, by operation and class of status");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "time from a request to the head of its answer");
    describe_gauge!(REQUESTS_IN_PROGRESS, "requests in progress");
    describe_counter!(REQUESTS_ABORTED, "requests whose client went away before there was an answer");
    describe_gauge!(REQUESTS_LIMIT, "requests that may be in progress at once");
    describe_gauge!(CONNECTIONS, "connections of the pool, by state");
    describe_gauge!(CONNECTIONS_LIMIT, "connections that the pool may open");
    describe_counter!(SLOW_STATEMENTS, "statements that took longer than SYNCBOARD_SLOW_STATEMENT");
    describe_counter!(SPANS_SENT, "spans that the collector has taken");
    describe_counter!(SPANS_DROPPED, "spans that were dropped, by reason: queue_full, not_taken");
    describe_gauge!(DEPENDENCY_UP, "1 if a dependency answered when this was asked for");
    describe_gauge!(READY, "1 if the service is of use: every required dependency answers, and it is not stopping");
    describe_gauge!(BUILD, "1; what runs is in the labels");
    describe_counter!(LOG_DISCONNECTIONS, "connections to NATS that were lost");
    describe_counter!(LOG_COMPLAINTS, "complaints of NATS, by kind");
    describe_counter!(LOG_FAILURES, "requests to JetStream without a usable answer");
    describe_gauge!(LOG_LAST_SEQUENCE, "last sequence of the log");
    describe_gauge!(LOG_LAST_APPEND, Unit::Seconds, "when the last event was appended, since 1970; 0 if there is none");
    describe_gauge!(LOG_EVENTS, "events of the log");
    describe_gauge!(LOG_BYTES, Unit::Bytes, "size of the log");
    describe_gauge!(LOG_CONSUMERS, "consumers of the log");
    describe_gauge!(LOG_HAS_LEADER, "1 if the log's stream has a leader, 0 if not or if it does not say");
    describe_gauge!(LOG_REPLICAS, "replicas beside the leader, by state: current, behind, offline");
    describe_gauge!(SECRET_REPLACED, Unit::Seconds, "when a secret was last replaced, since 1970; 0 if it never was");
    describe_gauge!(
        SECRET_REFUSED,
        "how many that follow a secret's file in this process hold to the value before, as they cannot use what it holds"
    );
    describe_gauge!(
        LEFT,
        Unit::Bytes,
        "what is left of memory, disk, log_storage, database_storage; absent where nothing limits it"
    );
    describe_gauge!(LEAST, Unit::Bytes, "what must be left of it for the service to be ready");
    describe_counter!(PROCESS_CPU, Unit::Seconds, "processor time, user and system");
    describe_gauge!(PROCESS_MEMORY, Unit::Bytes, "resident memory");
    describe_gauge!(PROCESS_FILES, "open file descriptors");
    describe_gauge!(PROCESS_FILES_LIMIT, "file descriptors that may be open");
    describe_gauge!(PROCESS_START, Unit::Seconds, "when the process started, since 1970");
    describe_gauge!(PROCESS_THREADS, "threads");
    counter!(LOG_DISCONNECTIONS).increment(0);
    counter!(LOG_FAILURES).increment(0);
    counter!(SLOW_STATEMENTS).increment(0);
    counter!(SPANS_SENT).increment(0);
    for reason in ["queue_full", "not_taken"] {
        counter!(SPANS_DROPPED, "reason" => reason).increment(0);
    }
    for kind in COMPLAINTS {
        counter!(LOG_COMPLAINTS, "kind" => kind).increment(0);
    }
    gauge!(REQUESTS_IN_PROGRESS).increment(0.0);
}

//! Logs and metrics. Lines are written by a thread of their own, so that no request waits for a terminal or a pipe.

use crate::config::{self, LogFormat};
use crate::metrics::{CONNECTIONS, CONNECTIONS_LIMIT};
use crate::slow;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::BufWriter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// Bounds of every histogram of seconds: 100 µs to 10 s. 200 ms and 1 s are promises, and must be among them.
const SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds of every histogram of numbers of events.
const EVENTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0];

/// Keeps the log's thread alive; what is buffered is written when it is dropped.
pub struct Telemetry {
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    _guard: WorkerGuard,
}

/// Starts logging to standard error and collecting metrics. To be called once.
///
/// # Errors
/// A filter that cannot be read, or telemetry that was started already.
pub fn start(config: &config::Log) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    let filter: Targets = config.log.parse()?;
    // The thread flushes whenever it has caught up, so a buffer delays nothing and spares a system call for each line.
    let stderr = BufWriter::with_capacity(64 * 1024, std::io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(8_192).finish(stderr);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match config.log_format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    };
    let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
        vec![layer.with_filter(filter).boxed(), slow::layer().boxed()];
    tracing_subscriber::registry().with(layers).try_init()?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), EVENTS)?
        .install_recorder()?;
    Ok(Telemetry { metrics, _guard: guard })
}

/// Brings the gauges of a connection pool up to date.
pub fn pool(pool: &sqlx::PgPool) {
    let (open, idle) = (pool.size(), u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
    metrics::gauge!(CONNECTIONS, "state" => "busy").set(f64::from(open.saturating_sub(idle)));
    metrics::gauge!(CONNECTIONS, "state" => "idle").set(f64::from(idle));
    metrics::gauge!(CONNECTIONS_LIMIT).set(f64::from(pool.options().get_max_connections()));
}

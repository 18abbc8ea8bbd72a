//! Logs, metrics and traces. Lines are written by a thread of their own, so that no request waits for a terminal or a pipe.

use crate::config::{self, LogFormat};
use crate::metrics::{CONNECTIONS, CONNECTIONS_LIMIT};
use crate::traces::Export;
use crate::{slow, traces};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::BufWriter;
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// Bounds of every histogram of seconds: 100 µs to 10 s. 200 ms and 1 s are promises, and must be among them.
const SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds of every histogram of numbers of events.
const EVENTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0];

/// Keeps what sends traces and writes the log alive; what is left is sent and written when it is dropped.
pub struct Telemetry {
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    _traces: Option<Export>,
    _guard: WorkerGuard,
}

/// Starts logging to standard error and collecting metrics. To be called once.
///
/// # Errors
/// A filter that cannot be read, or telemetry that was started already.
pub fn start(config: &config::Log) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    begin(config, None)
}

/// As [`start`], and sends traces of a service if there is a collector. To be called in the runtime.
///
/// # Errors
/// As [`start`]; a collector that cannot be one.
pub fn start_traced(
    config: &config::Log,
    traces: &config::Traces,
    service: &'static str,
) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    begin(config, Export::begin(traces, service)?)
}

fn begin(config: &config::Log, traces: Option<Export>) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    let filter: Targets = config.log.parse()?;
    // The thread flushes whenever it has caught up, so a buffer delays nothing and spares a system call for each line.
    let stderr = BufWriter::with_capacity(64 * 1024, std::io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(8_192).finish(stderr);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match config.log_format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    };
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
        vec![layer.with_filter(logged(filter)).boxed(), slow::layer().boxed()];
    layers.extend(traces.as_ref().map(|traces| traces::layer(traces.tracer()).boxed()));
    tracing_subscriber::registry().with(layers).try_init()?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), EVENTS)?
        .install_recorder()?;
    Ok(Telemetry { metrics, _traces: traces, _guard: guard })
}

/// What the log takes: of no span anything, so that without traces there is none.
fn logged<S>(filter: Targets) -> impl Filter<S> {
    filter_fn(|metadata: &Metadata<'_>| !metadata.is_span()).with_max_level_hint(Level::TRACE).and(filter)
}

/// Brings the gauges of a connection pool up to date; they are told apart by its name.
pub fn pool(name: &'static str, pool: &sqlx::PgPool) {
    let (open, idle) = (pool.size(), u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
    metrics::gauge!(CONNECTIONS, "pool" => name, "state" => "busy").set(f64::from(open.saturating_sub(idle)));
    metrics::gauge!(CONNECTIONS, "pool" => name, "state" => "idle").set(f64::from(idle));
    metrics::gauge!(CONNECTIONS_LIMIT, "pool" => name).set(f64::from(pool.options().get_max_connections()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::subscriber::with_default;

    #[test]
    fn without_traces_there_is_no_span_and_with_them_there_is() {
        let log = || {
            let all: Targets = "trace".parse().expect("a filter");
            tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(logged(all)).boxed()
        };
        let span = || traces::wait("documents", 7);
        with_default(tracing_subscriber::registry().with(vec![log(), slow::layer().boxed()]), || {
            assert!(span().is_disabled() && !traces::is_on());
            assert_eq!(traces::context(&span()), None);
        });
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        with_default(tracing_subscriber::registry().with(vec![log(), traces::layer(tracer).boxed()]), || {
            assert!(!span().is_disabled() && traces::is_on());
            assert!(traces::context(&span()).is_some_and(|trace| trace.is_sampled()));
        });
    }
}

//! Sending spans to a collector, beside everything else: whatever the collector does, nobody waits for it. Spans that it
//! does not take in time are dropped, and counted.

use crate::build;
use crate::config::{Sampler, Traces};
use crate::metrics::{SPANS_DROPPED, SPANS_SENT};
use crate::service::chain;
use metrics::counter;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler as Decides, SdkTracer, SdkTracerProvider, Span, SpanData,
    SpanExporter, SpanProcessor,
};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// Most spans that wait to be sent; further ones are dropped.
const QUEUE: usize = 4_096;
/// Most spans of one message to the collector.
const BATCH: usize = 512;
/// How long the collector may take for a message.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans may take when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// Sends spans until it is dropped, and then what is left.
pub(crate) struct Export(SdkTracerProvider);

impl Export {
    /// Begins to send the spans of a service; `None` where no collector is named. To be called in the runtime, which sends.
    pub(crate) fn begin(config: &Traces, service: &'static str) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        let Some(address) = config.address() else { return Ok(None) };
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let otlp = Otlp::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&address)
            .with_timeout(PATIENCE)
            .with_headers(config.headers())
            .build()?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let sending =
            Sending { otlp, runtime: Handle::current(), waiting: waiting.clone(), is_failing: AtomicBool::new(false) };
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).build();
        let batches = BatchSpanProcessor::builder(sending).with_batch_config(batches).build();
        let resource = Resource::builder()
            .with_service_name(config.otel_service_name.clone().unwrap_or_else(|| service.to_owned()))
            .with_attributes([
                KeyValue::new("service.namespace", "syncboard"),
                KeyValue::new("service.version", build::VERSION),
                KeyValue::new("vcs.ref.head.revision", build::COMMIT),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded { batches, waiting })
            .with_sampler(decides(config))
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    /// What makes spans that are sent.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("syncboard")
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(error = chain(&error), "the last spans were not sent");
        }
    }
}

fn decides(config: &Traces) -> Decides {
    let share = || Decides::TraceIdRatioBased(config.traces_sampler_arg);
    match config.traces_sampler {
        Sampler::AlwaysOn => Decides::AlwaysOn,
        Sampler::AlwaysOff => Decides::AlwaysOff,
        Sampler::TraceIdRatio => share(),
        Sampler::ParentbasedAlwaysOn => Decides::ParentBased(Box::new(Decides::AlwaysOn)),
        Sampler::ParentbasedAlwaysOff => Decides::ParentBased(Box::new(Decides::AlwaysOff)),
        Sampler::ParentbasedTraceIdRatio => Decides::ParentBased(Box::new(share())),
    }
}

/// Lets only so many spans wait. The library's own queue has the same bound, but tells nobody what it drops.
#[derive(Debug)]
struct Bounded {
    batches: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE {
            self.batches.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            counter!(SPANS_DROPPED, "reason" => "queue_full").increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Sends batches, and counts what became of them.
#[derive(Debug)]
struct Sending {
    otlp: Otlp,
    runtime: Handle,
    waiting: Arc<AtomicUsize>,
    /// Whether the last batch was not taken.
    is_failing: AtomicBool,
}

impl SpanExporter for Sending {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        // Batches have a thread of their own, which is none of the runtime's, and may stand still.
        let outcome = self.runtime.block_on(self.otlp.export(batch));
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        let was_failing = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Ok(()) => {
                counter!(SPANS_SENT).increment(spans as u64);
                if was_failing {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(error) => {
                counter!(SPANS_DROPPED, "reason" => "not_taken").increment(spans as u64);
                if !was_failing {
                    tracing::warn!(error = chain(error), "the collector does not take traces, dropping them");
                }
            }
        }
        outcome
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::trace::Tracer;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    /// Does not come back from its first batch until it is told to.
    #[derive(Debug)]
    struct Stuck(Mutex<Receiver<()>>);

    impl SpanExporter for Stuck {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            // Nobody is left to tell it once the test is over.
            let _ = self.0.lock().expect("nothing panics with it").recv();
            Ok(())
        }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let (told, stuck) = channel();
        let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).build();
        let batches = BatchSpanProcessor::builder(Stuck(Mutex::new(stuck))).with_batch_config(config).build();
        let bounded = Bounded { batches, waiting: Arc::default() };
        let provider = SdkTracerProvider::builder().with_span_processor(bounded).build();
        let tracer = provider.tracer("test");
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            for _ in 0..QUEUE + 7 {
                drop(tracer.start("one"));
            }
        });
        let line = format!("{SPANS_DROPPED}{{reason=\"queue_full\"}} 7");
        let metrics = recorder.handle().render();
        assert!(metrics.lines().any(|one| one == line), "{metrics}");
        drop(told);
    }
}

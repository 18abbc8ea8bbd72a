//! Traces: every span that there is, described as OpenTelemetry's semantic conventions have it, and how it is told in
//! headers. Spans are those of `tracing`: where nothing is traced nobody wants them, and one costs a look at a flag.

mod export;

pub(crate) use export::Export;

use async_nats::HeaderMap;
use events::codec::header::{TRACEPARENT, TRACESTATE};
use events::codec::trace_headers;
use events::{Envelope, EventType, TraceContext};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SdkTracer;
use poem::Request;
use std::collections::BTreeMap;
use tracing::field::Empty;
use tracing::{Level, Metadata, Span, Subscriber, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

/// The target of every span here.
const TARGET: &str = "trace";

/// Makes a trace of spans, with what is warned of while they are open.
pub(crate) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(filter_fn(is_wanted).with_max_level_hint(Level::INFO))
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() { metadata.target() == TARGET } else { *metadata.level() <= Level::WARN }
}

/// Whether this process sends traces.
#[must_use]
pub fn is_on() -> bool {
    tracing::span_enabled!(target: TARGET, Level::INFO)
}

/// A request, from its first byte to the head of its answer. Its query is left out: tickets stand there.
pub(crate) fn request(request: &Request, id: Uuid, parent: Option<&TraceContext>) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = request.method().as_str(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = request.method().as_str(),
        http.route = Empty,
        http.response.status_code = Empty,
        url.scheme = "http",
        url.path = request.uri().path(),
        error.type = Empty,
        syncboard.request.id = %id,
        syncboard.operation = Empty,
    );
    continued(span, parent)
}

/// What a request was answered, and by which operation of those there are, by their paths.
pub(crate) fn answered(
    span: &Span,
    method: &str,
    operation: Option<&str>,
    paths: &BTreeMap<String, String>,
    status: u16,
) {
    if span.is_disabled() {
        return;
    }
    if let Some((operation, path)) = operation.and_then(|operation| paths.get_key_value(operation)) {
        // A name that is recorded is heeded only before the span has begun, which it did when its context was asked for.
        span.context().span().update_name(format!("{method} {path}"));
        span.record("http.route", path);
        span.record("syncboard.operation", operation);
    }
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        failed(span, &status.to_string());
    }
}

/// An append, within whatever led to it.
pub(crate) fn append<E: EventType>(envelope: &Envelope<E>) -> Span {
    info_span!(
        target: TARGET,
        "append",
        otel.name = format!("append {}", envelope.stream.aggregate.name()),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "nats",
        messaging.operation.name = "append",
        messaging.operation.type = "send",
        messaging.destination.name = crate::event_log::STREAM,
        messaging.message.id = %envelope.id,
        error.type = Empty,
        syncboard.event.type = envelope.event.type_name(),
        syncboard.sequence = Empty,
    )
}

/// That an event was applied to the tables of a projection, with all others of its batch.
#[must_use]
pub fn apply(parent: &TraceContext, projection: &str, sequence: u64, batch: usize) -> Span {
    let span = info_span!(
        target: TARGET,
        parent: None,
        "apply",
        otel.name = format!("apply {projection}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = "nats",
        messaging.operation.name = "apply",
        messaging.operation.type = "process",
        messaging.destination.name = crate::event_log::STREAM,
        messaging.batch.message_count = batch,
        error.type = Empty,
        syncboard.projection = projection,
        syncboard.sequence = sequence,
    );
    continued(span, Some(parent))
}

/// That it was announced what became visible, as who reads hears it.
#[must_use]
pub fn hear(parent: &TraceContext, projection: &str, sequence: u64) -> Span {
    let span = info_span!(
        target: TARGET,
        parent: None,
        "hear",
        otel.name = format!("hear {projection}"),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "hear",
        messaging.operation.type = "process",
        syncboard.projection = projection,
        syncboard.sequence = sequence,
    );
    continued(span, Some(parent))
}

/// Waiting until the read models of a projection show a sequence.
#[must_use]
pub fn wait(projection: &str, sequence: u64) -> Span {
    info_span!(target: TARGET, "wait", syncboard.projection = projection, syncboard.sequence = sequence)
}

/// What the assistant does about an event.
#[must_use]
pub fn assist(parent: Option<&TraceContext>, sequence: u64) -> Span {
    let sampled = parent.filter(|parent| parent.is_sampled());
    if sampled.is_none() {
        return Span::none();
    }
    let span =
        info_span!(target: TARGET, parent: None, "assist", otel.kind = "consumer", syncboard.sequence = sequence);
    continued(span, sampled)
}

/// Says that what a span is about failed, and how.
pub fn failed(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

/// A span as headers tell it; `None` where nothing is traced.
#[must_use]
pub fn context(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    TraceContext::parse(&format!("00-{trace}-{id}-{flags:02x}"), Some(&span.trace_state().header()))
}

/// The current span as a message's headers tell it; `None` where there is none.
pub(crate) fn headers() -> Option<HeaderMap> {
    if !is_on() {
        return None;
    }
    let mut headers = HeaderMap::new();
    for (name, value) in trace_headers(&context(&Span::current())?) {
        headers.insert(name, value);
    }
    Some(headers)
}

/// The trace that a message belongs to, if it is recorded, and is here.
#[must_use]
pub fn of_message(headers: Option<&HeaderMap>) -> Option<TraceContext> {
    let headers = headers.filter(|_| is_on())?;
    let state = headers.get(TRACESTATE).map(|state| state.as_str());
    TraceContext::parse(headers.get(TRACEPARENT)?.as_str(), state).filter(TraceContext::is_sampled)
}

/// A span that goes on with what was begun elsewhere.
fn continued(span: Span, parent: Option<&TraceContext>) -> Span {
    if let Some(parent) = parent.filter(|_| !span.is_disabled()) {
        // It is new, and the layer that wanted it is there.
        drop(span.set_parent(remote(parent)));
    }
    span
}

fn remote(trace: &TraceContext) -> Context {
    let (Ok(id), Ok(span)) = (TraceId::from_hex(trace.trace()), SpanId::from_hex(trace.span())) else {
        return Context::new();
    };
    let flags = if trace.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let state = trace.state().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    Context::new().with_remote_span_context(SpanContext::new(id, span, flags, true, state))
}

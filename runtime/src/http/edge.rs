//! The edge around all routes of a service: request id and trace context in, problems instead of errors and panics out,
//! security headers, one access line and the metrics of every request.

use super::problem::{Problem, code};
use crate::config;
use crate::metrics::{REQUEST_SECONDS, REQUESTS, REQUESTS_IN_PROGRESS, REQUESTS_LIMIT};
use crate::traces;
use events::TraceContext;
use futures_util::FutureExt;
use metrics::{counter, gauge, histogram};
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use poem_openapi::OperationId;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// What is known of a request before any route sees it.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Its id: the `X-Request-Id` header where that is a UUID, else a new one. Events carry it as their correlation.
    pub id: Uuid,
    /// The trace that it belongs to: this process's span of it, or what the client sent where nothing is traced here.
    pub trace: Option<TraceContext>,
}

/// What requests are counted as that no operation has answered: to unknown paths, without a token, too many at once.
const NO_OPERATION: &str = "none";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];

/// Wraps the routes of a service. Requests are counted by operation, of these (as [`super::operation_paths`] says them) from
/// 0, and traced by its path.
pub fn edge<E: Endpoint>(
    routes: E,
    config: &config::Http,
    operations: BTreeMap<String, String>,
) -> impl Endpoint<Output = Response> + use<E> {
    gauge!(REQUESTS_LIMIT).set(config.max_requests as f64);
    for operation in operations.keys().cloned().chain([NO_OPERATION.to_owned()]) {
        for class in ["2xx", "3xx", "4xx", "5xx"] {
            counter!(REQUESTS, "operation" => operation.clone(), "status" => class).increment(0);
        }
        drop(histogram!(REQUEST_SECONDS, "operation" => operation));
    }
    Edge { routes, config: config.clone(), places: Arc::new(Semaphore::new(config.max_requests)), operations }
}

struct Edge<E> {
    routes: E,
    config: config::Http,
    places: Arc<Semaphore>,
    /// Their paths.
    operations: BTreeMap<String, String>,
}

impl<E: Endpoint> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let begun = Instant::now();
        let mut context = RequestContext::of(&request);
        let span = if is_probe(&request) {
            Span::none()
        } else {
            traces::request(&request, context.id, context.trace.as_ref())
        };
        context.trace = traces::context(&span).or(context.trace);
        let (method, path, id) = (request.method().clone(), request.uri().path().to_owned(), context.id);
        let trace = context.trace.clone();
        request.set_data(context);
        request.set_data(self.config.clone());
        gauge!(REQUESTS_IN_PROGRESS).increment(1);
        let mut response = self.answer(request).instrument(span.clone()).await;
        gauge!(REQUESTS_IN_PROGRESS).decrement(1);

        let headers = response.headers_mut();
        for (name, value) in &SECURITY {
            headers.insert(name, value.clone());
        }
        if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
            headers.insert(REQUEST_ID, value);
        }
        let operation = response.data::<OperationId>().map(|operation| operation.0);
        let (status, duration) = (response.status().as_u16(), begun.elapsed());
        traces::answered(&span, method.as_str(), operation, &self.operations, status);
        let operation = operation.unwrap_or(NO_OPERATION);
        let labels = [("operation", operation), ("status", status_class(status))];
        counter!(REQUESTS, &labels).increment(1);
        histogram!(REQUEST_SECONDS, "operation" => operation).record(duration.as_secs_f64());
        tracing::event!(
            target: "access",
            tracing::Level::INFO,
            request.id = %id,
            request.method = %method,
            request.path = path,
            request.operation = operation,
            trace.id = trace.as_ref().map(TraceContext::trace),
            status,
            duration_ms = duration.as_secs_f64() * 1_000.0,
            "request"
        );
        Ok(response)
    }
}

impl<E: Endpoint> Edge<E> {
    async fn answer(&self, request: Request) -> Response {
        let Ok(_place) = self.places.try_acquire() else {
            let mut problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, code::OVERLOADED, "too many requests in progress");
            problem.retry_after = Some(1);
            return problem.into_response();
        };
        match AssertUnwindSafe(self.routes.call(request)).catch_unwind().await {
            Ok(Ok(response)) => response.into_response(),
            Ok(Err(error)) => problem_response(error),
            Err(_) => {
                tracing::error!("a request panicked");
                Problem::internal().into_response()
            }
        }
    }
}

/// The problem of an error; what the operation said of itself stays with the answer.
fn problem_response(error: poem::Error) -> Response {
    let operation = error.data::<OperationId>().copied();
    let mut response = Problem::of(&error).into_response();
    if let Some(operation) = operation {
        response.set_data(operation);
    }
    response
}

/// Whether operators' programs ask, as they do all the time.
fn is_probe(request: &Request) -> bool {
    let path = request.uri().path();
    path == "/metrics" || path.starts_with("/health")
}

impl RequestContext {
    #[expect(clippy::disallowed_methods, reason = "a request that names itself not gets a name here, at the edge")]
    fn of(request: &Request) -> Self {
        let id = request.header(REQUEST_ID).and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_else(Uuid::now_v7);
        let parent = request.header("traceparent");
        Self { id, trace: parent.and_then(|parent| TraceContext::parse(parent, request.header("tracestate"))) }
    }
}

const fn status_class(status: u16) -> &'static str {
    match status {
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

//! The edge around all routes of a service: request id and trace context in, problems instead of errors and panics out,
//! security headers, one access line and the metrics of every request.

use super::bodies::Room;
use super::headers;
use super::operations::Described;
use super::problem::Problem;
use crate::config;
use crate::metrics::{REQUEST_SECONDS, REQUESTS, REQUESTS_ABORTED, REQUESTS_IN_PROGRESS, REQUESTS_LIMIT};
use crate::traces;
use events::TraceContext;
use futures_util::FutureExt;
use metrics::{counter, gauge, histogram};
use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use poem_openapi::OperationId;
use std::panic::AssertUnwindSafe;
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

/// Wraps the routes of a service. Requests are counted by operation, of these from 0, and traced by its path.
pub fn edge<E: Endpoint>(
    routes: E,
    config: &config::Http,
    operations: Described,
) -> impl Endpoint<Output = Response> + use<E> {
    gauge!(REQUESTS_LIMIT).set(config.max_requests as f64);
    for operation in operations.paths.keys().cloned().chain([NO_OPERATION.to_owned()]) {
        for class in ["2xx", "3xx", "4xx", "5xx"] {
            counter!(REQUESTS, "operation" => operation.clone(), "status" => class).increment(0);
        }
        drop(histogram!(REQUEST_SECONDS, "operation" => operation));
    }
    counter!(REQUESTS_ABORTED).increment(0);
    let (places, room) = (Semaphore::new(config.max_requests), Room::new(config.bodies_limit));
    Edge { routes, config: config.clone(), places, room, operations }
}

struct Edge<E> {
    routes: E,
    config: config::Http,
    places: Semaphore,
    room: Room,
    operations: Described,
}

impl<E: Endpoint> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let mut context = RequestContext::of(&request);
        let is_probe = is_probe(&request);
        let span = if is_probe { Span::none() } else { traces::request(&request, context.id, context.trace.as_ref()) };
        context.trace = traces::context(&span).or(context.trace);
        let visit = Visit::begin(&request, &context);
        request.set_data(context);
        request.set_data(self.config.clone());
        request.set_data(self.room.shared());
        let mut response = self.answer(request, is_probe).instrument(span.clone()).await;

        let headers = response.headers_mut();
        for (name, value) in &SECURITY {
            headers.insert(name, value.clone());
        }
        if let Ok(value) = HeaderValue::from_str(visit.id.hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
            headers.insert(REQUEST_ID, value);
        }
        if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Ok(allowed) = HeaderValue::try_from(self.operations.allowed(&visit.path))
        {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        let operation = response.data::<OperationId>().map(|operation| operation.0);
        let status = response.status().as_u16();
        traces::answered(&span, visit.method.as_str(), operation, &self.operations.paths, status);
        visit.answered(operation.unwrap_or(NO_OPERATION), status);
        Ok(response)
    }
}

/// A request in progress. It ends with its answer; or is dropped without one, when its client goes away.
struct Visit {
    begun: Instant,
    id: Uuid,
    method: Method,
    path: String,
    trace: Option<TraceContext>,
    is_answered: bool,
}

impl Visit {
    fn begin(request: &Request, context: &RequestContext) -> Self {
        gauge!(REQUESTS_IN_PROGRESS).increment(1);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (id, trace) = (context.id, context.trace.clone());
        Self { begun: Instant::now(), id, method, path, trace, is_answered: false }
    }

    fn answered(mut self, operation: &'static str, status: u16) {
        self.is_answered = true;
        histogram!(REQUEST_SECONDS, "operation" => operation).record(self.begun.elapsed().as_secs_f64());
        self.tell(operation, Some(status));
    }

    fn tell(&self, operation: &'static str, status: Option<u16>) {
        match status {
            Some(status) => {
                counter!(REQUESTS, "operation" => operation, "status" => status_class(status)).increment(1);
            }
            None => counter!(REQUESTS_ABORTED).increment(1),
        }
        tracing::event!(
            target: "access",
            tracing::Level::INFO,
            request.id = %self.id,
            request.method = %self.method,
            request.path = self.path,
            request.operation = operation,
            trace.id = self.trace.as_ref().map(TraceContext::trace),
            status,
            duration_ms = self.begun.elapsed().as_secs_f64() * 1_000.0,
            "request"
        );
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.is_answered {
            self.tell(NO_OPERATION, None);
        }
        gauge!(REQUESTS_IN_PROGRESS).decrement(1);
    }
}

impl<E: Endpoint> Edge<E> {
    async fn answer(&self, mut request: Request, is_probe: bool) -> Response {
        // To be overloaded is no reason to be taken for dead, and operators are to see it.
        let place = (!is_probe).then(|| self.places.try_acquire());
        if matches!(place, Some(Err(_))) {
            return Problem::overloaded(1).into_response();
        }
        if let Err(problem) = headers::check(request.headers_mut()) {
            return problem.into_response();
        }
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

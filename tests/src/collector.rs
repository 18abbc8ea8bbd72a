//! A collector for tests: it takes OTLP over HTTP as a real one does, and remembers the spans. Or it takes connections and
//! never says anything.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use poem::endpoint::make;
use poem::http::StatusCode as Http;
use poem::listener::TcpAcceptor;
use poem::{Request, Response, Route, Server, post};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// The header without which spans are not taken, as a setting says it.
pub const HEADERS: &str = "x-key=of%20the%20collector";
const KEY: (&str, &str) = ("x-key", "of the collector");

/// Attributes by their names.
pub type Attributes = BTreeMap<String, String>;

/// A span that was received.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What of.
    pub resource: Attributes,
    /// Its name.
    pub name: String,
    /// Its trace, in hexadecimal digits, as are the next two.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// Its parent; empty for the first of a trace.
    pub parent: String,
    /// W3C trace state.
    pub state: String,
    /// Its kind, as OTLP numbers them.
    pub kind: i32,
    /// Its attributes.
    pub attributes: Attributes,
    /// The attributes of each event in it.
    pub events: Vec<Attributes>,
    /// Whether it failed.
    pub is_error: bool,
}

impl Seen {
    /// Whose it is.
    pub fn service(&self) -> &str {
        self.resource.get("service.name").map_or("", String::as_str)
    }

    /// Whose it is, and its name.
    pub fn title(&self) -> String {
        format!("{}: {}", self.service(), self.name)
    }

    /// An attribute; nothing for one that it has not.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// A collector, and where it is.
pub struct Collector {
    /// Its address, as the setting takes it.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let (listener, url) = listen().await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        let route = post(make(move |request: Request| take(kept.clone(), request)));
        let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
        tokio::spawn(Server::new_with_acceptor(acceptor).run(Route::new().at("/v1/traces", route)));
        Self { url, seen }
    }

    /// The address of one that takes connections and never answers.
    pub async fn silent() -> String {
        let (listener, url) = listen().await;
        tokio::spawn(async move {
            let mut connections = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.push(connection);
            }
        });
        url
    }

    /// Every span so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nothing panics with it").clone()
    }

    /// Those of a trace.
    pub fn of_trace(&self, trace: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.trace == trace).collect()
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

async fn take(kept: Arc<Mutex<Vec<Seen>>>, mut request: Request) -> Response {
    let has_key = request.header(KEY.0) == Some(KEY.1);
    let is_protobuf = request.content_type() == Some("application/x-protobuf");
    let body = request.take_body().into_bytes().await.unwrap_or_default();
    match ExportTraceServiceRequest::decode(body) {
        Ok(received) if has_key && is_protobuf => {
            kept.lock().expect("nothing panics with it").extend(spans(received));
            // An empty message says that everything was taken.
            Response::builder().content_type("application/x-protobuf").finish()
        }
        _ => Response::builder().status(Http::BAD_REQUEST).finish(),
    }
}

fn spans(received: ExportTraceServiceRequest) -> Vec<Seen> {
    let mut seen = Vec::new();
    for of_resource in received.resource_spans {
        let resource = attributes(of_resource.resource.unwrap_or_default().attributes);
        let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        seen.extend(spans.map(|span| read(span, resource.clone())));
    }
    seen
}

fn read(span: Span, resource: Attributes) -> Seen {
    Seen {
        resource,
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        state: span.trace_state,
        kind: span.kind,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(|event| attributes(event.attributes)).collect(),
        is_error: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
    }
}

fn attributes(all: Vec<KeyValue>) -> Attributes {
    all.into_iter().map(|one| (one.key, text(one.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The routes that every service has for its operators: health, metrics. Requests to them are counted as `health` and
//! `metrics`, so that what probes are answered does not count as what users are.

use crate::health::{Checks, Health, Status};
use crate::telemetry::Telemetry;
use crate::{metrics, process};
use metrics_exporter_prometheus::PrometheusHandle;
use poem::http::StatusCode;
use poem::{Endpoint, IntoResponse, Response, Route, endpoint::make, get};
use poem_openapi::OperationId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// `/health`, `/health/live`, `/health/started`, `/health/ready` and `/metrics`, added to a service's routes. `refresh` brings gauges up to
/// date before they are shown.
pub fn operations(
    routes: Route,
    checks: Checks,
    telemetry: &Telemetry,
    refresh: impl Fn() + Send + Sync + 'static,
) -> Route {
    metrics::begin();
    process::begin(checks.service());
    routes
        .at("/health/live", get(make(|_| async { counted(HEALTH, "alive\n".into_response()) })))
        .at(
            "/health/started",
            get(asked(checks.clone(), |checks| async move { unless("started\n", checks.unstarted().await) })),
        )
        .at(
            "/health/ready",
            get(asked(checks.clone(), |checks| async move { unless("ready\n", checks.unready().await) })),
        )
        .at("/health", get(asked(checks.clone(), |checks| async move { answer(&checks.health().await) })))
        .at("/metrics", get(exposition(telemetry.metrics.clone(), checks, refresh)))
}

/// The operations that an OpenAPI document describes; none by default.
#[derive(Default)]
pub struct Described {
    /// Their paths, by their ids.
    pub(super) paths: BTreeMap<String, String>,
    /// The methods of each path.
    methods: BTreeMap<String, Vec<String>>,
}

impl Described {
    /// Reads the document.
    #[must_use]
    pub fn by(spec: &str) -> Self {
        let spec: Value = serde_json::from_str(spec).unwrap_or_default();
        let mut described = Self::default();
        for (path, operations) in spec["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let Some(id) = operation["operationId"].as_str() else { continue };
                described.paths.insert(id.to_owned(), path.clone());
                described.methods.entry(path.clone()).or_default().push(method.to_ascii_uppercase());
            }
        }
        described
    }

    /// The methods of whatever has this path, as the header `Allow` lists them; what is not described is there to be read.
    pub(super) fn allowed(&self, path: &str) -> String {
        let is_of = |template: &str| {
            let parts = template.split('/').zip(path.split('/'));
            template.split('/').count() == path.split('/').count()
                && parts.into_iter().all(|(wanted, part)| wanted == part || wanted.starts_with('{'))
        };
        let described = self.methods.iter().filter(|(template, _)| is_of(template)).flat_map(|(_, methods)| methods);
        let described: BTreeSet<&str> = described.map(String::as_str).collect();
        if described.is_empty() { "GET".to_owned() } else { Vec::from_iter(described).join(", ") }
    }
}

const HEALTH: OperationId = OperationId("health");
const METRICS: OperationId = OperationId("metrics");

fn asked<F>(checks: Checks, answer: impl Fn(Checks) -> F + Send + Sync + 'static) -> impl Endpoint
where
    F: Future<Output = Response> + Send + 'static,
{
    let answer = Arc::new(answer);
    make(move |_| {
        let answer = answer(checks.clone());
        async move { counted(HEALTH, answer.await) }
    })
}

fn unless(fine: &'static str, down: Option<Health>) -> Response {
    down.map_or_else(|| fine.into_response(), |health| answer(&health))
}

fn answer(health: &Health) -> Response {
    let status = match health.status {
        Status::Up => StatusCode::OK,
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::to_vec(health).expect("health is plain JSON");
    Response::builder().status(status).content_type("application/json").body(body)
}

fn exposition(handle: PrometheusHandle, checks: Checks, refresh: impl Fn() + Send + Sync + 'static) -> impl Endpoint {
    let refresh = Arc::new(refresh);
    make(move |_| {
        let (handle, checks, refresh) = (handle.clone(), checks.clone(), refresh.clone());
        async move {
            refresh();
            process::refresh();
            checks.measure().await;
            let text = handle.render();
            counted(METRICS, Response::builder().content_type("text/plain; version=0.0.4").body(text))
        }
    })
}

fn counted(operation: OperationId, mut response: Response) -> Response {
    response.set_data(operation);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_those_of_the_path() {
        let spec = r#"{"paths": {
            "/v1/documents": {"get": {"operationId": "list"}, "post": {"operationId": "upload"}},
            "/v1/documents/{id}/tags/{tag}": {"put": {"operationId": "tag"}}}}"#;
        let described = Described::by(spec);
        assert_eq!(described.paths["tag"], "/v1/documents/{id}/tags/{tag}");
        assert_eq!(described.allowed("/v1/documents"), "GET, POST");
        assert_eq!(described.allowed("/v1/documents/7/tags/new"), "PUT");
        assert_eq!(described.allowed("/health"), "GET");
    }
}

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
use std::collections::BTreeMap;
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

/// Paths of the operations that an OpenAPI document describes, by their ids.
#[must_use]
pub fn operation_paths(spec: &str) -> BTreeMap<String, String> {
    let spec: Value = serde_json::from_str(spec).unwrap_or_default();
    let paths = spec["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flat_map(|methods| methods.values()).map(move |operation| (operation, path))
    });
    operations
        .filter_map(|(operation, path)| Some((operation["operationId"].as_str()?.to_owned(), path.clone())))
        .collect()
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
    fn operations_are_found_in_their_description() {
        let spec =
            r#"{"paths": {"/a": {"get": {"operationId": "see"}, "put": {"operationId": "set"}}, "/b": {"get": {}}}}"#;
        let paths = [("see", "/a"), ("set", "/a")].map(|(id, path)| (id.to_owned(), path.to_owned()));
        assert_eq!(operation_paths(spec), paths.into());
    }
}

//! The routes that every service has for its operators: health, metrics.

use crate::health::{Checks, Health, Status};
use crate::telemetry::Telemetry;
use metrics_exporter_prometheus::PrometheusHandle;
use poem::http::StatusCode;
use poem::{Endpoint, IntoResponse, Response, Route, endpoint::make, get};

/// `/health`, `/health/live`, `/health/ready` and `/metrics`, added to a service's routes. `refresh` brings gauges up to
/// date before they are shown.
pub fn operations(
    routes: Route,
    checks: Checks,
    telemetry: &Telemetry,
    refresh: impl Fn() + Send + Sync + 'static,
) -> Route {
    routes
        .at("/health/live", get(make(|_| async { "alive\n" })))
        .at(
            "/health/ready",
            get(health(checks.clone(), |health| match health.status {
                Status::Up => "ready\n".into_response(),
                Status::Down => answer(&health),
            })),
        )
        .at("/health", get(health(checks, |health| answer(&health))))
        .at("/metrics", get(metrics(telemetry.metrics.clone(), refresh)))
}

fn health(checks: Checks, form: impl Fn(Health) -> Response + Send + Sync + 'static) -> impl Endpoint {
    let form = std::sync::Arc::new(form);
    make(move |_| {
        let (checks, form) = (checks.clone(), form.clone());
        async move { form(checks.health().await) }
    })
}

fn answer(health: &Health) -> Response {
    let status = match health.status {
        Status::Up => StatusCode::OK,
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::to_vec(health).expect("health is plain JSON");
    Response::builder().status(status).content_type("application/json").body(body)
}

fn metrics(handle: PrometheusHandle, refresh: impl Fn() + Send + Sync + 'static) -> impl Endpoint {
    let refresh = std::sync::Arc::new(refresh);
    make(move |_| {
        refresh();
        let text = handle.render();
        async move { Response::builder().content_type("text/plain; version=0.0.4").body(text) }
    })
}

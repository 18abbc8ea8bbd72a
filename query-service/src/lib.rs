//! HTTP in, read models out: never reads the log to answer, and never shows less than the caller has written.

mod config;
mod cursor;
mod documents;
mod hot;
mod metrics;
mod statistics;
mod visibility;

pub use config::Config;

use hot::Hot;
use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::OpenApiService;
use runtime::auth::Tokens;
use runtime::blobs::Blobs;
use runtime::cache::Cache;
use runtime::health::Checks;
use runtime::service::told_to_stop;
use runtime::telemetry::{self, Telemetry};
use runtime::{event_log, http, postgres};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use visibility::Visibility;

/// The service's main function over its arguments, the program's name first.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::service::main(args, run)
}

async fn run(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    let telemetry = telemetry::start(&config.log)?;
    metrics::describe();
    let listener = TcpListener::bind(config.listen).await?;
    let pool = postgres::pool(&config.postgres, "query-service", postgres::READ_SCHEMA)?;
    let cache = Cache::open(&config.redis)?;
    let nats = event_log::connect_in_background(&config.nats, "query-service").await?;
    let visibility = Visibility::new(pool.clone(), config.reads.wait_timeout);
    let hot =
        Arc::new(Hot::new(pool.clone(), cache.clone(), nats.clone(), visibility.clone(), config.reads.hot_documents));
    let listening = tokio::spawn(visibility::listen(nats.clone(), visibility.clone(), hot.clone()));
    let checks = checks(&pool, &cache, &nats, &visibility);
    let blobs = Blobs::new(event_log::jetstream(&nats, config.nats.nats_timeout));
    let routes = build(&config, pool, visibility, hot, blobs, checks.clone(), &telemetry);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "query-service is up");
    http::serve(listener, routes, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    })
    .await?;
    listening.abort();
    Ok(())
}

/// The whole service over its parts.
fn build(
    config: &Config,
    pool: PgPool,
    visibility: Visibility,
    hot: Arc<Hot>,
    blobs: Blobs,
    checks: Checks,
    telemetry: &Telemetry,
) -> impl Endpoint<Output = Response> + use<> {
    let gauges = pool.clone();
    let statistics = statistics::Api { pool: pool.clone(), visibility: visibility.clone() };
    let documents = documents::Api { pool, visibility, hot, blobs, pages: config.reads.pages() };
    let api = OpenApiService::new((documents, statistics), "SyncBoard query-service", env!("CARGO_PKG_VERSION")).description(
        "Reads. Every answer says in `Syncboard-Sequence` up to where it shows the log; give the `sequence` of a command as \
         `min_sequence` to read what you wrote. Access tokens come from `POST /v1/tokens` of the command-service.",
    );
    let routes = Route::new().nest("/docs", api.swagger_ui()).at("/openapi.json", api.spec_endpoint());
    let api = http::guard(api, Tokens::new(&config.auth), &[]);
    let routes = http::operations(routes, checks, telemetry, move || telemetry::pool(&gauges)).nest("/", api);
    http::edge(routes.boxed(), &config.http)
}

fn checks(pool: &PgPool, cache: &Cache, nats: &event_log::Client, visibility: &Visibility) -> Checks {
    let (pool, counted, cache, nats, visibility) =
        (pool.clone(), pool.clone(), cache.clone(), nats.clone(), visibility.clone());
    Checks::new("query-service")
        .needs("postgres", move || {
            let pool = pool.clone();
            async move { postgres::is_up(&pool).await }
        })
        .uses("redis", move || {
            let cache = cache.clone();
            async move { cache.is_up().await }
        })
        .uses("nats", move || {
            let is_up = event_log::is_connected(&nats);
            async move { is_up }
        })
        .counting(move || {
            let (pool, visible) = (counted.clone(), visibility.now());
            async move {
                let mut numbers = statistics::totals(&pool).await.unwrap_or_else(|_| BTreeMap::new());
                numbers.insert("sequence".to_owned(), i64::try_from(visible).unwrap_or(i64::MAX));
                numbers
            }
        })
}

//! HTTP in, read models out: never shows less than the caller has written. Subscribers are sent the log itself, as far as
//! the read models show it; to answer it reads nothing of the log but the texts that documents had before.

mod analytics;
mod answer;
mod clusters;
mod concepts;
mod config;
mod cursor;
mod documents;
mod duplicates;
mod hot;
mod interval;
mod metrics;
mod statistics;
mod subscriptions;
mod suggestions;
mod tables;
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
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use subscriptions::Hub;
use tables::Tables;
use tokio::net::TcpListener;
use visibility::{Projection, Visibility};

/// How long subscribers may take to hear that this process stops, after all requests are done.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the routes are made of.
struct Parts {
    tables: Tables,
    hot: Arc<Hot>,
    blobs: Blobs,
    texts: documents::Texts,
    cache: Cache,
    hub: Arc<Hub>,
}

/// The service's main function over its arguments, the program's name first.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::service::main(args, run)
}

async fn run(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    let telemetry = telemetry::start(&config.log)?;
    metrics::describe();
    let listener = TcpListener::bind(config.listen).await?;
    let schemas = format!("{},{}", postgres::READ_SCHEMA, postgres::KNOWLEDGE_SCHEMA);
    let pool = postgres::pool(&config.postgres, "query-service", &schemas)?;
    let cache = Cache::open(&config.redis)?;
    let nats = event_log::connect_in_background(&config.nats, "query-service").await?;
    let of = |projection| Visibility::new(pool.clone(), projection, config.reads.wait_timeout);
    let (documents, knowledge) = (of(Projection::Documents), of(Projection::Knowledge));
    let hot =
        Arc::new(Hot::new(pool.clone(), cache.clone(), nats.clone(), documents.clone(), config.reads.hot_documents));
    let listening = tokio::spawn(visibility::listen(nats.clone(), documents.clone(), knowledge.clone(), hot.clone()));
    let tables = Tables { pool, documents, knowledge };
    let hub = Hub::new(&config.subscriptions, tables.clone());
    let reading = tokio::spawn(subscriptions::read(hub.clone(), nats.clone(), config.nats.nats_timeout, hot.clone()));
    let checks = checks(&tables, &cache, &nats);
    let blobs = Blobs::new(event_log::jetstream(&nats, config.nats.nats_timeout));
    let texts = event_log::Texts::new(event_log::jetstream(&nats, config.nats.nats_timeout));
    let texts = documents::Texts { log: texts, blobs: blobs.clone() };
    let parts = Parts { tables, hot, blobs, texts, cache, hub: hub.clone() };
    let routes = build(&config, parts, checks.clone(), &telemetry);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "query-service is up");
    let closing = hub.clone();
    http::serve(listener, routes, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
        hub.stop();
    })
    .await?;
    // Sockets are no longer requests: nobody else waits for them.
    closing.emptied(LAST_WORDS).await;
    reading.abort();
    listening.abort();
    Ok(())
}

/// The whole service over its parts.
fn build(
    config: &Config,
    parts: Parts,
    checks: Checks,
    telemetry: &Telemetry,
) -> impl Endpoint<Output = Response> + use<> {
    let Parts { tables, hot, blobs, texts, cache, hub } = parts;
    let gauges = tables.pool.clone();
    let (pages, overviews) = (config.reads.pages(), &config.reads.overviews);
    let most = usize::try_from(overviews.compare_limit.as_u64()).unwrap_or(usize::MAX);
    let apis = (
        documents::Api { tables: tables.clone(), hot, blobs: blobs.clone(), pages },
        documents::KnowledgeApi { tables: tables.clone(), pages, overviews: overviews.clone() },
        documents::CompareApi { tables: tables.clone(), blobs, most },
        documents::PastApi { tables: tables.clone(), texts, pages, overviews: overviews.clone() },
        concepts::Api { tables: tables.clone(), pages, overviews: overviews.clone() },
        concepts::GraphApi { tables: tables.clone(), overviews: overviews.clone() },
        clusters::Api { tables: tables.clone(), pages },
        duplicates::Api { tables: tables.clone(), pages },
        suggestions::Api { tables: tables.clone(), overviews: overviews.clone() },
        analytics::Api { tables: tables.clone(), overviews: overviews.clone() },
        statistics::Api { tables },
        subscriptions::Api { hub, cache: cache.clone() },
    );
    let api = OpenApiService::new(apis, "SyncBoard query-service", env!("CARGO_PKG_VERSION")).description(
        "Reads. Every answer says in `Syncboard-Sequence` up to where it shows the log; give the `sequence` of a command as \
         `min_sequence` to read what you wrote. Access tokens come from `POST /v1/tokens` of the command-service.",
    );
    let routes = Route::new().nest("/docs", api.swagger_ui()).at("/openapi.json", api.spec_endpoint());
    let api = subscriptions::gate(http::guard(api, Tokens::new(&config.auth), &[]), cache);
    let routes = http::operations(routes, checks, telemetry, move || telemetry::pool(&gauges)).nest("/", api);
    http::edge(routes.boxed(), &config.http)
}

fn checks(tables: &Tables, cache: &Cache, nats: &event_log::Client) -> Checks {
    let (pool, counted, cache, nats) = (tables.pool.clone(), tables.clone(), cache.clone(), nats.clone());
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
            let Tables { pool, documents, knowledge } = counted.clone();
            async move {
                let mut numbers = statistics::totals(&pool).await.unwrap_or_else(|_| BTreeMap::new());
                for (name, visibility) in [("sequence", documents), ("knowledge_sequence", knowledge)] {
                    numbers.insert(name.to_owned(), i64::try_from(visibility.now()).unwrap_or(i64::MAX));
                }
                numbers
            }
        })
}

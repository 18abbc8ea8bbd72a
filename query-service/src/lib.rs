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
mod heavy;
mod hot;
mod interval;
mod metrics;
mod past;
mod section;
mod statistics;
mod subscriptions;
mod suggestions;
mod tables;
mod visibility;

pub use config::Config;

use config::{Serve, Subcommand};
use heavy::Heavy;
use hot::Hot;
use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::{OpenApi, OpenApiService};
use runtime::auth::Tokens;
use runtime::blobs::Blobs;
use runtime::cache::Cache;
use runtime::event_log::{Connection, Texts};
use runtime::health::Checks;
use runtime::past::Name;
use runtime::service::told_to_stop;
use runtime::telemetry::{self, Telemetry};
use runtime::watermarks::Watermark;
use runtime::{http, postgres};
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use subscriptions::Hub;
use tables::Tables;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use visibility::Part;

/// How long subscribers may take to hear that this process stops, after all requests are done.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the routes are made of.
struct Parts {
    tables: Tables,
    hot: Arc<Hot>,
    blobs: Blobs,
    texts: documents::Texts,
    live: Option<Live>,
}

/// What only the present has.
struct Live {
    cache: Cache,
    hub: Arc<Hub>,
}

/// The service's main function over its arguments, the program's name first.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::service::main(args, dispatch)
}

async fn dispatch(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    match config.subcommand {
        None => run(config.serve).await,
        Some(Subcommand::Serve(config)) => run(*config).await,
        Some(Subcommand::Health(config)) => Ok(runtime::ready::ask(config.listen).await?),
    }
}

async fn run(config: Serve) -> Result<(), Box<dyn Error + Send + Sync>> {
    let telemetry = telemetry::start_traced(&config.log, &config.traces, "query-service")?;
    metrics::begin(&config.subscriptions);
    let listener = TcpListener::bind(config.listen).await?;
    let nats = Connection::open_in_background(&config.nats, "query-service").await?;
    let (tables, past) = match &config.read_model {
        Some(name) => past::open(&config, name).await.map(|(tables, past)| (tables, Some(past)))?,
        None => (Tables::of_present(&config.postgres, config.reads.wait_timeout)?, None),
    };
    let cache = if past.is_none() { Some(Cache::open(&config.redis)?) } else { None };
    let hot = Arc::new(Hot::new(&tables, cache.clone(), nats.clone(), config.reads.hot_documents));
    let live = cache.map(|cache| Live { cache, hub: Hub::new(&config.subscriptions, tables.clone()) });
    let followers = live.as_ref().map(|live| follow(live, &hot, &nats));
    let checks = checks(&tables, live.as_ref(), &nats, config.read_model.clone()).showing(past);
    let checks = checks.needs_room(&Watermark::of_memory(&config.memory));
    let blobs = Blobs::new(nats.clone());
    let texts = Texts::new(nats.clone());
    let texts = documents::Texts { log: texts, blobs: blobs.clone() };
    let hub = live.as_ref().map(|live| live.hub.clone());
    let routes = build(&config, Parts { tables, hot, blobs, texts, live }, checks.clone(), &telemetry);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "query-service is up");
    let closing = hub.clone();
    http::serve(listener, routes, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
        if let Some(hub) = hub {
            hub.stop();
        }
    })
    .await?;
    // Sockets are no longer requests: nobody else waits for them.
    if let Some(hub) = closing {
        hub.emptied(LAST_WORDS).await;
    }
    drop(followers);
    Ok(())
}

/// Begins to listen to the projector, and to read the log for subscribers; until it is dropped.
fn follow(live: &Live, hot: &Arc<Hot>, nats: &Connection) -> JoinSet<()> {
    let Tables { documents, knowledge, .. } = live.hub.tables.clone();
    let mut followers = JoinSet::new();
    followers.spawn(visibility::listen(nats.client().clone(), documents, knowledge, hot.clone()));
    followers.spawn(subscriptions::read(live.hub.clone(), nats.clone(), hot.clone()));
    followers
}

/// The whole service over its parts.
fn build(
    config: &Serve,
    parts: Parts,
    checks: Checks,
    telemetry: &Telemetry,
) -> impl Endpoint<Output = Response> + use<> {
    let Parts { tables, hot, blobs, texts, live } = parts;
    let gauges = tables.pool.clone();
    let (pages, overviews) = (config.reads.pages(), &config.reads.overviews);
    let most = usize::try_from(overviews.compare_limit.as_u64()).unwrap_or(usize::MAX);
    let heavy = Heavy::new(overviews.heavy_reads);
    let reads = (
        documents::Api { tables: tables.clone(), hot, blobs: blobs.clone(), pages },
        documents::KnowledgeApi { tables: tables.clone(), pages, overviews: overviews.clone() },
        documents::CompareApi { tables: tables.clone(), blobs, most, heavy: heavy.clone() },
        documents::PastApi { tables: tables.clone(), texts, pages, overviews: overviews.clone(), heavy: heavy.clone() },
        concepts::Api { tables: tables.clone(), pages, overviews: overviews.clone() },
        concepts::GraphApi { tables: tables.clone(), overviews: overviews.clone(), heavy },
        clusters::Api { tables: tables.clone(), pages },
        duplicates::Api { tables: tables.clone(), pages },
        suggestions::Api { tables: tables.clone(), overviews: overviews.clone() },
        analytics::Api { tables: tables.clone(), overviews: overviews.clone() },
        statistics::Api { tables },
    );
    let tokens = Tokens::new(&config.auth);
    let operations;
    let routes = match live {
        Some(Live { cache, hub }) => {
            let (docs, api) = described((reads, subscriptions::Api { hub, cache: cache.clone() }));
            operations = http::Described::by(&api.spec());
            docs.nest("/", subscriptions::gate(http::guard(api, tokens, &[]), cache))
        }
        // Nothing happens in a past that could be sent.
        None => {
            let (docs, api) = described(reads);
            operations = http::Described::by(&api.spec());
            docs.nest("/", http::guard(api, tokens, &[]))
        }
    };
    let routes = http::operations(routes, checks, telemetry, move || telemetry::pool("read_models", &gauges));
    http::edge(routes.boxed(), &config.http, operations)
}

/// Routes as OpenAPI describes them, and those that describe them.
fn described<T: OpenApi + 'static>(apis: T) -> (Route, OpenApiService<T, ()>) {
    let api = OpenApiService::new(apis, "SyncBoard query-service", env!("CARGO_PKG_VERSION")).description(
        "Reads. Every answer says in `Syncboard-Sequence` up to where it shows the log; give the `sequence` of a command as \
         `min_sequence` to read what you wrote. Access tokens come from `POST /v1/tokens` of the command-service.",
    );
    (Route::new().nest("/docs", api.swagger_ui()).at("/openapi.json", http::description(&api.spec())), api)
}

fn checks(tables: &Tables, live: Option<&Live>, nats: &Connection, past: Option<Name>) -> Checks {
    let (pool, counted, nats) = (tables.pool.clone(), tables.clone(), nats.clone());
    let checks = Checks::new("query-service")
        .needs("postgres", move || {
            let (pool, past) = (pool.clone(), past.clone());
            async move {
                match past {
                    Some(name) => past::is_there(&pool, &name).await,
                    None => postgres::is_up(&pool).await,
                }
            }
        })
        .uses("nats", move || {
            let is_up = nats.is_up();
            async move { is_up }
        })
        .counting(move || {
            let Tables { pool, documents, knowledge, .. } = counted.clone();
            async move {
                let mut numbers = statistics::totals(&pool).await.unwrap_or_else(|_| BTreeMap::new());
                for (name, visibility) in [("sequence", documents), ("knowledge_sequence", knowledge)] {
                    numbers.insert(name.to_owned(), i64::try_from(visibility.now(Part::Whole)).unwrap_or(i64::MAX));
                }
                numbers
            }
        });
    let Some(Live { cache, .. }) = live else { return checks };
    let cache = cache.clone();
    checks.uses("redis", move || {
        let cache = cache.clone();
        async move { cache.is_up().await }
    })
}

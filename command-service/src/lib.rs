//! HTTP in, events out: every command is decided on streams alone and appended to the log; no read model is asked, but to
//! tell an upload which other documents have its text.

mod accounts;
mod answer;
mod assistant;
mod clusters;
mod concepts;
mod config;
mod decider;
mod documents;
mod duplicates;
mod idempotency;
mod identity;
mod invalid;
mod metrics;
mod order;
mod passwords;
mod section;
mod tip;

pub use config::Config;

use clusters::Clusters;
use config::{Serve, Subcommand};
use decider::Decider;
use documents::Documents;
use duplicates::Duplicates;
use poem::{Endpoint, EndpointExt, Response, Route};
use poem_openapi::OpenApiService;
use runtime::auth::Tokens;
use runtime::blobs::Blobs;
use runtime::clock::{Clock, SystemClock};
use runtime::health::Checks;
use runtime::service::{told_to_stop, until_up};
use runtime::telemetry::{self, Telemetry};
use runtime::watermarks::Watermark;
use runtime::{EventLog, http, postgres};
use sqlx::PgPool;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Routes that need no access token: registering and logging in are how one gets it.
const OPEN: &[&str] = &["/v1/accounts", "/v1/tokens"];

/// Routes that append no event.
const WRITING_NOTHING: &[&str] = &["/v1/tokens"];

/// The service's main function over its arguments, the program's name first.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::service::main(args, dispatch)
}

async fn dispatch(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    match config.subcommand {
        None => run(config.serve).await,
        Some(Subcommand::Serve(config)) => run(config).await,
        Some(Subcommand::Assist(config)) => assistant::run(config).await,
        Some(Subcommand::Health(config)) => Ok(runtime::ready::ask(config.listen).await?),
    }
}

async fn run(config: Serve) -> Result<(), Box<dyn Error + Send + Sync>> {
    let telemetry = telemetry::start_traced(&config.log, &config.traces, "command-service")?;
    metrics::begin();
    let listener = TcpListener::bind(config.listen).await?;
    let pool = postgres::pool(&config.postgres, "command-service", "identity")?;
    let log = until_up("the event log", || EventLog::connect(&config.nats, "command-service")).await;
    let space = [
        Watermark::of_disks(&config.disk),
        Watermark::of_log(&config.log_room, &log),
        Watermark::of_database(&config.database_room, &pool),
    ];
    let checks = space.iter().fold(checks(&log, &pool), Checks::needs_room);
    let checks = checks.needs_room(&Watermark::of_memory(&config.memory));
    let routes = build(&config, log.clone(), pool, Arc::new(SystemClock), checks.clone(), &telemetry, space);
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "command-service is up");
    http::serve(listener, routes, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    })
    .await?;
    log.close().await;
    Ok(())
}

/// The whole service over its parts.
fn build(
    config: &Serve,
    log: EventLog,
    pool: PgPool,
    clock: Arc<dyn Clock>,
    checks: Checks,
    telemetry: &Telemetry,
    space: [Watermark; 3],
) -> impl Endpoint<Output = Response> + use<> {
    let tokens = Tokens::new(&config.auth);
    let accounts = accounts::Api {
        decider: Decider::new(log.clone(), clock.clone(), &config.commands),
        identity: identity::Identity::new(pool.clone()),
        passwords: passwords::Passwords::new(&config.passwords),
        tokens: tokens.clone(),
        clock: clock.clone(),
        token_lifetime: config.passwords.token_lifetime,
    };
    let limits = config.limits.values();
    let documents = Arc::new(Documents { decider: Decider::new(log.clone(), clock.clone(), &config.commands), limits });
    let clusters = Arc::new(Clusters {
        decider: Decider::new(log.clone(), clock.clone(), &config.commands),
        name_chars: limits.title_chars,
    });
    let knowledge = (
        documents::KnowledgeApi { documents: documents.clone(), clusters: clusters.clone() },
        documents::LinkApi { documents: documents.clone(), longest_walk: config.limits.link_walk },
        documents::MergeApi { documents: documents.clone() },
        clusters::Api { clusters },
        concepts::Api { decider: Decider::new(log.clone(), clock, &config.commands), name_chars: limits.concept_chars },
    );
    let documents = documents::Api {
        documents,
        blobs: Blobs::new(log.connection().clone()),
        duplicates: Duplicates::new(pool.clone(), &config.duplicates),
    };
    let api =
        OpenApiService::new((accounts, documents, knowledge), "SyncBoard command-service", env!("CARGO_PKG_VERSION"))
            .description("Writes: every accepted command is an event in the log, answered with its `sequence`.");
    let operations = http::Described::by(&api.spec());
    let routes = Route::new().nest("/docs", api.swagger_ui()).at("/openapi.json", http::description(&api.spec()));
    let refresh = move || runtime::telemetry::pool("read_models", &pool);
    let api = http::guard(http::room(api, space, WRITING_NOTHING), tokens, OPEN);
    let routes = http::operations(routes, checks, telemetry, refresh).nest("/", api);
    http::edge(routes.boxed(), &config.http, operations)
}

fn checks(log: &EventLog, pool: &PgPool) -> Checks {
    let (log, pool) = (log.clone(), pool.clone());
    Checks::new("command-service")
        .needs("nats", move || {
            let log = log.clone();
            async move { log.is_connected() && log.head().await.is_ok() }
        })
        .uses("postgres", move || {
            let pool = pool.clone();
            async move { postgres::is_up(&pool).await }
        })
}

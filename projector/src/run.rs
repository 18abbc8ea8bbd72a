//! The projector as a process: its servers, its health page, and a worker for each projection.

use crate::config;
use crate::health::{Standings, checks, measure};
use crate::leases::connection_name;
use crate::projection::Projection;
use crate::worker::Worker;
use runtime::cache::Cache;
use runtime::service::{told_to_stop, until_up};
use runtime::watermarks::Watermark;
use runtime::{EventLog, http, postgres, telemetry};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

/// Follows the log until told to stop.
pub(crate) async fn run(config: config::Run) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let telemetry = telemetry::start_traced(&config.log, &config.traces, "projector")?;
    crate::metrics::begin();
    let listener = TcpListener::bind(config.listen).await?;
    let owner = new_owner();
    let pool = |projection: Projection| {
        postgres::pool_without_sync(&config.postgres, &connection_name(projection, owner), projection.schema())
    };
    let (documents, knowledge) = (pool(Projection::Documents)?, pool(Projection::Knowledge)?);
    let cache = Cache::open(&config.redis)?;
    let log = until_up("the event log", || EventLog::connect(&config.nats, "projector")).await;
    let standings = Standings::default();
    let checks = checks(&log, &documents, &cache, &standings)
        .needs_room(&Watermark::of_memory(&config.memory))
        .needs_room(&Watermark::of_disks(&config.disk));
    let gauges = [("documents", documents.clone()), ("knowledge", knowledge.clone())];
    let refresh = move || gauges.iter().for_each(|(name, pool)| telemetry::pool(name, pool));
    let routes = http::operations(poem::Route::new(), checks.clone(), &telemetry, refresh);
    let endpoint = http::edge(routes, &config.http, http::Described::default());
    tracing::info!(listen = %config.listen, version = env!("CARGO_PKG_VERSION"), "projector is up");
    let (stop, stopped) = watch::channel(false);
    // Each on a task of its own: one that computes for long does not hold up the other.
    let mut workers = JoinSet::new();
    for (projection, pool) in [(Projection::Documents, &documents), (Projection::Knowledge, &knowledge)] {
        let worker = Worker {
            projection,
            owner,
            log: log.clone(),
            pool: pool.clone(),
            cache: cache.clone(),
            batches: config.batches.clone(),
            lease: config.lease,
            standings: standings.clone(),
        };
        let stopped = stopped.clone();
        workers.spawn(async move { worker.work(stopped).await });
    }
    let serving = http::serve(listener, endpoint, &config.http, async move {
        told_to_stop().await;
        checks.stopping();
    });
    tokio::select! {
        served = serving => served?,
        Some(Err(broken)) = workers.join_next() => return Err(broken.into()),
        never = measure(&log, &standings) => match never {},
    }
    // A batch that is being applied is finished, and the shards are given back.
    stop.send_replace(true);
    let ending = async { while workers.join_next().await.is_some() {} };
    if timeout(config.http.drain_timeout, ending).await.is_err() {
        tracing::warn!("a batch takes longer than stopping may, and is given up");
        workers.shutdown().await;
    }
    documents.close().await;
    knowledge.close().await;
    log.close().await;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a process must differ from every other, and no replay makes it again")]
fn new_owner() -> Uuid {
    Uuid::now_v7()
}

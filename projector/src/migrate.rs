//! Preparing the servers: schemas and tables, the log's stream, the blob store. May run at any time and at once from
//! several machines: each step is done under a lock or only where something is missing.

use crate::config;
use crate::projection::Projection;
use runtime::postgres::{ANALYSIS_SCHEMA, OPERATIONS_SCHEMA};
use runtime::service::until_up;
use runtime::{event_log, postgres, telemetry};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, PgPool};
use std::error::Error;

static IDENTITY: Migrator = sqlx::migrate!("../schema/migrations/identity");
static ANALYSIS: Migrator = sqlx::migrate!("../schema/migrations/analysis");
static OPERATIONS: Migrator = sqlx::migrate!("../schema/migrations/operations");

/// Prepares everything.
pub(crate) async fn run(config: config::Migrate) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let projections = Projection::ALL.map(|projection| (projection.schema(), projection.migrator()));
    let apart = [("identity", &IDENTITY), (ANALYSIS_SCHEMA, &ANALYSIS), (OPERATIONS_SCHEMA, &OPERATIONS)];
    for (schema, migrator) in apart.into_iter().chain(projections) {
        let pool = postgres::pool(&config.postgres, "projector-migrate", schema)?;
        until_up("the database", || async { sqlx::query("select 1").execute(&pool).await }).await;
        prepare(&pool, schema, migrator).await?;
        pool.close().await;
    }
    let mut nats = config.nats;
    nats.nats_url = config.nats_admin_url.unwrap_or(nats.nats_url);
    until_up("the event log", || event_log::provision(&nats, config.nats_replicas)).await;
    tracing::info!("tables, stream and blob store are ready");
    Ok(())
}

/// Makes the tables of another generation, in the schema that the pool's search path names.
pub(crate) async fn generation(pool: &PgPool, projection: Projection, schema: &str) -> Result<(), MigrateError> {
    prepare(pool, schema, projection.migrator()).await
}

async fn prepare(pool: &PgPool, schema: &str, migrator: &Migrator) -> Result<(), MigrateError> {
    sqlx::query(AssertSqlSafe(format!("create schema if not exists {schema}"))).execute(pool).await?;
    migrator.run(pool).await
}

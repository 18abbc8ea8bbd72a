//! The connection pool and what SQL errors mean to a caller.

mod replaced;

use crate::config;
use log::LevelFilter;
use replaced::Replaced;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, PgPool};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The schema of the read models that queries see.
pub const READ_SCHEMA: &str = "read_model";
/// The schema of the read models of knowledge that queries see.
pub const KNOWLEDGE_SCHEMA: &str = "knowledge";
/// The schema of what analyses have found before.
pub const ANALYSIS_SCHEMA: &str = "analysis";
/// Where decisions of operators are kept.
pub const OPERATIONS_SCHEMA: &str = "operations";

/// What is special about the sessions of a pool.
#[derive(Clone, Copy)]
struct Sessions {
    /// A standby takes no writes, and may not have yet what others have been told of.
    may_be_of_standby: bool,
    settings: &'static [(&'static str, &'static str)],
}

impl Sessions {
    const PRIMARY: Self = Self { may_be_of_standby: false, settings: &[] };
    const READING: Self = Self { may_be_of_standby: true, settings: &[("default_transaction_read_only", "on")] };
    const FILLING: Self = Self {
        may_be_of_standby: false,
        settings: &[
            ("synchronous_commit", "off"),
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
            ("plan_cache_mode", "force_custom_plan"),
        ],
    };

    /// Refuses a connection to a server that these sessions are not for.
    async fn admit(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let is_standby = "select pg_is_in_recovery()";
        if !self.may_be_of_standby && sqlx::query_scalar(is_standby).fetch_one(connection).await? {
            return Err(sqlx::Error::Configuration("the database is a standby, and the primary is needed".into()));
        }
        Ok(())
    }
}

/// Opens a pool whose unqualified names are those of one schema. No connection is made before the first use, so that a
/// service starts, and tells the truth, while the database is away. A standby counts as away.
///
/// # Errors
/// An address that is none.
pub fn pool(config: &config::Postgres, name: &str, schema: &str) -> Result<PgPool, sqlx::Error> {
    open(config, Sessions::PRIMARY, name, schema, || ())
}

/// As [`pool`], and tells whenever it has made a connection.
///
/// # Errors
/// An address that is none.
pub fn pool_telling(
    config: &config::Postgres,
    name: &str,
    schema: &str,
    tell: impl Fn() + Send + Sync + 'static,
) -> Result<PgPool, sqlx::Error> {
    open(config, Sessions::PRIMARY, name, schema, tell)
}

/// As [`pool`], for sessions that write nothing, which the database refuses, and read what does not change any more: a
/// standby has it too.
///
/// # Errors
/// An address that is none.
pub fn pool_read_only(config: &config::Postgres, name: &str, schema: &str) -> Result<PgPool, sqlx::Error> {
    open(config, Sessions::READING, name, schema, || ())
}

/// As [`pool`], for tables that the log can fill again: after a crash of the database its last commits may be missing,
/// rows and checkpoint alike, and are applied once more. In return no commit waits for the disk. Nor has a statement a
/// limit of time: what must be applied would only be begun again. Statements are planned anew each time, as the tables
/// grow a thousandfold while a plan would be kept, and one statement writes many rows.
///
/// # Errors
/// An address that is none.
pub fn pool_without_sync(config: &config::Postgres, name: &str, schema: &str) -> Result<PgPool, sqlx::Error> {
    open(config, Sessions::FILLING, name, schema, || ())
}

/// Opens a pool, whose connections are replaced when the file that the address came from holds another.
fn open(
    config: &config::Postgres,
    sessions: Sessions,
    name: &str,
    schema: &str,
    tell: impl Fn() + Send + Sync + 'static,
) -> Result<PgPool, sqlx::Error> {
    let now = options(config, name, schema)?.options(sessions.settings.iter().copied());
    let tell = Arc::new(tell);
    let pool = pool_options(config).after_connect(move |connection, _| {
        let tell = tell.clone();
        Box::pin(async move {
            sessions.admit(connection).await?;
            tell();
            Ok(())
        })
    });
    if config.database_url.file().is_none() {
        return Ok(pool.connect_lazy_with(now));
    }
    let replaced = Replaced::of(sessions);
    let pool = replaced.retiring(pool).connect_lazy_with(now);
    let (of_start, name, schema) = (config.clone(), name.to_owned(), schema.to_owned());
    replaced.follow(&pool, config, move |database_url| {
        let config = config::Postgres { database_url, ..of_start.clone() };
        Ok(options(&config, &name, &schema)?.options(sessions.settings.iter().copied()))
    });
    Ok(pool)
}

fn options(config: &config::Postgres, name: &str, schema: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(config.database_url.expose())?
        .application_name(name)
        .options([
            ("search_path", schema.to_owned()),
            ("statement_timeout", config.statement_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
        ])
        .statement_cache_capacity(200);
    let slow = if config.slow_statement.is_zero() { Duration::MAX } else { config.slow_statement };
    Ok(options.log_slow_statements(LevelFilter::Warn, slow))
}

fn pool_options(config: &config::Postgres) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(config.database_connections)
        .min_connections(0)
        .acquire_timeout(config.database_timeout)
        .idle_timeout(Duration::from_secs(300))
}

/// Whether trying again can help: the database is away or restarting, rather than the statement wrong.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error.as_database_error() {
        None => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Tls(_)
        ),
        // Classes of SQLSTATE: 08 connection, 28 a credential that is being replaced, 53 resources, 57 operator intervention,
        // 40 serialisation and deadlock, 55 lock.
        Some(database) => database
            .code()
            .is_some_and(|code| ["08", "28", "53", "57", "40", "55"].iter().any(|class| code.starts_with(class))),
    }
}

/// Whether the database answers.
pub async fn is_up(pool: &PgPool) -> bool {
    sqlx::query("select 1").execute(pool).await.is_ok()
}

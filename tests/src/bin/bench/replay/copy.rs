//! COPY of the serving tables' rows into empty tables like them, indexes and all.

use crate::stack::Stack;
use futures_util::TryStreamExt;
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

/// The serving tables that have rows to copy: all but the checkpoint.
const TABLES: &str =
    "select tablename::text from pg_tables where schemaname = 'read_model' and tablename <> 'checkpoint' order by 1";
/// The schema that is made for the measurement, and removed.
const SCRATCH: &str = "bench";
/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;

/// What was copied.
pub(super) struct Copied {
    pub(super) rows: f64,
    /// Time in which COPY took the rows in; reading them does not count.
    pub(super) seconds: f64,
}

/// Measures it, table after table.
pub(super) async fn measure(stack: &Stack) -> anyhow::Result<Copied> {
    let pool = PgPool::connect(stack.fact("database_url")?).await?;
    let mut connection = PgConnection::connect(stack.fact("database_url")?).await?;
    let file = stack.data().join("bench.copy");
    execute(&mut connection, format!("drop schema if exists {SCRATCH} cascade")).await?;
    execute(&mut connection, format!("create schema {SCRATCH}")).await?;
    let mut copied = Copied { rows: 0.0, seconds: 0.0 };
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut connection).await?;
    anyhow::ensure!(!tables.is_empty(), "there are no serving tables");
    for table in &tables {
        execute(&mut connection, format!("create table {SCRATCH}.{table} (like read_model.{table} including all)"))
            .await?;
        copy_out(&pool, table, &file).await?;
        let begun = Instant::now();
        copied.rows += copy_in(&mut connection, table, &file).await? as f64;
        copied.seconds += begun.elapsed().as_secs_f64();
    }
    execute(&mut connection, format!("drop schema {SCRATCH} cascade")).await?;
    std::fs::remove_file(file)?;
    connection.close().await?;
    pool.close().await;
    Ok(copied)
}

async fn copy_out(pool: &PgPool, table: &str, file: &Path) -> anyhow::Result<()> {
    let mut file = File::create(file)?;
    let mut rows = pool.copy_out_raw(&format!("copy read_model.{table} to stdout")).await?;
    while let Some(chunk) = rows.try_next().await? {
        file.write_all(&chunk)?;
    }
    Ok(())
}

async fn copy_in(connection: &mut PgConnection, table: &str, file: &Path) -> anyhow::Result<u64> {
    let mut file = File::open(file)?;
    let mut chunk = vec![0; CHUNK];
    let mut copy = connection.copy_in_raw(&format!("copy {SCRATCH}.{table} from stdin")).await?;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(copy.finish().await?),
            bytes => copy.send(&chunk[..bytes]).await?,
        };
    }
}

async fn execute(connection: &mut PgConnection, statement: String) -> anyhow::Result<()> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

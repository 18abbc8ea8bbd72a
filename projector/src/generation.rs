//! Generations: full sets of read-model tables, each a schema of its own. The serving one has a fixed name; another is
//! filled beside it, compared with it, and takes its name in one transaction.

use runtime::postgres::READ_SCHEMA;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Where a replay fills its tables.
pub(crate) const REPLAY_SCHEMA: &str = "read_model_replay";
/// Where the tables that served before are kept.
pub(crate) const PREVIOUS_SCHEMA: &str = "read_model_previous";
/// Every table of a generation that replay must make the same.
const TABLES: [&str; 6] =
    ["checkpoint", "document", "document_content", "document_history", "workspace_statistics", "workspace_facet"];

/// Removes a generation, if it is there.
pub(crate) async fn remove(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    execute(connection, format!("drop schema if exists {schema} cascade")).await
}

/// Takes the secondary indexes off a generation and says how to make them again: filling is faster without.
pub(crate) async fn drop_indexes(pool: &PgPool, schema: &str) -> Result<Vec<String>, sqlx::Error> {
    let indexes = sqlx::query!(
        r#"select c.relname as "name!", pg_get_indexdef(i.indexrelid) as "definition!"
           from pg_index i join pg_class c on c.oid = i.indexrelid
           where c.relnamespace = to_regnamespace($1) and not i.indisunique order by c.relname"#,
        schema
    )
    .fetch_all(pool)
    .await?;
    for index in &indexes {
        sqlx::query(AssertSqlSafe(format!("drop index {schema}.{}", index.name))).execute(pool).await?;
    }
    Ok(indexes.into_iter().map(|index| index.definition).collect())
}

/// Stops every commit to the serving generation until the transaction ends, and says where its checkpoint stands. The
/// lock is on the table and not a row, so that a writer who waits for it looks the table's name up again afterwards.
pub(crate) async fn hold(transaction: &mut PgConnection) -> Result<u64, sqlx::Error> {
    execute(transaction, format!("lock table {READ_SCHEMA}.checkpoint in access exclusive mode")).await?;
    let query = format!("select sequence from {READ_SCHEMA}.checkpoint where projection = $1");
    let sequence: i64 =
        sqlx::query_scalar(AssertSqlSafe(query)).bind(crate::apply::PROJECTION).fetch_one(transaction).await?;
    Ok(crate::documents::to_u64(sequence))
}

/// Puts the replayed generation in the serving one's place, which is kept as the previous one.
pub(crate) async fn switch(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    remove(transaction, PREVIOUS_SCHEMA).await?;
    execute(transaction, format!("alter schema {READ_SCHEMA} rename to {PREVIOUS_SCHEMA}")).await?;
    execute(transaction, format!("alter schema {REPLAY_SCHEMA} rename to {READ_SCHEMA}")).await
}

/// Rows that stand in one of two generations only, as `(table, rows in the first alone, rows in the second alone)`; empty
/// when they are equal, row by row.
///
/// # Errors
/// What the database says.
pub async fn differences(
    connection: &mut PgConnection,
    first: &str,
    second: &str,
) -> Result<Vec<(&'static str, i64, i64)>, sqlx::Error> {
    let mut differences = Vec::new();
    for table in TABLES {
        let only = |one: &str, other: &str| {
            format!(
                "(select count(*) from (select t::text from {one}.{table} t except all select t::text from {other}.{table} t) d)"
            )
        };
        let query = format!("select {}, {}", only(first, second), only(second, first));
        let (in_first, in_second): (i64, i64) =
            sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *connection).await?;
        if (in_first, in_second) != (0, 0) {
            differences.push((table, in_first, in_second));
        }
    }
    Ok(differences)
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

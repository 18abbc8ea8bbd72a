//! Generations: full sets of read-model tables, each a schema of its own. The serving one has a fixed name; another is
//! filled beside it, compared with it, and takes its name in one transaction.

use crate::projection::Projection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Removes a generation, if it is there.
pub(crate) async fn remove(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    execute(connection, format!("drop schema if exists {schema} cascade")).await
}

/// Takes the secondary indexes off a generation and says how to make them again: filling is faster without.
pub(crate) async fn drop_indexes(pool: &PgPool, projection: Projection) -> Result<Vec<String>, sqlx::Error> {
    let schema = projection.replay_schema();
    let needed: Vec<String> = projection.needed_indexes().iter().map(|&name| name.to_owned()).collect();
    let indexes = sqlx::query!(
        r#"select c.relname as "name!", pg_get_indexdef(i.indexrelid) as "definition!"
           from pg_index i join pg_class c on c.oid = i.indexrelid
           where c.relnamespace = to_regnamespace($1) and not i.indisunique and c.relname <> all($2::text[]) order by c.relname"#,
        schema,
        &needed
    )
    .fetch_all(pool)
    .await?;
    for index in &indexes {
        sqlx::query(AssertSqlSafe(format!("drop index {schema}.{}", index.name))).execute(pool).await?;
    }
    Ok(indexes.into_iter().map(|index| index.definition).collect())
}

/// Stops every commit to the serving generation until the transaction ends, and says where its checkpoint stands; readers
/// go on. The lock is on the table and not a row, so that a writer who waits for it looks the table's name up again
/// afterwards.
pub(crate) async fn hold(transaction: &mut PgConnection, projection: Projection) -> Result<u64, sqlx::Error> {
    let schema = projection.schema();
    execute(transaction, format!("lock table {schema}.checkpoint in exclusive mode")).await?;
    let query = format!("select sequence from {schema}.checkpoint where projection = $1");
    let sequence: i64 = sqlx::query_scalar(AssertSqlSafe(query)).bind(projection.name()).fetch_one(transaction).await?;
    Ok(crate::apply::to_u64(sequence))
}

/// Puts the replayed generation in the serving one's place, which is kept as the previous one.
pub(crate) async fn switch(transaction: &mut PgConnection, projection: Projection) -> Result<(), sqlx::Error> {
    let (serving, previous) = (projection.schema(), projection.previous_schema());
    remove(transaction, previous).await?;
    execute(transaction, format!("alter schema {serving} rename to {previous}")).await?;
    execute(transaction, format!("alter schema {} rename to {serving}", projection.replay_schema())).await
}

/// Rows that stand in one of two generations only, as `(table, rows in the first alone, rows in the second alone)`; empty
/// when they are equal, row by row.
///
/// # Errors
/// What the database says.
pub async fn differences(
    connection: &mut PgConnection,
    projection: Projection,
    first: &str,
    second: &str,
) -> Result<Vec<(&'static str, i64, i64)>, sqlx::Error> {
    let mut differences = Vec::new();
    for table in projection.tables() {
        let only = |one: &str, other: &str| {
            format!(
                "(select count(*) from (select t::text from {one}.{table} t except all select t::text from {other}.{table} t) d)"
            )
        };
        let query = format!("select {}, {}", only(first, second), only(second, first));
        let (in_first, in_second): (i64, i64) =
            sqlx::query_as(AssertSqlSafe(query)).fetch_one(&mut *connection).await?;
        if (in_first, in_second) != (0, 0) {
            differences.push((*table, in_first, in_second));
        }
    }
    Ok(differences)
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

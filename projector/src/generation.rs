//! Generations: full sets of read-model tables, each a schema of its own. The serving one has a fixed name; another is
//! filled beside it, compared with it, and takes its name in one transaction.

use crate::checkpoints::Checkpoints;
use crate::migrate;
use crate::projection::Projection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use std::error::Error;

/// Holds of a generation that is being filled: by which program, and which indexes are made at its end.
const FILLED_BY: &str = "rebuild";

/// Removes a generation, if it is there.
pub(crate) async fn remove(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    execute(connection, format!("drop schema if exists {schema} cascade")).await
}

/// Makes a generation with empty tables in the schema of the pool's search path. Indexes that filling does not read by are
/// taken off, and so are keys that it does not need, as it is faster without; which they are is remembered in the same
/// transaction, so that whoever ends the filling can make them.
pub(crate) async fn make(
    pool: &PgPool,
    projection: Projection,
    schema: &str,
    filler: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    remove(&mut *pool.acquire().await?, schema).await?;
    migrate::generation(pool, projection, schema).await?;
    let needed: Vec<String> = projection.needed_indexes().iter().map(|&name| name.to_owned()).collect();
    let mut transaction = pool.begin().await?;
    let indexes = sqlx::query!(
        r#"select c.relname as "name!", pg_get_indexdef(i.indexrelid) as "definition!"
           from pg_index i join pg_class c on c.oid = i.indexrelid
           where c.relnamespace = to_regnamespace($1) and not i.indisunique and c.relname <> all($2::text[]) order by c.relname"#,
        schema,
        &needed
    )
    .fetch_all(&mut *transaction)
    .await?;
    execute(&mut transaction, format!("create table {FILLED_BY} (filler text not null, indexes text[] not null)"))
        .await?;
    for index in &indexes {
        execute(&mut transaction, format!("drop index {schema}.{}", index.name)).await?;
    }
    let mut definitions: Vec<String> = indexes.into_iter().map(|index| index.definition).collect();
    for table in projection.keys_made_last() {
        definitions.push(take_key(&mut transaction, schema, table).await?);
    }
    sqlx::query(AssertSqlSafe(format!("insert into {FILLED_BY} values ($1, $2)")))
        .bind(filler)
        .bind(definitions)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// Takes a table's key off; says the statement that makes it again, unless it is there.
async fn take_key(connection: &mut PgConnection, schema: &str, table: &str) -> Result<String, sqlx::Error> {
    let key = sqlx::query!(
        r#"select conname::text as "name!", pg_get_constraintdef(oid) as "definition!"
           from pg_constraint where conrelid = to_regclass($1) and contype = 'p'"#,
        format!("{schema}.{table}")
    )
    .fetch_one(&mut *connection)
    .await?;
    let (name, definition) = (key.name, key.definition);
    execute(connection, format!("alter table {schema}.{table} drop constraint {name}")).await?;
    Ok(format!(
        "do $$ begin if to_regclass('{name}') is null then
             alter table {table} add constraint {name} {definition};
         end if; end $$"
    ))
}

/// Who began to fill a generation; `None` where there is none, or one that was not even begun.
pub(crate) async fn filler(pool: &PgPool, schema: &str) -> Result<Option<String>, sqlx::Error> {
    if !has_table(&mut *pool.acquire().await?, schema, FILLED_BY).await? {
        return Ok(None);
    }
    sqlx::query_scalar(AssertSqlSafe(format!("select filler from {schema}.{FILLED_BY}"))).fetch_optional(pool).await
}

/// Makes the indexes that a generation still lacks, in the schema of the pool's search path, and counts its rows for the
/// planner.
pub(crate) async fn make_indexes(pool: &PgPool, projection: Projection) -> Result<(), sqlx::Error> {
    let is_being_filled: bool =
        sqlx::query_scalar("select to_regclass($1) is not null").bind(FILLED_BY).fetch_one(pool).await?;
    if !is_being_filled {
        return Ok(());
    }
    let query = format!("select unnest(indexes) from {FILLED_BY}");
    let definitions: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(pool).await?;
    for definition in definitions {
        let definition = definition.replacen("CREATE INDEX", "create index if not exists", 1);
        sqlx::query(AssertSqlSafe(definition)).execute(pool).await?;
    }
    let tables = projection.tables().join(", ");
    sqlx::query(AssertSqlSafe(format!("analyze {tables}"))).execute(pool).await.map(drop)
}

/// Where the shards of a generation stand; `None` where there is none, or one that was made before there were shards.
pub(crate) async fn checkpoints(
    connection: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<Option<Checkpoints>, sqlx::Error> {
    let has_shards: bool = sqlx::query_scalar(
        "select exists (select from information_schema.columns
                        where table_schema = $1 and table_name = 'checkpoint' and column_name = 'shard')",
    )
    .bind(schema)
    .fetch_one(&mut *connection)
    .await?;
    if !has_shards {
        return Ok(None);
    }
    Checkpoints::load(connection, projection, schema).await.map(Some)
}

/// Which analyses filled a generation of knowledge; none for one of documents.
pub(crate) async fn analyses(connection: &mut PgConnection, schema: &str) -> Result<Vec<i32>, sqlx::Error> {
    if !has_table(&mut *connection, schema, "analyzer").await? {
        return Ok(Vec::new());
    }
    let query = format!("select version from {schema}.analyzer order by version");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await
}

/// Stops every commit to the serving generation until the transaction ends, and says where its shards stand; readers go
/// on. The lock is on the table and not a row, so that a writer who waits for it looks the table's name up again
/// afterwards.
pub(crate) async fn hold(transaction: &mut PgConnection, projection: Projection) -> Result<Checkpoints, sqlx::Error> {
    let schema = projection.schema();
    execute(&mut *transaction, format!("lock table {schema}.checkpoint in exclusive mode")).await?;
    Checkpoints::load(transaction, projection, schema).await
}

/// Puts another generation in the serving one's place, which is kept as the previous one; after [`hold`]. The answers that
/// are being read end first: each locks the table of checkpoints before its first look, so none reads two generations.
/// They are waited for a second at most, as others queue up meanwhile: see [`is_busy`].
pub(crate) async fn switch(
    transaction: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let (serving, previous, aside) = (projection.schema(), projection.previous_schema(), projection.aside_schema());
    execute(transaction, "set local lock_timeout = '1s'".to_owned()).await?;
    execute(transaction, format!("lock table {serving}.checkpoint in access exclusive mode")).await?;
    execute(transaction, format!("alter schema {serving} rename to {aside}")).await?;
    execute(transaction, format!("alter schema {schema} rename to {serving}")).await?;
    execute(transaction, format!("drop table if exists {serving}.{FILLED_BY}")).await?;
    remove(transaction, previous).await?;
    execute(transaction, format!("alter schema {aside} rename to {previous}")).await
}

/// Puts a copy in the place of the serving checkpoint, after [`hold`]: whoever remembers something of the serving tables
/// finds that theirs is gone, and begins anew with what they hold now. The table is that of another generation, the rest
/// of which is removed. Waits as [`switch`] does: see [`is_busy`].
pub(crate) async fn renew_checkpoint(
    transaction: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let serving = projection.schema();
    execute(transaction, "set local lock_timeout = '1s'".to_owned()).await?;
    execute(transaction, format!("lock table {serving}.checkpoint in access exclusive mode")).await?;
    execute(transaction, format!("delete from {schema}.checkpoint")).await?;
    execute(transaction, format!("insert into {schema}.checkpoint select * from {serving}.checkpoint")).await?;
    execute(transaction, format!("drop table {serving}.checkpoint")).await?;
    execute(transaction, format!("alter table {schema}.checkpoint set schema {serving}")).await?;
    remove(transaction, schema).await
}

/// Ends a generation that is never to change again: from now on the database refuses whoever writes to one of its tables,
/// its owner and administrators too.
pub(crate) async fn seal(
    transaction: &mut PgConnection,
    projection: Projection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    execute(transaction, format!("drop table if exists {schema}.{FILLED_BY}")).await?;
    let refuse = format!(
        "create function {schema}.refuse_writing() returns trigger language plpgsql as
         $$ begin raise exception 'a read model of the past is not written' using errcode = 'read_only_sql_transaction'; end $$"
    );
    execute(transaction, refuse).await?;
    for table in projection.tables() {
        let trigger = format!(
            "create trigger sealed before insert or update or delete or truncate on {schema}.{table}
             execute function {schema}.refuse_writing()"
        );
        execute(transaction, trigger).await?;
    }
    Ok(())
}

/// Whether a statement failed as readers did not let go in time.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03")
}

async fn has_table(connection: &mut PgConnection, schema: &str, table: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(format!("{schema}.{table}"))
        .fetch_one(connection)
        .await
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

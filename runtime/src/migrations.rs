//! What makes the tables of read models, for whoever makes them and whoever has to know whether it can read them.

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgPool};

/// Makes the tables of documents.
pub static READ_MODEL: Migrator = sqlx::migrate!("../schema/migrations/read_model");
/// Makes the tables of knowledge.
pub static KNOWLEDGE: Migrator = sqlx::migrate!("../schema/migrations/knowledge");

/// Whether the tables of a schema were made by these very migrations.
///
/// # Errors
/// The database's; also where there are no such tables.
pub async fn have_made(migrator: &Migrator, pool: &PgPool, schema: &str) -> Result<bool, sqlx::Error> {
    let query = format!("select version, checksum from {schema}._sqlx_migrations where success order by version");
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(pool).await?;
    let known = migrator.iter().map(|migration| (migration.version, migration.checksum.to_vec()));
    Ok(applied.into_iter().eq(known))
}

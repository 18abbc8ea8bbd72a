//! Whether this program may write to tables that another may have filled: two analyses never share tables, as what they find
//! cannot be compared, and other migrations make tables of another shape.

use crate::generation;
use crate::projection::Projection;
use runtime::migrations;
use sqlx::PgPool;
use std::error::Error;

/// Refuses tables that this program cannot bring up to date.
pub(crate) async fn check(
    pool: &PgPool,
    projection: Projection,
    schema: &str,
    what: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let name = projection.name();
    let filled = generation::analyses(&mut *pool.acquire().await?, schema).await?;
    let is_other = |version: &i32| u32::try_from(*version) != Ok(analysis::VERSION);
    if filled.iter().any(is_other) {
        let own = analysis::VERSION;
        return Err(format!(
            "{what} of {name} was filled by analysis {filled:?}, and this program has {own}: use the program that filled it"
        )
        .into());
    }
    if migrations::have_made(projection.migrator(), pool, schema).await? {
        return Ok(());
    }
    Err(format!("{what} of {name} has other tables than this program: use the program that filled it").into())
}

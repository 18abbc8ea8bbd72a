//! One process at a time fills tables of a projection beside the serving ones. The lock spares work, it does not protect
//! the tables: that do the checkpoints, which move only from where their mover thought they were.

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// Held as long as its connection lives.
pub(crate) struct Lock {
    _connection: PoolConnection<Postgres>,
}

impl Lock {
    /// Takes the lock if it is free.
    pub(crate) async fn try_take(pool: &PgPool, key: i64) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let is_taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "is_taken!""#, key)
            .fetch_one(&mut *connection)
            .await?;
        Ok(is_taken.then_some(Self { _connection: connection }))
    }
}

//! One projector at a time works on a projection, and one process fills tables beside it. The lock spares work, it does not
//! protect the tables: that does the checkpoint, which moves only from where its mover thought it was.

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// Held as long as its connection lives.
pub(crate) struct Lock {
    key: i64,
    connection: PoolConnection<Postgres>,
}

impl Lock {
    /// Takes the lock if it is free.
    pub(crate) async fn try_take(pool: &PgPool, key: i64) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let is_taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "is_taken!""#, key)
            .fetch_one(&mut *connection)
            .await?;
        Ok(is_taken.then_some(Self { key, connection }))
    }

    /// Whether it is still held: its connection answers.
    pub(crate) async fn is_held(&mut self) -> bool {
        sqlx::query("select 1").execute(&mut *self.connection).await.is_ok()
    }

    /// Gives it back.
    pub(crate) async fn release(mut self) {
        let released =
            sqlx::query_scalar!("select pg_advisory_unlock($1)", self.key).fetch_one(&mut *self.connection).await;
        if released.is_err() {
            // The connection is broken, and with it the lock gone; it must not go back to the pool.
            drop(self.connection.detach());
        }
    }
}

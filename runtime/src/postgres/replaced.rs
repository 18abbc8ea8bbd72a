//! Replacing the credential of a pool: connections of the one before end after what they are doing, and none of them is
//! handed out any more.

use super::Sessions;
use crate::config;
use crate::config::Secret;
use crate::rotation::{Refusal, follow};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

#[derive(Clone)]
pub(super) struct Replaced {
    sessions: Sessions,
    /// Since when every connection that is made has the credential of now.
    since: Arc<RwLock<Option<Instant>>>,
}

impl Replaced {
    pub(super) fn of(sessions: Sessions) -> Self {
        Self { sessions, since: Arc::default() }
    }

    /// Has a pool close what was made earlier, instead of taking it back.
    pub(super) fn retiring(&self, pool: PgPoolOptions) -> PgPoolOptions {
        let replaced = self.clone();
        pool.after_release(move |_, connection| {
            let is_current = replaced.is_after(connection.age);
            Box::pin(async move { Ok(is_current) })
        })
    }

    /// Whether a connection was made since then.
    fn is_after(&self, age: Duration) -> bool {
        self.since.read().unwrap_or_else(PoisonError::into_inner).is_none_or(|replaced| age < replaced.elapsed())
    }

    /// Follows the file of a pool's address. Another address is taken once its database lets somebody in, and is one that
    /// these sessions are for.
    pub(super) fn follow(
        self,
        pool: &PgPool,
        config: &config::Postgres,
        options: impl Fn(Secret) -> Result<PgConnectOptions, sqlx::Error> + Send + 'static,
    ) {
        let (pool, patience) = (pool.clone(), config.database_timeout);
        follow(&config.database_url, "DATABASE_URL", move |url| {
            let (replaced, pool, options) = (self.clone(), pool.clone(), options(url));
            async move { replaced.take(&pool, options?, patience).await }
        })
        .for_ever();
    }

    async fn take(&self, pool: &PgPool, options: PgConnectOptions, patience: Duration) -> Result<(), Refusal> {
        timeout(patience, async {
            let mut connection = options.connect().await?;
            self.sessions.admit(&mut connection).await?;
            connection.close().await
        })
        .await??;
        pool.set_connect_options(options);
        // Who is connecting now may do so with the credential of before, and for no longer than this.
        sleep(patience).await;
        *self.since.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        for _ in 0..pool.num_idle() {
            match pool.try_acquire() {
                // One that the database has ended already is no reason against the credential.
                Some(idle) => drop(idle.close().await),
                None => break,
            }
        }
        Ok(())
    }
}

//! The credential store: password hashes, which never enter the log. A row counts only once an event names it, so a
//! registration that loses the race for its user name leaves nothing but an unused row.

use sqlx::PgPool;
use uuid::Uuid;

/// A handle on the schema `identity`.
#[derive(Clone)]
pub(crate) struct Identity {
    pool: PgPool,
}

impl Identity {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Keeps a hash, durably, before the event that names it.
    pub(crate) async fn keep(&self, credential: Uuid, account: Uuid, password_hash: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "insert into identity.credential (credential_id, account_id, password_hash) values ($1, $2, $3)",
            credential,
            account,
            password_hash
        )
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The hash that an event names.
    pub(crate) async fn hash(&self, credential: Uuid) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar!("select password_hash from identity.credential where credential_id = $1", credential)
            .fetch_optional(&self.pool)
            .await
    }
}

//! Exact duplicates: which other documents have the text of an upload. This informs and decides nothing: it is asked while
//! the event is appended, for a short time, and whatever goes wrong leaves the answer without a list.

use crate::config;
use crate::metrics::DUPLICATE_LOOKUPS_FAILED;
use events::{DocumentId, WorkspaceId};
use metrics::counter;
use quick_cache::sync::Cache;
use runtime::postgres::READ_SCHEMA;
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Most documents that are named.
const MOST: usize = 5;
/// Searches at once; a further upload is not told of duplicates, rather than keep a registration from the database.
const PLACES: usize = 64;
/// How long an upload is remembered here: longer than the read models are ever behind when all is well.
const RECENT: Duration = Duration::from_secs(10);

/// Knows who has which text.
pub(crate) struct Duplicates {
    pool: PgPool,
    statement: Arc<str>,
    timeout: Duration,
    places: Arc<Semaphore>,
    recent: Cache<(WorkspaceId, String), Vec<Recent>>,
}

/// A document that this process has accepted just now.
#[derive(Clone, Copy)]
struct Recent {
    document: Uuid,
    at: Instant,
}

/// What the read models say, oldest first; `None` if they could not be asked.
pub(crate) type Found = Option<Vec<Uuid>>;

impl Duplicates {
    pub(crate) fn new(pool: PgPool, config: &config::Duplicates) -> Self {
        let statement = format!(
            "select document_id from {READ_SCHEMA}.document
             where workspace_id = $1 and sha256 = $2 and not is_trashed and document_id <> $3
             order by created_at, document_id limit {MOST}"
        );
        Self {
            pool,
            statement: statement.into(),
            timeout: config.duplicates_timeout,
            places: Arc::new(Semaphore::new(PLACES)),
            recent: Cache::new(config.duplicates_recent),
        }
    }

    /// Asks the read models for other documents with a text.
    pub(crate) async fn look_up(&self, workspace: WorkspaceId, sha256: &str, document: DocumentId) -> Found {
        if self.timeout.is_zero() {
            return None;
        }
        let found = self.ask(workspace, sha256, document).await;
        if found.is_none() {
            counter!(DUPLICATE_LOOKUPS_FAILED).increment(1);
        }
        found
    }

    async fn ask(&self, workspace: WorkspaceId, sha256: &str, document: DocumentId) -> Found {
        let place = self.places.clone().try_acquire_owned().ok()?;
        // Not checked while compiling: the command-service owns no read model, and one without them still writes.
        let search = sqlx::query_scalar::<_, Uuid>(AssertSqlSafe(self.statement.clone()))
            .bind(workspace.0)
            .bind(sha256.to_owned())
            .bind(document.0);
        let pool = self.pool.clone();
        // On its own, so that a search which comes too late still leaves its connection ready for the next.
        let search = tokio::spawn(async move {
            let _place = place;
            search.fetch_all(&pool).await
        });
        match tokio::time::timeout(self.timeout, search).await.ok()?.ok()? {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::debug!(%error, "duplicates could not be looked up");
                None
            }
        }
    }

    /// Remembers an accepted upload, and says which documents have its text: those found, and those remembered from the
    /// last seconds, as far as `has_text` does not know better.
    pub(crate) fn accepted(
        &self,
        workspace: WorkspaceId,
        sha256: &str,
        document: DocumentId,
        found: Found,
        has_text: impl Fn(Uuid) -> bool,
    ) -> Option<Vec<Uuid>> {
        let recent = self.remember((workspace, sha256.to_owned()), document.0);
        let mut documents = found?;
        for uploaded in recent {
            if uploaded != document.0 && !documents.contains(&uploaded) {
                documents.push(uploaded);
            }
        }
        documents.retain(|document| has_text(*document));
        documents.truncate(MOST);
        Some(documents)
    }

    /// Adds a document to those of a text; says which are there, oldest first.
    fn remember(&self, text: (WorkspaceId, String), document: Uuid) -> Vec<Uuid> {
        let mut recent = self.recent.get(&text).unwrap_or_default();
        recent.retain(|uploaded| uploaded.at.elapsed() < RECENT);
        // One more than are named, as one may be the upload itself.
        if recent.len() <= MOST && recent.iter().all(|uploaded| uploaded.document != document) {
            recent.push(Recent { document, at: Instant::now() });
            self.recent.insert(text, recent.clone());
        }
        recent.into_iter().map(|uploaded| uploaded.document).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgPoolOptions;

    const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));

    fn document(n: u128) -> DocumentId {
        DocumentId(Uuid::from_u128(n))
    }

    /// Over a database that is not there.
    fn duplicates(timeout: Duration) -> Duplicates {
        let pool = PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/nothing").expect("an address");
        let config = config::Duplicates { duplicates_timeout: timeout, duplicates_recent: 10 };
        Duplicates::new(pool, &config)
    }

    #[tokio::test]
    async fn a_database_that_is_away_leaves_the_list_out() {
        for timeout in [Duration::from_millis(20), Duration::ZERO] {
            let duplicates = duplicates(timeout);
            let found = duplicates.look_up(WORKSPACE, "text", document(1)).await;
            assert_eq!(found, None);
            assert_eq!(duplicates.accepted(WORKSPACE, "text", document(1), found, |_| true), None);
        }
    }

    #[tokio::test]
    async fn two_uploads_in_a_row_see_each_other() {
        let duplicates = duplicates(Duration::ZERO);
        let upload = |n: u128, text: &str, found: &[u128]| {
            let found = found.iter().map(|n| document(*n).0).collect();
            let named = duplicates.accepted(WORKSPACE, text, document(n), Some(found), |other| other != document(4).0);
            named.expect("a list").into_iter().map(|id| id.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(upload(1, "text", &[]), []);
        assert_eq!(upload(2, "text", &[]), [1]);
        assert_eq!(upload(2, "text", &[]), [1], "a retry is told the same");
        assert_eq!(upload(3, "text", &[9, 1]), [9, 1, 2], "the read models' come first, each is named once");
        assert_eq!(upload(4, "other", &[]), []);
        assert_eq!(upload(5, "other", &[]), [], "what is known to have another text by now is not named");
        for n in 10..20 {
            upload(n, "text", &[]);
        }
        assert_eq!(upload(20, "text", &[]), [1, 2, 3, 10, 11], "the oldest, and not too many");
    }
}

//! Exact duplicates: which other documents have the text of an upload. This informs and decides nothing: it is asked while
//! the event is appended, for a short time, and whatever goes wrong leaves the answer without a list.

use crate::config;
use crate::metrics::DUPLICATE_LOOKUPS_FAILED;
use events::{DocumentId, WorkspaceId};
use metrics::counter;
use quick_cache::sync::Cache;
use runtime::postgres::READ_SCHEMA;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

/// Most documents that are named.
const MOST: usize = 5;
/// Uploads that wait for an answer; a further one is not told of duplicates.
const WAITING: usize = 1_024;
/// Uploads that are asked about in one statement.
const TOGETHER: usize = 128;
/// How long uploads are gathered for the next statement where several came for the last: less than an append takes.
const GATHERING: Duration = Duration::from_millis(3);
/// How long one statement may take, if nobody who asked waits longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an upload is remembered here: longer than the read models are ever behind when all is well.
const RECENT: Duration = Duration::from_secs(10);

/// Knows who has which text.
pub(crate) struct Duplicates {
    questions: mpsc::Sender<Question>,
    timeout: Duration,
    recent: Cache<(WorkspaceId, String), Vec<Recent>>,
}

/// Which other documents have a text?
struct Question {
    workspace: WorkspaceId,
    sha256: String,
    document: DocumentId,
    answer: oneshot::Sender<Vec<Uuid>>,
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
        let (questions, asked) = mpsc::channel(WAITING);
        tokio::spawn(answer(pool, asked, config.duplicates_timeout.max(PATIENCE)));
        Self { questions, timeout: config.duplicates_timeout, recent: Cache::new(config.duplicates_recent) }
    }

    /// Asks the read models for other documents with a text.
    pub(crate) async fn look_up(&self, workspace: WorkspaceId, sha256: &str, document: DocumentId) -> Found {
        if self.timeout.is_zero() {
            return None;
        }
        let found = self.ask(workspace, sha256.to_owned(), document).await;
        if found.is_none() {
            counter!(DUPLICATE_LOOKUPS_FAILED).increment(1);
        }
        found
    }

    async fn ask(&self, workspace: WorkspaceId, sha256: String, document: DocumentId) -> Found {
        let (answer, found) = oneshot::channel();
        self.questions.try_send(Question { workspace, sha256, document, answer }).ok()?;
        timeout(self.timeout, found).await.ok()?.ok()
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

/// Answers questions, as many at once as have gathered: one statement for each would cost more than the uploads.
async fn answer(pool: PgPool, mut asked: mpsc::Receiver<Question>, patience: Duration) {
    let mut questions = Vec::with_capacity(TOGETHER);
    while asked.recv_many(&mut questions, TOGETHER).await > 0 {
        // Whoever asked may have given up.
        questions.retain(|question: &Question| !question.answer.is_closed());
        let is_busy = questions.len() > 1;
        match timeout(patience, found(&pool, &questions)).await {
            Ok(Ok(found)) => {
                for (question, found) in questions.drain(..).zip(found) {
                    // Nobody waits for this one any more.
                    _ = question.answer.send(found);
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "duplicates could not be looked up"),
            Err(error) => tracing::debug!(%error, "duplicates were not found in time"),
        }
        questions.clear();
        if is_busy {
            tokio::time::sleep(GATHERING).await;
        }
    }
}

/// The documents with each text, oldest first.
async fn found(pool: &PgPool, questions: &[Question]) -> Result<Vec<Vec<Uuid>>, sqlx::Error> {
    let mut found = vec![Vec::new(); questions.len()];
    if questions.is_empty() {
        return Ok(found);
    }
    // Not checked while compiling: the command-service owns no read model, and one without them still writes.
    let statement = format!(
        "select asked.number, same.document_id
         from unnest($1::uuid[], $2::text[], $3::uuid[]) with ordinality
             as asked (workspace_id, sha256, document_id, number)
         cross join lateral (
             select document_id, created_at from {READ_SCHEMA}.document as document
             where document.workspace_id = asked.workspace_id and document.sha256 = asked.sha256 and not is_trashed
                 and document.document_id <> asked.document_id
             order by created_at, document_id limit {MOST}
         ) as same
         order by asked.number, same.created_at, same.document_id"
    );
    let rows: Vec<(i64, Uuid)> = sqlx::query_as(AssertSqlSafe(statement))
        // Planned each time: a plan that was good for a few documents reads the whole table when it has grown.
        .persistent(false)
        .bind(questions.iter().map(|question| question.workspace.0).collect::<Vec<_>>())
        .bind(questions.iter().map(|question| question.sha256.clone()).collect::<Vec<_>>())
        .bind(questions.iter().map(|question| question.document.0).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    for (number, document) in rows {
        let found = usize::try_from(number - 1).ok().and_then(|at| found.get_mut(at));
        found.into_iter().for_each(|found| found.push(document));
    }
    Ok(found)
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

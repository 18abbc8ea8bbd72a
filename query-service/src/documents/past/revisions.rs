//! Every text that a document has had, and where it stands.

use chrono::{DateTime, Utc};
use events::{Content, DocumentId, Stream, WorkspaceId};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::blobs::Blobs;
use runtime::event_log::Texts as Log;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// The name of the list in its cursors.
pub(super) const LIST: &str = "revisions";

/// A text that a document has had.
#[derive(Serialize, Object)]
pub(crate) struct Revision {
    /// Its number, from 1.
    pub(crate) revision: u32,
    /// Where its event stands in the log.
    pub(crate) sequence: u64,
    /// When it came.
    pub(crate) at: DateTime<Utc>,
    /// Which account sent it.
    pub(crate) actor_id: Uuid,
    /// Media type of the text.
    pub(crate) media_type: String,
    /// SHA-256 of the text, hexadecimal.
    pub(crate) sha256: String,
    /// Length of the text in bytes of UTF-8.
    pub(crate) bytes: u64,
}

/// A page of revisions.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct RevisionList {
    /// The revisions, newest first.
    pub(crate) revisions: Vec<Revision>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for RevisionList {
    fn example() -> Self {
        let revision = |revision, sequence, at, text: &str| {
            let Content { sha256, bytes, .. } = Content::of(text.to_owned());
            let (actor_id, media_type) = (example::account().0, example::MEDIA_TYPE.to_owned());
            Revision { revision, sequence, at, actor_id, media_type, sha256, bytes }
        };
        let revised = revision(2, example::REVISED, example::revised_at(), example::REVISED_TEXT);
        let uploaded = revision(1, example::UPLOADED, example::uploaded_at(), example::TEXT);
        Self { revisions: vec![revised, uploaded], next_cursor: None }
    }
}

/// Reads revisions before a number.
pub(super) async fn list(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    before: u32,
    limit: u32,
) -> Result<Vec<Revision>, Problem> {
    let rows = sqlx::query!(
        r#"select number as "number!", sequence as "sequence!", at as "at!", actor_id as "actor_id!",
               detail->>'media_type' as "media_type!", detail->>'sha256' as "sha256!",
               (detail->>'bytes')::bigint as "bytes!"
           from (
               select row_number() over (order by sequence) as number, sequence, at, actor_id, detail
               from document_history
               where workspace_id = $1 and document_id = $2 and kind in ('uploaded', 'revised')
           ) as text
           where number < $3 order by number desc limit $4"#,
        workspace,
        document,
        i64::from(before),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    let revisions = rows.into_iter().map(|row| Revision {
        revision: u32::try_from(row.number).unwrap_or(u32::MAX),
        sequence: u64::try_from(row.sequence).unwrap_or(0),
        at: row.at,
        actor_id: row.actor_id,
        media_type: row.media_type,
        sha256: row.sha256,
        bytes: u64::try_from(row.bytes).unwrap_or(0),
    });
    Ok(revisions.collect())
}

/// Reads one revision.
pub(super) async fn one(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    number: u32,
) -> Result<Option<Revision>, Problem> {
    let up_to = list(connection, workspace, document, number.saturating_add(1), 1).await?;
    Ok(up_to.into_iter().find(|revision| revision.revision == number))
}

/// Earlier texts: in the log when short, in the blob store when long.
pub(crate) struct Texts {
    pub(crate) log: Log,
    pub(crate) blobs: Blobs,
}

impl Texts {
    /// The text that an event brought.
    ///
    /// # Errors
    /// 503 when the log or the blob store is away.
    pub(super) async fn at(
        &self,
        workspace: WorkspaceId,
        document: Uuid,
        sequence: u64,
        sha256: &str,
    ) -> Result<String, Problem> {
        let stream = Stream::document(workspace, DocumentId(document));
        let envelope = self.log.at(&stream, sequence).await?;
        let content = envelope.as_ref().and_then(|envelope| envelope.event.content());
        match content.and_then(|content| content.text.clone()) {
            Some(text) => Ok(text),
            None => Ok(self.blobs.text(sha256).await?),
        }
    }
}

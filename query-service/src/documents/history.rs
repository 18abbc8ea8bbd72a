//! A document's history: who changed what when.

use crate::cursor;
use chrono::{DateTime, Utc};
use events::Content;
use poem_openapi::Object;
use poem_openapi::types::{Any, Example};
use runtime::http::example;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// The name of the list in its cursors.
pub(super) const LIST: &str = "history";

/// One change.
#[derive(Serialize, Object)]
pub(crate) struct Change {
    /// Where its event stands in the log.
    pub(crate) sequence: u64,
    /// What happened: `uploaded`, `revised`, `retitled`, `described`, `tagged`, `untagged`, `concept_added`,
    /// `concept_removed`, `moved_to_cluster`, `released_from_cluster`, `linked`, `unlinked`, `absorbed` (it took over what
    /// another had), `merged` (another took over what it had), `assessed` (by a language model), `trashed` or `restored`.
    pub(crate) kind: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Which account asked for it.
    pub(crate) actor_id: Uuid,
    /// What the event says, without the text itself.
    #[oai(rename = "detail")]
    pub(crate) detail: Detail,
}

/// What an event says.
pub(crate) type Detail = Any<Value>;

/// A page of changes.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct History {
    /// The changes, newest first.
    pub(crate) changes: Vec<Change>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for History {
    fn example() -> Self {
        let Content { sha256, bytes, .. } = Content::of(example::REVISED_TEXT.to_owned());
        let revised = Change {
            sequence: example::REVISED,
            kind: "revised".to_owned(),
            at: example::revised_at(),
            actor_id: example::account().0,
            detail: Any(json!({ "media_type": example::MEDIA_TYPE, "sha256": sha256, "bytes": bytes })),
        };
        Self { changes: vec![revised], next_cursor: Some(cursor::write(LIST, &example::REVISED)) }
    }
}

/// Reads a page of changes before a sequence, of one kind or of all.
pub(crate) async fn read(
    pool: &PgPool,
    workspace: Uuid,
    document: Uuid,
    kind: Option<&str>,
    before: u64,
    limit: u32,
) -> Result<Vec<Change>, sqlx::Error> {
    let rows = sqlx::query!(
        "select sequence, kind, at, actor_id, detail from document_history
         where workspace_id = $1 and document_id = $2 and sequence < $3 and ($4::text is null or kind = $4)
         order by sequence desc limit $5",
        workspace,
        document,
        i64::try_from(before).unwrap_or(i64::MAX),
        kind,
        i64::from(limit)
    )
    .fetch_all(pool)
    .await?;
    let change = |(sequence, kind, at, actor_id, detail): (i64, String, DateTime<Utc>, Uuid, Value)| Change {
        sequence: u64::try_from(sequence).unwrap_or(0),
        kind,
        at,
        actor_id,
        detail: Any(detail),
    };
    Ok(rows.into_iter().map(|row| change((row.sequence, row.kind, row.at, row.actor_id, row.detail))).collect())
}

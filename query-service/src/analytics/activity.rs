//! What was done last.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Most changes that are shown.
const MOST: i64 = 20;

/// A change of a document.
#[derive(Serialize, Object)]
pub(crate) struct Activity {
    /// Where its event stands in the log.
    sequence: u64,
    /// What happened, such as `uploaded`.
    kind: String,
    /// When.
    at: DateTime<Utc>,
    /// Which account asked for it.
    actor_id: Uuid,
    /// The document.
    document_id: Uuid,
    /// The document's title now.
    title: String,
}

impl Example for Activity {
    fn example() -> Self {
        Self {
            sequence: example::REVISED,
            kind: "revised".to_owned(),
            at: example::revised_at(),
            actor_id: example::account().0,
            document_id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
        }
    }
}

/// Reads the last changes. Each is a change of one of the documents that changed last: only their histories are read.
pub(super) async fn read(connection: &mut PgConnection, workspace: Uuid) -> Result<Vec<Activity>, Problem> {
    let rows = sqlx::query!(
        "with latest as materialized (
             select document_id, title from document where workspace_id = $1
             order by updated_at desc, document_id desc limit $2::bigint * 2
         )
         select h.sequence, h.kind, h.at, h.actor_id, latest.document_id, latest.title
         from latest cross join lateral (
             select sequence, kind, at, actor_id from document_history
             where workspace_id = $1 and document_id = latest.document_id order by sequence desc limit $2
         ) as h
         order by h.sequence desc limit $2",
        workspace,
        MOST
    )
    .fetch_all(connection)
    .await?;
    let activity = rows.into_iter().map(|row| Activity {
        sequence: u64::try_from(row.sequence).unwrap_or(0),
        kind: row.kind,
        at: row.at,
        actor_id: row.actor_id,
        document_id: row.document_id,
        title: row.title,
    });
    Ok(activity.collect())
}

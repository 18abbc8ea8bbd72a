//! How a document stands to others.

use poem_openapi::Object;
use runtime::http::Problem;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// One link, seen from one of its ends.
#[derive(Serialize, Object)]
#[oai(rename = "DocumentLink", skip_serializing_if_is_none)]
pub(crate) struct LinkView {
    /// `related`, `prerequisite`, `followup`, `alternative` or `supersedes`, from where the link was made.
    relation: String,
    /// The document at the other end.
    id: Uuid,
    /// Its title; absent if there is no such document.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Whether the link does not count: it would close a circle with an earlier one, or its other end does not exist.
    is_void: bool,
}

/// A document's links.
#[derive(Serialize, Object)]
#[oai(rename = "DocumentLinks")]
pub(crate) struct Links {
    /// From it to others.
    outgoing: Vec<LinkView>,
    /// From others to it.
    incoming: Vec<LinkView>,
    /// Whether there are more in either direction than were asked for.
    has_more: bool,
}

/// Reads at most `limit` links in each direction.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    limit: u32,
) -> Result<Links, Problem> {
    let mut outgoing = sqlx::query_as!(
        LinkView,
        r#"select l.relation, l.to_id as id, k.title as "title?", l.is_void
           from document_link l
           left join document_knowledge k on k.workspace_id = l.workspace_id and k.document_id = l.to_id
           where l.workspace_id = $1 and l.document_id = $2
           order by l.relation, l.to_id limit $3"#,
        workspace,
        document,
        i64::from(limit) + 1
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut incoming = sqlx::query_as!(
        LinkView,
        r#"select l.relation, l.document_id as id, k.title as "title?", l.is_void
           from document_link l
           left join document_knowledge k on k.workspace_id = l.workspace_id and k.document_id = l.document_id
           where l.workspace_id = $1 and l.to_id = $2
           order by l.relation, l.document_id limit $3"#,
        workspace,
        document,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let most = limit as usize;
    let has_more = outgoing.len() > most || incoming.len() > most;
    outgoing.truncate(most);
    incoming.truncate(most);
    Ok(Links { outgoing, incoming, has_more })
}

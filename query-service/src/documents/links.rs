//! How a document stands to others. Where one was merged, the document that took over stands in its place; a link between
//! a document and what was merged into it is none. Links that merges lead round in a circle are shown like any other.

use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// One link, seen from one of its ends.
#[derive(Serialize, Object)]
#[oai(rename = "DocumentLink", skip_serializing_if_is_none)]
pub(crate) struct LinkView {
    /// `related`, `prerequisite`, `followup`, `alternative` or `supersedes`, from where the link was made.
    relation: String,
    /// The document at the other end; where that was merged, the one that took over.
    id: Uuid,
    /// Its title; absent if there is no such document.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Whether the link does not count: it would close a circle with an earlier one, or its other end does not exist.
    is_void: bool,
}

/// A document's links. Those with a document in the trash are left out until it is restored.
#[derive(Serialize, Object)]
#[oai(rename = "DocumentLinks", example)]
pub(crate) struct Links {
    /// From it to others.
    outgoing: Vec<LinkView>,
    /// From others to it, and to those that were merged into it.
    incoming: Vec<LinkView>,
    /// Whether there are more in either direction than were asked for.
    has_more: bool,
}

impl Example for Links {
    fn example() -> Self {
        let superseded = LinkView {
            relation: "supersedes".to_owned(),
            id: example::OTHER_DOCUMENT,
            title: Some(example::OTHER_TITLE.to_owned()),
            is_void: false,
        };
        Self { outgoing: vec![superseded], incoming: vec![], has_more: false }
    }
}

/// Reads at most `limit` links in each direction, following at most eight merges from one document to the next. Two links
/// that come to be the same are one, which counts if either does.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    limit: u32,
) -> Result<Links, Problem> {
    let mut outgoing = sqlx::query_as!(
        LinkView,
        r#"with recursive lead (relation, is_void, id, merges) as (
               select relation, is_void, to_id, 0 from document_link where workspace_id = $1 and document_id = $2
               union all
               select l.relation, l.is_void, k.merged_into, l.merges + 1
               from lead l join document_knowledge k on k.workspace_id = $1 and k.document_id = l.id
               where k.merged_into is not null and l.merges < 8
           )
           select l.relation as "relation!", l.id as "id!", k.title as "title?", bool_and(l.is_void) as "is_void!"
           from lead l left join document_knowledge k on k.workspace_id = $1 and k.document_id = l.id
           where l.id <> $2 and k.is_trashed is not true
           group by l.relation, l.id, k.title
           order by l.relation, l.id limit $3"#,
        workspace,
        document,
        i64::from(limit) + 1
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut incoming = sqlx::query_as!(
        LinkView,
        r#"with recursive here (id, merges) as (
               select $2::uuid, 0
               union all
               select k.document_id, h.merges + 1
               from here h join document_knowledge k on k.workspace_id = $1 and k.merged_into = h.id
               where h.merges < 8
           )
           select l.relation, l.document_id as id, k.title as "title?", bool_and(l.is_void) as "is_void!"
           from here h
           join document_link l on l.workspace_id = $1 and l.to_id = h.id
           join document_knowledge k on k.workspace_id = $1 and k.document_id = l.document_id
           where l.document_id <> $2 and not k.is_trashed
           group by l.relation, l.document_id, k.title
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

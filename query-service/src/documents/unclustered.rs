//! Documents that stand in no cluster.

use crate::answer;
use crate::cursor;
use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::{Uuid, uuid};

/// The name of the list in its cursors.
const LIST: &str = "unclustered";

/// A document that stands in no cluster.
#[derive(Serialize, Object)]
pub(crate) struct UnclusteredDocument {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
    /// How much a reader must know already.
    skill_level: String,
    /// When it was uploaded.
    created_at: DateTime<Utc>,
}

/// A page of them.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct UnclusteredDocuments {
    /// The documents, the last to arrive first.
    documents: Vec<UnclusteredDocument>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for UnclusteredDocuments {
    fn example() -> Self {
        let document = UnclusteredDocument {
            id: uuid!("0198c2f1-dbbd-7d3a-b5e6-81f04c9a2d17"),
            title: "Minutes of the planning meeting".to_owned(),
            skill_level: "unknown".to_owned(),
            created_at: example::time("2025-08-19T15:28:07.104662Z"),
        };
        Self { documents: vec![document], next_cursor: None }
    }
}

/// Reads a page.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    limit: u32,
    cursor: Option<&str>,
) -> Result<UnclusteredDocuments, Problem> {
    let before: i64 = cursor.map_or(Ok(i64::MAX), |text| cursor::read(LIST, text))?;
    // The order names the cluster too, so that it is that of the index.
    let mut rows = sqlx::query!(
        "select document_id, title, skill_level, created_at, arrival from document_knowledge
         where workspace_id = $1 and cluster_id is null and not is_trashed and arrival < $2
         order by cluster_id desc, arrival desc limit $3",
        workspace,
        before,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let next_cursor = answer::cut(&mut rows, limit, |row| cursor::write(LIST, &row.arrival));
    let documents = rows
        .into_iter()
        .map(|row| UnclusteredDocument {
            id: row.document_id,
            title: row.title,
            skill_level: row.skill_level,
            created_at: row.created_at,
        })
        .collect();
    Ok(UnclusteredDocuments { documents, next_cursor })
}

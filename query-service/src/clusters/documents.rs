//! Documents of a cluster.

use crate::answer;
use crate::cursor;
use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// The name of the list in its cursors.
const LIST: &str = "cluster_documents";

/// A document of a cluster.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct ClusterDocument {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
    /// How near it is to what the cluster has in common, 0 to 1; absent if a user put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f64>,
    /// Whether a user put it there.
    is_pinned: bool,
    /// How much a reader must know already.
    skill_level: String,
    /// When it was uploaded.
    created_at: DateTime<Utc>,
}

/// A page of documents of a cluster.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct ClusterDocuments {
    /// The documents, the last to arrive first.
    documents: Vec<ClusterDocument>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for ClusterDocuments {
    fn example() -> Self {
        let document = ClusterDocument {
            id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
            similarity: Some(0.812),
            is_pinned: false,
            skill_level: "beginner".to_owned(),
            created_at: example::uploaded_at(),
        };
        Self { documents: vec![document], next_cursor: Some(cursor::write(LIST, &12)) }
    }
}

/// Reads a page.
pub(super) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    cluster: Uuid,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ClusterDocuments, Problem> {
    let before: i64 = cursor.map_or(Ok(i64::MAX), |text| cursor::read(LIST, text))?;
    let mut rows = sqlx::query!(
        r#"select document_id, title, similarity, pinned_cluster is not null as "is_pinned!", skill_level, created_at,
                  arrival
           from document_knowledge
           where workspace_id = $1 and cluster_id = $2 and arrival < $3 order by arrival desc limit $4"#,
        workspace,
        cluster,
        before,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let next_cursor = answer::cut(&mut rows, limit, |last| cursor::write(LIST, &last.arrival));
    let documents = rows
        .into_iter()
        .map(|row| ClusterDocument {
            id: row.document_id,
            title: row.title,
            similarity: (!row.is_pinned).then(|| f64::from(row.similarity) / 1_000.0),
            is_pinned: row.is_pinned,
            skill_level: row.skill_level,
            created_at: row.created_at,
        })
        .collect();
    Ok(ClusterDocuments { documents, next_cursor })
}

//! Numbers of everything in a workspace.

use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::Problem;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Most concepts that are named.
const MOST_CONCEPTS: i64 = 20;

/// Numbers of everything.
#[derive(Serialize, Object)]
#[oai(rename = "AnalyticsTotals")]
pub(crate) struct Totals {
    /// Documents in use.
    documents: i64,
    /// Documents in the trash.
    trashed: i64,
    /// Concepts that documents in use have.
    concepts: i64,
    /// Those of them that at least two documents share.
    shared_concepts: i64,
    /// Clusters in which documents stand.
    clusters: i64,
    /// Documents in use that stand in no cluster.
    unclustered: i64,
    /// Documents in use whose text an earlier one has too.
    duplicates: i64,
    /// Documents in use that are nearly the same as an earlier one, or wholly.
    near_duplicates: i64,
}

impl Example for Totals {
    fn example() -> Self {
        Self {
            documents: 12,
            trashed: 1,
            concepts: 31,
            shared_concepts: 9,
            clusters: 2,
            unclustered: 1,
            duplicates: 0,
            near_duplicates: 1,
        }
    }
}

/// A frequent concept.
#[derive(Serialize, Object)]
pub(crate) struct TopConcept {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// How many documents in use have it.
    documents: i64,
}

impl Example for TopConcept {
    fn example() -> Self {
        Self {
            concept: "container".to_owned(),
            name: "container".to_owned(),
            category: "concept".to_owned(),
            documents: 7,
        }
    }
}

/// Counts everything.
pub(super) async fn read(connection: &mut PgConnection, workspace: Uuid) -> Result<Totals, Problem> {
    let totals = sqlx::query_as!(
        Totals,
        r#"select t.documents as "documents!", t.trashed as "trashed!", k.concepts as "concepts!", k.shared_concepts as "shared_concepts!",
                  c.clusters as "clusters!",
                  greatest(0, t.known - c.documents) as "unclustered!", e.duplicates as "duplicates!",
                  n.near_duplicates as "near_duplicates!"
           from (select coalesce((select documents from clustering where workspace_id = $1), 0) as known,
                        coalesce((select documents from workspace_statistics where workspace_id = $1), 0) as documents,
                        coalesce((select trashed from workspace_statistics where workspace_id = $1), 0) as trashed) as t,
                (select count(*) as concepts, count(*) filter (where documents > 1) as shared_concepts
                 from concept where workspace_id = $1 and documents > 0) as k,
                (select count(*) filter (where documents > 0) as clusters,
                        coalesce(sum(documents), 0)::bigint as documents
                 from cluster where workspace_id = $1) as c,
                (select coalesce(sum(texts.documents - 1), 0)::bigint as duplicates
                 from (select count(*) as documents from document_knowledge where workspace_id = $1 and not is_trashed
                       group by sha256) as texts) as e,
                (select count(*) as near_duplicates from near_duplicate where workspace_id = $1) as n"#,
        workspace
    )
    .fetch_one(connection)
    .await?;
    Ok(totals)
}

/// The most frequent concepts.
pub(super) async fn top_concepts(connection: &mut PgConnection, workspace: Uuid) -> Result<Vec<TopConcept>, Problem> {
    let concepts = sqlx::query_as!(
        TopConcept,
        "select concept, name, category, documents from concept
         where workspace_id = $1 and documents > 0 order by documents desc, concept limit $2",
        workspace,
        MOST_CONCEPTS
    )
    .fetch_all(connection)
    .await?;
    Ok(concepts)
}

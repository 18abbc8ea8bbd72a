//! Concepts that occur together with one.

use super::one::Known;
use analysis::graph::association;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// A concept that occurs together with another.
#[derive(Serialize, Object)]
pub(crate) struct Neighbour {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// How many documents in use have it.
    documents: i64,
    /// How many of the documents considered have both.
    documents_with_both: i64,
    /// How much more often than by chance both occur together: 0 not at all, 1 always.
    weight: f64,
}

/// Concepts that occur together with one.
#[derive(Serialize, Object)]
#[oai(rename = "ConceptNeighbours", example)]
pub(crate) struct Neighbours {
    /// The concept's key.
    concept: String,
    /// How it is written.
    name: String,
    /// How many documents in use have it.
    documents: i64,
    /// How many of those were looked at, the newest ones.
    documents_considered: i64,
    /// The others, those with the greatest weight first.
    neighbours: Vec<Neighbour>,
}

impl Example for Neighbours {
    fn example() -> Self {
        let neighbour = Neighbour {
            concept: "container".to_owned(),
            name: "container".to_owned(),
            category: "concept".to_owned(),
            documents: 7,
            documents_with_both: 2,
            weight: association(2, 7, 2, 12).into(),
        };
        Self {
            concept: example::CONCEPT_KEY.to_owned(),
            name: example::concept(),
            documents: 2,
            documents_considered: 2,
            neighbours: vec![neighbour],
        }
    }
}

/// Reads the neighbours of a concept over its newest documents, at most so many.
pub(super) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    concept: Known,
    most: u32,
    limit: u32,
) -> Result<Neighbours, Problem> {
    let considered = concept.documents.min(i64::from(most));
    let total = sqlx::query_scalar!("select documents from clustering where workspace_id = $1", workspace)
        .fetch_optional(&mut *connection)
        .await?
        .unwrap_or(0);
    let rows = sqlx::query!(
        r#"with newest as materialized (
               select document_id from document_concept where workspace_id = $1 and concept = $2
               order by created_at desc, document_id limit $3
           ), counted as materialized (
               select o.concept, count(*) as documents
               from newest n cross join lateral (
                   select concept from document_concept o where o.workspace_id = $1 and o.document_id = n.document_id
                   offset 0
               ) as o
               where o.concept <> $2 group by o.concept
           )
           select concept, c.name, c.category, c.documents, o.documents as "both!"
           from counted o join concept c using (concept) where c.workspace_id = $1"#,
        workspace,
        concept.concept,
        i64::from(most)
    )
    .fetch_all(connection)
    .await?;
    let count = |documents: i64| u64::try_from(documents).unwrap_or(0);
    let (of_all, of_some) = (count(concept.documents), count(considered).max(1));
    let mut neighbours: Vec<Neighbour> = rows
        .into_iter()
        .map(|row| {
            // What was counted in some of its documents is taken to hold of all of them.
            let together = count(row.both) * of_all / of_some;
            Neighbour {
                weight: association(of_all, count(row.documents), together, count(total)).into(),
                concept: row.concept,
                name: row.name,
                category: row.category,
                documents: row.documents,
                documents_with_both: row.both,
            }
        })
        .filter(|neighbour| neighbour.weight > 0.0)
        .collect();
    neighbours.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then(b.documents_with_both.cmp(&a.documents_with_both))
            .then(a.concept.cmp(&b.concept))
    });
    neighbours.truncate(limit as usize);
    let Known { concept, name, documents, .. } = concept;
    Ok(Neighbours { concept, name, documents, documents_considered: considered, neighbours })
}

//! Documents that have to do with one, by the concepts that they share: the rarer a shared concept and the surer it is of
//! both, the more it counts.

use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a document must share at least, of all that it could.
const LEAST_SCORE: f64 = 0.05;
/// A concept that more than half of all documents have relates none, unless they are so few.
const FEW_DOCUMENTS: f64 = 5.0;

/// A document that has to do with another.
#[derive(Serialize, Object)]
pub(crate) struct RelatedDocument {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
    /// How much of what the other is about it is about as well, 0 to 1.
    score: f64,
    /// Names of the concepts that both have, the rarest first.
    shared_concepts: Vec<String>,
}

/// Documents that have to do with one.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct RelatedDocuments {
    /// They, the nearest first.
    documents: Vec<RelatedDocument>,
}

impl Example for RelatedDocuments {
    fn example() -> Self {
        let related = RelatedDocument {
            id: example::OTHER_DOCUMENT,
            title: example::OTHER_TITLE.to_owned(),
            score: 0.71,
            shared_concepts: vec![example::concept(), "container".to_owned()],
        };
        Self { documents: vec![related] }
    }
}

/// Finds documents that share concepts with one. Its concepts are followed from the rarest on, as far as all of them
/// together lead to no more than `occurrences` documents.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    occurrences: u32,
    limit: u32,
) -> Result<RelatedDocuments, Problem> {
    let documents = sqlx::query_as!(
        RelatedDocument,
        r#"with total as materialized (
               select greatest(coalesce(max(documents), 0), 1)::float8 as documents
               from clustering where workspace_id = $1
           ), own as materialized (
               select concept, c.name, c.documents, d.confidence::float8 as confidence,
                      ln((t.documents + 1) / least(c.documents, t.documents)) / ln(t.documents + 1) as rarity,
                      sum(c.documents) over (order by c.documents, concept) as occurrences,
                      c.documents between 2 and greatest(t.documents / 2, $6) as is_telling
               from document_concept d join concept c using (workspace_id, concept) cross join total t
               where workspace_id = $1 and d.document_id = $2 and c.documents > 0
           ), best as materialized (
               select o.document_id, sum(least(o.confidence, own.confidence) * own.rarity)
                      / (select sum(confidence * rarity) from own) as score
               from own cross join lateral (
                   select document_id, confidence::float8 as confidence from document_concept o
                   where o.workspace_id = $1 and o.concept = own.concept and o.document_id <> $2
               ) as o
               where own.is_telling and own.occurrences <= $3
               group by o.document_id order by score desc, o.document_id limit $4
           )
           select b.document_id as "id!", k.title as "title!", b.score as "score!", s.names as "shared_concepts!"
           from best b
           join document_knowledge k on k.workspace_id = $1 and k.document_id = b.document_id
           cross join lateral (
               select array_agg(own.name order by own.rarity desc, own.concept) as names
               from document_concept d join own using (concept)
               where d.workspace_id = $1 and d.document_id = b.document_id and own.is_telling
           ) as s
           where b.score >= $5
           order by b.score desc, b.document_id"#,
        workspace,
        document,
        i64::from(occurrences) as _,
        i64::from(limit),
        LEAST_SCORE,
        FEW_DOCUMENTS
    )
    .fetch_all(connection)
    .await?;
    Ok(RelatedDocuments { documents })
}

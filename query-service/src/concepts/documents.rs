//! Documents that have a concept.

use super::one::Known;
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
const LIST: &str = "concept_documents";

/// A document that has a concept.
#[derive(Serialize, Object)]
pub(crate) struct ConceptDocument {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
    /// How sure it is that the document has the concept, 0 to 1.
    confidence: f32,
    /// How often the concept occurs in the text; 0 when only a user or a model said so.
    occurrences: i32,
    /// Who says so: `analysis`, `model` or `user`.
    origin: String,
    /// How much a reader must know already.
    skill_level: String,
    /// When the document was uploaded.
    created_at: DateTime<Utc>,
}

/// A page of documents that have a concept.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct ConceptDocuments {
    /// The concept's key.
    concept: String,
    /// The documents, the surest first.
    documents: Vec<ConceptDocument>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for ConceptDocuments {
    fn example() -> Self {
        let document = ConceptDocument {
            id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
            confidence: 0.46875,
            occurrences: 1,
            origin: "analysis".to_owned(),
            skill_level: "beginner".to_owned(),
            created_at: example::uploaded_at(),
        };
        Self {
            concept: example::CONCEPT_KEY.to_owned(),
            next_cursor: Some(cursor::write(LIST, &(document.confidence, document.id))),
            documents: vec![document],
        }
    }
}

/// Reads a page.
pub(super) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    concept: &Known,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ConceptDocuments, Problem> {
    // No confidence is over 1.
    let (below, after): (f32, Uuid) = cursor.map_or(Ok((2.0, Uuid::nil())), |text| cursor::read(LIST, text))?;
    let mut documents = sqlx::query_as!(
        ConceptDocument,
        "select document_id as id, k.title, d.confidence, d.occurrences, d.origin, k.skill_level, d.created_at
         from document_concept d join document_knowledge k using (workspace_id, document_id)
         where workspace_id = $1 and d.concept = $2 and d.confidence <= $3 and (d.confidence < $3 or document_id > $4)
         order by d.confidence desc, document_id limit $5",
        workspace,
        concept.concept,
        below,
        after,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let next_cursor = answer::cut(&mut documents, limit, |last| cursor::write(LIST, &(last.confidence, last.id)));
    Ok(ConceptDocuments { concept: concept.concept.clone(), documents, next_cursor })
}

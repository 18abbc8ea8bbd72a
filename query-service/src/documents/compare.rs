//! Two documents beside each other: their wording, their concepts, their tags.

use super::text;
use crate::answer::{DocumentStatuses, Found, document_not_found};
use crate::tables::{Of, Tables};
use analysis::near;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::{Object, OpenApi};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, Problem, Refused};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// The route of comparing.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) blobs: Blobs,
    /// Most bytes of each text.
    pub(crate) most: usize,
}

/// A concept of one or both documents.
#[derive(Serialize, Object)]
pub(crate) struct ComparedConcept {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
}

/// Two documents beside each other.
#[derive(Serialize, Object)]
pub(crate) struct DocumentComparison {
    /// Whether their texts are the same to the byte.
    is_same_text: bool,
    /// Share of the wording of both that they have in common, 0 to 1.
    resemblance: f64,
    /// Share of the first one's wording that the other has too.
    containment_a: f64,
    /// Share of the other one's wording that the first has too.
    containment_b: f64,
    /// Whether a text is so long that only its beginning was compared.
    is_partial: bool,
    /// Concepts that both have.
    shared_concepts: Vec<ComparedConcept>,
    /// Concepts that only the first has.
    only_in_a: Vec<ComparedConcept>,
    /// Concepts that only the other has.
    only_in_b: Vec<ComparedConcept>,
    /// Tags that both have.
    shared_tags: Vec<String>,
}

#[OpenApi]
impl Api {
    /// Compare two documents
    ///
    /// Their wording is read for it, not estimated.
    #[oai(path = "/v1/documents/:id/compare/:other", method = "get", operation_id = "compare_documents")]
    async fn compare(
        &self,
        Authorized(caller): Authorized,
        /// The first document.
        id: Path<Uuid>,
        /// The other document.
        other: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<DocumentComparison>, Refused<DocumentStatuses>> {
        let (workspace, pair) = (caller.workspace.0, [id.0, other.0]);
        let mut snapshot = self.tables.snapshot(Of::Both, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let a = text::find(snapshot.connection(), workspace, pair[0]).await?.ok_or_else(document_not_found)?;
        let b = text::find(snapshot.connection(), workspace, pair[1]).await?.ok_or_else(document_not_found)?;
        let [shared_concepts, only_in_a, only_in_b] = concepts(snapshot.connection(), workspace, pair).await?;
        let shared_tags = shared_tags(snapshot.connection(), workspace, pair).await?;
        let is_same_text = a.sha256 == b.sha256;
        // The database is not kept waiting for the blob store.
        let answered = snapshot.finish();
        let (a, b) = (a.text(&self.blobs).await?, b.text(&self.blobs).await?);
        let most = self.most;
        let compared = tokio::task::spawn_blocking(move || compare(&a, &b, most)).await;
        let (comparison, is_partial) = compared.map_err(|_| Problem::internal())?;
        Ok(answered.found(&DocumentComparison {
            is_same_text,
            resemblance: f64::from(comparison.resemblance),
            containment_a: f64::from(comparison.containment_a),
            containment_b: f64::from(comparison.containment_b),
            is_partial,
            shared_concepts,
            only_in_a,
            only_in_b,
            shared_tags,
        }))
    }
}

/// Compares the beginnings of two texts, and says whether one of them goes on.
fn compare(a: &str, b: &str, most: usize) -> (near::Comparison, bool) {
    let (a_part, b_part) = (&a[..a.floor_char_boundary(most)], &b[..b.floor_char_boundary(most)]);
    let is_partial = a_part.len() < a.len() || b_part.len() < b.len();
    let (a, b) = (a_part.to_lowercase(), b_part.to_lowercase());
    (near::compare(&words(&a), &words(&b)), is_partial)
}

fn words(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// The concepts of both, of the first alone, of the other alone.
async fn concepts(
    connection: &mut PgConnection,
    workspace: Uuid,
    pair: [Uuid; 2],
) -> Result<[Vec<ComparedConcept>; 3], Problem> {
    let rows = sqlx::query!(
        r#"select concept, c.name, bool_or(d.document_id = $2) as "is_in_a!", bool_or(d.document_id = $3) as "is_in_b!"
           from document_concept d join concept c using (workspace_id, concept)
           where workspace_id = $1 and d.document_id in ($2, $3)
           group by concept, c.name order by max(d.confidence) desc, concept"#,
        workspace,
        pair[0],
        pair[1]
    )
    .fetch_all(connection)
    .await?;
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for row in rows {
        let part = match (row.is_in_a, row.is_in_b) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        parts[part].push(ComparedConcept { concept: row.concept, name: row.name });
    }
    Ok(parts)
}

async fn shared_tags(connection: &mut PgConnection, workspace: Uuid, pair: [Uuid; 2]) -> Result<Vec<String>, Problem> {
    let tags = sqlx::query_scalar!(
        r#"select tag as "tag!" from document a cross join unnest(a.tags) as tag
           join document b on b.workspace_id = a.workspace_id and b.document_id = $3 and tag = any(b.tags)
           where a.workspace_id = $1 and a.document_id = $2 order by tag"#,
        workspace,
        pair[0],
        pair[1]
    )
    .fetch_all(connection)
    .await?;
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(words("größe: 2 × acht, c-3!"), ["größe", "2", "acht", "c", "3"]);
    }

    #[test]
    fn a_long_text_is_compared_by_its_beginning() {
        assert!(compare("one two three four", "one two three four", 8).1);
        assert!(!compare("one two three four", "größe", 64).1);
    }
}

//! Two documents beside each other: their wording, their concepts, their tags.

use super::text;
use crate::answer::{DocumentStatuses, Found, document_not_found};
use crate::heavy::Heavy;
use crate::section::Section;
use crate::tables::{Of, Tables};
use analysis::near;
use analysis::words::{MOST_BYTES, Words};
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, Problem, Refused, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// The route of comparing.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) blobs: Blobs,
    /// Most bytes of each text.
    pub(crate) most: usize,
    pub(crate) heavy: Heavy,
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
#[oai(example)]
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

impl Example for DocumentComparison {
    fn example() -> Self {
        let concept = |key: &str, name: &str| ComparedConcept { concept: key.to_owned(), name: name.to_owned() };
        Self {
            is_same_text: false,
            resemblance: 0.86,
            containment_a: 0.9,
            containment_b: 0.95,
            is_partial: false,
            shared_concepts: vec![
                concept(example::CONCEPT_KEY, &example::concept()),
                concept("container", "container"),
            ],
            only_in_a: vec![concept("data", "data")],
            only_in_b: vec![],
            shared_tags: vec!["ops".to_owned()],
        }
    }
}

#[OpenApi(tag = "Section::Documents")]
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
        let turn = self.heavy.turn().await?;
        let (a, b) = (a.text(&self.blobs).await?, b.text(&self.blobs).await?);
        let most = self.most;
        let (comparison, is_partial) = turn.run(move || compare(&a, &b, most)).await?;
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
    let (a, b) = (words(a_part), words(b_part));
    (near::compare(&tokens(&a), &tokens(&b)), is_partial)
}

/// The words of a text as the analysis finds them, so that Chinese and Japanese are cut into words too; part by part, each
/// as long as the analysis reads.
fn words(mut text: &str) -> Vec<Words<'_>> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let most = text.floor_char_boundary(MOST_BYTES);
        let is_last = most == text.len();
        let end =
            if is_last { most } else { text[..most].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(most) };
        let (part, rest) = text.split_at(end);
        // Markup and code count: what is compared is what stands there.
        parts.push(Words::of("", part, false));
        text = rest;
    }
    parts
}

fn tokens<'w>(parts: &'w [Words<'_>]) -> Vec<&'w str> {
    parts.iter().flat_map(Words::tokens).collect()
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
    fn words_are_those_of_the_analysis() {
        assert_eq!(tokens(&words("Größe: 2 × acht, C-3!")), ["größe", "2", "acht", "c", "3"]);
        assert_eq!(tokens(&words("")), [""; 0]);
    }

    #[test]
    fn chinese_texts_have_words_to_compare() {
        let text = "机器学习模型的训练方法和评估指标，数据库的索引结构与查询优化。分布式系统的一致性协议。";
        let (same, _) = compare(text, &format!("{text}一句新的内容。"), 1 << 20);
        assert!(same.resemblance > 0.5 && same.resemblance < 1.0, "{same:?}");
        assert!(same.containment_a > 0.9, "{same:?}");
    }

    #[test]
    fn a_text_longer_than_the_analysis_reads_is_compared_to_its_end() {
        let text = "one two three ".repeat(MOST_BYTES / 14 + 1);
        let longer = format!("{text}and at last something else");
        assert!(compare(&text, &longer, usize::MAX).0.containment_b < 1.0);
        assert_eq!(tokens(&words(&text)).len(), 3 * (MOST_BYTES / 14 + 1), "no word is cut in two");
        assert_eq!(words(&"é".repeat(MOST_BYTES)).len(), 2);
    }

    #[test]
    fn a_long_text_is_compared_by_its_beginning() {
        assert!(compare("one two three four", "one two three four", 8).1);
        assert!(!compare("one two three four", "größe", 64).1);
    }
}

//! What is known of one document: its concepts, its cluster, its level, what it is nearly the same as.

use super::links::{self, Links};
use crate::answer::document_not_found;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a concept stands in a text.
#[derive(Serialize, Object)]
pub(crate) struct Place {
    /// First character, from 0.
    start: i32,
    /// One past the last character.
    end: i32,
}

/// A concept that a document has.
#[derive(Serialize, Object)]
pub(crate) struct DocumentConcept {
    /// Its key, by which it is asked for.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// 0 to 1.
    confidence: f32,
    /// How often it occurs in the text; 0 when only a user or a model said so.
    occurrences: i32,
    /// Where it occurs, in characters; the first few places.
    places: Vec<Place>,
    /// Who says so: `analysis`, `model` or `user`.
    origin: String,
}

/// The cluster that a document stands in.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Membership {
    /// The cluster.
    id: Uuid,
    /// Its name.
    name: String,
    /// How near the document is to what the cluster has in common, 0 to 1; absent if a user put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f64>,
    /// Whether a user put it there.
    is_pinned: bool,
}

/// An earlier document that is nearly the same.
#[derive(Serialize, Object)]
pub(crate) struct NearDuplicate {
    /// The earlier document.
    id: Uuid,
    /// Its title.
    title: String,
    /// Estimated share of common wording, 0 to 1.
    resemblance: f32,
}

/// What is known of a document.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct DocumentKnowledge {
    /// The document.
    id: Uuid,
    /// Its title.
    title: String,
    /// Language it is written in: ISO 639-1, or `und`.
    language: String,
    /// Programming language, if it is code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// How much a reader must know already: what was stated, else assessed, else found.
    skill_level: String,
    /// The level that a user stated, or `unknown`.
    stated_level: String,
    /// What a language model said that the text is about; absent if none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// Its concepts, the surest first; none in the trash.
    concepts: Vec<DocumentConcept>,
    /// Its cluster; absent if it stands in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Membership>,
    /// The earliest document that is nearly the same; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    near_duplicate_of: Option<NearDuplicate>,
    /// Its links to other documents and theirs to it.
    links: Links,
}

impl Example for DocumentKnowledge {
    fn example() -> Self {
        let found = |key: &str, name: &str, category: &str, confidence, places: &[i32]| DocumentConcept {
            concept: key.to_owned(),
            name: name.to_owned(),
            category: category.to_owned(),
            confidence,
            occurrences: places.len() as i32 / 2,
            places: pairs(places),
            origin: "analysis".to_owned(),
        };
        let concepts = vec![
            found("container", "container", "concept", 0.5625, &[2, 12, 96, 105]),
            found(example::CONCEPT_KEY, &example::concept(), "database", 0.46875, &[80, 90]),
        ];
        let cluster = Membership {
            id: example::cluster(),
            name: example::CLUSTER_NAME.to_owned(),
            similarity: Some(0.812),
            is_pinned: false,
        };
        let earlier =
            NearDuplicate { id: example::OTHER_DOCUMENT, title: example::OTHER_TITLE.to_owned(), resemblance: 0.875 };
        Self {
            id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
            language: "en".to_owned(),
            code: None,
            skill_level: "beginner".to_owned(),
            stated_level: "beginner".to_owned(),
            summary: None,
            concepts,
            cluster: Some(cluster),
            near_duplicate_of: Some(earlier),
            links: Links::example(),
        }
    }
}

/// Reads what is known of a document, with at most so many links in each direction.
///
/// # Errors
/// 404 `document_not_found`.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    links: u32,
) -> Result<DocumentKnowledge, Problem> {
    let row = sqlx::query!(
        r#"select k.title, k.language, k.code, k.skill_level, k.stated_level, k.assessment ->> 'summary' as summary,
                  k.similarity, k.pinned_cluster is not null as "is_pinned!", k.cluster_id, c.name as "cluster_name?",
                  n.of_id as "of_id?", o.title as "of_title?", n.resemblance as "resemblance?"
           from document_knowledge k
           left join cluster c on c.workspace_id = k.workspace_id and c.cluster_id = k.cluster_id
           left join near_duplicate n on n.workspace_id = k.workspace_id and n.document_id = k.document_id
           left join document_knowledge o on o.workspace_id = n.workspace_id and o.document_id = n.of_id
           where k.workspace_id = $1 and k.document_id = $2"#,
        workspace,
        document
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(document_not_found)?;
    let concepts = concepts(connection, workspace, document).await?;
    let is_pinned = row.is_pinned;
    let similarity = (!is_pinned).then(|| f64::from(row.similarity) / 1_000.0);
    let cluster = row.cluster_id.zip(row.cluster_name);
    let near = row.of_id.zip(row.of_title).zip(row.resemblance);
    Ok(DocumentKnowledge {
        id: document,
        title: row.title,
        language: row.language,
        code: row.code,
        skill_level: row.skill_level,
        stated_level: row.stated_level,
        summary: row.summary,
        concepts,
        cluster: cluster.map(|(id, name)| Membership { id, name, similarity, is_pinned }),
        near_duplicate_of: near.map(|((id, title), resemblance)| NearDuplicate { id, title, resemblance }),
        links: links::read(connection, workspace, document, links).await?,
    })
}

async fn concepts(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
) -> Result<Vec<DocumentConcept>, Problem> {
    let rows = sqlx::query!(
        "select concept, c.name, c.category, d.confidence, d.occurrences, d.places, d.origin
         from document_concept d join concept c using (workspace_id, concept)
         where workspace_id = $1 and d.document_id = $2
         order by d.confidence desc, concept",
        workspace,
        document
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DocumentConcept {
            concept: row.concept,
            name: row.name,
            category: row.category,
            confidence: row.confidence,
            occurrences: row.occurrences,
            places: pairs(&row.places),
            origin: row.origin,
        })
        .collect())
}

/// Whether the workspace ever had the document.
///
/// # Errors
/// 404 `document_not_found`.
pub(crate) async fn check(connection: &mut PgConnection, workspace: Uuid, document: Uuid) -> Result<(), Problem> {
    sqlx::query_scalar!(
        "select arrival from document_knowledge where workspace_id = $1 and document_id = $2",
        workspace,
        document
    )
    .fetch_optional(connection)
    .await?
    .map(drop)
    .ok_or_else(document_not_found)
}

/// Start, end, start, end as places.
fn pairs(places: &[i32]) -> Vec<Place> {
    places.as_chunks::<2>().0.iter().map(|[start, end]| Place { start: *start, end: *end }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_pairs() {
        let places: Vec<_> = pairs(&[1, 4, 9, 12]).iter().map(|place| (place.start, place.end)).collect();
        assert_eq!(places, [(1, 4), (9, 12)]);
        assert!(pairs(&[]).is_empty());
    }
}

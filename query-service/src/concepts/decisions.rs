//! What stands for concepts, and which are never suggested.

use crate::answer;
use crate::cursor;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// The names of both lists in their cursors.
const SUPPRESSED: &str = "suppressed";
const ALIASES: &str = "aliases";

/// A concept that is never suggested.
#[derive(Serialize, Object)]
pub(crate) struct SuppressedConcept {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
}

/// A page of concepts that are never suggested.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct SuppressedConcepts {
    /// They, by their keys.
    concepts: Vec<SuppressedConcept>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for SuppressedConcepts {
    fn example() -> Self {
        let never = SuppressedConcept { concept: "file".to_owned(), name: "files".to_owned() };
        Self { concepts: vec![never], next_cursor: None }
    }
}

/// What stands for a concept.
#[derive(Serialize, Object)]
pub(crate) struct ConceptAlias {
    /// The key that stands for the concept.
    variant: String,
    /// The concept's key.
    concept: String,
    /// How the concept is written.
    name: String,
    /// Why: `spelling`, `acronym` or `user`.
    reason: String,
}

/// A page of what stands for concepts.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct AliasList {
    /// They, by what stands for a concept.
    aliases: Vec<ConceptAlias>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for AliasList {
    fn example() -> Self {
        let alias = ConceptAlias {
            variant: "pg".to_owned(),
            concept: example::CONCEPT_KEY.to_owned(),
            name: example::concept(),
            reason: "user".to_owned(),
        };
        Self { aliases: vec![alias], next_cursor: None }
    }
}

/// Reads a page of concepts that are never suggested.
pub(super) async fn suppressed(
    connection: &mut PgConnection,
    workspace: Uuid,
    limit: u32,
    cursor: Option<&str>,
) -> Result<SuppressedConcepts, Problem> {
    let after: String = cursor.map_or_else(|| Ok(String::new()), |text| cursor::read(SUPPRESSED, text))?;
    let mut concepts = sqlx::query_as!(
        SuppressedConcept,
        r#"select d.concept, coalesce(d.name, c.name, d.concept) as "name!"
           from concept_decision d left join concept c using (workspace_id, concept)
           where d.workspace_id = $1 and d.is_suppressed and d.concept > $2
           order by d.concept limit $3"#,
        workspace,
        after,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let next_cursor = answer::cut(&mut concepts, limit, |last| cursor::write(SUPPRESSED, &last.concept));
    Ok(SuppressedConcepts { concepts, next_cursor })
}

/// Reads a page of what stands for concepts.
pub(super) async fn aliases(
    connection: &mut PgConnection,
    workspace: Uuid,
    limit: u32,
    cursor: Option<&str>,
) -> Result<AliasList, Problem> {
    let after: String = cursor.map_or_else(|| Ok(String::new()), |text| cursor::read(ALIASES, text))?;
    let mut aliases = sqlx::query_as!(
        ConceptAlias,
        r#"select a.variant, a.concept, coalesce(c.name, a.concept) as "name!", a.reason
           from concept_alias a left join concept c using (workspace_id, concept)
           where a.workspace_id = $1 and a.variant > $2
           order by a.variant limit $3"#,
        workspace,
        after,
        i64::from(limit) + 1
    )
    .fetch_all(connection)
    .await?;
    let next_cursor = answer::cut(&mut aliases, limit, |last| cursor::write(ALIASES, &last.variant));
    Ok(AliasList { aliases, next_cursor })
}

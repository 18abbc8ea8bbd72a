//! One concept: which it is that a text names, and what is known of it.

use analysis::concepts;
use chrono::{DateTime, Utc};
use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Most aliases that one concept shows.
const MOST_ALIASES: i64 = 200;

/// What stands for a concept.
#[derive(Serialize, Object)]
pub(crate) struct AliasView {
    /// The other key.
    variant: String,
    /// Why: `spelling`, `acronym` or `user`.
    reason: String,
}

/// What users decided about a concept.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct ConceptDecision {
    /// How it is written, if a user chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether it is never suggested.
    is_suppressed: bool,
    /// Whether it stands for itself whatever is found.
    is_separate: bool,
}

/// One concept.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct ConceptDetail {
    /// Its key, by which it is asked for.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// How many documents in use have it.
    documents: i64,
    /// What else stands for it; at most 200.
    aliases: Vec<AliasView>,
    /// When the first document that had it was uploaded, or a user named it.
    first_at: DateTime<Utc>,
    /// What users decided about it; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<ConceptDecision>,
}

impl Example for ConceptDetail {
    fn example() -> Self {
        let decision = ConceptDecision { name: Some(example::concept()), is_suppressed: false, is_separate: false };
        Self {
            concept: example::CONCEPT_KEY.to_owned(),
            name: example::concept(),
            category: "database".to_owned(),
            documents: 2,
            aliases: vec![AliasView { variant: "pg".to_owned(), reason: "user".to_owned() }],
            first_at: example::other_uploaded_at(),
            decision: Some(decision),
        }
    }
}

/// A concept that there is.
pub(super) struct Known {
    pub(super) concept: String,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) documents: i64,
    pub(super) first_at: DateTime<Utc>,
}

/// The key of the concept that a text names: a key, a name, or what stands for one. There need not be such a concept.
pub(crate) async fn resolve(connection: &mut PgConnection, workspace: Uuid, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let key = concepts::key(text);
    let keys = [text.to_owned(), key.clone()];
    let concept = sqlx::query_scalar!(
        r#"select c.concept
           from (select key, at from unnest($2::text[]) with ordinality as asked (key, at)
                 union all
                 (select concept, 3 from concept
                  where workspace_id = $1 and documents > 0 and lower(name) collate "C" = lower($3) collate "C"
                  order by documents desc, concept limit 1)) as asked (key, at)
           left join concept_alias a on a.workspace_id = $1 and a.variant = asked.key
           join concept c on c.workspace_id = $1 and c.concept = coalesce(a.concept, asked.key)
           order by asked.at limit 1"#,
        workspace,
        &keys,
        text
    )
    .fetch_optional(connection)
    .await?;
    Ok(concept.unwrap_or(key))
}

/// The concept that a text names.
///
/// # Errors
/// 404 `concept_not_found`.
pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, text: &str) -> Result<Known, Problem> {
    let concept = resolve(connection, workspace, text).await?;
    sqlx::query_as!(
        Known,
        "select concept, name, category, documents, first_at from concept where workspace_id = $1 and concept = $2",
        workspace,
        concept
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "concept_not_found", "there is no such concept"))
}

/// What is known of the concept that a text names.
///
/// # Errors
/// 404 `concept_not_found`.
pub(super) async fn read(connection: &mut PgConnection, workspace: Uuid, text: &str) -> Result<ConceptDetail, Problem> {
    let Known { concept, name, category, documents, first_at } = find(connection, workspace, text).await?;
    let aliases = sqlx::query_as!(
        AliasView,
        "select variant, reason from concept_alias where workspace_id = $1 and concept = $2 order by variant limit $3",
        workspace,
        concept,
        MOST_ALIASES
    )
    .fetch_all(&mut *connection)
    .await?;
    let decision = sqlx::query_as!(
        ConceptDecision,
        "select name, is_suppressed, is_separate from concept_decision
         where workspace_id = $1 and concept = $2 and (name is not null or is_suppressed or is_separate)",
        workspace,
        concept
    )
    .fetch_optional(connection)
    .await?;
    Ok(ConceptDetail { concept, name, category, documents, aliases, first_at, decision })
}

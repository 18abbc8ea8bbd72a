//! A cluster as clients see it, and its row.

use chrono::{DateTime, Utc};
use events::document::SkillLevel;
use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;
use uuid::Uuid;

/// Most concepts that a cluster shows.
const MOST_CONCEPTS: i64 = 8;

/// A concept of a cluster.
#[derive(Clone, Serialize, Object)]
pub(crate) struct ClusterConcept {
    /// Its key.
    pub(crate) concept: String,
    /// How it is written.
    pub(crate) name: String,
    /// How many documents of the cluster have it.
    pub(crate) documents: i64,
}

/// A cluster.
#[derive(Serialize, Object)]
#[oai(rename = "Cluster", skip_serializing_if_is_none, example)]
pub(crate) struct ClusterView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
    /// Where the name is from: `found`, `model` or `user`.
    pub(crate) name_origin: String,
    /// What a language model said that its documents are about; absent if none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// How much a reader must know already: what a user stated, else what most of its documents say.
    pub(crate) skill_level: String,
    /// How many documents stand in it.
    pub(crate) documents: i64,
    /// How near its documents are to what they have in common, on average, 0 to 1; absent if users put all of them there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cohesion: Option<f64>,
    /// What most of its documents have; at most 8.
    pub(crate) top_concepts: Vec<ClusterConcept>,
    /// When it was found or made.
    pub(crate) created_at: DateTime<Utc>,
    /// Whether a user made it.
    pub(crate) is_made: bool,
}

impl Example for ClusterView {
    fn example() -> Self {
        let concept = |key: &str, name: &str, documents| {
            let (concept, name) = (key.to_owned(), name.to_owned());
            ClusterConcept { concept, name, documents }
        };
        Self {
            id: example::cluster(),
            name: example::CLUSTER_NAME.to_owned(),
            name_origin: "user".to_owned(),
            summary: None,
            skill_level: "beginner".to_owned(),
            documents: 7,
            cohesion: Some(0.74),
            top_concepts: vec![
                concept("container", "container", 7),
                concept(example::CONCEPT_KEY, &example::concept(), 2),
            ],
            created_at: example::time("2025-08-19T16:40:14.902315Z"),
            is_made: false,
        }
    }
}

/// A row of the table `cluster`.
#[derive(Clone, FromRow)]
pub(crate) struct Row {
    pub(crate) cluster_id: Uuid,
    pub(crate) name: String,
    pub(crate) name_origin: String,
    pub(crate) summary: Option<String>,
    pub(crate) stated_level: String,
    pub(crate) is_made: bool,
    pub(crate) documents: i64,
    pub(crate) found_documents: i64,
    pub(crate) similarity: i64,
    pub(crate) beginner: i64,
    pub(crate) intermediate: i64,
    pub(crate) advanced: i64,
    pub(crate) created_at: DateTime<Utc>,
}

/// 404: no such cluster.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "cluster_not_found", "there is no such cluster")
}

/// Finds a cluster.
///
/// # Errors
/// 404 `cluster_not_found`; 410 `cluster_merged` and `cluster_dissolved` for one that there was.
pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, cluster: Uuid) -> Result<Row, Problem> {
    let row = sqlx::query_as!(
        Row,
        "select cluster_id, name, name_origin, summary, stated_level, is_made, documents, found_documents, similarity, beginner,
                intermediate, advanced, created_at
         from cluster
         where workspace_id = $1 and cluster_id = $2 and merged_into is null and not is_dissolved",
        workspace,
        cluster
    )
    .fetch_optional(&mut *connection)
    .await?;
    match row {
        Some(row) => Ok(row),
        None => Err(gone(connection, workspace, cluster).await?),
    }
}

/// What has become of a cluster that is not there: where a chain of merges ends.
async fn gone(connection: &mut PgConnection, workspace: Uuid, cluster: Uuid) -> Result<Problem, Problem> {
    let last = sqlx::query!(
        r#"with recursive onward (cluster_id, merged_into, is_dissolved, steps) as (
               select cluster_id, merged_into, is_dissolved, 0 from cluster where workspace_id = $1 and cluster_id = $2
               union all
               select c.cluster_id, c.merged_into, c.is_dissolved, o.steps + 1
               from onward o join cluster c on c.workspace_id = $1 and c.cluster_id = o.merged_into
               where not o.is_dissolved and o.steps < 64
           )
           select cluster_id as "cluster_id!", is_dissolved as "is_dissolved!" from onward order by steps desc limit 1"#,
        workspace,
        cluster
    )
    .fetch_optional(connection)
    .await?;
    Ok(match last {
        None => not_found(),
        Some(last) if last.is_dissolved => Problem::new(
            StatusCode::GONE,
            "cluster_dissolved",
            "the cluster was dissolved; its documents stand in none",
        ),
        Some(last) => Problem::new(StatusCode::GONE, "cluster_merged", "the cluster is part of another now")
            .detail(format!("it was merged into {}", last.cluster_id)),
    })
}

/// Adds to rows what their documents have most.
pub(crate) async fn load(
    connection: &mut PgConnection,
    workspace: Uuid,
    rows: Vec<Row>,
) -> Result<Vec<ClusterView>, Problem> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.cluster_id).collect();
    let concepts = sqlx::query!(
        r#"select asked.cluster_id as "cluster_id!", t.concept as "concept!", c.name as "name!",
                  t.documents as "documents!"
           from unnest($2::uuid[]) as asked (cluster_id)
           cross join lateral (
               select concept, documents from cluster_concept
               where workspace_id = $1 and cluster_id = asked.cluster_id
               order by documents desc, concept limit $3
           ) as t
           join concept c on c.workspace_id = $1 and c.concept = t.concept
           order by t.documents desc, t.concept"#,
        workspace,
        &ids,
        MOST_CONCEPTS
    )
    .fetch_all(connection)
    .await?;
    let mut by_cluster: HashMap<Uuid, Vec<ClusterConcept>> = HashMap::new();
    for row in concepts {
        let concept = ClusterConcept { concept: row.concept, name: row.name, documents: row.documents };
        by_cluster.entry(row.cluster_id).or_default().push(concept);
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let top_concepts = by_cluster.remove(&row.cluster_id).unwrap_or_default();
            row.view(top_concepts)
        })
        .collect())
}

impl Row {
    fn view(self, top_concepts: Vec<ClusterConcept>) -> ClusterView {
        ClusterView {
            skill_level: self.skill_level().name().to_owned(),
            cohesion: self.cohesion(),
            id: self.cluster_id,
            name: self.name,
            name_origin: self.name_origin,
            summary: self.summary,
            documents: self.documents,
            top_concepts,
            created_at: self.created_at,
            is_made: self.is_made,
        }
    }

    /// The stated level, else that of most documents, the less demanding of two; `unknown` if none has any.
    fn skill_level(&self) -> SkillLevel {
        let counted = [
            (SkillLevel::Advanced, self.advanced),
            (SkillLevel::Intermediate, self.intermediate),
            (SkillLevel::Beginner, self.beginner),
        ];
        let most = counted.into_iter().filter(|(_, documents)| *documents > 0).max_by_key(|(_, documents)| *documents);
        let stated = SkillLevel::parse(&self.stated_level).unwrap_or_default();
        stated.or(most.map_or(SkillLevel::Unknown, |(level, _)| level))
    }

    /// The mean of the similarities of the documents that clustering found.
    fn cohesion(&self) -> Option<f64> {
        (self.found_documents > 0).then(|| self.similarity as f64 / 1_000.0 / self.found_documents as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stated: &str, beginner: i64, intermediate: i64, advanced: i64) -> Row {
        Row {
            cluster_id: Uuid::nil(),
            name: "Baking".into(),
            name_origin: "found".into(),
            summary: None,
            stated_level: stated.into(),
            is_made: false,
            documents: 4,
            found_documents: 3,
            similarity: 2_250,
            beginner,
            intermediate,
            advanced,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_level_is_the_stated_one_or_that_of_most_documents() {
        assert_eq!(row("advanced", 4, 0, 0).skill_level(), SkillLevel::Advanced);
        assert_eq!(row("unknown", 1, 2, 1).skill_level(), SkillLevel::Intermediate);
        assert_eq!(row("unknown", 2, 0, 2).skill_level(), SkillLevel::Beginner);
        assert_eq!(row("unknown", 0, 0, 0).skill_level(), SkillLevel::Unknown);
    }

    #[test]
    fn cohesion_is_a_mean() {
        assert_eq!(row("unknown", 0, 0, 0).cohesion(), Some(0.75));
        assert_eq!(Row { found_documents: 0, similarity: 0, ..row("unknown", 0, 0, 0) }.cohesion(), None);
    }
}

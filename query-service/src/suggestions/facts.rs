//! What suggestions are made from: the most frequent concepts, the largest clusters and what is in them.

use analysis::suggestions::{Bank, Cluster, Concept};
use chrono::{DateTime, Utc};
use events::Category;
use runtime::http::Problem;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Most concepts of the workspace, clusters, and concepts of a cluster that are looked at.
const CONCEPTS: i64 = 400;
const CLUSTERS: i64 = 16;
const CONCEPTS_OF_CLUSTER: i64 = 40;

/// The rows that suggestions are made from.
pub(super) struct Facts {
    documents: i64,
    concepts: Vec<Row>,
    clusters: Vec<ClusterRow>,
    of_clusters: HashMap<Uuid, Vec<Row>>,
    recent: HashMap<Uuid, i64>,
}

struct Row {
    concept: String,
    name: String,
    category: String,
    documents: i64,
}

struct ClusterRow {
    cluster_id: Uuid,
    name: String,
    documents: i64,
    beginner: i64,
    advanced: i64,
}

impl Facts {
    pub(super) async fn read(
        connection: &mut PgConnection,
        workspace: Uuid,
        since: DateTime<Utc>,
        considered: u32,
    ) -> Result<Self, Problem> {
        let documents = sqlx::query_scalar!("select documents from clustering where workspace_id = $1", workspace)
            .fetch_optional(&mut *connection)
            .await?;
        let concepts = sqlx::query_as!(
            Row,
            "select concept, name, category, documents from concept
             where workspace_id = $1 and documents > 0 order by documents desc, concept desc limit $2",
            workspace,
            CONCEPTS
        )
        .fetch_all(&mut *connection)
        .await?;
        let clusters = sqlx::query_as!(
            ClusterRow,
            "select cluster_id, name, documents, beginner, advanced from cluster
             where workspace_id = $1 and documents > 0 order by documents desc, cluster_id limit $2",
            workspace,
            CLUSTERS
        )
        .fetch_all(&mut *connection)
        .await?;
        let ids: Vec<Uuid> = clusters.iter().map(|cluster| cluster.cluster_id).collect();
        let of_clusters = of_clusters(connection, workspace, &ids).await?;
        let recent = recent(connection, workspace, since, considered).await?;
        Ok(Self { documents: documents.unwrap_or(0), concepts, clusters, of_clusters, recent })
    }

    pub(super) fn bank(&self) -> Bank<'_> {
        Bank {
            documents: number(self.documents),
            concepts: self.concepts.iter().map(Row::concept).collect(),
            clusters: self.clusters.iter().map(|row| self.cluster(row)).collect(),
        }
    }

    fn cluster<'a>(&'a self, row: &'a ClusterRow) -> Cluster<'a> {
        let concepts = self.of_clusters.get(&row.cluster_id).into_iter().flatten();
        Cluster {
            id: row.cluster_id,
            name: &row.name,
            documents: number(row.documents),
            recent: number(self.recent.get(&row.cluster_id).copied().unwrap_or(0)),
            beginner: number(row.beginner),
            advanced: number(row.advanced),
            concepts: concepts.map(Row::concept).collect(),
        }
    }

    pub(super) fn cluster_names(&self) -> HashMap<Uuid, &str> {
        self.clusters.iter().map(|cluster| (cluster.cluster_id, cluster.name.as_str())).collect()
    }
}

impl Row {
    fn concept(&self) -> Concept<'_> {
        Concept {
            key: &self.concept,
            name: &self.name,
            category: Category::parse(&self.category).unwrap_or_default(),
            documents: number(self.documents),
        }
    }
}

fn number(documents: i64) -> u32 {
    u32::try_from(documents).unwrap_or(0)
}

/// The most frequent concepts of some clusters.
async fn of_clusters(
    connection: &mut PgConnection,
    workspace: Uuid,
    clusters: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Row>>, Problem> {
    let rows = sqlx::query!(
        r#"select w.cluster_id as "cluster_id!", t.concept, c.name, c.category, t.documents
           from unnest($2::uuid[]) as w (cluster_id) cross join lateral (
               select concept, documents from cluster_concept
               where workspace_id = $1 and cluster_id = w.cluster_id order by documents desc, concept limit $3
           ) as t
           join concept c on c.workspace_id = $1 and c.concept = t.concept
           order by w.cluster_id, t.documents desc, t.concept"#,
        workspace,
        clusters,
        CONCEPTS_OF_CLUSTER
    )
    .fetch_all(connection)
    .await?;
    let mut of_clusters: HashMap<Uuid, Vec<Row>> = HashMap::new();
    for row in rows {
        let concept = Row { concept: row.concept, name: row.name, category: row.category, documents: row.documents };
        of_clusters.entry(row.cluster_id).or_default().push(concept);
    }
    Ok(of_clusters)
}

/// How many of the newest documents came since a time, by cluster.
async fn recent(
    connection: &mut PgConnection,
    workspace: Uuid,
    since: DateTime<Utc>,
    considered: u32,
) -> Result<HashMap<Uuid, i64>, Problem> {
    let rows = sqlx::query!(
        r#"select cluster_id as "cluster_id!", count(*) as "documents!" from (
               select cluster_id from document_knowledge
               where workspace_id = $1 and not is_trashed and created_at >= $2 order by created_at desc limit $3
           ) as newest
           where cluster_id is not null group by cluster_id"#,
        workspace,
        since,
        i64::from(considered)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.cluster_id, row.documents)).collect())
}

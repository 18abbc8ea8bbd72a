//! The numbers of concepts and clusters, kept by differences: what each change of a document took away and what it added.
//! Where an epoch or a merge has moved many documents, the clusters' numbers are counted anew.

use super::Key;
use super::touched::Touched;
use events::document::SkillLevel;
use events::{ClusterId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Differences, in the order of the log.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) concepts: BTreeMap<WorkspaceId, BTreeMap<String, i64>>,
    clusters: BTreeMap<(WorkspaceId, ClusterId), Numbers>,
    pairs: BTreeMap<(WorkspaceId, ClusterId, String), i64>,
}

#[derive(Clone, Copy, Default)]
struct Numbers {
    documents: i64,
    found_documents: i64,
    similarity: i64,
    beginner: i64,
    intermediate: i64,
    advanced: i64,
}

impl Counts {
    /// Counts a document in (1) or out (-1). What is in the trash has no concepts and stands in no cluster.
    pub(super) fn count(&mut self, key: Key, touched: &Touched, sign: i64) {
        let concepts = self.concepts.entry(key.0).or_default();
        for concept in touched.held.keys() {
            match concepts.get_mut(concept) {
                Some(difference) => *difference += sign,
                None => drop(concepts.insert(concept.clone(), sign)),
            }
        }
        let Some(cluster) = touched.cluster else { return };
        let numbers = self.clusters.entry((key.0, cluster)).or_default();
        numbers.documents += sign;
        if touched.document.pinned.is_none() {
            numbers.found_documents += sign;
            numbers.similarity += sign * i64::from(touched.document.similarity);
        }
        match touched.document.skill_level() {
            SkillLevel::Unknown => {}
            SkillLevel::Beginner => numbers.beginner += sign,
            SkillLevel::Intermediate => numbers.intermediate += sign,
            SkillLevel::Advanced => numbers.advanced += sign,
        }
        for concept in touched.held.keys() {
            *self.pairs.entry((key.0, cluster, concept.clone())).or_default() += sign;
        }
    }

    /// Writes the numbers of clusters, those of some workspaces by counting.
    pub(super) async fn save(
        &self,
        connection: &mut PgConnection,
        recounted: &[WorkspaceId],
    ) -> Result<(), sqlx::Error> {
        recount(connection, recounted).await?;
        self.save_clusters(connection, recounted).await?;
        self.save_pairs(connection, recounted).await
    }

    async fn save_clusters(&self, connection: &mut PgConnection, except: &[WorkspaceId]) -> Result<(), sqlx::Error> {
        let moved: Vec<_> = self.clusters.iter().filter(|((workspace, _), _)| !except.contains(workspace)).collect();
        if moved.is_empty() {
            return Ok(());
        }
        macro_rules! column {
            ($field:ident) => {
                moved.iter().map(|(_, numbers)| numbers.$field).collect::<Vec<_>>()
            };
        }
        sqlx::query!(
            "update cluster as at
             set documents = at.documents + moved.documents,
                 found_documents = at.found_documents + moved.found_documents,
                 similarity = at.similarity + moved.similarity,
                 beginner = at.beginner + moved.beginner, intermediate = at.intermediate + moved.intermediate,
                 advanced = at.advanced + moved.advanced
             from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                         $8::bigint[])
                  as moved (workspace_id, cluster_id, documents, found_documents, similarity, beginner, intermediate,
                            advanced)
             where at.workspace_id = moved.workspace_id and at.cluster_id = moved.cluster_id",
            &moved.iter().map(|((workspace, _), _)| workspace.0).collect::<Vec<_>>(),
            &moved.iter().map(|((_, cluster), _)| cluster.0).collect::<Vec<_>>(),
            &column!(documents),
            &column!(found_documents),
            &column!(similarity),
            &column!(beginner),
            &column!(intermediate),
            &column!(advanced)
        )
        .execute(connection)
        .await
        .map(drop)
    }

    async fn save_pairs(&self, connection: &mut PgConnection, except: &[WorkspaceId]) -> Result<(), sqlx::Error> {
        let moved: Vec<_> = self
            .pairs
            .iter()
            .filter(|((workspace, _, _), difference)| **difference != 0 && !except.contains(workspace))
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        let workspaces: Vec<Uuid> = moved.iter().map(|((workspace, _, _), _)| workspace.0).collect();
        let clusters: Vec<Uuid> = moved.iter().map(|((_, cluster, _), _)| cluster.0).collect();
        let concepts: Vec<&str> = moved.iter().map(|((_, _, concept), _)| concept.as_str()).collect();
        let differences: Vec<i64> = moved.iter().map(|(_, difference)| **difference).collect();
        sqlx::query!(
            "insert into cluster_concept as at (workspace_id, cluster_id, concept, documents)
             select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[])
             on conflict (workspace_id, cluster_id, concept) do update set documents = at.documents + excluded.documents",
            &workspaces,
            &clusters,
            &concepts as _,
            &differences
        )
        .execute(&mut *connection)
        .await?;
        if differences.iter().all(|difference| *difference > 0) {
            return Ok(());
        }
        // A concept that no document of the cluster has any more has no row: how a log is cut into batches must not show.
        sqlx::query!(
            "delete from cluster_concept as at using unnest($1::uuid[], $2::uuid[], $3::text[]) as moved (workspace_id, cluster_id, concept)
             where at.workspace_id = moved.workspace_id and at.cluster_id = moved.cluster_id and at.concept = moved.concept
                   and at.documents = 0",
            &workspaces,
            &clusters,
            &concepts as _
        )
        .execute(connection)
        .await
        .map(drop)
    }
}

/// Counts the clusters of workspaces anew.
async fn recount(connection: &mut PgConnection, workspaces: &[WorkspaceId]) -> Result<(), sqlx::Error> {
    if workspaces.is_empty() {
        return Ok(());
    }
    let workspaces: Vec<Uuid> = workspaces.iter().map(|workspace| workspace.0).collect();
    sqlx::query!(
        "update cluster as at
         set documents = now.documents, found_documents = now.found_documents, similarity = now.similarity,
             beginner = now.beginner, intermediate = now.intermediate, advanced = now.advanced
         from (select c.workspace_id, c.cluster_id, count(k.document_id) as documents,
                      count(k.document_id) filter (where k.pinned_cluster is null) as found_documents,
                      coalesce(sum(k.similarity) filter (where k.pinned_cluster is null), 0) as similarity,
                      count(*) filter (where k.skill_level = 'beginner') as beginner,
                      count(*) filter (where k.skill_level = 'intermediate') as intermediate,
                      count(*) filter (where k.skill_level = 'advanced') as advanced
               from cluster c left join document_knowledge k using (workspace_id, cluster_id)
               where c.workspace_id = any($1) group by c.workspace_id, c.cluster_id) as now
         where at.workspace_id = now.workspace_id and at.cluster_id = now.cluster_id",
        &workspaces
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from cluster_concept where workspace_id = any($1)", &workspaces)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into cluster_concept (workspace_id, cluster_id, concept, documents)
         select workspace_id, k.cluster_id, c.concept, count(*)
         from document_knowledge k join document_concept c using (workspace_id, document_id)
         where workspace_id = any($1) and k.cluster_id is not null
         group by workspace_id, k.cluster_id, c.concept",
        &workspaces
    )
    .execute(connection)
    .await
    .map(drop)
}

//! The tables of whole workspaces: what users decided, the clusters, the clustering of the last epoch.

use super::Key;
use super::fold::Placed;
use super::vocabulary::{Alias, Decision};
use super::workspace::{Cluster, Clustering, Workspace};
use crate::error::Error;
use crate::numbers::{to_i64, to_u64};
use analysis::clusters::Model;
use events::document::SkillLevel;
use events::{ClusterId, WorkspaceId};
use sqlx::{PgConnection, PgPool};
use std::collections::HashMap;
use uuid::Uuid;

/// Reads workspaces; one that nothing is known of is empty.
pub(super) async fn load(pool: &PgPool, wanted: &[WorkspaceId]) -> Result<HashMap<WorkspaceId, Workspace>, Error> {
    let mut workspaces: HashMap<WorkspaceId, Workspace> =
        wanted.iter().map(|workspace| (*workspace, Workspace::default())).collect();
    let ids: Vec<Uuid> = wanted.iter().map(|workspace| workspace.0).collect();
    if ids.is_empty() {
        return Ok(workspaces);
    }
    let rows = sqlx::query!("select * from clustering where workspace_id = any($1)", &ids).fetch_all(pool).await?;
    for row in rows {
        let model = match row.model.is_empty() {
            true => None,
            false => Some(Model::from_bytes(&row.model).ok_or(Error::Unreadable("model"))?),
        };
        let clustering = Clustering {
            sequence: to_u64(row.sequence),
            documents: to_u64(row.documents),
            epoch: to_u64(row.epoch),
            epoch_sequence: to_u64(row.epoch_sequence),
            documents_at_epoch: to_u64(row.documents_at_epoch),
            changes_since: to_u64(row.changes_since),
            clusters: row.clusters.into_iter().map(ClusterId).collect(),
            model,
        };
        workspaces.entry(WorkspaceId(row.workspace_id)).or_default().clustering = clustering;
    }
    let rows = sqlx::query!("select * from cluster where workspace_id = any($1)", &ids).fetch_all(pool).await?;
    for row in rows {
        let named = |origin: &str| (row.name_origin == origin).then(|| row.name.clone());
        let cluster = Cluster {
            user_name: named("user"),
            model_name: row.model_name.clone(),
            found_name: row.found_name,
            summary: row.summary,
            stated_level: SkillLevel::parse(&row.stated_level).ok_or(Error::Unreadable("stated_level"))?,
            is_made: row.is_made,
            merged_into: row.merged_into.map(ClusterId),
            is_dissolved: row.is_dissolved,
            created_at: row.created_at,
        };
        let workspace = workspaces.entry(WorkspaceId(row.workspace_id)).or_default();
        workspace.clusters.insert(ClusterId(row.cluster_id), cluster);
    }
    let rows = sqlx::query!("select * from concept_alias where workspace_id = any($1)", &ids).fetch_all(pool).await?;
    for row in rows {
        let vocabulary = &mut workspaces.entry(WorkspaceId(row.workspace_id)).or_default().vocabulary;
        vocabulary.aliases.insert(row.variant, Alias { concept: row.concept, reason: row.reason });
    }
    let rows =
        sqlx::query!("select * from concept_decision where workspace_id = any($1)", &ids).fetch_all(pool).await?;
    for row in rows {
        let vocabulary = &mut workspaces.entry(WorkspaceId(row.workspace_id)).or_default().vocabulary;
        let decision = Decision {
            name: row.name,
            merged_into: row.merged_into,
            is_suppressed: row.is_suppressed,
            is_separate: row.is_separate,
        };
        vocabulary.decisions.insert(row.concept, decision);
    }
    Ok(workspaces)
}

/// Writes what a batch has changed of a workspace.
pub(super) async fn save(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
) -> Result<(), sqlx::Error> {
    save_clusters(connection, id, workspace).await?;
    save_vocabulary(connection, id, workspace).await?;
    save_clustering(connection, id, workspace).await
}

async fn save_clusters(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
) -> Result<(), sqlx::Error> {
    let changed: Vec<(Uuid, &Cluster)> = workspace
        .changed
        .clusters
        .keys()
        .filter_map(|cluster| Some((cluster.0, workspace.clusters.get(cluster)?)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($cluster:ident => $value:expr) => {
            changed.iter().map(|(_, $cluster)| $value).collect::<Vec<_>>()
        };
    }
    sqlx::query!(
        "insert into cluster
             (workspace_id, cluster_id, name, found_name, name_origin, model_name, summary, stated_level, is_made,
              merged_into, is_dissolved, documents, found_documents, similarity, beginner, intermediate, advanced,
              created_at)
         select $1, cluster_id, name, found_name, name_origin, model_name, summary, stated_level, is_made, merged_into,
                is_dissolved, 0, 0, 0, 0, 0, 0, created_at
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[],
                     $10::uuid[], $11::boolean[], $12::timestamptz[])
              as now (cluster_id, name, found_name, name_origin, model_name, summary, stated_level, is_made, merged_into,
                      is_dissolved, created_at)
         on conflict (workspace_id, cluster_id) do update set
                name = excluded.name, found_name = excluded.found_name, name_origin = excluded.name_origin,
                model_name = excluded.model_name, summary = excluded.summary, stated_level = excluded.stated_level,
                is_made = excluded.is_made, merged_into = excluded.merged_into, is_dissolved = excluded.is_dissolved",
        id.0,
        &changed.iter().map(|(cluster, _)| *cluster).collect::<Vec<_>>(),
        &column!(cluster => cluster.name().0) as _,
        &column!(cluster => cluster.found_name.as_str()) as _,
        &column!(cluster => cluster.name().1) as _,
        &column!(cluster => cluster.model_name.as_deref()) as _,
        &column!(cluster => cluster.summary.as_deref()) as _,
        &column!(cluster => cluster.stated_level.name()) as _,
        &column!(cluster => cluster.is_made),
        &column!(cluster => cluster.merged_into.map(|into| into.0)) as _,
        &column!(cluster => cluster.is_dissolved),
        &column!(cluster => cluster.created_at)
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn save_vocabulary(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
) -> Result<(), sqlx::Error> {
    let vocabulary = &workspace.vocabulary;
    if vocabulary.changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<String> = vocabulary.changed.iter().cloned().collect();
    sqlx::query!("delete from concept_alias where workspace_id = $1 and variant = any($2)", id.0, &changed)
        .execute(&mut *connection)
        .await?;
    let aliases: Vec<(&str, &Alias)> =
        changed.iter().filter_map(|key| Some((key.as_str(), vocabulary.aliases.get(key)?))).collect();
    sqlx::query!(
        "insert into concept_alias (workspace_id, variant, concept, reason)
         select $1, variant, concept, reason from unnest($2::text[], $3::text[], $4::text[]) as now (variant, concept, reason)",
        id.0,
        &aliases.iter().map(|(variant, _)| *variant).collect::<Vec<_>>() as _,
        &aliases.iter().map(|(_, alias)| alias.concept.as_str()).collect::<Vec<_>>() as _,
        &aliases.iter().map(|(_, alias)| alias.reason.as_str()).collect::<Vec<_>>() as _
    )
    .execute(&mut *connection)
    .await?;
    let decisions: Vec<(&str, &Decision)> =
        changed.iter().filter_map(|key| Some((key.as_str(), vocabulary.decisions.get(key)?))).collect();
    sqlx::query!(
        "insert into concept_decision (workspace_id, concept, name, merged_into, is_suppressed, is_separate)
         select $1, concept, name, merged_into, is_suppressed, is_separate
         from unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[])
              as now (concept, name, merged_into, is_suppressed, is_separate)
         on conflict (workspace_id, concept) do update set
                name = excluded.name, merged_into = excluded.merged_into, is_suppressed = excluded.is_suppressed,
                is_separate = excluded.is_separate",
        id.0,
        &decisions.iter().map(|(concept, _)| *concept).collect::<Vec<_>>() as _,
        &decisions.iter().map(|(_, decision)| decision.name.as_deref()).collect::<Vec<_>>() as _,
        &decisions.iter().map(|(_, decision)| decision.merged_into.as_deref()).collect::<Vec<_>>() as _,
        &decisions.iter().map(|(_, decision)| decision.is_suppressed).collect::<Vec<_>>(),
        &decisions.iter().map(|(_, decision)| decision.is_separate).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn save_clustering(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
) -> Result<(), sqlx::Error> {
    let clustering = &workspace.clustering;
    // The model is large: it is written only when an epoch made it.
    let model = workspace.changed.model.then(|| clustering.model.as_ref().map(Model::to_bytes).unwrap_or_default());
    sqlx::query!(
        "insert into clustering as at
             (workspace_id, sequence, documents, epoch, epoch_sequence, documents_at_epoch, changes_since, clusters, model)
         values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, ''::bytea))
         on conflict (workspace_id) do update set
                sequence = excluded.sequence, documents = excluded.documents, epoch = excluded.epoch,
                epoch_sequence = excluded.epoch_sequence, documents_at_epoch = excluded.documents_at_epoch,
                changes_since = excluded.changes_since, clusters = excluded.clusters, model = coalesce($9, at.model)",
        id.0,
        to_i64(clustering.sequence),
        to_i64(clustering.documents),
        to_i64(clustering.epoch),
        to_i64(clustering.epoch_sequence),
        to_i64(clustering.documents_at_epoch),
        to_i64(clustering.changes_since),
        &clustering.clusters.iter().map(|cluster| cluster.0).collect::<Vec<_>>(),
        model
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Writes where an epoch put documents.
pub(super) async fn save_moved(connection: &mut PgConnection, moved: &HashMap<Key, Placed>) -> Result<(), sqlx::Error> {
    if moved.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update document_knowledge as at set found_cluster = now.found_cluster, similarity = now.similarity
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[])
              as now (workspace_id, document_id, found_cluster, similarity)
         where at.workspace_id = now.workspace_id and at.document_id = now.document_id",
        &moved.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &moved.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &moved.values().map(|moved| moved.found.map(|cluster| cluster.0)).collect::<Vec<_>>() as _,
        &moved.values().map(|moved| moved.similarity).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Says of every document of a workspace anew which cluster holds.
pub(super) async fn resolve_clusters(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
) -> Result<(), sqlx::Error> {
    let clusters: Vec<Uuid> = workspace.clusters.keys().map(|cluster| cluster.0).collect();
    let resolved: Vec<Option<Uuid>> =
        workspace.clusters.keys().map(|cluster| workspace.resolve(*cluster).map(|cluster| cluster.0)).collect();
    sqlx::query!(
        "update document_knowledge as at set cluster_id = now.cluster_id
         from (select k.document_id, r.cluster_id
               from document_knowledge k
               left join unnest($2::uuid[], $3::uuid[]) as r (found, cluster_id)
                    on r.found = coalesce(k.pinned_cluster, k.found_cluster) and not k.is_trashed
               where k.workspace_id = $1) as now
         where at.workspace_id = $1 and at.document_id = now.document_id
               and at.cluster_id is distinct from now.cluster_id",
        id.0,
        &clusters,
        &resolved as _
    )
    .execute(connection)
    .await
    .map(drop)
}

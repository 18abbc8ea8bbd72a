//! What held from which event on: in which cluster each document stood, and what each cluster was. A cluster that is merged,
//! dissolved or renamed is one row, however many documents it has.

use super::Key;
use super::document::Document;
use super::workspace::{Cluster, Workspace};
use crate::numbers::to_i64;
use chrono::{DateTime, Utc};
use events::{ClusterId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// What something was before each event of a batch that may have changed it.
#[derive(Clone, Debug)]
pub(super) struct Course<T>(BTreeMap<u64, (DateTime<Utc>, Option<T>)>);

/// What something was from an event on.
#[derive(Debug, PartialEq)]
struct Change<T> {
    sequence: u64,
    at: DateTime<Utc>,
    to: T,
}

/// In which cluster a document stands, before clusters are merged or dissolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) cluster: Option<ClusterId>,
    is_pinned: bool,
}

/// What of a cluster is told for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    name: String,
    merged_into: Option<ClusterId>,
    is_dissolved: bool,
}

impl<T> Default for Course<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone + PartialEq> Course<T> {
    /// Remembers what it was before an event: what is said first of an event counts.
    pub(super) fn before(&mut self, sequence: u64, at: DateTime<Utc>, was: Option<T>) {
        self.0.entry(sequence).or_insert((at, was));
    }

    /// What it became at which events, given what it is now: those that left it as they found it are none.
    fn changes(&self, now: T) -> Vec<Change<T>> {
        let (mut changes, mut left) = (Vec::new(), Some(now));
        for (sequence, (at, was)) in self.0.iter().rev() {
            if let Some(to) = std::mem::replace(&mut left, was.clone()).filter(|to| Some(to) != was.as_ref()) {
                changes.push(Change { sequence: *sequence, at: *at, to });
            }
        }
        changes
    }
}

impl Membership {
    /// Of a document in use, by the cluster that a user chose and the one that was found.
    pub(super) fn of(pinned: Option<ClusterId>, found: Option<ClusterId>) -> Self {
        Self { cluster: pinned.or(found), is_pinned: pinned.is_some() }
    }
}

impl From<&Document> for Membership {
    fn from(document: &Document) -> Self {
        if document.is_trashed { Self::default() } else { Self::of(document.pinned, document.found) }
    }
}

impl From<&Cluster> for Standing {
    fn from(cluster: &Cluster) -> Self {
        let Cluster { merged_into, is_dissolved, .. } = *cluster;
        Self { name: cluster.name().0.to_owned(), merged_into, is_dissolved }
    }
}

/// Writes how documents changed clusters, given where they stand now. Where events were parked before, `is_late`, what was
/// told of later ones does not hold any more.
pub(super) async fn save_memberships(
    connection: &mut PgConnection,
    courses: &BTreeMap<Key, Course<Membership>>,
    now: impl Fn(&Key) -> Option<Membership>,
    is_late: bool,
) -> Result<(), sqlx::Error> {
    let changes = |(key, course): (&Key, &Course<Membership>)| {
        let changes = now(key).map(|now| course.changes(now)).unwrap_or_default();
        let key = *key;
        changes.into_iter().map(move |change| (key, change))
    };
    let rows: Vec<(Key, Change<Membership>)> = courses.iter().flat_map(changes).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let workspaces: Vec<_> = rows.iter().map(|(key, _)| key.0.0).collect();
    let documents: Vec<_> = rows.iter().map(|(key, _)| key.1.0).collect();
    let sequences: Vec<_> = rows.iter().map(|(_, change)| to_i64(change.sequence)).collect();
    if is_late {
        sqlx::query!(
            "delete from cluster_membership as at
             using unnest($1::uuid[], $2::uuid[], $3::bigint[]) as late (workspace_id, document_id, sequence)
             where at.workspace_id = late.workspace_id and at.document_id = late.document_id
                   and at.sequence > late.sequence",
            &workspaces,
            &documents,
            &sequences
        )
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query!(
        "insert into cluster_membership (workspace_id, document_id, sequence, at, cluster_id, is_pinned)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::boolean[])",
        &workspaces,
        &documents,
        &sequences,
        &rows.iter().map(|(_, change)| change.at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, change)| change.to.cluster.map(|cluster| cluster.0)).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, change)| change.to.is_pinned).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Writes what the clusters of a workspace became; late events as with memberships.
pub(super) async fn save_clusters(
    connection: &mut PgConnection,
    id: WorkspaceId,
    workspace: &Workspace,
    is_late: bool,
) -> Result<(), sqlx::Error> {
    let changes = |(cluster, course): (&ClusterId, &Course<Standing>)| {
        let now = workspace.clusters.get(cluster).map(Standing::from);
        let changes = now.map(|now| course.changes(now)).unwrap_or_default();
        let cluster = cluster.0;
        changes.into_iter().map(move |change| (cluster, change))
    };
    let rows: Vec<_> = workspace.changed.clusters.iter().flat_map(changes).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let clusters: Vec<_> = rows.iter().map(|(cluster, _)| *cluster).collect();
    let sequences: Vec<_> = rows.iter().map(|(_, change)| to_i64(change.sequence)).collect();
    if is_late {
        sqlx::query!(
            "delete from cluster_history as at using unnest($2::uuid[], $3::bigint[]) as late (cluster_id, sequence)
             where at.workspace_id = $1 and at.cluster_id = late.cluster_id and at.sequence > late.sequence",
            id.0,
            &clusters,
            &sequences
        )
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query!(
        "insert into cluster_history (workspace_id, cluster_id, sequence, at, name, merged_into, is_dissolved)
         select $1, * from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::uuid[], $7::boolean[])",
        id.0,
        &clusters,
        &sequences,
        &rows.iter().map(|(_, change)| change.at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, change)| change.to.name.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, change)| change.to.merged_into.map(|into| into.0)).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, change)| change.to.is_dissolved).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_that_leave_something_else_than_they_found_are_told() {
        let at = DateTime::<Utc>::default();
        let mut course = Course::default();
        course.before(3, at, None);
        course.before(5, at, Some("a"));
        course.before(5, at, Some("on the way"));
        course.before(7, at, Some("a"));
        course.before(9, at, Some("b"));
        let told: Vec<_> = course.changes("a").into_iter().map(|change| (change.sequence, change.to)).collect();
        assert_eq!(told, [(9, "a"), (7, "b"), (3, "a")]);
        assert!(Course::default().changes("a").is_empty());
    }
}

//! Epochs: when enough has changed, a workspace's documents are clustered anew, the clusters are named, and spellings that
//! have turned out to mean the same meet. Where in the log that happens follows from the log alone.

mod naming;
mod spellings;

use super::Key;
use super::fold::{Fold, Placed};
use super::history::Membership;
use super::touched::Touched;
use super::workspace::{Workspace, thousandths};
use crate::error::Error;
use analysis::clusters::{self, Fit, Vector};
use chrono::{DateTime, Utc};
use events::{ClusterId, DocumentId, WorkspaceId};
use std::collections::BTreeSet;
use std::panic::resume_unwind;
use tokio::task::spawn_blocking;

/// A document in use, as clustering sees it.
struct Member {
    key: Key,
    arrival: u64,
    vector: Vector,
    placed: Placed,
}

/// Clusters and names anew.
pub(super) async fn run(fold: &mut Fold<'_>, id: WorkspaceId, sequence: u64, at: DateTime<Utc>) -> Result<(), Error> {
    let members = members(fold, id).await?;
    let (members, fit) = fit(members).await;
    let clusters = identities(id, fold.workspace(id), &members, &fit);
    place(fold, &members, &fit, &clusters, sequence, at);
    naming::name(fold, id, &members, &fit, &clusters, at).await?;

    let workspace = fold.workspace(id);
    workspace.changed.model = true;
    workspace.changed.recount = true;
    let clustering = &mut workspace.clustering;
    clustering.epoch += 1;
    clustering.epoch_sequence = sequence;
    clustering.documents_at_epoch = members.len() as u64;
    clustering.changes_since = 0;
    clustering.clusters = clusters;
    clustering.model = Some(fit.model);
    spellings::join(fold, id, at).await
}

/// Clusters the documents, beside what else there is to do.
async fn fit(members: Vec<Member>) -> (Vec<Member>, Fit) {
    let fit = move || {
        let fit = clusters::fit(&members.iter().map(|member| &member.vector).collect::<Vec<_>>());
        (members, fit)
    };
    spawn_blocking(fit).await.unwrap_or_else(|stopped| resume_unwind(stopped.into_panic()))
}

/// The workspace's documents in use, in the order of their arrival, as the batch has left them so far.
async fn members(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query!(
        "select document_id, arrival, vector, pinned_cluster, found_cluster, similarity from document_knowledge
         where workspace_id = $1 and not is_trashed",
        id.0
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let key = (id, DocumentId(row.document_id));
        if fold.touched.contains_key(&key) {
            continue;
        }
        let vector = Vector::from_bytes(&row.vector).ok_or(Error::Unreadable("vector"))?;
        let there = Placed {
            pinned: row.pinned_cluster.map(ClusterId),
            found: row.found_cluster.map(ClusterId),
            similarity: row.similarity,
        };
        let placed = fold.moved.get(&key).copied().unwrap_or(there);
        members.push(Member { key, arrival: crate::numbers::to_u64(row.arrival), vector, placed });
    }
    let touched = fold.touched.iter().filter(|(key, touched)| key.0 == id && !touched.document.is_trashed);
    members.extend(touched.map(|(key, Touched { document, .. })| Member {
        key: *key,
        arrival: document.arrival,
        vector: document.vector.clone(),
        placed: Placed { pinned: document.pinned, found: document.found, similarity: document.similarity },
    }));
    members.sort_unstable_by_key(|member| (member.arrival, member.key));
    Ok(members)
}

/// Which cluster each of the new ones is: the one that it continues, or a new one around its first document.
fn identities(id: WorkspaceId, workspace: &Workspace, members: &[Member], fit: &Fit) -> Vec<ClusterId> {
    let earlier: Vec<Option<ClusterId>> = members.iter().map(|member| member.placed.found).collect();
    let continued = clusters::continued(&earlier, fit);
    // An id that stands for another cluster, now or before, is not given to a new one.
    let mut taken: BTreeSet<ClusterId> = continued.iter().chain(&earlier).flatten().copied().collect();
    taken.extend(workspace.clusters.keys());
    let mut of_cluster: Vec<Vec<DocumentId>> = vec![Vec::new(); continued.len()];
    for (member, cluster) in members.iter().zip(&fit.assignment) {
        if let Some(of_cluster) = cluster.and_then(|cluster| of_cluster.get_mut(cluster as usize)) {
            of_cluster.push(member.key.1);
        }
    }
    let mut identities: Vec<ClusterId> = Vec::with_capacity(continued.len());
    for (continued, members) in continued.into_iter().zip(of_cluster) {
        let around = |document: &DocumentId| ClusterId::around(id, *document);
        let new = || members.iter().map(around).find(|cluster| !taken.contains(cluster));
        // Every member may have founded another cluster before; then one that no other is, and that still holds, is taken
        // up again.
        let is_free =
            |cluster: &ClusterId| !identities.contains(cluster) && workspace.resolve(*cluster) == Some(*cluster);
        let again = || members.iter().map(around).find(is_free).or_else(|| members.first().map(around));
        let cluster = continued.or_else(new).or_else(again).expect("no cluster is empty");
        taken.insert(cluster);
        identities.push(cluster);
    }
    identities
}

/// Puts each document where the epoch found it.
fn place(fold: &mut Fold<'_>, members: &[Member], fit: &Fit, clusters: &[ClusterId], sequence: u64, at: DateTime<Utc>) {
    for (index, member) in members.iter().enumerate() {
        let cluster = fit.assignment.get(index).copied().flatten();
        let found = cluster.and_then(|cluster| clusters.get(cluster as usize)).copied();
        let similarity = fit.similarity.get(index).map_or(0, |similarity| thousandths(*similarity));
        let similarity = if found.is_some() { similarity } else { 0 };
        let was = member.placed;
        if (found, similarity) == (was.found, was.similarity) {
            continue;
        }
        let stood = Membership::of(was.pinned, was.found);
        fold.memberships.entry(member.key).or_default().before(sequence, at, Some(stood));
        match fold.touched.contains_key(&member.key).then(|| fold.take(member.key)).flatten() {
            Some(mut touched) => {
                (touched.document.found, touched.document.similarity) = (found, similarity);
                fold.put(member.key, touched, at);
            }
            None => drop(fold.moved.insert(member.key, Placed { found, similarity, ..was })),
        }
    }
}

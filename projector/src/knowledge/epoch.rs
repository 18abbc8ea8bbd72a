//! Epochs: when enough has changed, a workspace's documents are clustered anew, the clusters are named, and spellings that
//! have turned out to mean the same meet. Where in the log that happens follows from the log alone.

use super::Key;
use super::fold::Fold;
use super::vocabulary::reason;
use super::workspace::{Workspace, thousandths};
use crate::apply::Error;
use analysis::aliases::{self, Counted, LongForm};
use analysis::clusters::{self, Fit, Vector};
use analysis::naming::{self, InCluster};
use chrono::{DateTime, Utc};
use events::{Category, ClusterId, DocumentId, WorkspaceId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Members of a cluster, the earliest, from whose concepts its name is made.
const SAMPLE: usize = 100;

/// A document in use, as clustering sees it.
struct Member {
    key: Key,
    arrival: u64,
    vector: Vector,
    found: Option<ClusterId>,
    similarity: i16,
}

/// Clusters and names anew.
pub(super) async fn run(fold: &mut Fold<'_>, id: WorkspaceId, sequence: u64, at: DateTime<Utc>) -> Result<(), Error> {
    let members = members(fold, id).await?;
    let fit = clusters::fit(&members.iter().map(|member| &member.vector).collect::<Vec<_>>());
    let clusters = identities(id, fold.workspace(id), &members, &fit);
    place(fold, &members, &fit, &clusters, at);
    name(fold, id, &members, &fit, &clusters, at).await?;

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
    join_spellings(fold, id, at).await
}

/// The workspace's documents in use, in the order of their arrival, as the batch has left them so far.
async fn members(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query!(
        "select document_id, arrival, vector, found_cluster, similarity from document_knowledge
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
        let there = (row.found_cluster.map(ClusterId), row.similarity);
        let (found, similarity) = fold.moved.get(&key).copied().unwrap_or(there);
        members.push(Member { key, arrival: crate::apply::to_u64(row.arrival), vector, found, similarity });
    }
    let touched = fold.touched.iter().filter(|(key, touched)| key.0 == id && !touched.document.is_trashed);
    members.extend(touched.map(|(key, touched)| Member {
        key: *key,
        arrival: touched.document.arrival,
        vector: touched.document.vector.clone(),
        found: touched.document.found,
        similarity: touched.document.similarity,
    }));
    members.sort_unstable_by_key(|member| (member.arrival, member.key));
    Ok(members)
}

/// Which cluster each of the new ones is: the one that it continues, or a new one around its first document.
fn identities(id: WorkspaceId, workspace: &Workspace, members: &[Member], fit: &Fit) -> Vec<ClusterId> {
    let earlier: Vec<Option<ClusterId>> = members.iter().map(|member| member.found).collect();
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
fn place(fold: &mut Fold<'_>, members: &[Member], fit: &Fit, clusters: &[ClusterId], at: DateTime<Utc>) {
    for (index, member) in members.iter().enumerate() {
        let cluster = fit.assignment.get(index).copied().flatten();
        let found = cluster.and_then(|cluster| clusters.get(cluster as usize)).copied();
        let similarity = fit.similarity.get(index).map_or(0, |similarity| thousandths(*similarity));
        let similarity = if found.is_some() { similarity } else { 0 };
        if (found, similarity) == (member.found, member.similarity) {
            continue;
        }
        match fold.touched.contains_key(&member.key).then(|| fold.take(member.key)).flatten() {
            Some(mut touched) => {
                (touched.document.found, touched.document.similarity) = (found, similarity);
                fold.put(member.key, touched, at);
            }
            None => drop(fold.moved.insert(member.key, (found, similarity))),
        }
    }
}

/// Names the clusters from the concepts of their earliest documents.
async fn name(
    fold: &mut Fold<'_>,
    id: WorkspaceId,
    members: &[Member],
    fit: &Fit,
    clusters: &[ClusterId],
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let mut samples: Vec<Vec<Key>> = vec![Vec::new(); clusters.len()];
    let mut sizes = vec![0_u32; clusters.len()];
    for (member, cluster) in members.iter().zip(&fit.assignment) {
        let Some(cluster) = cluster.map(|cluster| cluster as usize) else { continue };
        sizes[cluster] += 1;
        if samples[cluster].len() < SAMPLE {
            samples[cluster].push(member.key);
        }
    }
    let held = held(fold, id, samples.iter().flatten()).await?;
    let mut counted: Vec<BTreeMap<&str, u32>> = vec![BTreeMap::new(); clusters.len()];
    for (counted, sample) in counted.iter_mut().zip(&samples) {
        for concept in sample.iter().filter_map(|key| held.get(key)).flatten() {
            *counted.entry(concept).or_default() += 1;
        }
    }
    let wanted: BTreeSet<&str> = counted.iter().flat_map(|counted| counted.keys().copied()).collect();
    let concepts = concepts(fold, id, &wanted).await?;
    let described: Vec<naming::Cluster<'_>> = counted
        .iter()
        .zip(&sizes)
        .zip(&samples)
        .map(|((counted, size), sample)| naming::Cluster {
            documents: *size,
            concepts: counted
                .iter()
                .filter_map(|(key, count)| {
                    let concept = concepts.get(*key)?;
                    // What is true of the sample stands for the whole cluster.
                    let documents = u64::from(*count) * u64::from(*size) / sample.len().max(1) as u64;
                    let documents = u32::try_from(documents).unwrap_or(u32::MAX).max(1);
                    Some(InCluster {
                        name: &concept.name,
                        documents,
                        documents_overall: concept.documents.max(documents),
                        category: concept.category,
                    })
                })
                .collect(),
        })
        .collect();
    let names = naming::names(&described, u32::try_from(members.len()).unwrap_or(u32::MAX));
    let workspace = fold.workspace(id);
    for (cluster, name) in clusters.iter().zip(names) {
        workspace.cluster(*cluster, at).found_name = name;
    }
    Ok(())
}

/// Which concepts hold of some documents.
async fn held(
    fold: &mut Fold<'_>,
    id: WorkspaceId,
    keys: impl Iterator<Item = &Key>,
) -> Result<HashMap<Key, Vec<String>>, Error> {
    let (mut held, mut missing) = (HashMap::new(), Vec::new());
    for key in keys {
        match fold.touched.get(key) {
            Some(touched) => drop(held.insert(*key, touched.held.keys().cloned().collect())),
            None => missing.push(key.1.0),
        }
    }
    let rows = sqlx::query!(
        r#"select document_id, array_agg(concept order by concept) as "concepts!" from document_concept
           where workspace_id = $1 and document_id in (select unnest($2::uuid[])) group by document_id"#,
        id.0,
        &missing
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    held.extend(rows.into_iter().map(|row| ((id, DocumentId(row.document_id)), row.concepts)));
    Ok(held)
}

struct Known {
    name: String,
    category: Category,
    documents: u32,
}

/// Names, categories and numbers of concepts, as the batch has left them so far.
async fn concepts(
    fold: &mut Fold<'_>,
    id: WorkspaceId,
    wanted: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Known>, Error> {
    let keys: Vec<&str> = wanted.iter().copied().collect();
    let rows = sqlx::query!(
        "select concept, name, category, documents from concept where workspace_id = $1 and concept in (select unnest($2::text[]))",
        id.0,
        &keys as _
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    let mut known = BTreeMap::new();
    for row in rows {
        let category = Category::parse(&row.category).unwrap_or_default();
        known.insert(row.concept, (row.name, category, row.documents));
    }
    for key in wanted {
        if let Some((name, category)) = fold.names.get(id, key) {
            known.entry((*key).to_owned()).or_insert_with(|| (name.to_owned(), category, 0));
        }
    }
    let moved = fold.counts.concepts.get(&id);
    let vocabulary = fold.workspaces.get(&id).map(|workspace| &workspace.vocabulary);
    let known = known.into_iter().map(|(key, (name, category, documents))| {
        // A name that a user gave within this batch is not in the table yet.
        let name = vocabulary.and_then(|vocabulary| vocabulary.name(&key)).map_or(name, str::to_owned);
        let documents = documents + moved.and_then(|moved| moved.get(&key)).copied().unwrap_or(0);
        (key, Known { name, category, documents: u32::try_from(documents).unwrap_or(0) })
    });
    Ok(known.collect())
}

/// Lets keys that turned out to be spellings or acronyms of others stand for them, for good.
async fn join_spellings(fold: &mut Fold<'_>, id: WorkspaceId, at: DateTime<Utc>) -> Result<(), Error> {
    let used = used(fold, id).await?;
    let explained = explained(fold, id).await?;
    let counted: Vec<Counted<'_>> = used
        .iter()
        .map(|(key, used)| Counted {
            key,
            name: &used.name,
            documents: used.documents,
            acronym_of: explained.get(key).and_then(Explained::long_form),
        })
        .collect();
    let mut moved = BTreeSet::new();
    let mut vocabulary = fold.workspace(id).vocabulary.clone();
    for (variant, concept) in aliases::aliases(&counted) {
        let (variant, concept) = (&counted[variant], &counted[concept]);
        if vocabulary.is_free(variant.key) {
            let is_acronym = variant.acronym_of.is_some_and(|long| long.key == concept.key);
            let reason = if is_acronym { reason::ACRONYM } else { reason::SPELLING };
            moved.extend(vocabulary.alias(variant.key, concept.key, reason));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    fold.change_vocabulary(id, vocabulary, moved, at).await
}

/// A concept that documents have.
struct Used {
    name: String,
    documents: u32,
}

/// The concepts that documents have, as the batch has left them so far.
async fn used(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<BTreeMap<String, Used>, Error> {
    // Those that no document has too: one that this batch brings back has the name that came with it first.
    let rows = sqlx::query!("select concept, name, documents from concept where workspace_id = $1", id.0)
        .fetch_all(&mut *fold.connection)
        .await?;
    let mut known: BTreeMap<String, (String, i64)> =
        rows.into_iter().map(|row| (row.concept, (row.name, row.documents))).collect();
    for (key, difference) in fold.counts.concepts.get(&id).into_iter().flatten() {
        let met = || fold.names.get(id, key).map_or_else(|| key.clone(), |(name, _)| name.to_owned());
        known.entry(key.clone()).or_insert_with(|| (met(), 0)).1 += difference;
    }
    let vocabulary = &fold.workspace(id).vocabulary;
    let used = known.into_iter().filter(|(_, (_, documents))| *documents > 0).map(|(key, (name, documents))| {
        // A name that a user gave within this batch is not in the table yet.
        let name = vocabulary.name(&key).map_or(name, str::to_owned);
        (key, Used { name, documents: u32::try_from(documents).unwrap_or(u32::MAX) })
    });
    Ok(used.collect())
}

/// What documents say an acronym stands for: how many say what.
#[derive(Default)]
struct Explained {
    long_forms: BTreeMap<String, u32>,
}

impl Explained {
    /// The long form that most of them give; of equals the first.
    fn long_form(&self) -> Option<LongForm<'_>> {
        let (key, documents) = self.long_forms.iter().rev().max_by_key(|(_, documents)| **documents)?;
        Some(LongForm { key, documents: *documents, explaining: self.long_forms.values().sum() })
    }
}

/// The acronyms that documents in use explain.
async fn explained(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<BTreeMap<String, Explained>, Error> {
    let rows = sqlx::query!(
        "select document_id, acronyms from document_knowledge
         where workspace_id = $1 and not is_trashed and acronyms <> '{}'",
        id.0
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    let untouched = rows.into_iter().filter(|row: &_| {
        let row: &_ = row;
        !fold.touched.contains_key(&(id, DocumentId(row.document_id)))
    });
    let touched = fold.touched.iter().filter(|(key, touched)| key.0 == id && !touched.document.is_trashed);
    let said = untouched.map(|row| row.acronyms).chain(touched.map(|(_, touched)| touched.document.acronyms.clone()));
    let vocabulary = fold.workspaces.get(&id).map(|workspace| &workspace.vocabulary);
    let mut explained: BTreeMap<String, Explained> = BTreeMap::new();
    for pairs in said {
        for pair in pairs.chunks_exact(2) {
            // Two spellings that were joined are one long form.
            let long = vocabulary.map_or(pair[1].as_str(), |vocabulary| vocabulary.canonical(&pair[1]));
            *explained.entry(pair[0].clone()).or_default().long_forms.entry(long.to_owned()).or_default() += 1;
        }
    }
    Ok(explained)
}

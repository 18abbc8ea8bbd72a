//! Clusters get their names, from the concepts and the words of some of their documents.

use super::Member;
use crate::error::Error;
use crate::knowledge::Key;
use crate::knowledge::fold::Fold;
use analysis::clusters::Fit;
use analysis::naming::{self, InCluster};
use chrono::{DateTime, Utc};
use events::{Category, ClusterId, DocumentId, WorkspaceId};
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Most members of a cluster from which its name is made, as far from each other in the order of their arrival.
const SAMPLE: usize = 100;

/// A cluster and some of its documents, old and new: what is true of them stands for the whole cluster.
struct Sampled {
    documents: u32,
    sample: Vec<Key>,
}

/// How many documents of each cluster have what.
type Counted<'a> = Vec<BTreeMap<&'a str, u32>>;

/// Names the clusters.
pub(super) async fn name(
    fold: &mut Fold<'_>,
    id: WorkspaceId,
    members: &[Member],
    fit: &Fit,
    clusters: &[ClusterId],
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let sampled = sampled(members, fit, clusters.len());
    let (held, words) = (held(fold, id, &sampled).await?, words(fold, id, &sampled).await?);
    let (held, words) = (counted(&sampled, &held), counted(&sampled, &words));
    let wanted: BTreeSet<&str> = held.iter().flat_map(|counted| counted.keys().copied()).collect();
    let concepts = concepts(fold, id, &wanted).await?;
    let mut words_overall: BTreeMap<&str, u32> = BTreeMap::new();
    for (word, documents) in words.iter().flatten() {
        let overall = words_overall.entry(word).or_default();
        *overall = overall.saturating_add(*documents);
    }
    let vocabulary = fold.workspace(id).vocabulary.clone();
    let described: Vec<naming::Cluster<'_>> = sampled
        .iter()
        .zip(held.iter().zip(&words))
        .map(|(sampled, (held, words))| {
            let of_concept = |(key, documents): (&&str, &u32)| Some(concepts.get(*key)?.in_cluster(*documents));
            let words = words.iter().filter(|(word, _)| !vocabulary.is_suppressed(&analysis::concepts::key(word)));
            naming::Cluster {
                documents: sampled.documents,
                concepts: held.iter().filter_map(of_concept).collect(),
                words: words.map(|(word, documents)| word_in_cluster(word, *documents, words_overall[word])).collect(),
            }
        })
        .collect();
    let names = naming::names(&described, u32::try_from(members.len()).unwrap_or(u32::MAX));
    let workspace = fold.workspace(id);
    for (cluster, name) in clusters.iter().zip(names) {
        workspace.cluster(*cluster, at).found_name = name;
    }
    Ok(())
}

fn sampled(members: &[Member], fit: &Fit, clusters: usize) -> Vec<Sampled> {
    let mut of_cluster: Vec<Vec<Key>> = vec![Vec::new(); clusters];
    for (member, cluster) in members.iter().zip(&fit.assignment) {
        if let Some(cluster) = cluster {
            of_cluster[*cluster as usize].push(member.key);
        }
    }
    let sampled = |members: Vec<Key>| Sampled {
        documents: u32::try_from(members.len()).unwrap_or(u32::MAX),
        sample: members.iter().step_by(members.len().div_ceil(SAMPLE).max(1)).copied().collect(),
    };
    of_cluster.into_iter().map(sampled).collect()
}

/// How many documents of each cluster have what those of its sample have.
fn counted<'a>(sampled: &[Sampled], had: &'a HashMap<Key, Vec<String>>) -> Counted<'a> {
    let of = |sampled: &Sampled| {
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for what in sampled.sample.iter().filter_map(|key| had.get(key)).flatten() {
            *counted.entry(what).or_default() += 1;
        }
        for count in counted.values_mut() {
            let documents = u64::from(*count) * u64::from(sampled.documents) / sampled.sample.len().max(1) as u64;
            *count = u32::try_from(documents).unwrap_or(u32::MAX).max(1);
        }
        counted
    };
    sampled.iter().map(of).collect()
}

/// The frequent words of sampled documents.
async fn words(fold: &mut Fold<'_>, id: WorkspaceId, sampled: &[Sampled]) -> Result<HashMap<Key, Vec<String>>, Error> {
    let of_touched = |key: &Key| fold.touched.get(key).map(|touched| touched.document.findings.words.clone());
    let (mut words, missing) = parted(sampled, of_touched);
    let rows = sqlx::query!(
        r#"select document_id, analysis->'words' as "words!: Json<Vec<String>>" from document_knowledge
           where workspace_id = $1 and document_id in (select unnest($2::uuid[]))"#,
        id.0,
        &missing
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    words.extend(rows.into_iter().map(|row| ((id, DocumentId(row.document_id)), row.words.0)));
    Ok(words)
}

/// What is known of the documents that a batch touches, and the ids of the others.
fn parted<T>(sampled: &[Sampled], of_touched: impl Fn(&Key) -> Option<T>) -> (HashMap<Key, T>, Vec<Uuid>) {
    let (mut known, mut missing) = (HashMap::new(), Vec::new());
    for key in sampled.iter().flat_map(|sampled| &sampled.sample) {
        match of_touched(key) {
            Some(of_touched) => drop(known.insert(*key, of_touched)),
            None => missing.push(key.1.0),
        }
    }
    (known, missing)
}

/// Which concepts hold of some documents.
async fn held(fold: &mut Fold<'_>, id: WorkspaceId, sampled: &[Sampled]) -> Result<HashMap<Key, Vec<String>>, Error> {
    let of_touched = |key: &Key| fold.touched.get(key).map(|touched| touched.held.keys().cloned().collect());
    let (mut held, missing) = parted(sampled, of_touched);
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

/// A concept of the workspace.
struct Known {
    name: String,
    category: Category,
    documents: u32,
}

impl Known {
    fn in_cluster(&self, documents: u32) -> InCluster<'_> {
        let documents_overall = self.documents.max(documents);
        InCluster { name: &self.name, documents, documents_overall, category: self.category }
    }
}

const fn word_in_cluster(word: &str, documents: u32, documents_overall: u32) -> InCluster<'_> {
    InCluster { name: word, documents, documents_overall, category: Category::Concept }
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

//! What tests ask about the knowledge of a workspace, and what holds of it whatever was done.

use crate::Client;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a workspace has.
#[derive(Debug)]
pub struct Found {
    /// Keys of its concepts, at least one.
    pub concepts: Vec<String>,
    /// Ids of its clusters.
    pub clusters: Vec<String>,
    /// The totals of its analytics.
    pub totals: Value,
}

/// Reads from the query-service, at a sequence or later.
pub async fn get(client: &Client, path: &str, min_sequence: u64) -> Value {
    let and = if path.contains('?') { '&' } else { '?' };
    client.get(&format!("{path}{and}min_sequence={min_sequence}")).await.expect(200).json()
}

/// Reads every page of a list, which stands under a name.
pub async fn pages(client: &Client, path: &str, name: &str, min_sequence: u64) -> Vec<Value> {
    let and = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{and}limit=200");
    let (mut all, mut next) = (Vec::new(), path.clone());
    loop {
        let page = get(client, &next, min_sequence).await;
        all.extend(page[name].as_array().unwrap_or_else(|| panic!("no {name} in {page}")).iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return all,
        }
    }
}

/// One text of each item of a list; empty where there is none.
pub fn texts<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|item| item[name].as_str().unwrap_or_default()).collect()
}

/// A text as a part of a path, whatever it is.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The documents of each cluster: every document stands in at most one, and the numbers are those of the documents.
pub async fn valid_clusters(
    client: &Client,
    documents: usize,
    min_sequence: u64,
) -> BTreeMap<String, BTreeSet<String>> {
    let list = get(client, "/v1/clusters?limit=200", min_sequence).await;
    let (mut all, mut clusters) = (BTreeSet::new(), BTreeMap::new());
    for cluster in list["clusters"].as_array().expect("clusters") {
        let path = format!("/v1/clusters/{}/documents", id(cluster));
        let members = pages(client, &path, "documents", min_sequence).await;
        let members: BTreeSet<String> = members.iter().map(id).collect();
        assert_eq!(cluster["documents"], members.len(), "{cluster}");
        assert!(!cluster["name"].as_str().expect("a name").is_empty());
        for member in &members {
            assert!(all.insert(member.clone()), "{member} stands in two clusters");
        }
        clusters.insert(id(cluster), members);
    }
    assert_eq!(list["unclustered"], documents - all.len(), "{list}");
    clusters
}

/// Panics unless everything that is said of a workspace agrees. `documents` are all that it ever had, also those in the
/// trash. Which are in use is taken from the list of documents, which knows nothing of knowledge.
pub async fn check(client: &Client, documents: &[String], min_sequence: u64) -> Found {
    let listed = pages(client, "/v1/documents", "documents", min_sequence).await;
    let in_use: BTreeSet<String> = listed.iter().map(id).collect();
    let clusters = valid_clusters(client, in_use.len(), min_sequence).await;
    let clustered: BTreeSet<String> = clusters.values().flatten().cloned().collect();
    assert!(clustered.is_subset(&in_use), "a cluster has documents of the trash");
    let shown = pages(client, "/v1/documents/unclustered", "documents", min_sequence).await;
    let unclustered: BTreeSet<String> = shown.iter().map(id).collect();
    assert_eq!(unclustered, in_use.difference(&clustered).cloned().collect());

    // Each document, and what it has, against the numbers of what they have.
    let (mut concepts, mut near) = (BTreeMap::new(), 0);
    let (mut outgoing, mut incoming) = (BTreeSet::new(), BTreeSet::new());
    for document in documents {
        let knowledge = get(client, &format!("/v1/documents/{document}/knowledge"), min_sequence).await;
        for concept in texts(&knowledge["concepts"], "concept") {
            *concepts.entry(concept.to_owned()).or_insert(0_u64) += 1;
        }
        let cluster = knowledge["cluster"]["id"].as_str();
        assert_eq!(cluster.is_some(), clustered.contains(document), "{knowledge}");
        assert!(cluster.is_none_or(|cluster| clusters[cluster].contains(document)), "{knowledge}");
        let original = knowledge["near_duplicate_of"]["id"].as_str();
        assert!(original.is_none_or(|original| in_use.contains(original)), "the original is in the trash: {knowledge}");
        near += usize::from(original.is_some());
        let is_empty = original.is_none() && knowledge["concepts"] == json!([]);
        assert!(is_empty || in_use.contains(document), "it is in the trash: {knowledge}");
        if in_use.contains(document) {
            let links = |ends: &str| knowledge["links"][ends].as_array().expect("links").clone();
            let link = |link: &Value, from: &str, to: &str| {
                (from.to_owned(), text(link, "relation"), to.to_owned(), link["is_void"] == true)
            };
            outgoing.extend(links("outgoing").iter().map(|to| link(to, document, &id(to))));
            incoming.extend(links("incoming").iter().map(|from| link(from, &id(from), document)));
        }
    }
    assert_eq!(outgoing, incoming, "links, as they are seen from either end");
    let numbers = pages(client, "/v1/concepts?min_documents=1", "concepts", min_sequence).await;
    let numbers = numbers.iter().map(|concept| (text(concept, "concept"), concept["documents"].as_u64().unwrap_or(0)));
    assert_eq!(numbers.collect::<BTreeMap<_, _>>(), concepts, "numbers of documents, and documents that have it");
    for (key, number) in concepts.iter().step_by(concepts.len().div_ceil(10).max(1)) {
        let path = format!("/v1/concepts/{}", encoded(key));
        let one = get(client, &path, min_sequence).await;
        assert_eq!((&one["concept"], &one["documents"]), (&json!(key), &json!(number)));
        let with = pages(client, &format!("{path}/documents"), "documents", min_sequence).await;
        assert_eq!(with.len() as u64, *number, "documents that have {key}");
    }

    let mut same: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in &listed {
        same.entry(text(document, "sha256")).or_default().insert(id(document));
    }
    let same: Vec<_> = same.into_values().filter(|documents| documents.len() > 1).collect();
    let exact = duplicates(client, "exact", min_sequence).await;
    assert_eq!(exact, same, "documents with the same text");
    let nearly = duplicates(client, "near", min_sequence).await;
    assert!(nearly.iter().flatten().all(|document| in_use.contains(document)), "near duplicates in the trash");
    let later = |groups: &[BTreeSet<String>]| groups.iter().map(|group| group.len() - 1).sum::<usize>();
    assert_eq!(later(&nearly), near, "all but the first of each group have an earlier one");

    let analytics = get(client, "/v1/analytics", min_sequence).await;
    let expected = json!({
        "documents": in_use.len(), "trashed": documents.len() - in_use.len(), "concepts": concepts.len(),
        "shared_concepts": concepts.values().filter(|documents| **documents > 1).count(),
        "clusters": clusters.values().filter(|members| !members.is_empty()).count(),
        "unclustered": unclustered.len(), "duplicates": later(&exact), "near_duplicates": near,
    });
    assert_eq!(analytics["totals"], expected);
    for parts in ["over_time", "by_source", "by_skill_level", "by_language"] {
        let parts = analytics[parts].as_array().expect("parts");
        let sum: u64 = parts.iter().filter_map(|part| part["documents"].as_u64()).sum();
        assert_eq!(sum, in_use.len() as u64, "{analytics}");
    }
    Found {
        concepts: concepts.into_keys().collect(),
        clusters: clusters.into_keys().collect(),
        totals: analytics["totals"].clone(),
    }
}

async fn duplicates(client: &Client, kind: &str, min_sequence: u64) -> Vec<BTreeSet<String>> {
    let groups = pages(client, &format!("/v1/duplicates?kind={kind}"), "groups", min_sequence).await;
    groups.iter().map(|group| group["documents"].as_array().expect("documents").iter().map(id).collect()).collect()
}

fn id(item: &Value) -> String {
    text(item, "id")
}

fn text(item: &Value, name: &str) -> String {
    item[name].as_str().unwrap_or_else(|| panic!("no {name} in {item}")).to_owned()
}

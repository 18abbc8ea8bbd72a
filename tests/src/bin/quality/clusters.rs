//! Clusters against the labels that people gave, after all documents have arrived one by one. What stands in no cluster
//! counts as a cluster of its own.

use crate::feed::Feed;
use analysis::Text;
use analysis::agreement::{adjusted_mutual_information, adjusted_rand};
use analysis::clusters::Vector;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A text and its label.
#[derive(Deserialize)]
pub(crate) struct Document {
    text: String,
    label: String,
}

/// What a set came to.
#[derive(Serialize)]
pub(crate) struct Values {
    /// Adjusted Rand index.
    ari: f64,
    /// Adjusted mutual information.
    ami: f64,
    clusters: usize,
    labels: usize,
    unclustered: usize,
    largest_share: f64,
    epochs: u64,
    longest_epoch_seconds: f64,
    /// Clustering alone, the texts analysed; one core.
    documents_per_second: f64,
    /// Analysing the texts; one core.
    analysed_per_second: f64,
}

pub(crate) fn measure(documents: &[Document]) -> Values {
    let labels: Vec<&str> = documents.iter().map(|document| document.label.as_str()).collect();
    values(documents.iter().map(|document| Cow::Borrowed(document.text.as_str())), &labels)
}

/// As [`measure`], over many documents, each the halves of two that have the same label.
pub(crate) fn measure_scale(documents: &[Document], scale: usize) -> Values {
    let mut by_label: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        by_label.entry(&document.label).or_default().push(document);
    }
    let half = |text: &str, second: bool| {
        let middle = text.floor_char_boundary(text.len() / 2);
        if second { text[middle..].to_owned() } else { text[..middle].to_owned() }
    };
    let of = |number: usize| &documents[number % documents.len()];
    let labels: Vec<&str> = (0..scale).map(|number| of(number).label.as_str()).collect();
    // Each is made when it is its turn: memory is that of clustering.
    let text = |number: usize| {
        let first = of(number);
        let others = &by_label[first.label.as_str()];
        let second = others[(number / documents.len() * 7 + number) % others.len()];
        Cow::Owned(half(&first.text, false) + &half(&second.text, true))
    };
    values((0..scale).map(text), &labels)
}

fn values<'a>(texts: impl Iterator<Item = Cow<'a, str>>, labels: &[&str]) -> Values {
    let begun = Instant::now();
    let vector = |text: Cow<'a, str>| {
        analysis::analyse(&Text { title: "", body: &text, media_type: "text/plain", file_name: None }).vector
    };
    let vectors: Vec<Vector> = texts.map(vector).collect();
    let analysed_per_second = vectors.len() as f64 / begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let vectors: Vec<&Vector> = vectors.iter().collect();
    let mut feed = Feed::default();
    for arrived in 1..=vectors.len() {
        feed.arrive(&vectors[..arrived]);
    }
    let documents_per_second = vectors.len() as f64 / begun.elapsed().as_secs_f64();

    let unclustered = feed.assignment.iter().filter(|cluster| cluster.is_none()).count();
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for cluster in feed.assignment.iter().flatten() {
        *sizes.entry(*cluster).or_default() += 1;
    }
    let mut counts: BTreeMap<((bool, usize), &str), u64> = BTreeMap::new();
    for (at, (cluster, label)) in feed.assignment.iter().zip(labels).enumerate() {
        let part = cluster.map_or((false, at), |cluster| (true, cluster as usize));
        *counts.entry((part, label)).or_default() += 1;
    }
    Values {
        ari: adjusted_rand(&counts),
        ami: adjusted_mutual_information(&counts),
        clusters: sizes.len(),
        labels: labels.iter().collect::<BTreeSet<_>>().len(),
        unclustered,
        largest_share: sizes.values().max().copied().unwrap_or(0) as f64 / labels.len().max(1) as f64,
        epochs: feed.epochs,
        longest_epoch_seconds: feed.longest,
        documents_per_second,
        analysed_per_second,
    }
}

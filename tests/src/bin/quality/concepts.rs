//! Key phrases against those that people gave: F1 over the ten best, compared word by word after stemming.

use analysis::Text;
use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many concepts count.
const AT: usize = 10;
/// How long the speed is measured at least.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// A text and its key phrases.
#[derive(Deserialize)]
pub(crate) struct Document {
    text: String,
    gold: Vec<String>,
}

/// What a set came to; shares in per cent.
#[derive(Serialize)]
pub(crate) struct Values {
    /// F1 of the precision and recall over all phrases together.
    f1_at_10: f64,
    precision_at_10: f64,
    recall_at_10: f64,
    /// F1 of the precision and recall averaged over documents.
    macro_f1_at_10: f64,
    /// Different concepts of all documents together, and those of them that more than one document has.
    distinct_concepts: usize,
    shared_concepts: usize,
    /// One core.
    documents_per_second: f64,
    megabytes_per_second: f64,
}

pub(crate) fn measure(documents: &[Document]) -> Values {
    let stemmer = Stemmer::create(Algorithm::English);
    let (mut hits, mut predicted, mut gold) = (0_usize, 0_usize, 0_usize);
    let (mut precisions, mut recalls) = (0.0, 0.0);
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for document in documents {
        let wanted: BTreeSet<String> = document.gold.iter().map(|phrase| stemmed(&stemmer, phrase)).collect();
        let mut found: Vec<String> = Vec::new();
        for concept in analyse(&document.text).concepts {
            let phrase = stemmed(&stemmer, &concept.name);
            *keys.entry(concept.key).or_default() += 1;
            if !found.contains(&phrase) && found.len() < AT {
                found.push(phrase);
            }
        }
        let both = found.iter().filter(|phrase| wanted.contains(*phrase)).count();
        hits += both;
        predicted += found.len();
        gold += wanted.len();
        precisions += both as f64 / found.len().max(1) as f64;
        recalls += both as f64 / wanted.len().max(1) as f64;
    }
    let count = documents.len().max(1) as f64;
    let (precision, recall) = (hits as f64 / predicted.max(1) as f64, hits as f64 / gold.max(1) as f64);
    let (documents_per_second, bytes_per_second) = speed(documents);
    Values {
        f1_at_10: 100.0 * f1(precision, recall),
        precision_at_10: 100.0 * precision,
        recall_at_10: 100.0 * recall,
        macro_f1_at_10: 100.0 * f1(precisions / count, recalls / count),
        distinct_concepts: keys.len(),
        shared_concepts: keys.values().filter(|documents| **documents > 1).count(),
        documents_per_second,
        megabytes_per_second: bytes_per_second / 1e6,
    }
}

fn analyse(body: &str) -> analysis::Analysis {
    analysis::analyse(&Text { title: "", body, media_type: "text/plain", file_name: None })
}

fn f1(precision: f64, recall: f64) -> f64 {
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// Lower-case words, each stemmed (Porter 2), with one space between.
fn stemmed(stemmer: &Stemmer, phrase: &str) -> String {
    let lower = phrase.to_lowercase();
    let words = lower.split(|letter: char| letter.is_whitespace() || letter == '-').filter(|word| !word.is_empty());
    words.map(|word| stemmer.stem(word).into_owned()).collect::<Vec<_>>().join(" ")
}

/// Documents and bytes a second of the whole analysis, on one core.
fn speed(documents: &[Document]) -> (f64, f64) {
    let (begun, mut count, mut bytes) = (Instant::now(), 0, 0);
    while begun.elapsed() < LONG_ENOUGH && !documents.is_empty() {
        for document in documents {
            black_box(analyse(black_box(&document.text)));
            bytes += document.text.len();
        }
        count += documents.len();
    }
    let seconds = begun.elapsed().as_secs_f64();
    (count as f64 / seconds, bytes as f64 / seconds)
}

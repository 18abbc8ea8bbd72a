//! Names that a person would give to clusters: the one or two concepts that set a cluster apart from the rest of its
//! workspace and that enough of its documents hold.

mod words;

use events::concept::Category;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use words::{says_the_same, sentence_case, tidy};

/// Longest name, in letters.
const LONGEST: usize = 60;
/// A concept names a cluster if at least this share of its documents holds it, in percent; where none does, at least the
/// lower one.
const COVERAGE: u64 = 20;
const LOWER_COVERAGE: u64 = 8;
/// A longer phrase takes the place of its part if it has at least this share of the part's documents, in percent.
const MOST_OF_PART: u64 = 60;
/// The score that a second concept needs, as a share of the first one's.
const SECOND: f32 = 0.5;
/// What a frequent word is worth beside a concept.
const WORD: f32 = 0.5;
/// What a cluster without concepts is called.
const UNTITLED: &str = "Untitled cluster";

/// A concept of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct InCluster<'a> {
    /// How it is written.
    pub name: &'a str,
    /// How many documents of the cluster hold it.
    pub documents: u32,
    /// How many documents of the workspace hold it.
    pub documents_overall: u32,
    /// What sort of thing it is.
    pub category: Category,
}

/// What is to be named.
#[derive(Clone, Debug, Default)]
pub struct Cluster<'a> {
    /// How many documents are in it.
    pub documents: u32,
    /// Their concepts.
    pub concepts: Vec<InCluster<'a>>,
    /// Their frequent words, which name it where no concept is shared by enough documents.
    pub words: Vec<InCluster<'a>>,
}

/// Names clusters of a workspace of so many documents, each name once.
///
/// A concept's score is the share of the cluster's documents that hold it times the binary logarithm of its lift, that is
/// of how many times more frequent it is here than in the workspace: its part of the Kullback-Leibler divergence of the
/// cluster from the workspace (Carmel, Roitman & Zwerdling 2009 label clusters by it). The best concept that enough
/// documents hold is the name; a second one joins it if it scores at least half as much and says something else. Where no
/// concept is held by enough, fewer are enough, and frequent words count too, for half as much. Larger clusters choose
/// first; a name that is taken becomes longer by the next concept, or gets a number. Where nothing sets the cluster apart
/// its most frequent concept says what the documents are about.
#[must_use]
pub fn names(clusters: &[Cluster<'_>], documents_total: u32) -> Vec<String> {
    let mut order: Vec<usize> = (0..clusters.len()).collect();
    order.sort_by_key(|at| (Reverse(clusters[*at].documents), *at));
    let mut names = vec![String::new(); clusters.len()];
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for at in order {
        let candidates = candidates(&clusters[at], documents_total);
        let name = candidates.iter().find(|name| !taken.contains(&name.to_lowercase())).cloned();
        let name = name.unwrap_or_else(|| numbered(candidates.first().map_or(UNTITLED, String::as_str), &taken));
        taken.insert(name.to_lowercase());
        names[at] = name;
    }
    names
}

/// The concepts to show for a cluster, as indices, best first: those with the largest product of the share of the
/// cluster's documents that hold them and the share of their documents that are in the cluster; of equals the more
/// frequent one, then the first by name.
#[must_use]
pub fn top(cluster: &Cluster<'_>, most: usize) -> Vec<usize> {
    let mut ranked: Vec<usize> = (0..cluster.concepts.len()).collect();
    ranked.retain(|at| cluster.concepts[*at].documents > 0 && !tidy(cluster.concepts[*at].name).is_empty());
    ranked.sort_by(|one, another| {
        let (a, b) = (&cluster.concepts[*one], &cluster.concepts[*another]);
        // Cross-multiplied: the size of the cluster is the same for all.
        let (inside_a, inside_b) = (u128::from(a.documents), u128::from(b.documents));
        let (overall_a, overall_b) = (u128::from(a.overall()), u128::from(b.overall()));
        (inside_b * inside_b * overall_a)
            .cmp(&(inside_a * inside_a * overall_b))
            .then(inside_b.cmp(&inside_a))
            .then_with(|| a.name.cmp(b.name))
            .then(one.cmp(another))
    });
    ranked.truncate(most);
    ranked
}

impl InCluster<'_> {
    fn overall(&self) -> u32 {
        self.documents_overall.max(self.documents)
    }
}

/// A concept or a word that could be in a name.
#[derive(Clone)]
struct Scored {
    name: String,
    documents: u64,
    score: f32,
}

/// Names for a cluster, the best first; none if it has no concepts.
fn candidates(cluster: &Cluster<'_>, total: u32) -> Vec<String> {
    let concepts = best_first(scored(cluster, &cluster.concepts, 1.0, total).collect());
    let words = scored(cluster, &cluster.words, WORD, total);
    let with_words = best_first(concepts.iter().cloned().chain(words).collect());
    let covering = covering(&concepts, COVERAGE, cluster.documents)
        .or_else(|| covering(&with_words, LOWER_COVERAGE, cluster.documents));
    let Some(mut covering) = covering else {
        let mut frequent: Vec<&Scored> = concepts.iter().collect();
        frequent.sort_by_key(|concept| Reverse(concept.documents));
        return frequent.iter().map(|concept| about(&concept.name)).collect();
    };
    prefer_whole(&mut covering);
    let first = covering.remove(0);
    covering.retain(|concept| !says_the_same(&first.name, &concept.name));
    let alone = sentence_case(&first.name);
    let pairs: Vec<(&Scored, String)> = covering
        .iter()
        .map(|second| (*second, format!("{alone} and {}", second.name)))
        .filter(|(_, name)| name.chars().count() <= LONGEST)
        .collect();
    let is_close = pairs.first().is_some_and(|(second, _)| second.score >= SECOND * first.score);
    let pairs = pairs.into_iter().map(|(_, name)| name);
    if is_close { pairs.chain([alone]).collect() } else { [alone].into_iter().chain(pairs).collect() }
}

/// Those that enough of so many documents hold, and that set them apart; `None` if there are none.
fn covering(scored: &[Scored], percent: u64, documents: u32) -> Option<Vec<&Scored>> {
    let size = u64::from(documents).max(scored.iter().map(|concept| concept.documents).max().unwrap_or(1));
    let covers = |concept: &&Scored| concept.score > 0.0 && concept.documents * 100 >= percent * size;
    Some(scored.iter().filter(covers).collect::<Vec<_>>()).filter(|covering| !covering.is_empty())
}

/// Those of a cluster's concepts or words that have a name.
fn scored<'a>(
    cluster: &Cluster<'_>,
    concepts: &'a [InCluster<'a>],
    worth: f32,
    total: u32,
) -> impl Iterator<Item = Scored> + 'a {
    let size = u64::from(cluster.documents).max(1);
    let of = move |concept: &InCluster<'_>| {
        let inside = u64::from(concept.documents).min(size);
        let overall = u64::from(concept.overall());
        let total = u64::from(total).max(overall).max(size);
        // One document more than there are, so that what is rare by chance counts for less.
        let lift = log2(inside * total) - log2(size * (overall + 1));
        let score = inside as f32 / size as f32 * lift * weight(concept.category) * worth;
        Scored { name: tidy(concept.name), documents: inside, score }
    };
    let with_documents = concepts.iter().filter(|concept| concept.documents > 0);
    with_documents.map(of).filter(|concept| !concept.name.is_empty())
}

fn best_first(mut scored: Vec<Scored>) -> Vec<Scored> {
    scored.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(b.documents.cmp(&a.documents)).then_with(|| a.name.cmp(&b.name))
    });
    scored
}

/// How much a sort of thing is worth in a name: what people name subjects by, more than what these can do.
const fn weight(category: Category) -> f32 {
    match category {
        Category::Concept
        | Category::Language
        | Category::Framework
        | Category::Library
        | Category::Tool
        | Category::Platform
        | Category::Database
        | Category::Methodology
        | Category::Architecture
        | Category::Testing
        | Category::Devops
        | Category::ProblemDomain
        | Category::Algorithm
        | Category::IntegrationPattern => 1.0,
        Category::Capability | Category::BusinessLogic => 0.875,
    }
}

/// Puts first a phrase that the best concept is only a part of, if it has most of its documents.
fn prefer_whole(covering: &mut [&Scored]) {
    let (name, documents) = (covering[0].name.clone(), covering[0].documents);
    let is_whole =
        |other: &&Scored| words::is_part(&name, &other.name) && other.documents * 100 >= MOST_OF_PART * documents;
    if let Some(at) = covering.iter().skip(1).position(is_whole) {
        covering[..=at + 1].rotate_right(1);
    }
}

fn about(name: &str) -> String {
    words::shortened(&format!("Documents about {name}"), LONGEST)
}

/// A name with the first number that makes it new.
fn numbered(name: &str, taken: &BTreeSet<String>) -> String {
    let with = |number: usize| format!("{} {number}", words::shortened(name, LONGEST - 8));
    let is_new = |name: &String| !taken.contains(&name.to_lowercase());
    if !taken.contains(&name.to_lowercase()) {
        return name.to_owned();
    }
    (2..=taken.len() + 2).map(with).find(is_new).unwrap_or_else(|| with(taken.len() + 3))
}

/// The binary logarithm of a positive number by squaring, right to one part in ten thousand: the same on every machine,
/// where libraries differ in the last bits.
pub(crate) fn log2(number: u64) -> f32 {
    let Some(whole) = number.checked_ilog2() else { return 0.0 };
    // The number over its highest power of two, with 31 bits after the point.
    let mut rest = if whole > 31 { number >> (whole - 31) } else { number << (31 - whole) };
    let mut fraction = 0_u32;
    for _ in 0..16 {
        rest = (rest * rest) >> 31;
        let is_two = rest >> 32;
        rest >>= is_two;
        fraction = fraction << 1 | u32::from(is_two == 1);
    }
    whole as f32 + fraction as f32 / 65_536.0
}

#[cfg(test)]
mod tests;

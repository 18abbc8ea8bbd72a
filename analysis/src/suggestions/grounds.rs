//! What archetypes are held against: the whole workspace, one of its clusters, two concepts that could stand for each
//! other, two clusters that share concepts.

use super::{Bank, Cluster, Concept};
use events::Category;
use events::document::SkillLevel;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Fewest documents of each of two alternatives, and concepts that two clusters share.
const FEWEST: u32 = 2;
const FEWEST_SHARED: usize = 3;
/// Most pairs of clusters.
const MOST_PAIRS: usize = 4;
/// What people choose between.
const CHOICES: [Category; 8] = [
    Category::Database,
    Category::Framework,
    Category::Language,
    Category::Library,
    Category::Platform,
    Category::Tool,
    Category::Methodology,
    Category::Algorithm,
];

/// What an archetype is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything together.
    Workspace,
    /// One cluster.
    Cluster,
    /// Two concepts of one category.
    Alternatives,
    /// Two clusters that share concepts.
    Bridge,
}

/// What one archetype is held against.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// In words, what it is.
    pub(super) subject: String,
    pub(super) documents: u32,
    pub(super) recent: u32,
    pub(super) beginner: u32,
    pub(super) advanced: u32,
    /// The most frequent first.
    pub(super) concepts: Vec<Concept<'a>>,
    /// The clusters it consists of; none if it goes across all.
    pub(super) clusters: Vec<Uuid>,
}

/// Every ground of a workspace with such a scope.
pub(super) fn of<'a>(bank: &Bank<'a>, scope: Scope) -> Vec<Ground<'a>> {
    match scope {
        Scope::Workspace => vec![workspace(bank)],
        Scope::Cluster => bank.clusters.iter().map(|cluster| together(cluster.name.to_owned(), &[cluster])).collect(),
        Scope::Alternatives => CHOICES.iter().filter_map(|category| alternatives(bank, *category)).collect(),
        Scope::Bridge => bridges(bank),
    }
}

fn workspace<'a>(bank: &Bank<'a>) -> Ground<'a> {
    let sum = |level| bank.clusters.iter().map(|cluster| cluster.of_level(level)).sum();
    Ground {
        subject: "what you know".to_owned(),
        documents: bank.documents,
        recent: bank.clusters.iter().map(|cluster| cluster.recent).sum(),
        beginner: sum(SkillLevel::Beginner),
        advanced: sum(SkillLevel::Advanced),
        concepts: bank.concepts.clone(),
        clusters: Vec::new(),
    }
}

/// Clusters as one ground, with the concepts of the first.
fn together<'a>(subject: String, clusters: &[&Cluster<'a>]) -> Ground<'a> {
    let sum = |of: fn(&Cluster<'_>) -> u32| clusters.iter().map(|cluster| of(cluster)).sum();
    Ground {
        subject,
        documents: sum(|cluster| cluster.documents),
        recent: sum(|cluster| cluster.recent),
        beginner: sum(|cluster| cluster.beginner),
        advanced: sum(|cluster| cluster.advanced),
        concepts: clusters.first().map(|cluster| cluster.concepts.clone()).unwrap_or_default(),
        clusters: clusters.iter().map(|cluster| cluster.id).collect(),
    }
}

/// The two most frequent concepts of a category.
fn alternatives<'a>(bank: &Bank<'a>, category: Category) -> Option<Ground<'a>> {
    let of_category =
        bank.concepts.iter().filter(|concept| concept.category == category && concept.documents >= FEWEST);
    let concepts: Vec<Concept<'a>> = of_category.take(2).cloned().collect();
    let [one, other] = concepts.as_slice() else { return None };
    Some(Ground {
        subject: format!("{} and {}", one.name, other.name),
        documents: one.documents + other.documents,
        recent: 0,
        beginner: 0,
        advanced: 0,
        concepts,
        clusters: Vec::new(),
    })
}

/// The pairs of clusters that share most concepts, of which neither is in most clusters anyway.
fn bridges<'a>(bank: &Bank<'a>) -> Vec<Ground<'a>> {
    let mut clusters_with: BTreeMap<&str, usize> = BTreeMap::new();
    for concept in bank.clusters.iter().flat_map(|cluster| &cluster.concepts) {
        *clusters_with.entry(concept.key).or_default() += 1;
    }
    let is_telling = |concept: &&Concept<'_>| clusters_with[concept.key] * 2 <= bank.clusters.len().max(4);
    let mut bridges = Vec::new();
    for (at, one) in bank.clusters.iter().enumerate() {
        for other in &bank.clusters[at + 1..] {
            let shared = one.concepts.iter().filter(is_telling).filter(|concept| other.has(concept.key));
            let shared: Vec<Concept<'a>> = shared.cloned().collect();
            if shared.len() >= FEWEST_SHARED {
                let ground = together(format!("“{}” and “{}”", one.name, other.name), &[one, other]);
                bridges.push(Ground { concepts: shared, ..ground });
            }
        }
    }
    bridges.sort_by_key(|ground| std::cmp::Reverse(ground.concepts.len()));
    bridges.truncate(MOST_PAIRS);
    bridges
}

impl Cluster<'_> {
    fn has(&self, key: &str) -> bool {
        self.concepts.iter().any(|concept| concept.key == key)
    }
}

//! What could be built from the knowledge in a workspace: archetypes of projects, each held against what its documents are
//! about. Rules only: whoever wonders why something is suggested finds it in the reasons.

mod archetypes;
mod grounds;
mod needs;

use archetypes::Archetype;
use events::Category;
use events::document::SkillLevel;
use grounds::Ground;
use needs::{Of, Rating};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Fewest documents and concepts of which anything can be said.
pub const FEWEST_DOCUMENTS: u32 = 3;
/// See [`FEWEST_DOCUMENTS`].
pub const FEWEST_CONCEPTS: usize = 5;
/// Most suggestions of one kind, and about one cluster, so that a list has something for everybody.
const MOST_OF_KIND: usize = 2;
const MOST_OF_CLUSTER: usize = 3;
/// Most concepts by which a suggestion's documents are found, and clusters that it names.
const MOST_CONCEPTS: usize = 12;
const MOST_CLUSTERS: usize = 5;
/// What a project that wants everything to be learned costs, in times of its usual effort.
const ALL_NEW: f32 = 2.0;

/// A concept of the workspace or of a cluster.
#[derive(Clone, Debug)]
pub struct Concept<'a> {
    /// Its key.
    pub key: &'a str,
    /// How it is written.
    pub name: &'a str,
    /// What sort of thing it names.
    pub category: Category,
    /// How many documents have it, of those that are spoken of.
    pub documents: u32,
}

/// A cluster of the workspace.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: &'a str,
    /// How many documents stand in it.
    pub documents: u32,
    /// How many of those came lately.
    pub recent: u32,
    /// How many of those are for beginners.
    pub beginner: u32,
    /// How many of those are for the advanced.
    pub advanced: u32,
    /// Its concepts, the most frequent first.
    pub concepts: Vec<Concept<'a>>,
}

/// A workspace: what there is to build from.
#[derive(Clone, Debug, Default)]
pub struct Bank<'a> {
    /// Documents in use.
    pub documents: u32,
    /// Its concepts, the most frequent first.
    pub concepts: Vec<Concept<'a>>,
    /// Its clusters, the largest first.
    pub clusters: Vec<Cluster<'a>>,
}

/// Something that could be built.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// Which archetype it is of; never changes its meaning.
    pub kind: &'static str,
    /// What it would be.
    pub title: String,
    /// What it would be for.
    pub description: String,
    /// How much of what it needs is there, 0 to 1.
    pub feasibility: f32,
    /// Why it is feasible: what is there.
    pub reasons: Vec<String>,
    /// Days of one person.
    pub days: u32,
    /// What whoever builds it must be able to do.
    pub required_skills: Vec<Skill>,
    /// What the workspace says too little about, or nothing.
    pub missing_knowledge: Vec<String>,
    /// Keys of the concepts that it is made of, the most frequent first.
    pub concepts: Vec<String>,
    /// Clusters that it is made of.
    pub clusters: Vec<Uuid>,
    /// Whether its documents are those of its clusters only.
    pub is_of_clusters: bool,
    /// What to begin with, in order.
    pub steps: Vec<String>,
}

/// Something that somebody must be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// How many occurrences of its concepts the documents have; 0 for what nobody learns from documents alone.
    pub documents: u32,
    /// Concepts of the workspace that belong to it; at most three.
    pub concepts: Vec<String>,
}

/// What could be built, the most promising first; and what is missing, in words, when there is too little for anything.
#[must_use]
pub fn suggest(bank: &Bank<'_>, most: usize) -> (Vec<Suggestion>, Vec<String>) {
    let too_little = too_little(bank);
    if !too_little.is_empty() {
        return (Vec::new(), too_little);
    }
    let (mut found, mut missed) = (Vec::new(), Vec::new());
    for archetype in archetypes::all() {
        for ground in grounds::of(bank, archetype.scope) {
            match judge(bank, archetype, &ground) {
                Ok(suggestion) => found.push((promise(&suggestion, &ground), suggestion)),
                Err(miss) => missed.push(miss),
            }
        }
    }
    found.sort_by(|(promise, one), (other, another)| {
        other.total_cmp(promise).then_with(|| (one.kind, &one.title).cmp(&(another.kind, &another.title)))
    });
    let chosen = varied(found.into_iter().map(|(_, suggestion)| suggestion), most);
    let missing = if chosen.is_empty() { nearest(missed) } else { Vec::new() };
    (chosen, missing)
}

fn too_little(bank: &Bank<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if bank.documents < FEWEST_DOCUMENTS {
        missing.push(format!("at least {FEWEST_DOCUMENTS} documents; there are {}", bank.documents));
    }
    if bank.concepts.len() < FEWEST_CONCEPTS {
        missing.push(format!("documents about at least {FEWEST_CONCEPTS} concepts; there are {}", bank.concepts.len()));
    }
    missing
}

/// What keeps an archetype from being suggested, and how near it came.
struct Miss {
    feasibility: f32,
    title: &'static str,
    missing: Vec<String>,
}

/// Holds an archetype against what there is: a suggestion if everything essential is there.
fn judge(bank: &Bank<'_>, archetype: &Archetype, ground: &Ground<'_>) -> Result<Suggestion, Miss> {
    let ratings: Vec<Rating> = archetype.needs.iter().map(|need| needs::rate(need, ground)).collect();
    let weights = archetype.needs.iter().map(|need| if need.is_essential { 2.0 } else { 1.0 });
    let (mut covered, mut all) = (0.0, 0.0);
    for (rating, weight) in ratings.iter().zip(weights) {
        covered += rating.coverage * weight;
        all += weight;
    }
    let feasibility = covered / f32::max(all, 1.0);
    let essential = || archetype.needs.iter().zip(&ratings).filter(|(need, _)| need.is_essential);
    let missing: Vec<String> = ratings.iter().filter_map(|rating| rating.missing.clone()).collect();
    if essential().any(|(_, rating)| !rating.is_enough) {
        let missing = essential().filter_map(|(_, rating)| rating.missing.clone()).collect();
        return Err(Miss { feasibility, title: archetype.name, missing });
    }
    let heads: Vec<&str> = essential().filter_map(|(_, rating)| rating.names.first().map(String::as_str)).collect();
    let fill = |text: &str| filled(text, &ground.subject, &heads);
    let concepts = concepts(ground, &ratings);
    let clusters = match ground.clusters.is_empty() {
        true => clusters(bank, &concepts),
        false => ground.clusters.clone(),
    };
    Ok(Suggestion {
        kind: archetype.kind,
        title: fill(archetype.title),
        description: fill(archetype.description),
        feasibility,
        reasons: ratings.iter().filter_map(|rating| rating.reason.clone()).collect(),
        days: (archetype.days as f32 * (ALL_NEW - (ALL_NEW - 1.0) * feasibility)).round() as u32,
        required_skills: skills(archetype, ground, &ratings),
        missing_knowledge: missing,
        concepts,
        clusters,
        is_of_clusters: !ground.clusters.is_empty(),
        steps: archetype.steps.iter().map(|step| fill(step)).collect(),
    })
}

/// What must be known, with what the workspace knows of it; then what is learned by doing.
fn skills(archetype: &Archetype, ground: &Ground<'_>, ratings: &[Rating]) -> Vec<Skill> {
    let of_needs = archetype.needs.iter().zip(ratings).filter(|(need, _)| matches!(need.of, Of::Knowledge { .. }));
    let mut skills: Vec<Skill> = of_needs
        .map(|(need, rating)| Skill {
            name: need.what.to_owned(),
            documents: rating.documents,
            concepts: rating.names.clone(),
        })
        .collect();
    if skills.is_empty() {
        let of_ground = ground.concepts.iter().take(3).map(|concept| Skill {
            name: concept.name.to_owned(),
            documents: concept.documents,
            concepts: vec![concept.name.to_owned()],
        });
        skills.extend(of_ground);
    }
    let crafts = archetype.crafts.iter();
    skills.extend(crafts.map(|craft| Skill { name: (*craft).to_owned(), documents: 0, concepts: Vec::new() }));
    skills
}

/// The concepts that a suggestion is made of: those that meet its needs, or those of its ground.
fn concepts(ground: &Ground<'_>, ratings: &[Rating]) -> Vec<String> {
    let met: BTreeSet<&str> = ratings.iter().flat_map(|rating| rating.keys.iter().map(String::as_str)).collect();
    let concepts = ground.concepts.iter().filter(|concept| met.is_empty() || met.contains(concept.key));
    concepts.take(MOST_CONCEPTS).map(|concept| concept.key.to_owned()).collect()
}

/// Clusters that have most of some concepts among their own.
fn clusters(bank: &Bank<'_>, concepts: &[String]) -> Vec<Uuid> {
    let wanted: BTreeSet<&str> = concepts.iter().map(String::as_str).collect();
    let shared = |cluster: &Cluster<'_>| {
        cluster
            .concepts
            .iter()
            .filter(|concept| wanted.contains(concept.key))
            .map(|concept| concept.documents)
            .sum::<u32>()
    };
    let mut clusters: Vec<(u32, Uuid)> =
        bank.clusters.iter().map(|cluster| (shared(cluster), cluster.id)).filter(|(shared, _)| *shared > 0).collect();
    clusters.sort_by_key(|(shared, id)| (std::cmp::Reverse(*shared), *id));
    clusters.into_iter().take(MOST_CLUSTERS).map(|(_, id)| id).collect()
}

/// A template with its subject and the concepts that meet its essential needs.
fn filled(template: &str, subject: &str, heads: &[&str]) -> String {
    let mut text = template.replace("{subject}", subject);
    for (at, head) in heads.iter().enumerate() {
        text = text.replace(&format!("{{{at}}}"), head);
    }
    text
}

/// By what suggestions are ordered: what is feasible first, and of that what more documents speak of.
fn promise(suggestion: &Suggestion, ground: &Ground<'_>) -> f32 {
    let documents = ground.documents as f32;
    suggestion.feasibility * (documents / (documents + 5.0))
}

/// The first of each kind and cluster.
fn varied(found: impl Iterator<Item = Suggestion>, most: usize) -> Vec<Suggestion> {
    let (mut kinds, mut clusters) = (BTreeMap::<&str, usize>::new(), BTreeMap::<Uuid, usize>::new());
    let mut chosen: Vec<Suggestion> = Vec::new();
    for suggestion in found {
        let of_kind = kinds.entry(suggestion.kind).or_default();
        let is_crowded = |id: &Uuid| clusters.get(id).is_some_and(|there| *there >= MOST_OF_CLUSTER);
        if *of_kind >= MOST_OF_KIND || (suggestion.is_of_clusters && suggestion.clusters.iter().any(is_crowded)) {
            continue;
        }
        *of_kind += 1;
        if suggestion.is_of_clusters {
            suggestion.clusters.iter().for_each(|id| *clusters.entry(*id).or_default() += 1);
        }
        chosen.push(suggestion);
        if chosen.len() >= most {
            break;
        }
    }
    chosen
}

/// In words, what keeps the three archetypes from being suggested that came nearest.
fn nearest(mut missed: Vec<Miss>) -> Vec<String> {
    missed.sort_by(|one, other| other.feasibility.total_cmp(&one.feasibility).then(one.title.cmp(other.title)));
    missed.dedup_by_key(|miss| miss.title);
    missed.iter().take(3).map(|miss| format!("for {}: {}", miss.title, miss.missing.join("; "))).collect()
}

/// How much work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Up to a week.
    Small,
    /// Up to a month.
    Medium,
    /// More.
    Large,
}

impl Suggestion {
    /// How much work it is, for one person.
    #[must_use]
    pub const fn effort(&self) -> Effort {
        match self.days {
            0..=5 => Effort::Small,
            6..=20 => Effort::Medium,
            21.. => Effort::Large,
        }
    }
}

impl Cluster<'_> {
    /// Documents of a level.
    const fn of_level(&self, level: SkillLevel) -> u32 {
        match level {
            SkillLevel::Beginner => self.beginner,
            SkillLevel::Advanced => self.advanced,
            SkillLevel::Unknown | SkillLevel::Intermediate => 0,
        }
    }
}

#[cfg(test)]
mod tests;

//! Which concepts hold of a document: what was found, proposed and added, less what users removed, merged or suppressed.
//! A function of the document and of the workspace's decisions, and of nothing else.

use super::document::{Added, Document};
use super::vocabulary::Vocabulary;
use analysis::concepts::{self, Concept};
use events::Category;
use std::collections::BTreeMap;

/// Confidence of what a user said.
const CERTAIN: f32 = 1.0;

/// A concept that holds of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) category: Category,
    pub(super) confidence: f32,
    pub(super) occurrences: i32,
    /// Start, end, start, end, in characters.
    pub(super) places: Vec<i32>,
    pub(super) origin: Origin,
}

/// Who says that a concept holds, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Analysis,
    Model,
    User,
}

impl Origin {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Model => "model",
            Self::User => "user",
        }
    }
}

/// The concepts of a document by their keys; none in the trash.
pub(super) fn concepts(document: &Document, vocabulary: &Vocabulary) -> BTreeMap<String, Held> {
    let mut held = BTreeMap::new();
    if document.is_trashed {
        return held;
    }
    let found = document.findings.concepts.iter().map(|concept| (concept.key.clone(), Held::found(concept)));
    let proposed = document.assessment.iter().flat_map(|assessment| &assessment.concepts).map(|proposed| {
        let said = Held::said(&proposed.name, proposed.category, proposed.confidence.clamp(0.0, 1.0), Origin::Model);
        (concepts::key(&proposed.name), said)
    });
    for (key, concept) in found.chain(proposed) {
        let canonical = vocabulary.canonical(&key);
        let keys = [key.as_str(), canonical];
        let is_suppressed = keys.into_iter().any(|key| vocabulary.is_suppressed(key));
        if !key.is_empty() && !is_suppressed && !document.is_removed(keys, 0) {
            hold(&mut held, canonical, concept);
        }
    }
    for Added { concept, sequence } in &document.added {
        let key = concepts::key(&concept.name);
        let canonical = vocabulary.canonical(&key);
        let category = concept.category.unwrap_or_else(|| analysis::category::of(&concept.name));
        if !key.is_empty() && !document.is_removed([&key, canonical], *sequence) {
            hold(&mut held, canonical, Held::said(&concept.name, category, CERTAIN, Origin::User));
        }
    }
    held
}

fn hold(held: &mut BTreeMap<String, Held>, key: &str, concept: Held) {
    match held.get_mut(key) {
        Some(there) => there.join(concept),
        None => drop(held.insert(key.to_owned(), concept)),
    }
}

impl Held {
    fn found(concept: &Concept) -> Self {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            name: concept.name.clone(),
            category: concept.category,
            confidence: concept.confidence,
            occurrences: number(concept.occurrences),
            places: concept.places.iter().flat_map(|place| [number(place.start), number(place.end)]).collect(),
            origin: Origin::Analysis,
        }
    }

    fn said(name: &str, category: Category, confidence: f32, origin: Origin) -> Self {
        Self { name: name.to_owned(), category, confidence, occurrences: 0, places: Vec::new(), origin }
    }

    /// The same concept, found twice under different names.
    fn join(&mut self, other: Self) {
        self.confidence = self.confidence.max(other.confidence);
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        let places = self.places.chunks_exact(2).chain(other.places.chunks_exact(2));
        let mut places: Vec<[i32; 2]> = places.map(|place| [place[0], place[1]]).collect();
        places.sort_unstable();
        places.truncate(concepts::MOST_PLACES);
        self.places = places.into_flattened();
        self.origin = self.origin.max(other.origin);
    }
}

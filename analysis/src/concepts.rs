//! Concepts: the phrases that say what a text is about. Runs of words without grammar are candidates (as in RAKE, Rose et al.
//! 2010), kept to what a small lexicon takes for nouns and their modifiers, and weighed by where they first stand, how
//! often they occur and how long they are; well-known names count wherever they stand.

mod acronyms;
mod candidates;
mod key;
mod score;
mod surface;

pub use key::key;
pub(crate) use key::squashed;

use crate::language::Language;
use crate::words::Words;
use candidates::Candidates;
use events::concept::Category;
use serde::{Deserialize, Serialize};

/// Most concepts of a document.
pub const MOST: usize = 20;
/// Most concepts of a short text.
const FEWEST: usize = 10;
/// Places of a concept that are told: the first.
pub const MOST_PLACES: usize = 5;

/// Something that a document is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// What its variants have in common: see [`key`].
    pub key: String,
    /// How it is written.
    pub name: String,
    /// What sort of thing it names.
    pub category: Category,
    /// How sure it is that the document is about it, 0 to 1.
    pub confidence: f32,
    /// How often it occurs.
    pub occurrences: u32,
    /// Where, first of all in the body; none for what stands in the title alone.
    pub places: Vec<Place>,
}

/// Where a concept stands: characters (Unicode scalar values) from the beginning of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The first character.
    pub start: u32,
    /// The character after the last.
    pub end: u32,
}

/// The concepts of a text, the best first, and the acronyms that it explains: keys of the short and the long form.
pub(crate) fn extract(words: &Words<'_>, language: Language) -> (Vec<Concept>, Vec<(String, String)>) {
    let mut candidates = Candidates::of(words, language);
    let acronyms = acronyms::join(words, &mut candidates);
    (score::best(words, candidates), acronyms)
}

#[cfg(test)]
mod tests;

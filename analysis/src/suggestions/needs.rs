//! What an archetype needs, and how much of it there is.

use super::Concept;
use super::grounds::Ground;
use events::Category;

/// Occurrences of concepts from which a piece of knowledge is there, and from which nothing is said to be missing.
const ENOUGH: u32 = 1;
const PLENTY: u32 = 3;
/// Most names of concepts in a reason.
const MOST_NAMES: usize = 3;

/// Something that an archetype needs.
pub(super) struct Need {
    /// In words.
    pub(super) what: &'static str,
    /// Whether it is not suggested without it.
    pub(super) is_essential: bool,
    pub(super) of: Of,
}

/// What it is that is needed.
pub(super) enum Of {
    /// Concepts of some categories, or with one of some words in their names.
    Knowledge { categories: &'static [Category], words: &'static [&'static str] },
    /// So many documents.
    Documents(u32),
    /// So many documents that came lately.
    Recent(u32),
    /// So many documents for beginners.
    Beginner(u32),
    /// So many documents for the advanced.
    Advanced(u32),
    /// So many concepts.
    Concepts(u32),
}

/// How much there is of what is needed.
#[derive(Debug, Default)]
pub(super) struct Rating {
    /// 0 to 1.
    pub(super) coverage: f32,
    /// Whether that is enough to begin.
    pub(super) is_enough: bool,
    /// Occurrences of the concepts in documents.
    pub(super) documents: u32,
    /// Names of the concepts that meet the need, the most frequent first, and keys of all.
    pub(super) names: Vec<String>,
    pub(super) keys: Vec<String>,
    /// In words, what is there, and what is missing.
    pub(super) reason: Option<String>,
    pub(super) missing: Option<String>,
}

/// How much of a need a ground meets.
pub(super) fn rate(need: &Need, ground: &Ground<'_>) -> Rating {
    let concepts = u32::try_from(ground.concepts.len()).unwrap_or(u32::MAX);
    match need.of {
        Of::Knowledge { categories, words } => knowledge(need.what, categories, words, ground),
        Of::Documents(wanted) => number(ground.documents, wanted, need.what),
        Of::Recent(wanted) => number(ground.recent, wanted, need.what),
        Of::Beginner(wanted) => number(ground.beginner, wanted, need.what),
        Of::Advanced(wanted) => number(ground.advanced, wanted, need.what),
        Of::Concepts(wanted) => number(concepts, wanted, need.what),
    }
}

fn number(there: u32, wanted: u32, what: &str) -> Rating {
    let is_enough = there >= wanted;
    Rating {
        coverage: (there as f32 / wanted.max(1) as f32).min(1.0),
        is_enough,
        reason: is_enough.then(|| format!("{there} {what}")),
        missing: (!is_enough).then(|| format!("at least {wanted} {what}; there are {there}")),
        ..Rating::default()
    }
}

fn knowledge(what: &str, categories: &[Category], words: &[&str], ground: &Ground<'_>) -> Rating {
    let meets = |concept: &&Concept<'_>| categories.contains(&concept.category) || has_word(concept.name, words);
    let concepts: Vec<&Concept<'_>> = ground.concepts.iter().filter(meets).collect();
    let documents = concepts.iter().map(|concept| concept.documents).fold(0_u32, u32::saturating_add);
    let names: Vec<String> = concepts.iter().take(MOST_NAMES).map(|concept| concept.name.to_owned()).collect();
    let reason = (documents >= ENOUGH).then(|| format!("{what}: {}", names.join(", ")));
    let missing = match documents {
        0 => Some(format!("{what}: nothing yet")),
        1..PLENTY => Some(format!("{what}: little so far, only {}", names.join(", "))),
        PLENTY.. => None,
    };
    Rating {
        coverage: documents as f32 / (documents as f32 + 1.0),
        is_enough: documents >= ENOUGH,
        documents,
        names,
        keys: concepts.iter().map(|concept| concept.key.to_owned()).collect(),
        reason,
        missing,
    }
}

/// Whether a name has one of some words, in the singular or the plural.
fn has_word(name: &str, words: &[&str]) -> bool {
    let lower = name.to_lowercase();
    lower
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| words.iter().any(|wanted| word == *wanted || word.strip_suffix('s') == Some(wanted)))
}

//! The kinds of projects that are suggested. A template says `{subject}` for what it is held against, and `{0}`, `{1}` for
//! the most frequent concepts that meet its first and second essential need.

mod programs;
mod systems;
mod writing;

use super::grounds::Scope;
use super::needs::{Need, Of};
use events::Category;

/// A kind of project.
pub(super) struct Archetype {
    /// Its name for programs.
    pub(super) kind: &'static str,
    /// Its name for people, within a sentence.
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Days of one person who knows everything that is needed.
    pub(super) days: u32,
    pub(super) needs: &'static [Need],
    /// What is learned by doing.
    pub(super) crafts: &'static [&'static str],
    pub(super) steps: &'static [&'static str],
}

const fn essential(what: &'static str, of: Of) -> Need {
    Need { what, is_essential: true, of }
}

const fn helpful(what: &'static str, of: Of) -> Need {
    Need { what, is_essential: false, of }
}

const fn knowledge(categories: &'static [Category], words: &'static [&'static str]) -> Of {
    Of::Knowledge { categories, words }
}

const LANGUAGE: Of = knowledge(&[Category::Language], &[]);
const STORE: Of = knowledge(&[Category::Database], &["database", "storage", "warehouse"]);
const OPERATIONS: Of = knowledge(&[Category::Devops, Category::Platform], &["deployment", "container", "cloud"]);
const TESTING: Of = knowledge(&[Category::Testing], &["test", "testing"]);
const MONITORING: Of = knowledge(&[], &["monitoring", "metric", "observability", "tracing", "alert", "logging"]);
const DOCUMENTS: &str = "documents";
const CONCEPTS: &str = "concepts";
const FOR_BEGINNERS: &str = "documents for beginners";
const FOR_THE_ADVANCED: &str = "documents for the advanced";

/// Every kind, technical ones first.
pub(super) fn all() -> impl Iterator<Item = &'static Archetype> {
    systems::ARCHETYPES.iter().chain(programs::ARCHETYPES).chain(writing::ARCHETYPES)
}

//! Text in, concepts, clusters and resemblances out: pure functions that give the same answer for the same input, on any
//! machine, in any run. No I/O, no clock, no randomness, no model to download.

pub mod agreement;
pub mod aliases;
mod analyse;
pub mod category;
mod cjk;
pub mod clusters;
mod code;
pub mod concepts;
mod dictionary;
pub mod graph;
mod intern;
mod language;
mod level;
mod lexicon;
pub mod memo;
pub mod naming;
pub mod near;
mod stem;
mod subject;
pub mod suggestions;
pub mod words;

pub use analyse::analyse;

use concepts::Concept;
use events::document::SkillLevel;
use serde::{Deserialize, Serialize};

/// Changes whenever the same text could give another [`Analysis`]: what is remembered under another number is not used.
pub const VERSION: u32 = 1;

/// What is analysed.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The document's title.
    pub title: &'a str,
    /// Its text.
    pub body: &'a str,
    /// Its media type, such as `text/markdown`.
    pub media_type: &'a str,
    /// Name of the file that it came from, if any: tells code from prose.
    pub file_name: Option<&'a str>,
}

/// What one text says, whatever stands beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// ISO 639-1 code of the language it is written in, or `und`.
    pub language: String,
    /// Name of the programming language, if it is code.
    pub code: Option<String>,
    /// How much a reader must know already.
    pub skill_level: SkillLevel,
    /// Its concepts, best first, at most [`concepts::MOST`].
    pub concepts: Vec<Concept>,
    /// Acronyms that the text itself explains: keys of the short and of the long form.
    pub acronyms: Vec<(String, String)>,
    /// Its most frequent words that name things, at most twelve.
    pub words: Vec<String>,
    /// What it is about, for clustering.
    pub vector: clusters::Vector,
    /// Its wording, for finding near duplicates.
    pub sketch: near::Sketch,
}

impl Analysis {
    /// What is found in a text without words.
    #[must_use]
    pub fn nothing() -> Self {
        analyse(&Text { title: "", body: "", media_type: "text/plain", file_name: None })
    }
}

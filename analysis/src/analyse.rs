//! The whole analysis of one text: its words are read once, and everything is made from them.

use crate::concepts::{self, Concept};
use crate::near::Sketch;
use crate::subject::Subject;
use crate::words::Words;
use crate::{Analysis, Text, category, code, language, level};
use std::borrow::Cow;

/// Endings of files' names that documents have; those of code say a language.
const ENDINGS: [&str; 18] = [
    "adoc", "csv", "doc", "docx", "eml", "epub", "htm", "html", "json", "log", "markdown", "md", "odt", "pdf", "rst",
    "rtf", "text", "txt",
];
/// How sure it is that a file of code is about its language.
const CODE: f32 = 0.6;

/// Analyses a text. The same text gives the same analysis, on any machine.
#[must_use]
pub fn analyse(text: &Text<'_>) -> Analysis {
    let programming = code::language(text.file_name);
    let body = match programming {
        Some(programming) => Cow::Owned(code::prose(programming, text.body)),
        None => Cow::Borrowed(text.body),
    };
    let is_markdown = text.media_type.starts_with("text/markdown") && programming.is_none();
    let words = Words::of(without_ending(text.title), &body, is_markdown);
    let language = language::of(&words);
    let (mut concepts, acronyms) = concepts::extract(&words, language);
    if let Some(programming) = programming {
        add_language(&mut concepts, programming);
        // Places would be those of the prose that was made of the code.
        concepts.iter_mut().for_each(|concept| concept.places.clear());
    }
    let subject = Subject::of(&words, language);
    Analysis {
        language: language.code.to_owned(),
        code: programming.map(str::to_owned),
        skill_level: level::level(&words),
        concepts,
        acronyms,
        words: subject.words,
        vector: subject.vector,
        sketch: Sketch::of(words.tokens()),
    }
}

/// A title without the ending of a file's name, which says nothing about what is in it.
fn without_ending(title: &str) -> &str {
    match title.trim_end().rsplit_once('.') {
        Some((name, ending)) if ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) => name,
        Some(_) | None => title,
    }
}

fn add_language(concepts: &mut Vec<Concept>, name: &str) {
    let key = concepts::key(name);
    concepts.retain(|concept| concept.key != key);
    concepts.truncate(concepts::MOST - 1);
    let at = concepts.partition_point(|concept| concept.confidence >= CODE);
    let category = category::of(name);
    let concept =
        Concept { key, name: name.to_owned(), category, confidence: CODE, occurrences: 0, places: Vec::new() };
    concepts.insert(at, concept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_s_name_is_no_concept() {
        let keys = |title: &str| -> Vec<String> {
            let text = Text { title, body: "Bread needs time.", media_type: "text/plain", file_name: None };
            analyse(&text).concepts.into_iter().map(|concept| concept.key).collect()
        };
        assert!(!keys("0003.txt").iter().any(|key| key.contains("txt")), "{:?}", keys("0003.txt"));
        assert_eq!(without_ending("Sourdough Bread.PDF"), "Sourdough Bread");
        assert_eq!(without_ending("Node.js"), "Node.js");
    }
}

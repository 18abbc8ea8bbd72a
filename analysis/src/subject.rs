//! What a text is about, by its words: their stems for clustering, and the most frequent of them for people.

use crate::clusters::{Vector, term};
use crate::language::Language;
use crate::lexicon::Class;
use crate::stem::{Stems, singular};
use crate::words::{Gap, Place, Words};
use std::cmp::Reverse;

/// A word of the title or a heading counts so often.
const TITLE: u32 = 2;
/// Most words for people.
const MOST: usize = 12;

/// The words of a text that are about something.
pub(crate) struct Subject {
    /// Their stems.
    pub(crate) vector: Vector,
    /// The most frequent that name things, of equals the first, each once.
    pub(crate) words: Vec<String>,
}

/// How often a different word occurs, and where first as a text writes it without need.
#[derive(Clone, Default)]
struct Counted {
    count: u32,
    place: Option<u32>,
}

impl Subject {
    pub(crate) fn of(words: &Words<'_>, language: Language) -> Self {
        let stems = Stems::of(if language.is_english() { "en" } else { language.code });
        let is_content = |id: u32| match language.is_english() {
            true => !matches!(words.entry(id).class, Class::Grammar | Class::Adverb),
            false => !language.is_grammar(words.entry(id)),
        };
        let term_of = |id: u32| {
            let word = words.different.get(id);
            let is_word = word.len() > 1 && word.chars().any(char::is_alphabetic) && is_content(id);
            is_word.then(|| term(&stems.stem(word)))
        };
        let terms: Vec<Option<u32>> = (0..).take(words.different.len()).map(term_of).collect();
        let mut met: Vec<u32> = Vec::with_capacity(words.words.len());
        let mut counted = vec![Counted::default(); terms.len()];
        for (at, word) in (0_u32..).zip(&words.words) {
            let Some(term) = terms[word.id as usize] else { continue };
            let times = if matches!(word.place, Place::Title | Place::Heading) { TITLE } else { 1 };
            met.extend((0..times).map(|_| term));
            let counted = &mut counted[word.id as usize];
            counted.count += times;
            if word.place == Place::Body && word.gap != Gap::Sentence {
                counted.place.get_or_insert(at);
            }
        }
        Self { vector: Vector::of_terms(met.into_iter()), words: frequent(words, language, &counted) }
    }
}

fn frequent(words: &Words<'_>, language: Language, counted: &[Counted]) -> Vec<String> {
    let is_english = language.is_english();
    let is_name = |id: u32| !is_english || words.entry(id).class == Class::Noun;
    let of = |id: &u32| &counted[*id as usize];
    let mut ranked: Vec<u32> = (0..counted.len() as u32).filter(|id| of(id).count > 0 && is_name(*id)).collect();
    ranked.sort_by_key(|id| Reverse(of(id).count));
    let mut frequent: Vec<String> = Vec::with_capacity(MOST);
    for id in ranked {
        let place = of(&id).place.map(|at| &words.words[at as usize]);
        let written = match place {
            Some(place) if place.is_capital || !is_english => words.text(place).to_owned(),
            Some(_) | None if is_english => singular(words.different.get(id)),
            Some(_) | None => words.different.get(id).to_owned(),
        };
        if frequent.len() == MOST {
            break;
        }
        if !frequent.contains(&written) {
            frequent.push(written);
        }
    }
    frequent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;

    fn words(title: &str, body: &str) -> Vec<String> {
        let words = Words::of(title, body, false);
        Subject::of(&words, language::of(&words)).words
    }

    #[test]
    fn the_most_frequent_words_are_told_as_they_are_written() {
        let found =
            words("Films", "The film of the year was shown. Labour said films, Labour and the BBC are of the people.");
        assert_eq!(found[..2], ["film", "Labour"]);
        assert!(found.contains(&"BBC".to_owned()) && !found.contains(&"the".to_owned()), "{found:?}");
        let long: String = (0..500).map(|at| format!("word{at} word{at} ")).collect();
        assert_eq!(words("", &long).len(), MOST);
        assert_eq!(words("", ""), Vec::<String>::new());
    }
}

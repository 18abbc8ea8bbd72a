//! How a concept is written: as the text writes it where no capital is owed to a sentence's beginning.

use super::candidates::{Candidate, is_proper};
use crate::words::{Gap, Place, Word, Words};

/// Letters of the longest name.
const LONGEST: usize = 100;

/// The name of a candidate.
pub(super) fn name(words: &Words<'_>, candidate: &Candidate) -> String {
    if let Some(name) = &candidate.name {
        return name.clone();
    }
    if let Some(known) = candidate.known {
        return known.name.to_owned();
    }
    let preference = |(first, last): &&(u32, u32)| {
        // An acronym's long form says more than its letters.
        let is_whole = (last - first) as usize + 1 >= candidate.length;
        let place = match words.words[*first as usize] {
            Word { place: Place::Body, gap, .. } if gap != Gap::Sentence => 0,
            Word { place: Place::Body, .. } => 1,
            Word { place: Place::Code, .. } => 2,
            Word { place: Place::Heading, .. } => 3,
            Word { place: Place::Title, .. } => 4,
        };
        (!is_whole, place)
    };
    let best = candidate.occurrences.iter().min_by_key(preference);
    let Some((first, last)) = best else { return candidate.key.clone() };
    let mut name = String::new();
    for at in *first as usize..=*last as usize {
        let word = &words.words[at];
        let text = words.text(word);
        if at > *first as usize {
            let before = &words.words[at - 1];
            let is_hyphen = before.end + 1 == word.start && words.between(before, word)[..].contains('-');
            name.push(if is_hyphen { '-' } else { ' ' });
        }
        let is_name = word.is_upper || text.chars().skip(1).any(char::is_uppercase);
        let is_titled = matches!(word.place, Place::Title | Place::Heading);
        // Where a sentence begins with a name, the capital of the next word tells.
        let is_begun = word.is_capital && at == *first as usize && at < *last as usize && is_proper(words, at + 1);
        if is_name || word.place == Place::Code || ((is_proper(words, at) || is_begun) && !is_titled) {
            name.push_str(text);
        } else {
            name.push_str(words.different.get(word.id));
        }
    }
    name.chars().take(LONGEST).collect()
}

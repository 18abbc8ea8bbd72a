//! Acronyms that a text explains: "natural language processing (NLP)", or the other way round. Both are one concept from
//! then on, named by the long form.

use super::candidates::Candidates;
use super::key;
use crate::words::{Gap, Word, Words};

/// Letters of an acronym.
const SHORTEST: usize = 2;
const LONGEST: usize = 6;
/// Acronyms of one text.
const MOST: usize = 50;

/// Joins acronyms with their long forms; keys of both.
pub(super) fn join(words: &Words<'_>, candidates: &mut Candidates) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for at in 0..words.words.len() {
        let Some((short, long)) = explained(words, at) else { continue };
        let long_name = words.between(&words.words[long.0], &words.words[long.1]);
        let (short_key, long_key) = (key(words.text(&words.words[short])), key(long_name));
        let is_new = pairs.iter().all(|(known, _)| *known != short_key);
        if pairs.len() >= MOST || !is_new || short_key == long_key || short_key.is_empty() || long_key.is_empty() {
            continue;
        }
        merge(candidates, &short_key, &long_key, long_name);
        pairs.push((short_key, long_key));
    }
    pairs
}

/// The acronym and the first and last word of the long form, if one explains the other at this word.
fn explained(words: &Words<'_>, at: usize) -> Option<(usize, (usize, usize))> {
    let word = &words.words[at];
    if word.gap != Gap::Phrase || !is_opened(words, word) {
        return None;
    }
    let letters = |word: &Word| words.text(word).trim_end_matches('s').len();
    if word.is_upper && (SHORTEST..=LONGEST).contains(&letters(word)) && is_closed(words, word) {
        let long = before(words, at, words.text(word))?;
        return Some((at, long));
    }
    let short = at.checked_sub(1).filter(|short| words.words[*short].is_upper)?;
    let initials = words.text(&words.words[short]);
    let last = (at..words.words.len().min(at + LONGEST + 3)).find(|end| is_closed(words, &words.words[*end]))?;
    (initials.len() >= SHORTEST && spells(words, at, last, initials)).then_some((short, (at, last)))
}

/// The words before an acronym whose first letters spell it.
fn before(words: &Words<'_>, at: usize, acronym: &str) -> Option<(usize, usize)> {
    let acronym = acronym.trim_end_matches('s');
    let last = at.checked_sub(1)?;
    let least = acronym.len() - 1;
    (least..least + 3)
        .filter_map(|length| last.checked_sub(length))
        .find(|first| {
            let is_together = words.words[first + 1..=last].iter().all(|word| word.gap == Gap::None);
            is_together && spells(words, *first, last, acronym)
        })
        .map(|first| (first, last))
}

/// Whether the first letters of some words spell an acronym; small words may be passed over, the first and last not.
fn spells(words: &Words<'_>, first: usize, last: usize, acronym: &str) -> bool {
    let mut letters = acronym.chars().map(|letter| letter.to_ascii_lowercase()).peekable();
    let mut is_last_met = false;
    for (at, word) in words.words[first..=last].iter().enumerate() {
        let initial = words.different.get(word.id).chars().next();
        is_last_met = letters.peek().copied() == initial && initial.is_some();
        if is_last_met {
            letters.next();
        } else if at == 0 || word.end - word.start > 3 {
            return false;
        }
    }
    is_last_met && letters.peek().is_none()
}

fn is_opened(words: &Words<'_>, word: &Word) -> bool {
    let text = if word.place == crate::words::Place::Title { words.title } else { words.body };
    word.start.checked_sub(1).is_some_and(|before| text.as_bytes().get(before as usize) == Some(&b'('))
}

fn is_closed(words: &Words<'_>, word: &Word) -> bool {
    let text = if word.place == crate::words::Place::Title { words.title } else { words.body };
    text.as_bytes().get(word.end as usize) == Some(&b')')
}

/// Makes two candidates one, under the key and the name of the long form.
fn merge(candidates: &mut Candidates, short: &str, long: &str, name: &str) {
    let Some(short) = candidates.find(short) else { return };
    let Some(long) = candidates.find(long) else {
        // The long form was no candidate of its own: the short one takes its place.
        let candidate = &mut candidates.list[short];
        long.clone_into(&mut candidate.key);
        candidate.name = Some(name.to_owned());
        candidate.length = candidate.length.max(2);
        return;
    };
    let taken = std::mem::take(&mut candidates.list[short].occurrences);
    let count = std::mem::take(&mut candidates.list[short].count);
    let candidate = &mut candidates.list[long];
    candidate.count += count;
    candidate.occurrences.extend(taken);
    candidate.occurrences.sort_unstable();
    candidates.list[short].length = 0;
}

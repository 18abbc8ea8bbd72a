//! Which candidates say most: early, often, of two or three words; and what contains them does not say it better.

use super::candidates::{Candidate, Candidates};
use super::{Concept, FEWEST, MOST, MOST_PLACES, Place, surface};
use crate::category;
use crate::words::{self, Words};

/// By the number of words: single ones are vague, long ones rarely names.
const BY_LENGTH: [f32; 5] = [0.0, 0.42, 1.0, 1.08, 0.9];
/// A single word that occurs once counts for less still.
const ONCE: f32 = 0.55;
const IN_TITLE: f32 = 1.5;
const IN_HEADING: f32 = 1.25;
/// A well-known name counts for at least as much as this.
const KNOWN: f32 = 1.0;
/// The score from which one is more sure than not.
const EVEN: f32 = 0.9;

/// The best candidates as concepts.
pub(super) fn best(words: &Words<'_>, candidates: Candidates) -> Vec<Concept> {
    let length = words.words.len().max(1) as f32;
    // Where verbs are not known, only what is repeated is known to belong together.
    let once = if candidates.is_rough { 0.4 } else { 1.0 };
    let mut scored: Vec<(f32, usize)> = candidates
        .list
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.count > 0)
        .map(|(at, candidate)| (score(candidate, length) * if candidate.count == 1 { once } else { 1.0 }, at))
        .collect();
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let most = most(words.words.len());
    let mut chosen: Vec<(f32, &Candidate)> = Vec::with_capacity(most);
    for (score, at) in scored {
        let candidate = &candidates.list[at];
        let is_said = chosen.iter().any(|(_, better)| says(better, candidate));
        if !is_said && chosen.len() < most {
            chosen.push((score, candidate));
        }
    }
    let mut places = Places::new(words.body);
    let concept = |(score, candidate): (f32, &Candidate)| {
        let name = surface::name(words, candidate);
        Concept {
            category: candidate.known.map_or_else(|| category::by_head(&name), |known| known.category),
            key: candidate.key.clone(),
            name,
            confidence: score / (score + EVEN),
            occurrences: candidate.count,
            places: places.of(words, candidate),
        }
    };
    chosen.into_iter().map(concept).collect()
}

/// How many concepts a text of so many words has at most: a longer one speaks of more, and tags that everything gets help
/// nobody.
fn most(words: usize) -> usize {
    (8 + words / 100).clamp(FEWEST, MOST)
}

/// Whether a better candidate says what a single word would: it contains it, and stands there for most of its occurrences.
fn says(better: &Candidate, candidate: &Candidate) -> bool {
    candidate.length == 1
        && better.length > 1
        && candidate.known.is_none()
        && better.key.contains(candidate.key.as_str())
        && candidate.count <= better.count
}

fn score(candidate: &Candidate, words: f32) -> f32 {
    let first = candidate.occurrences.first().map_or(0.0, |(first, _)| *first as f32);
    let early = 1.0 / (1.0 + 0.9 * first / words.max(60.0));
    let often = 1.0 + 0.55 * ((candidate.count as f32).sqrt() - 1.0);
    let mut by_length = BY_LENGTH[candidate.length.min(BY_LENGTH.len() - 1)];
    if candidate.length == 1 && candidate.count == 1 {
        by_length *= ONCE;
    }
    if candidate.known.is_some() {
        by_length = by_length.max(KNOWN);
    }
    let mut score = by_length * early * often;
    if candidate.is_in_title {
        score *= IN_TITLE;
    }
    if candidate.is_in_heading {
        score *= IN_HEADING;
    }
    score
}

/// Turns bytes into characters, going through the text once.
struct Places<'a> {
    text: &'a str,
    is_ascii: bool,
    /// Characters before every 256th byte, made when first needed.
    before: Vec<u32>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let text = &text[..text.floor_char_boundary(words::MOST_BYTES)];
        Self { text, is_ascii: text.is_ascii(), before: Vec::new() }
    }

    fn of(&mut self, words: &Words<'_>, candidate: &Candidate) -> Vec<Place> {
        let in_body = candidate
            .occurrences
            .iter()
            .map(|(first, last)| (&words.words[*first as usize], &words.words[*last as usize]))
            .filter(|(first, _)| first.place != words::Place::Title);
        let places: Vec<(u32, u32)> = in_body.take(MOST_PLACES).map(|(first, last)| (first.start, last.end)).collect();
        places
            .into_iter()
            .map(|(start, end)| Place { start: self.character(start), end: self.character(end) })
            .collect()
    }

    fn character(&mut self, byte: u32) -> u32 {
        const STEP: usize = 256;
        if self.is_ascii {
            return byte;
        }
        let starts = |bytes: &[u8]| bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count() as u32;
        if self.before.is_empty() {
            let mut count = 0;
            for chunk in self.text.as_bytes().chunks(STEP) {
                self.before.push(count);
                count += starts(chunk);
            }
        }
        let byte = byte as usize;
        let step = (byte / STEP).min(self.before.len().saturating_sub(1));
        self.before.get(step).copied().unwrap_or(0) + starts(&self.text.as_bytes()[step * STEP..byte])
    }
}

//! Candidates: runs of words that can be a name, and well-known names wherever they stand.

use super::key;
use crate::category::{self, Known, Letters};
use crate::intern::ByWord;
use crate::language::Language;
use crate::lexicon::Class;
use crate::words::{Gap, Place, Word, Words};

/// Words of the longest candidate.
pub(super) const LONGEST: usize = 4;
/// The same where the language's verbs are not known.
const ROUGH: usize = 3;
/// Different candidates of one text.
const MOST: usize = 5_000;
/// Occurrences of a candidate that are kept.
const MOST_OCCURRENCES: usize = 32;

/// A phrase that may be a concept.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) key: String,
    pub(super) known: Option<&'static Known>,
    /// How many words it has.
    pub(super) length: usize,
    pub(super) count: u32,
    /// The first and the last word of its first occurrences.
    pub(super) occurrences: Vec<(u32, u32)>,
    pub(super) is_in_title: bool,
    pub(super) is_in_heading: bool,
    /// The name that it is given, when it is not one of its own.
    pub(super) name: Option<String>,
}

/// The candidates of a text, in the order in which they first occur.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) list: Vec<Candidate>,
    /// Whether nothing is known of the language but its words of grammar: then every part of a run is a candidate.
    pub(super) is_rough: bool,
    by_key: ByWord<String, usize>,
    /// Which candidate a sequence of words is: its key is made once.
    by_words: ByWord<Vec<u32>, usize>,
}

/// What a word is good for, and whether a well-known name can begin with it.
struct Use {
    class: Class,
    is_start: bool,
}

impl Candidates {
    pub(super) fn of(words: &Words<'_>, language: Language) -> Self {
        let uses = uses(words, language);
        let mut candidates = Self { is_rough: !language.is_english(), ..Self::default() };
        let mut start = 0;
        while start < words.words.len() {
            let mut end = start + 1;
            while end < words.words.len() && words.words[end].gap == Gap::None {
                end += 1;
            }
            candidates.read_stretch(words, &uses, start, end);
            start = end;
        }
        candidates
    }

    /// Reads words between which nothing stands but spaces and hyphens.
    fn read_stretch(&mut self, words: &Words<'_>, uses: &[Use], start: usize, end: usize) {
        let of = |at: usize| &uses[words.words[at].id as usize];
        let mut at = start;
        let mut run = start;
        while at < end {
            if of(at).is_start
                && let Some((length, known)) = longest_known(words, at, end)
            {
                self.add_known(words, at, at + length - 1, known);
                // A name can be part of a longer one, such as "Rust compiler": the run goes on.
            }
            if matches!(of(at).class, Class::Grammar | Class::Verb | Class::Adverb) && !is_inside(words, at, end) {
                self.read_run(words, uses, run, at);
                run = at + 1;
            }
            at += 1;
        }
        self.read_run(words, uses, run, end);
    }

    /// Reads words that belong together.
    fn read_run(&mut self, words: &Words<'_>, uses: &[Use], mut start: usize, mut end: usize) {
        let class = |at: usize| uses[words.words[at].id as usize].class;
        while start < end && class(start) == Class::General {
            start += 1;
        }
        while end > start && class(end - 1) == Class::Modifier && end - start > 1 {
            end -= 1;
        }
        if start >= end || (end - start == 1 && class(start) != Class::Noun) {
            return;
        }
        if self.is_rough {
            for first in start..end {
                for last in first..end.min(first + ROUGH) {
                    self.add(words, first, last);
                }
            }
            return;
        }
        // The end of a long run says what it is.
        let start = start.max(end.saturating_sub(LONGEST));
        self.add(words, start, end - 1);
    }

    fn add_known(&mut self, words: &Words<'_>, first: usize, last: usize, known: &'static Known) {
        let is_name = match known.letters {
            Letters::Any => true,
            Letters::Capital => is_proper(words, first),
            Letters::Capitals => words.words[first].is_upper,
        };
        if is_name {
            let length = last + 1 - first;
            let at = self.with_key(&known.key, length);
            if let Some(candidate) = at.and_then(|at| self.list.get_mut(at)) {
                candidate.known = candidate.known.or(Some(known));
                candidate.meet(words, first, last);
            }
        }
    }

    fn add(&mut self, words: &Words<'_>, first: usize, last: usize) {
        let ids: Vec<u32> = words.words[first..=last].iter().map(|word| word.id).collect();
        let at = match self.by_words.get(&ids) {
            Some(at) => *at,
            None => {
                let lower = ids.iter().map(|id| words.different.get(*id)).collect::<Vec<_>>().join(" ");
                let key = key::of_lower(&lower);
                if key.is_empty() || (ids.len() == 1 && lower.chars().count() < 2) {
                    return;
                }
                let Some(at) = self.with_key(&key, ids.len()) else { return };
                self.by_words.insert(ids, at);
                at
            }
        };
        self.list[at].meet(words, first, last);
    }

    /// The candidate with a key, a new one if need be; `None` if there are too many.
    fn with_key(&mut self, key: &str, length: usize) -> Option<usize> {
        if let Some(at) = self.by_key.get(key) {
            return Some(*at);
        }
        let at = self.list.len();
        if at >= MOST {
            return None;
        }
        self.list.push(Candidate::new(key.to_owned(), length));
        self.by_key.insert(key.to_owned(), at);
        Some(at)
    }

    /// The candidate with a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }
}

impl Candidate {
    fn new(key: String, length: usize) -> Self {
        Self {
            key,
            known: None,
            length,
            count: 0,
            occurrences: Vec::new(),
            is_in_title: false,
            is_in_heading: false,
            name: None,
        }
    }

    fn meet(&mut self, words: &Words<'_>, first: usize, last: usize) {
        let occurrence = (first as u32, last as u32);
        // A well-known name is met as such and as a run.
        if self.occurrences.last() == Some(&occurrence) {
            return;
        }
        match words.words[first].place {
            Place::Title => self.is_in_title = true,
            Place::Heading => self.is_in_heading = true,
            Place::Body | Place::Code => {}
        }
        self.count += 1;
        if self.occurrences.len() < MOST_OCCURRENCES {
            self.occurrences.push(occurrence);
        }
    }
}

/// Whether hyphens join a word with both its neighbours, as in "out-of-print".
fn is_inside(words: &Words<'_>, at: usize, end: usize) -> bool {
    let is_joined = |at: usize| {
        let (before, word) = (&words.words[at - 1], &words.words[at]);
        before.end + 1 == word.start
            && words.between(before, word)[..].as_bytes()[(before.end - before.start) as usize] == b'-'
    };
    at > 0 && at + 1 < end && words.words[at].gap == Gap::None && is_joined(at) && is_joined(at + 1)
}

fn uses(words: &Words<'_>, language: Language) -> Vec<Use> {
    let use_of = |id: u32| {
        let entry = words.entry(id);
        let class = if language.is_english() {
            entry.class
        } else if language.is_grammar(entry) || words.different.get(id).bytes().all(|byte| byte.is_ascii_digit()) {
            Class::Grammar
        } else {
            Class::Noun
        };
        Use { class, is_start: entry.is_start }
    };
    (0..words.different.len() as u32).map(use_of).collect()
}

/// The longest well-known name that begins at a word, and how many words it has.
fn longest_known(words: &Words<'_>, at: usize, end: usize) -> Option<(usize, &'static Known)> {
    let mut name = String::new();
    let mut longest = None;
    for (length, word) in words.words[at..end.min(at + category::MOST_WORDS)].iter().enumerate() {
        if length > 0 {
            name.push(' ');
        }
        name.push_str(words.different.get(word.id));
        if let Some(known) = category::known(&name) {
            longest = Some((length + 1, known));
        }
    }
    longest
}

/// Whether a word is written as a name: with a capital where no sentence begins, or between backticks.
pub(super) fn is_proper(words: &Words<'_>, at: usize) -> bool {
    let word: &Word = &words.words[at];
    match word.place {
        Place::Code => true,
        Place::Title | Place::Heading => word.is_capital,
        Place::Body => word.is_capital && word.gap != Gap::Sentence,
    }
}

//! All that is known of single words, looked up once for each different word of a text.

use crate::category;
use crate::intern::ByWord;
use crate::language;
use crate::level;
use crate::lexicon::{self, Class};
use std::sync::LazyLock;

/// What is known of a word in lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// What it is good for in an English phrase.
    pub(crate) class: Class,
    /// Languages in which it is grammar, as bits.
    pub(crate) languages: u16,
    /// Whether it is a sign of a text for specialists, or of one for beginners.
    pub(crate) sign: Option<bool>,
    /// Whether a well-known name begins with it.
    pub(crate) is_start: bool,
}

static DICTIONARY: LazyLock<ByWord<&'static str, Entry>> = LazyLock::new(|| {
    let mut dictionary: ByWord<&'static str, Entry> = ByWord::default();
    let mut entry = |word: &'static str, change: &dyn Fn(&mut Entry)| {
        change(dictionary.entry(word).or_insert_with(|| Entry::of_unknown(word)));
    };
    for (word, class) in lexicon::list() {
        entry(word, &|entry| entry.class = class);
    }
    for (word, bit) in language::grammar() {
        entry(word, &|entry| entry.languages |= bit);
    }
    for (word, sign) in level::signs() {
        entry(word, &|entry| entry.sign = Some(sign));
    }
    for word in category::starts() {
        entry(word, &|entry| entry.is_start = true);
    }
    dictionary
});

impl Entry {
    fn of_unknown(word: &str) -> Self {
        Self { class: lexicon::by_form(word), languages: 0, sign: None, is_start: false }
    }
}

/// What is known of a word.
pub(crate) fn look_up(word: &str) -> Entry {
    DICTIONARY.get(word).copied().unwrap_or_else(|| Entry::of_unknown(word))
}

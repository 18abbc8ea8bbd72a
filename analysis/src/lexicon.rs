//! What English words are good for in a phrase: a small part-of-speech lexicon, completed by rules about endings.

use crate::intern::ByWord;
use crate::stem::ends;
use std::sync::LazyLock;

/// What a word can be in a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A word of grammar: ends a phrase.
    Grammar,
    /// A verb that names no thing: ends a phrase.
    Verb,
    /// An adverb: ends a phrase.
    Adverb,
    /// A word that says little by itself, such as "method" or "new": no phrase consists of such words.
    General,
    /// A participle or an adjective: does not end a name.
    Modifier,
    /// Anything else: most likely a noun.
    Noun,
}

/// The words whose class is known, each with it; the later of two holds.
pub(crate) fn list() -> ByWord<&'static str, Class> {
    let mut lexicon: ByWord<&'static str, Class> = ByWord::default();
    for verb in include_str!("language/en_verbs.txt").split_whitespace() {
        for form in forms(verb) {
            // A few thousand forms, made once and kept for as long as the program runs.
            lexicon.insert(form.leak(), Class::Verb);
        }
    }
    // These forms are nouns as often as verbs.
    for noun in NOUNS.split_whitespace() {
        lexicon.insert(noun, Class::Noun);
    }
    for word in include_str!("language/en_general.txt").split_whitespace() {
        lexicon.insert(word, Class::General);
        lexicon.insert(plural(word).leak(), Class::General);
    }
    for word in include_str!("language/en.txt").split_whitespace() {
        lexicon.insert(word, Class::Grammar);
    }
    lexicon
}

/// Forms that verbs share with nouns which name things, and participles that belong to names.
const NOUNS: &str = "state states force forces measure form play cover building run support display review work report \
    stem write move fit deal distributed embedded supervised unsupervised applied guided ordered weighted bounded \
    learning planning modelling modeling processing clustering testing programming computing engineering routing \
    scheduling switching filtering sampling tracking indexing training pricing marketing banking trading publishing \
    manufacturing reasoning parsing ranking matching mapping monitoring networking signaling signalling";

/// Adverbs by their ending that are none.
const NOT_ADVERBS: &str = "family supply assembly anomaly reply apply multiply monopoly butterfly italy friendly early \
    daily weekly monthly yearly only poly july rely fly ally";

static NOT_ADVERB: LazyLock<ByWord<&'static str, ()>> =
    LazyLock::new(|| NOT_ADVERBS.split_whitespace().map(|word| (word, ())).collect());

/// What an English word in lower case is good for that no list has, by its form.
pub(crate) fn by_form(word: &str) -> Class {
    let is_long = word.len() > 4;
    if is_long && word.ends_with("ly") && !NOT_ADVERB.contains_key(word) {
        return Class::Adverb;
    }
    if word.ends_with("'t") || word.ends_with("\u{2019}t") {
        return Class::Grammar;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',') {
        return Class::Grammar;
    }
    let is_modifier = ["ed", "ous", "ful", "ive", "able", "ible", "ic", "ical", "al", "less", "ary"]
        .iter()
        .any(|ending| word.len() > ending.len() + 2 && ends(word, ending));
    if is_modifier { Class::Modifier } else { Class::Noun }
}

fn forms(verb: &str) -> [String; 4] {
    let with_e = verb.strip_suffix('e');
    let with_y = verb.strip_suffix('y').filter(|rest| !rest.ends_with(['a', 'e', 'o', 'u']));
    let third = match with_y {
        Some(rest) => format!("{rest}ies"),
        None if verb.ends_with(['s', 'x']) || verb.ends_with("sh") || verb.ends_with("ch") => format!("{verb}es"),
        None => format!("{verb}s"),
    };
    let past = match (with_e, with_y) {
        (Some(rest), _) => format!("{rest}ed"),
        (None, Some(rest)) => format!("{rest}ied"),
        (None, None) => format!("{verb}ed"),
    };
    [verb.to_owned(), third, past, format!("{}ing", with_e.unwrap_or(verb))]
}

fn plural(word: &str) -> String {
    match word.strip_suffix('y').filter(|rest| !rest.ends_with(['a', 'e', 'o', 'u'])) {
        Some(rest) => format!("{rest}ies"),
        None if word.ends_with(['s', 'x']) || word.ends_with("ch") => format!("{word}es"),
        None => format!("{word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary;

    #[test]
    fn words_have_their_class() {
        for (word, expected) in [
            ("the", Class::Grammar),
            ("proposed", Class::General),
            ("describes", Class::Verb),
            ("quickly", Class::Adverb),
            ("assembly", Class::Noun),
            ("methods", Class::General),
            ("parallel", Class::Noun),
            ("statistical", Class::Modifier),
            ("3.14", Class::Grammar),
            ("wouldn't", Class::Grammar),
        ] {
            assert_eq!(dictionary::look_up(word).class, expected, "{word}");
        }
    }
}

//! Reducing a word to what its variants have in common: lightly for names, where only the plural goes, and further for
//! clustering.

use crate::cjk;
use rust_stemmers::{Algorithm, Stemmer};

/// Plurals that follow no rule, and words that only look like plurals.
fn irregular(word: &str) -> Option<&str> {
    Some(match word {
        "analyses" => "analysis",
        "children" => "child",
        "criteria" => "criterion",
        "feet" => "foot",
        "hypotheses" => "hypothesis",
        "indices" => "index",
        "lives" => "life",
        "matrices" => "matrix",
        "men" => "man",
        "mice" => "mouse",
        "phenomena" => "phenomenon",
        "synopses" => "synopsis",
        "theses" => "thesis",
        "vertices" => "vertex",
        "wives" => "wife",
        "women" => "woman",
        "data" | "media" | "news" | "people" | "series" | "species" => word,
        _ => return None,
    })
}

/// As [`str::ends_with`], looking at the last letter first: most words fail there.
pub(crate) fn ends(word: &str, ending: &str) -> bool {
    word.as_bytes().last() == ending.as_bytes().last() && word.ends_with(ending)
}

/// An English word in lower case, in the singular.
pub(crate) fn singular(word: &str) -> String {
    if let Some(one) = irregular(word) {
        return one.to_owned();
    }
    let stem = |ending: usize, with: &str| format!("{}{with}", &word[..word.len() - ending]);
    if !word.is_ascii() || word.len() < 4 || !word.ends_with('s') {
        return word.to_owned();
    }
    let is_kept = ["ss", "us", "is", "os", "ics", "js"].iter().any(|ending| ends(word, ending));
    if is_kept && !word.ends_with("eis") {
        return word.to_owned();
    }
    if word.ends_with("ies") && word.len() > 4 {
        return stem(3, "y");
    }
    if ["sses", "shes", "ches", "xes", "zzes"].iter().any(|ending| ends(word, ending)) {
        return stem(2, "");
    }
    stem(1, "")
}

/// Endings that go for clustering, the longest first, with what takes their place and how many letters must be left.
const ENDINGS: [(&str, &str, usize); 30] = [
    ("ational", "ate", 3),
    ("isation", "ize", 3),
    ("ization", "ize", 3),
    ("fulness", "", 3),
    ("ousness", "ous", 3),
    ("iveness", "ive", 3),
    ("ation", "ate", 3),
    ("ments", "", 4),
    ("ment", "", 4),
    ("ingly", "", 3),
    ("edly", "", 3),
    ("ition", "it", 4),
    ("ility", "le", 4),
    ("ically", "ic", 3),
    ("ness", "", 4),
    ("ings", "", 3),
    ("ical", "ic", 3),
    ("able", "", 4),
    ("ible", "", 4),
    ("ally", "al", 3),
    ("ing", "", 3),
    ("ied", "y", 3),
    ("ise", "ize", 4),
    ("ate", "", 4),
    ("ful", "", 4),
    ("ed", "", 3),
    ("ly", "", 4),
    ("al", "", 5),
    ("er", "", 4),
    ("e", "", 4),
];

/// An English word in lower case, without the endings that change little of what it is about.
pub(crate) fn english(word: &str) -> String {
    let mut stem = singular(word);
    if !stem.is_ascii() || stem.len() < 5 {
        return stem;
    }
    for _ in 0..2 {
        let ending =
            ENDINGS.iter().find(|(ending, _, least)| stem.len() >= ending.len() + least && ends(&stem, ending));
        let Some((ending, with, _)) = ending else { break };
        stem.truncate(stem.len() - ending.len());
        stem.push_str(with);
        undouble(&mut stem);
    }
    stem
}

/// `stopp` is `stop`.
fn undouble(stem: &mut String) {
    let bytes = stem.as_bytes();
    if let [.., a, b] = bytes
        && a == b
        && !b"aeiouls".contains(a)
    {
        stem.pop();
    }
}

/// Reduces words of one language.
pub(crate) enum Stems {
    /// English, by the rules here: they are quick.
    English,
    /// A language with a Snowball stemmer (Porter 2001).
    Snowball(Stemmer),
    /// No rules are known: words stay as they are.
    Unknown,
}

impl Stems {
    /// Of an ISO 639-1 code.
    pub(crate) fn of(language: &str) -> Self {
        let algorithm = match language {
            "en" => return Self::English,
            "da" => Algorithm::Danish,
            "de" => Algorithm::German,
            "es" => Algorithm::Spanish,
            "fi" => Algorithm::Finnish,
            "fr" => Algorithm::French,
            "hu" => Algorithm::Hungarian,
            "it" => Algorithm::Italian,
            "nl" => Algorithm::Dutch,
            "no" => Algorithm::Norwegian,
            "pt" => Algorithm::Portuguese,
            "ro" => Algorithm::Romanian,
            "ru" => Algorithm::Russian,
            "sv" => Algorithm::Swedish,
            "tr" => Algorithm::Turkish,
            _ => return Self::Unknown,
        };
        Self::Snowball(Stemmer::create(algorithm))
    }

    /// The stem of a word in lower case.
    pub(crate) fn stem(&self, word: &str) -> String {
        if word.chars().next().is_some_and(cjk::is_hangul) {
            return cjk::without_particle(word).to_owned();
        }
        match self {
            Self::English => english(word),
            Self::Snowball(stemmer) => stemmer.stem(word).into_owned(),
            Self::Unknown => word.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_become_singular() {
        let known = [
            ("matrices", "matrix"),
            ("classes", "class"),
            ("queries", "query"),
            ("databases", "database"),
            ("analysis", "analysis"),
            ("kubernetes", "kubernete"),
            ("boxes", "box"),
            ("physics", "physics"),
            ("bus", "bus"),
            ("größen", "größen"),
        ];
        for (plural, one) in known {
            assert_eq!(singular(plural), one);
        }
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for forms in [
            &["cluster", "clusters", "clustered", "clustering"][..],
            &["stop", "stopped", "stopping"],
            &["organise", "organize", "organization"],
            &["deploy", "deployment", "deployed", "deployments"],
        ] {
            let stems: std::collections::BTreeSet<String> = forms.iter().map(|form| english(form)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
    }
}

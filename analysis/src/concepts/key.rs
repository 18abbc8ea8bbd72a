//! Keys: what the variants of a concept's name have in common.

use crate::category;
use crate::cjk;
use crate::stem::{ends, singular};
use unicode_normalization::UnicodeNormalization;

/// Characters of the longest key.
const LONGEST: usize = 120;

/// The key under which variants of a name meet: without case, plural, hyphen, space or accents of form (NFKC), with
/// American spelling, "X of Y" as "Y X", and well-known other names of the same thing. Taking the key of a key changes
/// nothing. Never empty for a name with a letter or a digit.
#[must_use]
pub fn key(name: &str) -> String {
    let lower: String =
        if name.is_ascii() { name.to_ascii_lowercase() } else { name.nfkc().flat_map(char::to_lowercase).collect() };
    of_lower(&lower)
}

/// As [`key`], of a name in lower case.
pub(super) fn of_lower(lower: &str) -> String {
    let key = squashed(lower);
    category::canonical(&key).map_or(key, str::to_owned)
}

/// A name in lower case without what its variants differ in, well-known names apart.
pub(crate) fn squashed(lower: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '+' | '#');
    let mut words: Vec<&str> = lower.split(|letter| !is_part(letter)).filter(|word| !word.is_empty()).collect();
    let of = words.iter().position(|word| *word == "of").filter(|at| *at > 0 && at + 1 < words.len());
    if let Some(at) = of {
        words.remove(at);
        words.rotate_left(at);
        words.retain(|word| *word != "the");
    }
    let mut key = String::with_capacity(lower.len());
    let count = words.len();
    for (at, word) in words.into_iter().enumerate() {
        // Names keep their endings inside; only the last word has a plural.
        match at + 1 == count || word.len() > 4 {
            true => key.push_str(&american(&one(word))),
            false => key.push_str(word),
        }
    }
    if key.chars().count() > LONGEST {
        key = key.chars().take(LONGEST).collect();
    }
    // What is left may end like a plural once more: a key is its own key.
    for _ in 0..8 {
        let again = american(&one(&key));
        if again == key {
            break;
        }
        key = again;
    }
    if key.is_empty() { lower.chars().filter(|letter| is_part(*letter)).collect() } else { key }
}

fn one(word: &str) -> String {
    if word.chars().next().is_some_and(cjk::is_hangul) {
        return cjk::without_particle(word).to_owned();
    }
    singular(word)
}

/// British endings in their American form.
fn american(word: &str) -> String {
    const ENDINGS: [(&str, &str); 9] = [
        ("isation", "ization"),
        ("ising", "izing"),
        ("ise", "ize"),
        ("ised", "ized"),
        ("iser", "izer"),
        ("our", "or"),
        ("yse", "yze"),
        ("ogue", "og"),
        ("elling", "eling"),
    ];
    const KEPT: [&str; 12] = [
        "four",
        "hour",
        "tour",
        "pour",
        "enterprise",
        "exercise",
        "noise",
        "expertise",
        "precise",
        "franchise",
        "rise",
        "wise",
    ];
    if word.len() < 5 || KEPT.iter().any(|kept| ends(word, kept)) {
        return word.to_owned();
    }
    for (british, american) in ENDINGS {
        if ends(word, british) {
            return format!("{}{american}", &word[..word.len() - british.len()]);
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_name_have_one_key() {
        for variants in [
            &["data base", "Database", "data-base", "databases", "DATABASES"][..],
            &["Event sourcing", "event-sourcing", "Eventsourcing"],
            &["colour model", "color models"],
            &["History of Art", "art history"],
            &["optimisation", "Optimization"],
            &["PostgreSQL", "Postgres", "postgresql"],
            &["k8s", "Kubernetes"],
            &["Ｆｕｌｌ width", "full-width"],
            &["C++"],
            &["数据库"],
        ] {
            let keys: std::collections::BTreeSet<String> = variants.iter().map(|name| key(name)).collect();
            assert_eq!(keys.len(), 1, "{keys:?}");
            for once in keys {
                assert!(!once.is_empty());
                assert_eq!(key(&once), once);
            }
        }
        assert_ne!(key("C"), key("C++"));
        assert_ne!(key("C#"), key("C"));
        assert!(key(&"x".repeat(10_000)).chars().count() <= LONGEST);
        assert_eq!(key("!?"), "");
    }
}

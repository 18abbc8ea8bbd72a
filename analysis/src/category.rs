//! What sort of thing a concept names: by a list of well-known names, then by the word at the name's end.

use crate::concepts;
use crate::intern::ByWord;
use events::Category;
use std::sync::LazyLock;

/// A well-known name.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The key under which all its names meet.
    pub(crate) key: String,
    /// How it is written.
    pub(crate) name: &'static str,
    pub(crate) category: Category,
    /// What this spelling needs.
    pub(crate) letters: Letters,
}

/// What tells a name from an ordinary word that is spelled so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Nothing needs to: there is no such word.
    Any,
    /// A capital where no sentence begins.
    Capital,
    /// Nothing but capitals.
    Capitals,
}

/// Well-known names by their words in lower case, with a space between.
static NAMES: LazyLock<ByWord<String, Known>> = LazyLock::new(|| {
    let mut names = ByWord::default();
    for line in include_str!("category/names.txt").lines() {
        let Some((category, list)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else { continue };
        let Some(category) = Category::parse(category) else { continue };
        for group in list.split(',') {
            let spellings: Vec<&'static str> = group.trim().split('|').collect();
            let name = spellings[0].trim_start_matches('?');
            let key = squashed(name);
            for spelling in &spellings {
                let letters = match spelling.strip_prefix('?') {
                    None => Letters::Any,
                    Some(word) if word.chars().all(char::is_uppercase) => Letters::Capitals,
                    Some(_) => Letters::Capital,
                };
                let known = Known { key: key.clone(), name, category, letters };
                names.entry(words(spelling.trim_start_matches('?'))).or_insert(known);
            }
        }
    }
    names
});

/// The same by squashed spelling: what [`concepts::key`] makes of a name before it looks here. Ordinary words stay what
/// they are.
static KEYS: LazyLock<ByWord<String, (String, Category)>> = LazyLock::new(|| {
    let mut keys: ByWord<String, (String, Category)> = ByWord::default();
    let is_name =
        |(spelling, known): &(&String, &Known)| known.letters == Letters::Any || squashed(spelling) == known.key;
    for (spelling, known) in NAMES.iter().filter(is_name) {
        let there = keys.entry(squashed(spelling)).or_insert_with(|| (known.key.clone(), known.category));
        // The order of the list decides where two names are squashed into one.
        if known.key < there.0 {
            *there = (known.key.clone(), known.category);
        }
    }
    keys
});

/// Most words of a well-known name.
pub(crate) const MOST_WORDS: usize = 4;

/// Words with which well-known names begin.
pub(crate) fn starts() -> impl Iterator<Item = &'static str> {
    NAMES.keys().filter_map(|name| name.split(' ').next())
}

/// A well-known name by its words in lower case, with a space between.
pub(crate) fn known(words: &str) -> Option<&'static Known> {
    NAMES.get(words)
}

/// The key of a well-known name that is spelled so.
pub(crate) fn canonical(squashed: &str) -> Option<&'static str> {
    KEYS.get(squashed).map(|(key, _)| key.as_str())
}

/// The category of a name.
#[must_use]
pub fn of(name: &str) -> Category {
    let key = concepts::key(name);
    KEYS.get(key.as_str()).map_or_else(|| by_head(name), |(_, category)| *category)
}

/// By the words at the end: a "sorting algorithm" is an algorithm.
pub(crate) fn by_head(name: &str) -> Category {
    let lower = name.to_lowercase();
    let mut words = lower.rsplit(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let (head, before) = (words.next().unwrap_or_default(), words.next());
    let head = crate::stem::singular(head);
    match head.as_str() {
        "algorithm" | "heuristic" | "regression" | "classifier" | "transform" | "sort" => Category::Algorithm,
        "language" | "grammar" | "dialect" | "syntax" => Category::Language,
        "framework" => Category::Framework,
        "library" | "sdk" | "package" => Category::Library,
        "tool" | "toolkit" | "editor" | "compiler" | "debugger" | "ide" | "browser" => Category::Tool,
        "platform" | "cloud" | "device" | "hardware" | "processor" => Category::Platform,
        "database" | "store" | "warehouse" | "dbms" => Category::Database,
        "methodology" | "practice" | "manifesto" => Category::Methodology,
        "architecture" | "topology" | "middleware" => Category::Architecture,
        "test" | "testing" | "coverage" | "verification" => Category::Testing,
        "deployment" | "pipeline" | "orchestration" | "provisioning" | "rollout" => Category::Devops,
        "protocol" | "queue" | "broker" | "gateway" | "webhook" | "api" | "pattern" => Category::IntegrationPattern,
        "detection" | "recognition" | "retrieval" | "extraction" | "classification" | "visualization"
        | "forecasting" | "translation" | "segmentation" => Category::Capability,
        "payment" | "invoice" | "billing" | "pricing" | "payroll" | "order" | "contract" | "policy"
            if before.is_some() =>
        {
            Category::BusinessLogic
        }
        "industry" | "market" | "healthcare" | "medicine" | "education" | "economy" | "security" => {
            Category::ProblemDomain
        }
        _ => Category::Concept,
    }
}

fn words(name: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '+' | '#' | '.' | '*');
    let lower = name.to_lowercase();
    lower.split(|letter| !is_part(letter)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn squashed(name: &str) -> String {
    concepts::squashed(&name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many_names_and_each_is_its_own() {
        assert!(NAMES.len() > 700, "{}", NAMES.len());
        let categories: std::collections::BTreeSet<_> = NAMES.values().map(|known| known.category).collect();
        assert!(categories.len() >= 13);
        for known in NAMES.values() {
            assert_eq!(concepts::key(known.name), known.key, "{}", known.name);
        }
    }

    #[test]
    fn categories_come_from_the_list_and_then_from_the_head() {
        for (name, category) in [
            ("Postgres", Category::Database),
            ("k8s", Category::Platform),
            ("sorting algorithms", Category::Algorithm),
            ("garden gnome", Category::Concept),
            ("supplier payments", Category::BusinessLogic),
        ] {
            assert_eq!(of(name), category, "{name}");
        }
    }
}

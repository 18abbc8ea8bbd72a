//! Which keys of a workspace mean the same concept, and what users decided about them.

use analysis::concepts;
use events::concept::Event;
use std::collections::{BTreeMap, BTreeSet};

/// Why an alias is one.
pub(super) mod reason {
    /// An epoch found two spellings of one name.
    pub(in crate::knowledge) const SPELLING: &str = "spelling";
    /// Documents explain an acronym.
    pub(in crate::knowledge) const ACRONYM: &str = "acronym";
    /// A user merged or renamed.
    pub(in crate::knowledge) const USER: &str = "user";
}

/// The concepts of a workspace, as far as they are not what their keys say.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    pub(super) aliases: BTreeMap<String, Alias>,
    pub(super) decisions: BTreeMap<String, Decision>,
    /// Keys whose alias or decision must be written.
    pub(super) changed: BTreeSet<String>,
}

/// What a key stands for: a key that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) concept: String,
    pub(super) reason: String,
}

/// What users decided about a concept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) name: Option<String>,
    pub(super) merged_into: Option<String>,
    pub(super) is_suppressed: bool,
    pub(super) is_separate: bool,
}

/// What a decision leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Consequence {
    /// Documents with any of these keys, as they were found or added, have other concepts now.
    pub(super) keys: BTreeSet<String>,
    /// A concept that has a name now, whether or not any document has it: key and name.
    pub(super) named: Option<(String, String)>,
    /// Whether that name takes the place of an earlier one.
    pub(super) is_renamed: bool,
}

impl Vocabulary {
    /// The concept that a key stands for.
    pub(super) fn canonical<'a>(&'a self, key: &'a str) -> &'a str {
        self.aliases.get(key).map_or(key, |alias| &alias.concept)
    }

    /// Whether a concept is never to be suggested.
    pub(super) fn is_suppressed(&self, key: &str) -> bool {
        self.decisions.get(key).is_some_and(|decision| decision.is_suppressed)
    }

    /// The name that users gave a concept.
    pub(super) fn name(&self, key: &str) -> Option<&str> {
        self.decisions.get(key)?.name.as_deref()
    }

    /// Takes a user's word.
    pub(super) fn decide(&mut self, event: &Event) -> Consequence {
        match event {
            Event::Renamed(renamed) => {
                let key = self.canonical(&concepts::key(&renamed.concept)).to_owned();
                let other = concepts::key(&renamed.name);
                self.decision(&key).name = Some(renamed.name.clone());
                // Who writes the new name means this concept.
                let keys = match other.is_empty() || self.canonical(&other) == key {
                    true => BTreeSet::new(),
                    false => self.alias(&other, &key, reason::USER),
                };
                Consequence { keys, named: Some((key, renamed.name.clone())), is_renamed: true }
            }
            Event::Merged(merged) => {
                let (key, into) = (concepts::key(&merged.concept), concepts::key(&merged.into));
                let named = Some((into.clone(), merged.into.trim().to_owned()));
                let decision = self.decision(&key);
                decision.merged_into = Some(into.clone());
                decision.is_separate = false;
                Consequence { keys: self.alias(&key, &into, reason::USER), named, is_renamed: false }
            }
            Event::Separated(separated) => {
                let key = concepts::key(&separated.concept);
                let decision = self.decision(&key);
                decision.merged_into = None;
                decision.is_separate = true;
                Consequence { keys: self.separate(&key), ..Consequence::default() }
            }
            Event::Suppressed(suppressed) => self.suppress(&suppressed.concept, true),
            Event::Allowed(allowed) => self.suppress(&allowed.concept, false),
        }
    }

    /// Makes a key, and all that stand for it, stand for another; says which keys mean something else now. The later of two
    /// that would go round in a circle holds, and the earlier one no more.
    pub(super) fn alias(&mut self, key: &str, into: &str, reason: &str) -> BTreeSet<String> {
        let mut moved = BTreeSet::new();
        if self.canonical(into) == key {
            moved.extend(self.separate(into));
        }
        let into = self.canonical(into).to_owned();
        if key.is_empty() || into.is_empty() || into == key {
            return moved;
        }
        let alias = |reason: &str| Alias { concept: into.clone(), reason: reason.to_owned() };
        for (variant, there) in &mut self.aliases {
            if there.concept == key {
                *there = alias(&there.reason);
                moved.insert(variant.clone());
            }
        }
        self.aliases.insert(key.to_owned(), alias(reason));
        moved.insert(key.to_owned());
        self.changed.extend(moved.iter().cloned());
        moved
    }

    /// Whether an epoch may make the key stand for another.
    pub(super) fn is_free(&self, key: &str) -> bool {
        !self.aliases.contains_key(key) && !self.decisions.contains_key(key)
    }

    fn separate(&mut self, key: &str) -> BTreeSet<String> {
        let keys: BTreeSet<_> = self.aliases.remove(key).map(|_| key.to_owned()).into_iter().collect();
        self.changed.extend(keys.iter().cloned());
        keys
    }

    /// Whatever stands for a concept is suppressed with it, and allowed with it.
    fn suppress(&mut self, concept: &str, is_suppressed: bool) -> Consequence {
        let key = self.canonical(&concepts::key(concept)).to_owned();
        self.decision(&key).is_suppressed = is_suppressed;
        let variants =
            self.aliases.iter().filter(|(_, alias)| alias.concept == key).map(|(variant, _)| variant.clone());
        let keys: BTreeSet<String> = variants.chain([key.clone()]).collect();
        if !is_suppressed {
            // One may have been suppressed before it was merged.
            let before = keys.iter().filter(|key| self.decisions.get(*key).is_some_and(|there| there.is_suppressed));
            for key in before.cloned().collect::<Vec<_>>() {
                self.decision(&key).is_suppressed = false;
            }
        }
        Consequence { keys, ..Consequence::default() }
    }

    fn decision(&mut self, key: &str) -> &mut Decision {
        self.changed.insert(key.to_owned());
        self.decisions.entry(key.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::concept::{Allowed, Merged, Separated, Suppressed};

    fn merged(concept: &str, into: &str) -> Event {
        Event::Merged(Merged { concept: concept.into(), into: into.into() })
    }

    #[test]
    fn whoever_stood_for_a_merged_concept_stands_for_the_other() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.decide(&merged("alpha", "beta"));
        let consequence = vocabulary.decide(&merged("beta", "gamma"));
        assert_eq!((vocabulary.canonical("alpha"), vocabulary.canonical("beta")), ("gamma", "gamma"));
        assert_eq!(consequence.keys, BTreeSet::from(["alpha".to_owned(), "beta".to_owned()]));
    }

    #[test]
    fn the_later_of_two_merges_in_a_circle_holds() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.decide(&merged("alpha", "beta"));
        vocabulary.decide(&merged("beta", "alpha"));
        assert_eq!((vocabulary.canonical("alpha"), vocabulary.canonical("beta")), ("alpha", "alpha"));
        vocabulary.decide(&Event::Separated(Separated { concept: "beta".into() }));
        assert_eq!(vocabulary.canonical("beta"), "beta");
        assert!(!vocabulary.is_free("beta"), "no epoch may merge what a user separated");
    }

    #[test]
    fn what_is_suppressed_stays_so_until_it_is_allowed() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.decide(&merged("alpha", "beta"));
        let keys = vocabulary.decide(&Event::Suppressed(Suppressed { concept: "alpha".into() })).keys;
        assert_eq!(keys, BTreeSet::from(["alpha".to_owned(), "beta".to_owned()]));
        assert!(vocabulary.is_suppressed("beta"));
        vocabulary.decide(&Event::Allowed(Allowed { concept: "beta".into() }));
        assert!(!vocabulary.is_suppressed("beta"));
    }

    #[test]
    fn what_was_suppressed_before_it_was_merged_is_allowed_with_the_other() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.decide(&Event::Suppressed(Suppressed { concept: "alpha".into() }));
        vocabulary.decide(&merged("alpha", "beta"));
        let keys = vocabulary.decide(&Event::Allowed(Allowed { concept: "alpha".into() })).keys;
        assert!(keys.contains("alpha") && !vocabulary.is_suppressed("alpha") && !vocabulary.is_suppressed("beta"));
    }
}

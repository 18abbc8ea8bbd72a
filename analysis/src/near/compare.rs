//! Two texts side by side, exactly: for people, who look at one pair at a time.

use super::shingles::Shingles;
use serde::Serialize;

/// Most words of a text that are compared; it bounds the memory.
const MOST_WORDS: usize = 1_000_000;

/// What two texts have in common, as shares of their different shingles, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// What both have, of all that either has.
    pub resemblance: f32,
    /// How much of the first stands in the second.
    pub containment_a: f32,
    /// How much of the second stands in the first.
    pub containment_b: f32,
}

/// Compares two texts, given as their lower-cased words in order; of very long ones the first million words.
#[must_use]
pub fn compare(a_tokens: &[&str], b_tokens: &[&str]) -> Comparison {
    let (a, b) = (shingles(a_tokens), shingles(b_tokens));
    let (mut at_a, mut at_b, mut both) = (0, 0, 0_usize);
    while let (Some(one), Some(another)) = (a.get(at_a), b.get(at_b)) {
        both += usize::from(one == another);
        (at_a, at_b) = (at_a + usize::from(one <= another), at_b + usize::from(another <= one));
    }
    let share = |of: usize| both as f32 / of.max(1) as f32;
    Comparison {
        resemblance: share(a.len() + b.len() - both),
        containment_a: share(a.len()),
        containment_b: share(b.len()),
    }
}

fn shingles(tokens: &[&str]) -> Vec<u64> {
    let mut shingles: Vec<u64> = Shingles::of(tokens.iter().take(MOST_WORDS).copied()).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

//! Which concepts of a workspace mean the same though their keys differ: slips of the pen, other spellings, acronyms.
//! Joining is for good, so that in doubt two concepts stay two.

mod acronym;
mod difference;
mod neighbourhood;

pub use acronym::LongForm;

use difference::is_slip;
use neighbourhood::Neighbourhoods;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many times the documents of a variant the other spelling must have.
const RATIO: u64 = 3;

/// A concept with what tells how much it is used.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Its key.
    pub key: &'a str,
    /// How it is written: the key does not tell where its words end.
    pub name: &'a str,
    /// How many documents hold it.
    pub documents: u32,
    /// The long form that documents most often give, if it is an acronym that they explain.
    pub acronym_of: Option<LongForm<'a>>,
}

/// Finds concepts that others stand for: pairs of the index of a variant and the index of the concept that it joins, by
/// index of the variant. What is joined never joins anything itself.
///
/// An acronym joins its long form, if enough documents give it. A near-equal spelling joins one that is far more frequent,
/// the nearest; of equally near ones the most frequent, then the first by key: a key of 8 letters and more may differ by one
/// letter missing, added, changed or swapped with its neighbour, one of 14 and more by two; neither by digits and signs, nor
/// by beginnings and ends that change the meaning, nor in a short word of a name, nor in scripts whose letters are words.
#[must_use]
pub fn aliases(concepts: &[Counted<'_>]) -> Vec<(usize, usize)> {
    let mut ranked: Vec<usize> = (0..concepts.len()).collect();
    ranked.sort_by_key(|at| (Reverse(concepts[*at].documents), concepts[*at].key, *at));
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    for at in ranked.iter().rev() {
        by_key.insert(concepts[*at].key, *at);
    }
    let mut joined: Vec<usize> = (0..concepts.len()).collect();
    for variant in &ranked {
        let Some(long_form) = concepts[*variant].acronym_of else { continue };
        let Some(long) = by_key.get(long_form.key) else { continue };
        if long_form.is_certain(concepts[*variant].documents, concepts[*long].documents) {
            join(&mut joined, *variant, *long);
        }
    }
    for (variant, other) in spellings(concepts, &ranked) {
        if joined[variant] == variant {
            join(&mut joined, variant, other);
        }
    }
    (0..concepts.len()).map(|at| (at, root(&joined, at))).filter(|(variant, concept)| variant != concept).collect()
}

/// Lets one stand for another, unless that one already stands for it.
fn join(joined: &mut [usize], variant: usize, concept: usize) {
    let root = root(joined, concept);
    if root != variant {
        joined[variant] = root;
    }
}

/// What stands for a concept in the end; paths stay short, as each join goes to a root.
fn root(joined: &[usize], mut at: usize) -> usize {
    while joined[at] != at {
        at = joined[at];
    }
    at
}

/// For each variant the best of the near-equal spellings that are frequent enough.
fn spellings(concepts: &[Counted<'_>], ranked: &[usize]) -> Vec<(usize, usize)> {
    let keys: Vec<&str> = ranked.iter().map(|at| concepts[*at].key).collect();
    let documents = |rank: usize| u64::from(concepts[ranked[rank]].documents);
    let mut best: BTreeMap<usize, (u32, usize)> = BTreeMap::new();
    Neighbourhoods::of(&keys).for_each_meeting(|more, less| {
        let is_far_more =
            documents(more) > documents(less) && (documents(more) >= RATIO * documents(less) || documents(less) <= 1);
        if !is_far_more {
            return;
        }
        let known = best.get(&less).copied();
        if known.is_some_and(|(distance, rank)| rank == more || distance == 1 && rank < more) {
            return;
        }
        let Some(distance) = is_slip(&concepts[ranked[more]], &concepts[ranked[less]]) else { return };
        if known.is_none_or(|known| (distance, more) < known) {
            best.insert(less, (distance, more));
        }
    });
    best.into_iter().map(|(variant, (_, other))| (ranked[variant], ranked[other])).collect()
}

#[cfg(test)]
mod tests;

//! A document's words as clustering sees them: hashed, with how often each occurs.

use super::maths::{ByTerm, Hashed};
use serde::{Deserialize, Serialize};
use std::hash::BuildHasherDefault;

/// Most words of a document that count: the most frequent, of equals the first.
const TERMS: usize = 96;
/// Most different words that are looked at.
const MOST_DIFFERENT: usize = 50_000;
/// Bytes of one word in storage.
const BYTES: usize = 5;

/// The most frequent words of a document, as 32-bit hashes in ascending order, each with how often it occurs (at most 255).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    pub(super) terms: Vec<(u32, u8)>,
}

impl Vector {
    /// Of the stems of a text, in their order; without stop words.
    #[must_use]
    pub fn of<'a>(stems: impl Iterator<Item = &'a str>) -> Self {
        Self::of_terms(stems.map(term))
    }

    /// As [`Vector::of`], of what [`term`] makes of each.
    pub(crate) fn of_terms(terms: impl Iterator<Item = u32>) -> Self {
        let mut counted: ByTerm<(u8, u32)> = ByTerm::with_hasher(BuildHasherDefault::<Hashed>::default());
        for (at, term) in (0_u32..).zip(terms) {
            let is_full = counted.len() >= MOST_DIFFERENT;
            match counted.entry(term) {
                std::collections::hash_map::Entry::Occupied(mut there) => {
                    there.get_mut().0 = there.get().0.saturating_add(1);
                }
                std::collections::hash_map::Entry::Vacant(_) if is_full => {}
                std::collections::hash_map::Entry::Vacant(new) => drop(new.insert((1, at))),
            }
        }
        let mut ranked: Vec<(u8, u32, u32)> =
            counted.into_iter().map(|(term, (count, at))| (count, at, term)).collect();
        ranked.sort_unstable_by_key(|(count, at, term)| (u8::MAX - count, *at, *term));
        ranked.truncate(TERMS);
        let mut terms: Vec<(u32, u8)> = ranked.into_iter().map(|(count, _, term)| (term, count)).collect();
        terms.sort_unstable();
        // Thousands of them are kept.
        terms.shrink_to_fit();
        Self { terms }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Five bytes for each word, at most 480.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.terms.iter().flat_map(|(term, count)| term.to_le_bytes().into_iter().chain([*count])).collect()
    }

    /// Reads [`Vector::to_bytes`] back.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let chunks = bytes.chunks_exact(BYTES);
        let is_whole = chunks.remainder().is_empty();
        let terms: Vec<(u32, u8)> =
            chunks.map(|chunk| (u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]), chunk[4])).collect();
        (is_whole && terms.is_sorted()).then_some(Self { terms })
    }
}

/// The hash that stands for a stem: FNV-1a, its bits mixed once more as a map takes the low ones.
pub(crate) fn term(stem: &str) -> u32 {
    let hash = stem.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash ^ (hash >> 12)
}

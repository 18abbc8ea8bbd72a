//! How much a word says: more the rarer it is (inverse document frequency, Spärck Jones 1972), and less than in proportion
//! to how often it occurs.

use super::maths::{ByTerm, log2};
use super::vector::Vector;

/// A word in more than this share of the documents tells none from another.
const COMMON: f32 = 0.35;
/// A word in fewer documents joins none with another.
const RARE: u32 = 2;

/// The weight of each word that occurs in a few documents at least and not in most of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    pub(super) terms: ByTerm<f32>,
}

/// A document as a vector of length one: words in ascending order, with their weights.
pub(super) type Weighted = Vec<(u32, f32)>;

impl Weights {
    pub(super) fn of(documents: &[&Vector]) -> Self {
        let mut counts: ByTerm<u32> = ByTerm::default();
        for document in documents {
            for (term, _) in &document.terms {
                *counts.entry(*term).or_default() += 1;
            }
        }
        let all = documents.len() as f32;
        let common = (all * COMMON).max(3.0);
        counts.retain(|_, count| *count >= RARE && *count as f32 <= common);
        Self { terms: counts.into_iter().map(|(term, count)| (term, log2(all / count as f32))).collect() }
    }

    pub(super) fn weigh(&self, document: &Vector) -> Weighted {
        let weight = |(term, count): &(u32, u8)| {
            let rarity = self.terms.get(term)?;
            Some((*term, (1.0 + log2(f32::from(*count)) * std::f32::consts::LN_2) * rarity))
        };
        let mut weighted: Weighted = Vec::with_capacity(document.terms.len());
        weighted.extend(document.terms.iter().filter_map(weight));
        to_unit_length(&mut weighted);
        weighted
    }
}

pub(super) fn to_unit_length(weighted: &mut Weighted) {
    let length = weighted.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    if length > 0.0 {
        weighted.iter_mut().for_each(|(_, weight)| *weight /= length);
    }
}

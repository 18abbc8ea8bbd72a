//! What an epoch leaves behind: the weight of each word, and each cluster's centre.

use super::maths::ByTerm;
use super::vector::Vector;
use super::weights::{Weighted, Weights, to_unit_length};

/// Words of a centre: the heaviest.
const TERMS: usize = 1_000;
/// A document must be at least so near to a centre to belong to it, and so near as this share of what is usual there.
const NEAR: f32 = 0.04;
const USUAL: f32 = 0.25;

/// Where a document belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assigned {
    /// The cluster, below [`Model::clusters`].
    pub cluster: u32,
    /// How near the document is to its centre: the cosine between them, 0 to 1.
    pub similarity: f32,
}

/// The clusters of an epoch, unchanged until the next.
#[derive(Clone, Debug, Default)]
pub struct Model {
    weights: Weights,
    centres: Centres,
}

/// The middle of each cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Centres {
    /// The words of each centre in ascending order, and their weights; of length one.
    centres: Vec<Weighted>,
    /// How near a document must be.
    near: Vec<f32>,
    /// The same by words: in which centres each is, and its weight there.
    with: ByTerm<Vec<(u32, f32)>>,
}

impl Centres {
    /// The centres of the parts that have enough members, in the order of the parts.
    pub(super) fn of(documents: &[Weighted], parts: &[Option<u32>], smallest: usize) -> Self {
        let count = parts.iter().flatten().max().map_or(0, |most| *most as usize + 1);
        let mut sizes = vec![0_usize; count];
        let mut sums: Vec<ByTerm<f32>> = vec![ByTerm::default(); count];
        for (document, part) in documents.iter().zip(parts) {
            let Some(part) = part.map(|part| part as usize) else { continue };
            sizes[part] += 1;
            for (term, weight) in document {
                *sums[part].entry(*term).or_default() += weight;
            }
        }
        let large = sums.into_iter().zip(&sizes).map(|(sum, size)| (*size >= smallest).then(|| centre(sum)));
        let large: Vec<Option<Weighted>> = large.collect();
        let mut kept = vec![None; count];
        let mut centres = Vec::new();
        for (part, centre) in large.into_iter().enumerate() {
            if let Some(centre) = centre.filter(|centre| !centre.is_empty()) {
                kept[part] = Some(centres.len());
                centres.push(centre);
            }
        }
        let mut found = Self::new(centres, Vec::new());
        let mut nearness = vec![(0.0_f32, 0.0_f32); found.centres.len()];
        for (document, part) in documents.iter().zip(parts) {
            let Some(kept) = part.and_then(|part| kept[part as usize]) else { continue };
            let (sum, count) = &mut nearness[kept];
            *sum += found.scores(document)[kept];
            *count += 1.0;
        }
        found.near = nearness.into_iter().map(|(sum, count)| NEAR.max(USUAL * sum / count)).collect();
        found
    }

    fn new(centres: Vec<Weighted>, near: Vec<f32>) -> Self {
        let mut with: ByTerm<Vec<(u32, f32)>> = ByTerm::default();
        for (at, centre) in (0_u32..).zip(&centres) {
            for (term, weight) in centre {
                with.entry(*term).or_default().push((at, *weight));
            }
        }
        Self { centres, near, with }
    }

    /// The nearest centre, if one is near enough.
    pub(super) fn nearest(&self, document: &Weighted) -> Option<Assigned> {
        let mut best: Option<Assigned> = None;
        for (cluster, similarity) in (0_u32..).zip(self.scores(document)) {
            if best.is_none_or(|best| similarity > best.similarity) {
                best = Some(Assigned { cluster, similarity });
            }
        }
        best.filter(|best| best.similarity >= self.near[best.cluster as usize])
            .map(|best| Assigned { similarity: best.similarity.min(1.0), ..best })
    }

    /// The same without the centres that nothing was assigned to; `None` if there are no such.
    pub(super) fn without_empty(&self, assigned: &[Option<Assigned>]) -> Option<Self> {
        let mut is_used = vec![false; self.centres.len()];
        assigned.iter().flatten().for_each(|assigned| is_used[assigned.cluster as usize] = true);
        if is_used.iter().all(|is_used| *is_used) {
            return None;
        }
        let used = |at: usize| is_used[at].then(|| (self.centres[at].clone(), self.near[at]));
        let (centres, near) = (0..self.centres.len()).filter_map(used).unzip();
        Some(Self::new(centres, near))
    }

    fn scores(&self, document: &Weighted) -> Vec<f32> {
        let mut scores = vec![0.0; self.centres.len()];
        for (term, weight) in document {
            for (centre, of_centre) in self.with.get(term).into_iter().flatten() {
                scores[*centre as usize] += weight * of_centre;
            }
        }
        scores
    }
}

/// The heaviest words of a sum, of length one, in ascending order.
fn centre(sum: ByTerm<f32>) -> Weighted {
    let mut heaviest: Weighted = sum.into_iter().collect();
    heaviest.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    heaviest.truncate(TERMS);
    heaviest.sort_unstable_by_key(|(term, _)| *term);
    to_unit_length(&mut heaviest);
    heaviest
}

impl Model {
    pub(super) const fn new(weights: Weights, centres: Centres) -> Self {
        Self { weights, centres }
    }

    /// How many clusters there are.
    #[must_use]
    pub fn clusters(&self) -> u32 {
        u32::try_from(self.centres.centres.len()).unwrap_or(u32::MAX)
    }

    /// Where a document belongs; `None` if it fits nowhere.
    #[must_use]
    pub fn assign(&self, vector: &Vector) -> Option<Assigned> {
        self.centres.nearest(&self.weights.weigh(vector))
    }

    /// For storage: the words with their weights, then each centre.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut words: Weighted = self.weights.terms.iter().map(|(term, weight)| (*term, *weight)).collect();
        words.sort_unstable_by_key(|(term, _)| *term);
        let mut bytes = Vec::new();
        write(&mut bytes, &words);
        for (centre, near) in self.centres.centres.iter().zip(&self.centres.near) {
            bytes.extend(near.to_le_bytes());
            write(&mut bytes, centre);
        }
        bytes
    }

    /// Reads [`Model::to_bytes`] back.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let weights = Weights { terms: read(&mut bytes)?.into_iter().collect() };
        let (mut centres, mut near) = (Vec::new(), Vec::new());
        while !bytes.is_empty() {
            near.push(f32::from_le_bytes(take(&mut bytes)?));
            centres.push(read(&mut bytes)?);
        }
        Some(Self { weights, centres: Centres::new(centres, near) })
    }
}

fn write(bytes: &mut Vec<u8>, words: &Weighted) {
    bytes.extend(u32::try_from(words.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (term, weight) in words {
        bytes.extend(term.to_le_bytes());
        bytes.extend(weight.to_le_bytes());
    }
}

fn read(bytes: &mut &[u8]) -> Option<Weighted> {
    let count = u32::from_le_bytes(take(bytes)?) as usize;
    let word = |_| Some((u32::from_le_bytes(take(bytes)?), f32::from_le_bytes(take(bytes)?)));
    (0..count).map(word).collect()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

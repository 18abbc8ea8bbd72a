//! Clustering without a model to download: documents that share rare words are neighbours in a graph, and communities of
//! that graph are clusters.
//!
//! All documents of a workspace are clustered anew at epochs ([`fit`]); between them each document is put where the last
//! epoch's [`Model`] says, or nowhere. Everything here is a pure function without randomness: the same documents in the
//! same order give the same clusters, on any machine.

mod communities;
mod continuity;
mod maths;
mod model;
mod neighbours;
mod vector;
mod weights;

pub use continuity::continued;
pub use model::{Assigned, Model};
pub use vector::Vector;
pub(crate) use vector::term;

use communities::Communities;
use model::Centres;
use weights::{Weighted, Weights};

/// Fewest documents that are clustered at all.
pub const FEWEST: u64 = 6;
/// Documents from which an epoch makes its clusters; of more, every n-th. It bounds the time and memory of [`fit`].
pub const SAMPLE: usize = 3_000;
/// From this many documents on an epoch waits until half as many have changed; below, until a quarter has.
const MANY: u64 = 1_000;
/// Rounds in which documents go to the nearest centre, and centres to the middle of their documents.
const ROUNDS: usize = 4;
/// Smallest cluster, in documents, and as the share of the sample that it must have at least.
const SMALLEST: usize = 3;
const SMALLEST_SHARE: usize = 125;

/// What an epoch found.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Puts later documents into the same clusters.
    pub model: Model,
    /// The cluster of each document, below [`Fit::clusters`]; none where it fits nowhere.
    pub assignment: Vec<Option<u32>>,
    /// How near each document is to its cluster, 0 to 1; 0 where it has none.
    pub similarity: Vec<f32>,
    /// How many clusters there are; none is empty.
    pub clusters: u32,
}

/// Whether an epoch is due: `documents` are in the workspace, of which there were `documents_at_epoch` at the last one, and
/// `changes_since` have joined, changed or left since. The pauses grow with the workspace, so that all epochs together
/// cost a small multiple of the last.
#[must_use]
pub fn is_due(documents: u64, documents_at_epoch: u64, changes_since: u64) -> bool {
    let pause = if documents_at_epoch < MANY { documents_at_epoch / 4 } else { documents_at_epoch / 2 };
    documents >= FEWEST && changes_since >= pause.max(1)
}

/// Clusters documents, given in the order of their arrival.
#[must_use]
pub fn fit(vectors: &[&Vector]) -> Fit {
    let sample: Vec<&Vector> = match vectors.len() {
        few if few <= SAMPLE => vectors.to_vec(),
        many => (0..SAMPLE).map(|at| vectors[at * many / SAMPLE]).collect(),
    };
    let weights = Weights::of(&sample);
    let weighted: Vec<Weighted> = sample.iter().map(|vector| weights.weigh(vector)).collect();
    let graph = neighbours::graph(&weighted);
    let mut parts: Vec<Option<u32>> = Communities::most_stable(&graph).into_iter().map(Some).collect();
    let smallest = SMALLEST.max(sample.len() / SMALLEST_SHARE);
    let mut centres = Centres::of(&weighted, &parts, smallest);
    for _ in 1..ROUNDS {
        parts = weighted.iter().map(|document| centres.nearest(document).map(|nearest| nearest.cluster)).collect();
        centres = Centres::of(&weighted, &parts, smallest);
    }
    // A cluster that is nobody's nearest is none.
    let (model, assigned) = loop {
        let model = Model::new(weights.clone(), centres.clone());
        let assigned: Vec<Option<Assigned>> = vectors.iter().map(|vector| model.assign(vector)).collect();
        match centres.without_empty(&assigned) {
            None => break (model, assigned),
            Some(fewer) => centres = fewer,
        }
    };
    Fit {
        clusters: model.clusters(),
        assignment: assigned.iter().map(|assigned| assigned.map(|assigned| assigned.cluster)).collect(),
        similarity: assigned.iter().map(|assigned| assigned.map_or(0.0, |assigned| assigned.similarity)).collect(),
        model,
    }
}

#[cfg(test)]
mod tests;

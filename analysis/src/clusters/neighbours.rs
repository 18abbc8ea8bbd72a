//! The graph of nearest neighbours: each document is joined with those that are most like it (cosine), found through the
//! words that they share.

use super::maths::ByTerm;
use super::weights::Weighted;

/// Neighbours of a document: this often the square root of their number, so that the graph stays as dense as it grows.
const DENSITY: f32 = 2.0;
const FEWEST: usize = 3;
const MOST: usize = 80;
/// Documents that are less alike are no neighbours.
const ALIKE: f32 = 0.03;

/// Of each node its neighbours, in ascending order, with the weights of the edges. Edges go both ways.
pub(super) type Graph = Vec<Vec<(u32, f32)>>;

/// Joins documents with their neighbours; an edge counts double if each is the other's.
pub(super) fn graph(documents: &[Weighted]) -> Graph {
    let mut with: ByTerm<Vec<(u32, f32)>> = ByTerm::default();
    for (at, document) in (0_u32..).zip(documents) {
        for (term, weight) in document {
            with.entry(*term).or_default().push((at, *weight));
        }
    }
    let neighbours = ((documents.len() as f32).sqrt() * DENSITY) as usize;
    let neighbours = neighbours.clamp(FEWEST, MOST);
    let mut edges: Vec<(u32, u32, f32)> = Vec::with_capacity(documents.len() * neighbours);
    let mut likeness = vec![0.0_f32; documents.len()];
    for (at, document) in (0_u32..).zip(documents) {
        likeness.fill(0.0);
        for (term, weight) in document {
            for (other, other_weight) in with.get(term).into_iter().flatten() {
                likeness[*other as usize] += weight * other_weight;
            }
        }
        let mut nearest: Vec<(u32, f32)> = (0_u32..)
            .zip(likeness.iter().copied())
            .filter(|(other, likeness)| *other != at && *likeness > ALIKE)
            .collect();
        nearest.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        nearest.truncate(neighbours);
        edges.extend(nearest.into_iter().map(|(other, likeness)| (at.min(other), at.max(other), likeness)));
    }
    edges.sort_unstable_by_key(|edge| (edge.0, edge.1));
    let mut graph: Graph = vec![Vec::new(); documents.len()];
    for same in edges.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (one, other, weight) = (same[0].0, same[0].1, same.iter().map(|edge| edge.2).sum());
        graph[one as usize].push((other, weight));
        graph[other as usize].push((one, weight));
    }
    graph.iter_mut().for_each(|edges| edges.sort_unstable_by_key(|edge| edge.0));
    graph
}

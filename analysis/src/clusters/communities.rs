//! Communities of a graph: the Louvain method (Blondel et al. 2008) over modularity with a resolution (Reichardt &
//! Bornholdt 2006), at the resolution around which the communities change least.

use super::neighbours::Graph;
use crate::agreement::adjusted_rand;
use std::collections::BTreeMap;

/// Resolutions that are tried: from the coarsest, each finer by [`STEP`].
const COARSEST: f32 = 0.45;
const FINEST: f32 = 1.6;
const STEP: f32 = 1.12;
/// Resolutions on either side with which one is compared.
const AROUND: usize = 2;
/// Rounds over all nodes on one level; a bound, which real graphs stay far below.
const MOST_ROUNDS: usize = 50;
/// A move must be worth this much: below, it is rounding.
const WORTH: f32 = 1e-6;

/// A graph in which nodes that belong together have been made one.
pub(super) struct Communities {
    edges: Graph,
    /// Weight of the edges inside each node.
    inside: Vec<f32>,
    degree: Vec<f32>,
    total: f32,
}

impl Communities {
    /// The community of each node, numbered in the order of their first nodes.
    pub(super) fn most_stable(graph: &Graph) -> Vec<u32> {
        let mut partitions = Vec::new();
        let mut resolution = COARSEST;
        while resolution <= FINEST {
            partitions.push(Self::find(graph, resolution));
            resolution *= STEP;
        }
        // Everything in one is the most stable of all, and says nothing.
        let mut best: Option<(f64, usize)> = None;
        for (at, partition) in partitions.iter().enumerate() {
            if partition.iter().all(|part| *part == 0) {
                continue;
            }
            let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(partitions.len());
            let others: Vec<f64> =
                around.filter(|other| *other != at).map(|other| agreement(partition, &partitions[other])).collect();
            let stability = others.iter().sum::<f64>() / others.len().max(1) as f64;
            if best.is_none_or(|(most, _)| stability > most + 1e-9) {
                best = Some((stability, at));
            }
        }
        partitions.swap_remove(best.map_or(0, |(_, at)| at))
    }

    fn find(graph: &Graph, resolution: f32) -> Vec<u32> {
        let mut level = Self::new(graph.clone(), vec![0.0; graph.len()]);
        let mut of_node: Vec<u32> = (0..).take(graph.len()).collect();
        while let Some(parts) = level.move_nodes(resolution) {
            of_node.iter_mut().for_each(|node| *node = parts[*node as usize]);
            level = level.merged(&parts);
        }
        of_node
    }

    fn new(edges: Graph, inside: Vec<f32>) -> Self {
        let degree: Vec<f32> = edges
            .iter()
            .zip(&inside)
            .map(|(edges, inside)| edges.iter().map(|edge| edge.1).sum::<f32>() + 2.0 * inside)
            .collect();
        Self { total: degree.iter().sum(), edges, inside, degree }
    }

    /// Moves each node to the neighbouring community where modularity grows most, until none moves; `None` if none did.
    fn move_nodes(&self, resolution: f32) -> Option<Vec<u32>> {
        let mut community: Vec<u32> = (0..).take(self.edges.len()).collect();
        let mut degree = self.degree.clone();
        let mut weight = vec![0.0_f32; self.edges.len()];
        let (mut has_moved, mut rounds) = (false, 0);
        loop {
            let mut is_moving = false;
            for (node, edges) in self.edges.iter().enumerate() {
                let own = community[node];
                let mut near: Vec<u32> = vec![own];
                for (other, edge) in edges {
                    let other = community[*other as usize];
                    if weight[other as usize] == 0.0 && other != own {
                        near.push(other);
                    }
                    weight[other as usize] += edge;
                }
                degree[own as usize] -= self.degree[node];
                let gain = |community: u32| {
                    weight[community as usize]
                        - resolution * self.degree[node] * degree[community as usize] / self.total
                };
                near[1..].sort_unstable();
                let mut best = (own, gain(own));
                for community in &near[1..] {
                    let gain = gain(*community);
                    if gain > best.1 + WORTH {
                        best = (*community, gain);
                    }
                }
                near.iter().for_each(|community| weight[*community as usize] = 0.0);
                degree[best.0 as usize] += self.degree[node];
                is_moving |= best.0 != own;
                community[node] = best.0;
            }
            has_moved |= is_moving;
            rounds += 1;
            if !is_moving || rounds >= MOST_ROUNDS {
                return has_moved.then(|| numbered(&community));
            }
        }
    }

    /// The graph whose nodes are the communities of this one.
    fn merged(&self, parts: &[u32]) -> Self {
        let count = parts.iter().max().map_or(0, |most| *most as usize + 1);
        let mut inside = vec![0.0; count];
        let mut between: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); count];
        for (node, edges) in self.edges.iter().enumerate() {
            let part = parts[node];
            inside[part as usize] += self.inside[node];
            for (other, weight) in edges {
                let other = parts[*other as usize];
                if other == part {
                    inside[part as usize] += weight / 2.0;
                } else {
                    *between[part as usize].entry(other).or_default() += weight;
                }
            }
        }
        Self::new(between.into_iter().map(|edges| edges.into_iter().collect()).collect(), inside)
    }
}

/// Numbers parts from 0 in the order of their first members.
fn numbered(parts: &[u32]) -> Vec<u32> {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    let number = |part: &u32| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(*part).or_insert(next)
    };
    parts.iter().map(number).collect()
}

fn agreement(one: &[u32], other: &[u32]) -> f64 {
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for pair in one.iter().copied().zip(other.iter().copied()) {
        *counts.entry(pair).or_default() += 1;
    }
    adjusted_rand(&counts)
}

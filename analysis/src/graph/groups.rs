//! Which nodes belong together: those of one cluster, and what is bound to them.

use super::Edge;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most rounds of label propagation; few are needed.
const ROUNDS: usize = 12;

/// The group of each node. Nodes with a cluster are in its group; each of the others is in the one that its edges bind it
/// to most (label propagation, Raghavan, Albert & Kumara 2007, in a fixed order). The largest group is 0.
pub(super) fn of(clusters: &[Option<Uuid>], edges: &[Edge]) -> Vec<u32> {
    let mut first: BTreeMap<Uuid, usize> = BTreeMap::new();
    let mut labels: Vec<usize> = Vec::with_capacity(clusters.len());
    for (node, cluster) in clusters.iter().enumerate() {
        labels.push(cluster.map_or(node, |cluster| *first.entry(cluster).or_insert(node)));
    }
    let mut neighbours: Vec<Vec<(usize, f32)>> = vec![Vec::new(); clusters.len()];
    for edge in edges {
        neighbours[edge.from].push((edge.to, edge.weight));
        neighbours[edge.to].push((edge.from, edge.weight));
    }
    for _ in 0..ROUNDS {
        let mut is_stable = true;
        for node in (0..clusters.len()).filter(|node| clusters[*node].is_none()) {
            let label = heaviest(&neighbours[node], &labels).unwrap_or(labels[node]);
            is_stable &= label == labels[node];
            labels[node] = label;
        }
        if is_stable {
            break;
        }
    }
    numbered(&labels)
}

/// The label with most weight among some neighbours; of equals the first.
fn heaviest(neighbours: &[(usize, f32)], labels: &[usize]) -> Option<usize> {
    let mut weights: BTreeMap<usize, f32> = BTreeMap::new();
    for (neighbour, weight) in neighbours {
        *weights.entry(labels[*neighbour]).or_default() += weight;
    }
    let heaviest = weights.into_iter().max_by(|(a, one), (b, another)| one.total_cmp(another).then(b.cmp(a)));
    heaviest.map(|(label, _)| label)
}

/// Labels by the size of their groups, from 0 on; of equals the one that is met first.
fn numbered(labels: &[usize]) -> Vec<u32> {
    let mut sizes: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (node, label) in labels.iter().enumerate() {
        sizes.entry(*label).or_insert((0, node)).0 += 1;
    }
    let mut order: Vec<usize> = sizes.keys().copied().collect();
    order.sort_by_key(|label| (Reverse(sizes[label].0), sizes[label].1));
    let numbers: BTreeMap<usize, u32> = order.into_iter().zip(0..).collect();
    labels.iter().map(|label| numbers[label]).collect()
}

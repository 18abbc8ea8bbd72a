//! Which earlier cluster a new one continues: names, levels and merges of users hang on its id.

use super::Fit;
use std::collections::{BTreeMap, BTreeSet};

/// For each new cluster the earlier one that it continues: `earlier` has the earlier cluster of each document. Pairs are
/// taken by how many documents they share, the most first; each earlier cluster goes to one new cluster at most, and a
/// cluster that shares nothing continues none. Where a cluster has split, its larger part keeps the id; where clusters
/// have grown together, that of the larger stays.
#[must_use]
pub fn continued<Id: Ord + Copy>(earlier: &[Option<Id>], fit: &Fit) -> Vec<Option<Id>> {
    let mut shared: BTreeMap<(u32, Id), u64> = BTreeMap::new();
    for (earlier, cluster) in earlier.iter().zip(&fit.assignment) {
        if let (Some(earlier), Some(cluster)) = (earlier, cluster) {
            *shared.entry((*cluster, *earlier)).or_default() += 1;
        }
    }
    let mut pairs: Vec<((u32, Id), u64)> = shared.into_iter().collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut continued = vec![None; fit.clusters as usize];
    let mut taken = BTreeSet::new();
    for ((cluster, earlier), _) in pairs {
        let slot = &mut continued[cluster as usize];
        if slot.is_none() && taken.insert(earlier) {
            *slot = Some(earlier);
        }
    }
    continued
}

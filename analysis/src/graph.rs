//! A drawing of the concepts of a workspace: the most frequent ones, what binds them most, and where to put each.

mod groups;
mod layout;

use crate::naming::log2;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most nodes and edges of any drawing, whatever is asked for: people see no more, and placing takes the square of it.
pub const MOST_NODES: usize = 400;
/// See [`MOST_NODES`].
pub const MOST_EDGES: usize = 2_000;
/// A pair counts from this many documents on in which both stand, and from one more for each [`PER_SUPPORT`] documents of
/// the workspace; in workspaces below [`FEW`] documents one is enough.
const SUPPORT: u32 = 2;
const PER_SUPPORT: u32 = 2_000;
const FEW: u32 = 20;

/// A concept that could be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its key.
    pub key: &'a str,
    /// How it is written.
    pub name: &'a str,
    /// How many documents hold it.
    pub documents: u32,
    /// The cluster with most of these documents.
    pub cluster: Option<Uuid>,
}

/// Two concepts that stand in documents together.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Index of the one.
    pub a: usize,
    /// Index of the other.
    pub b: usize,
    /// How many documents hold both.
    pub documents: u32,
}

/// What can be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes, the most frequent first.
    pub nodes: Vec<Placed>,
    /// The edges, the strongest first.
    pub edges: Vec<Edge>,
    /// How many concepts are left out.
    pub nodes_omitted: usize,
    /// How many edges between drawn concepts are left out.
    pub edges_omitted: usize,
}

/// A node with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The concept's key.
    pub key: String,
    /// How it is written.
    pub name: String,
    /// How many documents hold it.
    pub documents: u32,
    /// Its radius beside that of the most frequent one, 0 to 1: areas are as documents.
    pub size: f32,
    /// Its cluster, if it was given.
    pub cluster: Option<Uuid>,
    /// What it is drawn with in one colour: its cluster, or what it is bound to most. The largest group is 0.
    pub group: u32,
    /// From left to right, 0 to 1.
    pub x: f32,
    /// From top to bottom, 0 to 1.
    pub y: f32,
}

/// A line between two nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Index of the more frequent node.
    pub from: usize,
    /// Index of the other.
    pub to: usize,
    /// How many documents hold both.
    pub documents: u32,
    /// How strongly they are bound, 0 to 1.
    pub weight: f32,
}

/// Draws at most so many nodes and edges of a workspace of `documents_total` documents.
///
/// The nodes are the most frequent concepts that are bound to any other, then the most frequent of the rest. Two are bound
/// as [`association`] says. Of the edges those that hold the drawing together come first (a maximum
/// spanning forest, Kruskal 1956), then the strongest.
#[must_use]
pub fn draw(nodes: &[Node<'_>], pairs: &[Pair], documents_total: u32, most_nodes: usize, most_edges: usize) -> Graph {
    let bound = bound(nodes, pairs, documents_total);
    let mut is_bound = vec![false; nodes.len()];
    for (a, b) in bound.keys() {
        (is_bound[*a], is_bound[*b]) = (true, true);
    }
    let mut chosen: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].documents > 0).collect();
    chosen.sort_by_key(|at| (!is_bound[*at], Reverse(nodes[*at].documents), nodes[*at].key, *at));
    chosen.truncate(most_nodes.min(MOST_NODES));
    chosen.sort_by_key(|at| (Reverse(nodes[*at].documents), nodes[*at].key, *at));
    let mut place = vec![None; nodes.len()];
    for (drawn, at) in chosen.iter().enumerate() {
        place[*at] = Some(drawn);
    }
    let drawn = bound.into_iter().filter_map(|((a, b), (documents, weight))| {
        let (a, b) = (place[a]?, place[b]?);
        Some(Edge { from: a.min(b), to: a.max(b), documents, weight })
    });
    let mut edges: Vec<Edge> = drawn.collect();
    let all = edges.len();
    edges.sort_by(strongest_first);
    choose(&mut edges, chosen.len(), most_edges.min(MOST_EDGES));
    let clusters: Vec<Option<Uuid>> = chosen.iter().map(|at| nodes[*at].cluster).collect();
    let groups = groups::of(&clusters, &edges);
    let places = layout::of(&groups, &edges);
    let largest = chosen.first().map_or(1, |at| nodes[*at].documents) as f32;
    let placed = chosen.iter().zip(groups.iter().zip(places)).map(|(at, (group, (x, y)))| {
        let Node { key, name, documents, cluster } = nodes[*at];
        let size = (documents as f32 / largest).sqrt();
        Placed { key: key.to_owned(), name: name.to_owned(), documents, size, cluster, group: *group, x, y }
    });
    Graph {
        nodes: placed.collect(),
        nodes_omitted: nodes.len() - chosen.len(),
        edges_omitted: all - edges.len(),
        edges,
    }
}

/// What binds which pair, each once, with the documents that hold both.
fn bound(nodes: &[Node<'_>], pairs: &[Pair], total: u32) -> BTreeMap<(usize, usize), (u32, f32)> {
    let support = if total < FEW { 1 } else { SUPPORT + total / PER_SUPPORT };
    let mut bound: BTreeMap<(usize, usize), (u32, f32)> = BTreeMap::new();
    for pair in pairs {
        let (Some(a), Some(b)) = (nodes.get(pair.a), nodes.get(pair.b)) else { continue };
        let documents = pair.documents.min(a.documents).min(b.documents);
        if pair.a == pair.b || documents < support {
            continue;
        }
        let [one, other, both, all] = [a.documents, b.documents, documents, total].map(u64::from);
        let weight = association(one, other, both, all);
        let known = bound.entry((pair.a.min(pair.b), pair.a.max(pair.b))).or_default();
        if documents > known.0 {
            *known = (documents, weight);
        }
    }
    bound.retain(|_, (_, weight)| *weight > 0.0);
    bound
}

/// How strongly two concepts go together, of which the one stands in `a` documents, the other in `b` and both in `both`:
/// normalised pointwise mutual information (Bouma 2009), 0 for chance or less and 1 for two that never stand apart, of which
/// pairs in few documents lose a part (after Pantel & Lin 2002).
#[must_use]
pub fn association(a: u64, b: u64, both: u64, total: u64) -> f32 {
    let both = both.min(a).min(b);
    if both >= total {
        // What stands in every document says nothing.
        return 0.0;
    }
    let total = log2(total.max(a).max(b) + 1);
    let (a, b, together) = (log2(a), log2(b), log2(both));
    let information = (together + total - a - b) / (total - together).max(f32::MIN_POSITIVE);
    let trust = both as f32 / (both as f32 + 1.0);
    (information * trust).clamp(0.0, 1.0)
}

fn strongest_first(one: &Edge, another: &Edge) -> std::cmp::Ordering {
    let by_weight = another.weight.total_cmp(&one.weight).then(another.documents.cmp(&one.documents));
    by_weight.then((one.from, one.to).cmp(&(another.from, another.to)))
}

/// Keeps the edges that hold the drawing together, then the strongest; they come strongest first and stay so.
fn choose(edges: &mut Vec<Edge>, nodes: usize, most: usize) {
    let mut parts: Vec<usize> = (0..nodes).collect();
    let (mut needed, mut more) = (Vec::new(), Vec::new());
    for edge in edges.drain(..) {
        let (from, to) = (part(&mut parts, edge.from), part(&mut parts, edge.to));
        parts[to] = from;
        if from == to { more.push(edge) } else { needed.push(edge) }
    }
    *edges = needed.into_iter().chain(more).take(most).collect();
    edges.sort_by(strongest_first);
}

/// The part of a forest that a node is in.
fn part(parts: &mut [usize], mut at: usize) -> usize {
    while parts[at] != at {
        parts[at] = parts[parts[at]];
        at = parts[at];
    }
    at
}

#[cfg(test)]
mod tests;

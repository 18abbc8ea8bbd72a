//! What is drawn, how strongly it is bound, where it stands; and input that cannot be drawn.

use super::*;
use std::time::{Duration, Instant};

fn node(key: &str, documents: u32) -> Node<'_> {
    Node { key, name: key, documents, cluster: None }
}

fn pair(a: usize, b: usize, documents: u32) -> Pair {
    Pair { a, b, documents }
}

fn keys(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.key.as_str()).collect()
}

#[test]
fn bound_concepts_are_drawn_first_and_the_rest_is_counted() {
    let nodes = [node("lonely", 90), node("a", 5), node("b", 9), node("c", 8), node("none", 0)];
    let graph = draw(&nodes, &[pair(1, 2, 4), pair(2, 3, 6)], 100, 3, 9);
    assert_eq!(keys(&graph), ["b", "c", "a"]);
    assert_eq!((graph.nodes_omitted, graph.edges_omitted), (2, 0));
    assert_eq!(keys(&draw(&nodes, &[pair(1, 2, 4)], 100, 9, 9)), ["lonely", "b", "c", "a"]);
}

#[test]
fn a_pair_needs_documents_and_more_than_chance() {
    let nodes = [node("a", 50), node("b", 50), node("c", 4), node("d", 4)];
    let edges = |pairs: &[Pair], total| draw(&nodes, pairs, total, 9, 9).edges;
    assert_eq!(edges(&[pair(0, 1, 20)], 100), [], "chance alone would give 25");
    assert_eq!(edges(&[pair(2, 3, 1)], 100), []);
    assert_eq!(edges(&[pair(2, 3, 2)], 100).len(), 1);
    assert_eq!(edges(&[pair(2, 3, 2)], 4_000), [], "more documents, more support");
    assert_eq!(draw(&[node("a", 2), node("b", 2)], &[pair(0, 1, 1)], 10, 9, 9).edges.len(), 1);
}

#[test]
fn the_weight_grows_with_what_is_shared() {
    let weights = [1, 2, 3, 5, 9].map(|both| association(10, 10, both, 100));
    assert!(weights.is_sorted() && weights[0] < 0.1 && weights[4] > 0.7 && weights[4] < 1.0, "{weights:?}");
    assert!(association(2, 2, 2, 100) < association(9, 9, 9, 100), "two documents are little evidence");
    assert!((0.0..=1.0).contains(&association(u64::MAX - 1, u64::MAX - 1, u64::MAX - 1, 0)), "no number breaks it");
}

#[test]
fn the_edges_that_hold_the_drawing_together_stay() {
    let names: Vec<String> = (0..6).map(|at| format!("n{at}")).collect();
    let nodes: Vec<Node<'_>> = names.iter().map(|name| node(name, 10)).collect();
    let strong = [pair(0, 1, 9), pair(1, 2, 9), pair(0, 2, 9), pair(3, 4, 9), pair(4, 5, 9), pair(3, 5, 9)];
    let graph = draw(&nodes, &[&strong[..], &[pair(2, 3, 2)]].concat(), 100, 9, 5);
    assert!(graph.edges.iter().any(|edge| (edge.from, edge.to) == (2, 3)), "{:?}", graph.edges);
    assert_eq!((graph.edges.len(), graph.edges_omitted), (5, 2));
    assert!(graph.edges.is_sorted_by(|one, another| one.weight >= another.weight));
}

#[test]
fn groups_are_clusters_or_what_is_bound_most() {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let in_cluster = |key, cluster| Node { cluster: Some(cluster), ..node(key, 10) };
    let nodes = [in_cluster("a", one), in_cluster("b", one), in_cluster("c", two), node("d", 10), node("e", 10)];
    let graph = draw(&nodes, &[pair(3, 2, 9), pair(3, 0, 3)], 100, 9, 9);
    let group = |key| graph.nodes.iter().find(|node| node.key == key).map(|node| node.group);
    assert_eq!((group("a"), group("b")), (Some(0), Some(0)), "the largest");
    assert_eq!((group("c"), group("d"), group("e")), (Some(1), Some(1), Some(2)));
}

#[test]
fn nodes_stand_in_the_frame_and_apart_and_friends_together() {
    let names: Vec<String> = (0..40).map(|at| format!("n{at:02}")).collect();
    let nodes: Vec<Node<'_>> = names.iter().map(|name| node(name, 10)).collect();
    // Two circles.
    let pairs: Vec<Pair> =
        (0..20).flat_map(|at| [pair(at, (at + 1) % 20, 9), pair(20 + at, 20 + (at + 1) % 20, 9)]).collect();
    let graph = draw(&nodes, &pairs, 1_000, 40, 100);
    let distance = |a: usize, b: usize| {
        let (a, b) = (&graph.nodes[a], &graph.nodes[b]);
        ((a.x - b.x).powi(2) + (a.y - b.y).powi(2)).sqrt()
    };
    assert!(graph.nodes.iter().all(|node| (0.0..=1.0).contains(&node.x) && (0.0..=1.0).contains(&node.y)));
    let (mut bound, mut all, mut least) = (0.0, 0.0, f32::MAX);
    for a in 0..40 {
        for b in 0..a {
            all += distance(a, b) / 780.0;
            least = least.min(distance(a, b));
        }
    }
    graph.edges.iter().for_each(|edge| bound += distance(edge.from, edge.to) / graph.edges.len() as f32);
    assert!(bound < all * 0.6 && least > 0.01, "{bound} {all} {least}");
}

#[test]
fn names_have_room_even_where_everything_is_bound() {
    let keys: Vec<String> = (0..40).map(|at| format!("k{at}")).collect();
    let nodes: Vec<Node<'_>> = keys.iter().map(|key| node(key, 10)).collect();
    let pairs: Vec<Pair> = (0..40).flat_map(|a| (a + 1..40).map(move |b| pair(a, b, 5))).collect();
    let graph = draw(&nodes, &pairs, 1_000, 40, 2_000);
    assert!(graph.edges.len() > 700);
    for (at, one) in graph.nodes.iter().enumerate() {
        for other in &graph.nodes[at + 1..] {
            let (x, y) = ((one.x - other.x).abs(), (one.y - other.y).abs());
            assert!(x > 0.1 || y > 0.03, "{} and {} stand in each other's way: {x} {y}", one.key, other.key);
        }
    }
}

#[test]
fn sizes_are_as_documents() {
    let graph = draw(&[node("a", 100), node("b", 25)], &[], 200, 9, 9);
    assert_eq!((graph.nodes[0].size, graph.nodes[1].size), (1.0, 0.5));
}

#[test]
fn nothing_and_one_can_be_drawn() {
    assert_eq!(draw(&[], &[], 0, 9, 9), Graph::default());
    let graph = draw(&[node("a", 1)], &[pair(0, 0, 1), pair(0, 7, 1), pair(usize::MAX, 0, 9)], 1, 9, 9);
    assert_eq!((graph.nodes[0].x, graph.nodes[0].y, graph.edges.len()), (0.5, 0.5, 0));
    assert_eq!(draw(&[node("a", 1)], &[], 1, 0, 0).nodes_omitted, 1);
}

#[test]
fn a_pair_given_twice_is_one_edge() {
    let graph = draw(&[node("a", 9), node("b", 9)], &[pair(0, 1, 5), pair(1, 0, 6), pair(1, 0, 99)], 100, 9, 9);
    assert_eq!(graph.edges.len(), 1);
    assert_eq!(graph.edges[0].documents, 9, "no more than either has");
}

#[test]
fn large_input_is_bounded_and_drawn_the_same_twice() {
    let names: Vec<String> = (0..5_000).map(|at| format!("n{at}")).collect();
    let nodes: Vec<Node<'_>> = names.iter().zip(0..).map(|(name, at): (_, u32)| node(name, 10 + at % 97)).collect();
    let pairs: Vec<Pair> = (0..200_000).map(|at| pair(at * 7 % 5_000, at * at % 4_999, 3 + (at % 9) as u32)).collect();
    let begun = Instant::now();
    let graph = draw(&nodes, &pairs, 3_000, usize::MAX, usize::MAX);
    println!("{} nodes, {} edges in {:?}", graph.nodes.len(), graph.edges.len(), begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(20), "even unoptimised");
    assert!(graph.nodes.len() <= MOST_NODES && graph.edges.len() <= MOST_EDGES);
    assert_eq!(graph, draw(&nodes, &pairs, 3_000, usize::MAX, usize::MAX));
    assert!(graph.nodes.iter().all(|node| node.x.is_finite() && node.y.is_finite()));
}

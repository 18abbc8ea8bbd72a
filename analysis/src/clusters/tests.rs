//! Properties that hold whatever the documents are.

use super::*;

/// Words of documents: so many subjects of twenty words each, and a few words that all share.
fn documents(count: usize, subjects: usize, seed: u64) -> Vec<Vector> {
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut document = |at: usize| {
        let own: Vec<String> = (0..12).map(|_| format!("s{}w{}", at % subjects, random(20))).collect();
        let shared: Vec<String> = (0..4).map(|_| format!("word{}", random(50))).collect();
        Vector::of(own.iter().chain(&shared).map(String::as_str))
    };
    (0..count).map(&mut document).collect()
}

fn fit_all(vectors: &[Vector]) -> Fit {
    fit(&vectors.iter().collect::<Vec<_>>())
}

#[track_caller]
fn assert_valid(fit: &Fit, documents: usize) {
    assert_eq!((fit.assignment.len(), fit.similarity.len()), (documents, documents));
    let mut sizes = vec![0; fit.clusters as usize];
    for (cluster, similarity) in fit.assignment.iter().zip(&fit.similarity) {
        assert!((0.0..=1.0).contains(similarity));
        if let Some(cluster) = cluster {
            sizes[*cluster as usize] += 1;
        }
    }
    assert!(sizes.iter().all(|size| *size > 0), "a cluster is empty: {sizes:?}");
}

#[test]
fn subjects_are_told_apart_in_any_order() {
    for seed in 1..6 {
        let mut vectors = documents(120, 4, seed);
        let mut subjects: Vec<usize> = (0..120).map(|at| at % 4).collect();
        for step in [1, 7, 31] {
            let order: Vec<usize> = (0..120).map(|at| at * step % 120).collect();
            vectors = order.iter().map(|at| vectors[*at].clone()).collect();
            subjects = order.iter().map(|at| subjects[*at]).collect();
            let fit = fit_all(&vectors);
            assert_valid(&fit, 120);
            assert_eq!(fit.clusters, 4);
            for (at, cluster) in fit.assignment.iter().enumerate() {
                let first = subjects.iter().position(|subject| *subject == subjects[at]).expect("itself");
                assert_eq!(*cluster, fit.assignment[first]);
            }
        }
    }
}

#[test]
fn the_same_documents_give_the_same_clusters_and_a_model_that_reads_back() {
    let vectors = documents(200, 5, 3);
    let (one, other) = (fit_all(&vectors), fit_all(&vectors));
    assert_eq!(one.assignment, other.assignment);
    assert_eq!(one.model.to_bytes(), other.model.to_bytes());
    let read = Model::from_bytes(&one.model.to_bytes()).expect("its own bytes");
    for (vector, similarity) in vectors.iter().zip(&one.similarity) {
        assert_eq!(read.assign(vector), one.model.assign(vector));
        assert_eq!(read.assign(vector).map_or(0.0, |assigned| assigned.similarity).to_bits(), similarity.to_bits());
        assert_eq!(Vector::from_bytes(&vector.to_bytes()).as_ref(), Some(vector));
    }
    assert!(Model::from_bytes(&one.model.to_bytes()[1..]).is_none());
}

#[test]
fn what_fits_nowhere_stays_outside() {
    let mut vectors = documents(90, 3, 9);
    vectors.push(Vector::of(["quite", "another", "matter"].into_iter()));
    vectors.push(Vector::default());
    let fit = fit_all(&vectors);
    assert_valid(&fit, 92);
    assert_eq!(fit.assignment[90..], [None, None]);
}

#[test]
fn odd_workspaces_are_clustered_without_harm() {
    let same = vec![documents(1, 1, 1).remove(0); 5_000];
    assert_valid(&fit_all(&same), 5_000);
    let different: Vec<Vector> =
        (0..500).map(|at| Vector::of([format!("a{at}"), format!("b{at}")].iter().map(String::as_str))).collect();
    let fit = fit_all(&different);
    assert_valid(&fit, 500);
    assert_eq!(fit.clusters, 0, "nothing in common, nothing found");
    for few in 0..8 {
        assert_valid(&fit_all(&documents(few, 2, 5)), few);
    }
    assert_valid(&fit_all(&documents(SAMPLE + 500, 6, 2)), SAMPLE + 500);
}

#[test]
fn a_vector_is_bounded() {
    let words: Vec<String> = (0..200_000).map(|at| format!("w{at}")).collect();
    assert!(Vector::of(words.iter().map(String::as_str)).to_bytes().len() <= 480);
    assert!(Vector::of(std::iter::repeat_n("a", 1_000_000)).to_bytes().len() == 5);
}

#[test]
fn the_larger_part_keeps_the_id() {
    let fit = Fit {
        model: Model::default(),
        assignment: vec![Some(0), Some(0), Some(1), Some(1), Some(1), None, Some(2)],
        similarity: vec![0.5; 7],
        clusters: 3,
    };
    let earlier = [Some('a'), Some('b'), Some('a'), Some('a'), Some('c'), Some('a'), None];
    assert_eq!(continued(&earlier, &fit), [Some('b'), Some('a'), None]);
}

#[test]
fn epochs_come_when_enough_has_changed() {
    assert!(!is_due(5, 0, 5));
    assert!(is_due(6, 0, 6));
    assert!(!is_due(101, 100, 24) && is_due(101, 100, 25));
    assert!(!is_due(10_000, 10_000, 4_999) && is_due(10_000, 10_000, 5_000));
}

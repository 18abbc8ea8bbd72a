//! Each rule of naming, and input that tries to break one.

use super::*;

fn concept(name: &str, documents: u32, documents_overall: u32) -> InCluster<'_> {
    InCluster { name, documents, documents_overall, category: Category::Concept }
}

fn name_of(documents: u32, concepts: &[(&str, u32, u32)]) -> String {
    let concepts = concepts.iter().map(|(name, inside, overall)| concept(name, *inside, *overall)).collect();
    names(&[Cluster { documents, concepts, words: Vec::new() }], 1_000).remove(0)
}

#[test]
fn the_most_distinguishing_concepts_are_the_name() {
    let name = name_of(
        40,
        &[("container orchestration", 28, 35), ("Kubernetes", 38, 42), ("software", 40, 900), ("cluster", 5, 6)],
    );
    assert_eq!(name, "Kubernetes and container orchestration");
}

#[test]
fn a_second_concept_needs_half_the_score() {
    assert_eq!(name_of(40, &[("football", 39, 40), ("referee", 9, 30)]), "Football");
}

#[test]
fn what_few_documents_hold_names_nothing() {
    assert_eq!(name_of(100, &[("rare word", 3, 3), ("mortgages", 30, 60)]), "Mortgages");
    assert_eq!(name_of(100, &[("rare word", 3, 3), ("loans", 10, 20)]), "Loans", "the lower share if none has more");
    assert_eq!(name_of(100, &[("rare word", 3, 3)]), "Documents about rare word");
}

#[test]
fn frequent_words_name_what_shares_no_concept() {
    let words = vec![concept("film", 30, 40), concept("music", 28, 60), concept("year", 70, 700)];
    let few = Cluster { documents: 100, concepts: vec![concept("film festival", 9, 9)], words: words.clone() };
    assert_eq!(names(&[few], 1_000), ["Film and music"]);
    let many = Cluster { documents: 100, concepts: vec![concept("film festival", 25, 26)], words };
    assert_eq!(names(&[many], 1_000), ["Film festival"]);
}

#[test]
fn what_sets_nothing_apart_is_said_to_be_the_subject() {
    assert_eq!(name_of(10, &[("software", 9, 990), ("people", 8, 980)]), "Documents about software");
}

#[test]
fn a_name_does_not_say_the_same_twice() {
    assert_eq!(name_of(20, &[("machine learning", 19, 30), ("ML", 15, 20), ("learning", 19, 90)]), "Machine learning");
    assert_eq!(name_of(20, &[("event sourcing", 19, 30), ("EventSourcing", 15, 20)]), "Event sourcing");
    assert_eq!(name_of(20, &[("database", 19, 30), ("Databases", 18, 30)]), "Database");
}

#[test]
fn a_whole_phrase_is_better_than_its_part() {
    assert_eq!(name_of(20, &[("champions", 20, 21), ("Champions League", 15, 16)]), "Champions League");
    assert_eq!(name_of(20, &[("league", 20, 21), ("Little League", 4, 4)]), "League");
}

#[test]
fn names_begin_large_unless_they_are_written_otherwise() {
    assert_eq!(name_of(5, &[("äpfel", 5, 6)]), "Äpfel");
    assert_eq!(name_of(5, &[("iPhone", 5, 6)]), "iPhone");
    assert_eq!(name_of(5, &[("eBPF", 5, 6)]), "eBPF");
    assert_eq!(name_of(5, &[("機械学習", 5, 6)]), "機械学習");
    assert_eq!(name_of(5, &[("ßx", 5, 6)]), "ßx");
}

#[test]
fn names_are_unique() {
    let cluster = |documents, concepts: &[(&'static str, u32, u32)]| Cluster {
        documents,
        concepts: concepts.iter().map(|(name, inside, overall)| concept(name, *inside, *overall)).collect(),
        words: Vec::new(),
    };
    let clusters = [
        cluster(10, &[("Rust", 10, 40), ("memory safety", 3, 9)]),
        cluster(20, &[("rust", 20, 40), ("async", 5, 30)]),
        cluster(5, &[("Rust", 5, 40)]),
        cluster(5, &[]),
        cluster(5, &[]),
    ];
    let found = names(&clusters, 1_000);
    assert_eq!(found, ["Rust and memory safety", "Rust", "Rust 2", "Untitled cluster", "Untitled cluster 2"]);
}

#[test]
fn no_concepts_are_untitled() {
    assert_eq!(name_of(7, &[]), "Untitled cluster");
    assert_eq!(name_of(7, &[("  \n ", 7, 7), ("no documents", 0, 0)]), "Untitled cluster");
    assert_eq!(names(&[], 0), Vec::<String>::new());
}

#[test]
fn names_are_short_and_in_one_line() {
    let long = "very long words of a name that never seems to come to any end whatever happens";
    let name = name_of(9, &[(long, 9, 9), ("tea\n\tand\u{0} coffee", 8, 9)]);
    assert!(name.chars().count() <= LONGEST && name.starts_with("Very long words"), "{name}");
    let letter = "x".repeat(3_000_000);
    let name = name_of(9, &[(&letter, 9, 9)]);
    assert_eq!((name.chars().count(), name.ends_with('…')), (LONGEST, true));
    assert_eq!(name_of(9, &[("tea\n\tand\u{0} coffee", 8, 9)]), "Tea and coffee");
    let spaces = "a ".repeat(1_000_000);
    assert!(name_of(9, &[(&spaces, 9, 9)]).chars().count() <= LONGEST);
}

#[test]
fn many_clusters_of_one_name_differ() {
    let clusters = vec![Cluster { documents: 3, concepts: vec![concept("the same", 3, 3)], words: Vec::new() }; 300];
    let found: BTreeSet<String> = names(&clusters, 900).into_iter().collect();
    assert_eq!(found.len(), 300);
}

#[test]
fn numbers_that_cannot_be_break_nothing() {
    let name = name_of(0, &[("odd", u32::MAX, 0), ("odder", 5, u32::MAX)]);
    assert!(!name.is_empty());
    let clusters =
        [Cluster { documents: u32::MAX, concepts: vec![concept("most", u32::MAX, u32::MAX)], words: Vec::new() }];
    assert_eq!(names(&clusters, u32::MAX), ["Documents about most"]);
}

#[test]
fn the_order_of_concepts_does_not_matter() {
    let concepts = [("a b", 5, 9), ("c d", 5, 9), ("e f", 5, 9)];
    let reversed: Vec<_> = concepts.iter().rev().copied().collect();
    assert_eq!(name_of(9, &concepts), name_of(9, &reversed));
}

#[test]
fn the_top_concepts_are_frequent_here_and_rare_elsewhere() {
    let concepts = vec![
        concept("everywhere", 10, 1_000),
        concept("here", 9, 10),
        concept("once", 1, 1),
        concept("b", 5, 9),
        concept("a", 5, 9),
        concept("", 10, 10),
        concept("nowhere", 0, 10),
    ];
    let cluster = Cluster { documents: 10, concepts, words: Vec::new() };
    assert_eq!(top(&cluster, 9), [1, 4, 3, 2, 0]);
    assert_eq!(top(&cluster, 2), [1, 4]);
    assert_eq!(top(&Cluster::default(), 2), Vec::<usize>::new());
}

#[test]
fn the_logarithm_is_right() {
    for number in (1..5_000_u64).chain([u64::from(u32::MAX), u64::MAX]) {
        assert!((f64::from(log2(number)) - (number as f64).log2()).abs() < 1e-3, "{number}");
    }
    assert_eq!(log2(0), 0.0);
}

//! What is joined, what never is, and how long it takes.

use super::*;
use crate::concepts;
use std::time::{Duration, Instant};

fn counted(concepts: &[(&'static str, u32)]) -> Vec<Counted<'static>> {
    concepts
        .iter()
        .map(|(key, documents)| Counted { key, name: key, documents: *documents, acronym_of: None })
        .collect()
}

fn joins(variant: &'static str, concept: &'static str) -> bool {
    is_joined(&counted(&[(variant, 1), (concept, 9)]))
}

/// Names whose keys are made as those of documents are.
fn names_join(variant: &str, concept: &str) -> bool {
    let [a, b] = [concepts::key(variant), concepts::key(concept)];
    assert_ne!(a, b, "{variant} and {concept} meet under one key");
    let of = |key, name, documents| Counted { key, name, documents, acronym_of: None };
    is_joined(&[of(&a, variant, 1), of(&b, concept, 9)])
}

fn is_joined(pair: &[Counted<'_>]) -> bool {
    match aliases(pair).as_slice() {
        [] => false,
        found => {
            assert_eq!(found, [(0, 1)], "{pair:?}");
            true
        }
    }
}

fn long_form(key: &str) -> Option<LongForm<'_>> {
    Some(LongForm { key, documents: 2, explaining: 2 })
}

#[test]
fn slips_and_other_spellings_join() {
    for (variant, concept) in [
        ("kubernates", "kubernetes"),
        ("kuberntes", "kubernetes"),
        ("kubernettes", "kubernetes"),
        ("kubenretes", "kubernetes"),
        ("kuberneets", "kubernetes"),
        ("organisation", "organization"),
        ("datacentre", "datacenter"),
        ("behaviour", "behavior"),
        ("anaemiaofinfants", "anemiaofinfants"),
        ("elasticsearchs", "elasticsearch"),
        ("platfrom", "platform"),
        ("machinlearnign", "machinelearning"),
        ("datawarehouse", "datawarehouses"),
        ("straßenverkher", "straßenverkehr"),
    ] {
        assert!(joins(variant, concept), "{variant} {concept}");
    }
}

#[test]
fn short_keys_need_to_be_equal() {
    for (one, another) in [("form", "from"), ("rustc", "rusty"), ("hadoopp", "hadoop"), ("postgre", "postgres")] {
        assert!(!joins(one, another), "{one} {another}");
    }
    assert!(!joins("kubrentes", "kubernetes"), "two edits take 14 letters");
}

#[test]
fn short_words_of_a_name_never_differ() {
    for (one, another) in [
        ("text generation", "test generation"),
        ("Text-generation", "test generation"),
        ("Text generation", "testgeneration"),
        ("text generations", "test-generation"),
        ("fake detection", "face detection"),
        ("test data", "text data"),
        ("text classification", "test classification"),
        ("code design", "core design"),
        ("data form check", "data from check"),
        ("lack of vitamin c", "lack of vitamin d"),
        ("vitamin a deficiency", "vitamin d deficiency"),
    ] {
        assert!(!names_join(one, another) && !names_join(another, one), "{one} {another}");
    }
}

#[test]
fn a_long_name_does_not_make_two_words_one() {
    for (one, another) in [
        ("consumer service", "consumer devices"),
        ("payment protection", "patent protection"),
        ("economist forecast", "economic forecasts"),
        ("immigration policy", "emigration policy"),
    ] {
        assert!(!names_join(one, another), "{one} {another}");
    }
}

#[test]
fn slips_in_the_other_words_of_a_name_join() {
    for (variant, concept) in [
        ("event sourcng", "event sourcing"),
        ("Event-sourcng", "event sourcing"),
        ("eventsourcng", "Event sourcing"),
        ("deep learnign", "deeplearning"),
        ("deep-learnings", "deep learnign"),
        ("kubernates cluster", "Kubernetes clusters"),
        ("Kubernates node", "kubernetes nodes"),
        ("machinelearnign", "machine learning"),
        ("text genration", "text generation"),
        ("histoy of art", "history of art"),
        ("natural langauge processing", "natural language processing"),
    ] {
        assert!(names_join(variant, concept), "{variant} {concept}");
    }
}

#[test]
fn a_name_that_does_not_spell_its_key_says_nothing_of_its_words() {
    let of = |key, name, documents| Counted { key, name, documents, acronym_of: None };
    let renamed = of("kubernetes", "K8s", 9);
    assert!(is_joined(&[of("kubernates", "Kubernates", 1), renamed]));
    let renamed = of("textgeneration", "Writing by machine", 9);
    assert!(!is_joined(&[of("testgeneration", "test generation", 1), renamed]));
}

#[test]
fn digits_and_signs_never_differ() {
    for (one, another) in [
        ("python27runtime", "python37runtime"),
        ("windows10", "windows11"),
        ("http2protocol", "httpprotocol"),
        ("programmingc++", "programmingc#"),
        ("worldwarii", "worldwariii"),
        ("kinghenryiv", "kinghenryvi"),
        ("hepatitisa", "hepatitisb"),
    ] {
        assert!(!joins(one, another) && !joins(another, one), "{one} {another}");
    }
    assert!(joins("windwos11", "windows11"));
}

#[test]
fn affixes_that_change_the_meaning_keep_concepts_apart() {
    for (one, another) in [
        ("unsupervisedlearning", "supervisedlearning"),
        ("machineunlearning", "machinelearning"),
        ("symmetric", "asymmetric"),
        ("possibility", "impossibility"),
        ("imprecision", "precision"),
        ("nonlinearfunction", "linearfunction"),
        ("antipattern", "pattern"),
        ("reconstruction", "construction"),
        ("decentralization", "centralization"),
        ("investment", "reinvestment"),
        ("hypertension", "hypotension"),
        ("hyperthyroidism", "hypothyroidism"),
        ("macroeconomics", "microeconomics"),
        ("interorganizational", "intraorganizational"),
        ("adsorption", "absorption"),
        ("employer", "employee"),
        ("employe", "employee"),
        ("investigater", "investigator"),
        ("capitalist", "capitalism"),
        ("communist", "communism"),
        ("predispose", "redispose"),
        ("disconnected", "connected"),
    ] {
        assert!(!joins(one, another) && !joins(another, one), "{one} {another}");
    }
}

#[test]
fn letters_that_are_words_never_differ() {
    assert!(!joins("机器学习模型训练方法", "机器学习模型测练方法"));
    assert!(!joins("데이터베이스관리자", "데이터베이스관리인"));
}

#[test]
fn two_frequent_ones_stay_two() {
    let found = |one, another| aliases(&counted(&[("kubernates", one), ("kubernetes", another)]));
    assert_eq!(found(1, 1), []);
    assert_eq!(found(1, 2), [(0, 1)]);
    assert_eq!(found(2, 5), []);
    assert_eq!(found(2, 6), [(0, 1)]);
    assert_eq!(found(100, 299), []);
    assert_eq!(found(300, 100), [(1, 0)]);
    assert_eq!(found(0, 0), []);
}

#[test]
fn the_nearest_wins_then_the_most_frequent_then_the_first() {
    let near = counted(&[("distributedsystms", 1), ("distributedsystems", 3), ("distributedsyst", 40)]);
    assert!(aliases(&near).contains(&(0, 1)));
    let frequent = counted(&[("kubernxtes", 1), ("kubernytes", 5), ("kubernetes", 7)]);
    assert!(aliases(&frequent).contains(&(0, 2)));
    let equal = counted(&[("kubernxtes", 1), ("kubernytes", 5), ("kubernetes", 5)]);
    assert_eq!(aliases(&equal), [(0, 2)]);
}

#[test]
fn an_acronym_joins_its_long_form_and_what_that_joins() {
    let mut concepts = counted(&[("k8s", 4), ("kubernates", 1), ("kubernetes", 9), ("cqrs", 3)]);
    concepts[0].acronym_of = long_form("kubernates");
    concepts[3].acronym_of = long_form("never seen");
    assert_eq!(aliases(&concepts), [(0, 2), (1, 2)]);
}

#[test]
fn an_acronym_that_few_explain_stays_itself() {
    let mut concepts = counted(&[("cs", 300), ("computerscience", 2), ("nlp", 5), ("naturallanguageprocessing", 40)]);
    concepts[0].acronym_of = long_form("computerscience");
    concepts[2].acronym_of = Some(LongForm { key: "naturallanguageprocessing", documents: 1, explaining: 1 });
    assert_eq!(aliases(&concepts), []);
    concepts[2].acronym_of = long_form("naturallanguageprocessing");
    assert_eq!(aliases(&concepts), [(2, 3)]);
}

#[test]
fn there_are_no_cycles() {
    let mut concepts = counted(&[("aaaaaaaaab", 3), ("aaaaaaaaac", 9), ("x", 2), ("y", 2), ("z", 2)]);
    for (at, long) in [(1, "aaaaaaaaab"), (2, "y"), (3, "z"), (4, "x"), (0, "aaaaaaaaab")] {
        concepts[at].acronym_of = long_form(long);
    }
    let found = aliases(&concepts);
    let variants: Vec<usize> = found.iter().map(|(variant, _)| *variant).collect();
    assert!(variants.is_sorted_by(|one, another| one < another));
    assert!(found.iter().all(|(_, concept)| !variants.contains(concept)), "{found:?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn the_order_of_the_concepts_does_not_matter() {
    let concepts = counted(&[("kubernates", 1), ("kubernetes", 9), ("kubernutes", 9), ("kubernetez", 1)]);
    let named = |concepts: &[Counted<'_>]| {
        let pairs =
            aliases(concepts).into_iter().map(|(a, b)| (concepts[a].key.to_owned(), concepts[b].key.to_owned()));
        pairs.collect::<std::collections::BTreeSet<_>>()
    };
    let reversed: Vec<_> = concepts.iter().rev().copied().collect();
    assert_eq!(named(&concepts), named(&reversed));
}

#[test]
fn nothing_and_nonsense_are_bounded() {
    assert_eq!(aliases(&[]), []);
    let long = "a".repeat(1_000_000);
    let keys = [long.as_str(), &long[1..], "", " ", "é", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}"];
    let concepts: Vec<_> =
        keys.iter().map(|key| Counted { key, name: key, documents: 1, acronym_of: long_form(key) }).collect();
    assert_eq!(aliases(&concepts), []);
    // All with the same remains, and all alike in their first letters.
    let keys: Vec<String> =
        (0..20_000_u32).map(|at| format!("abcdefghij{}", char::from_u32(0x4_0000 + at).unwrap_or('x'))).collect();
    let equal: Vec<String> =
        (0..20_000_u32).map(|at| format!("abc{}efghij", char::from_u32(0x400 + at % 0x800).unwrap_or('x'))).collect();
    let all = keys.iter().chain(&equal).enumerate();
    let concepts: Vec<_> =
        all.map(|(at, key)| Counted { key, name: key, documents: at as u32 % 7, acronym_of: None }).collect();
    let begun = Instant::now();
    assert!(aliases(&concepts).len() < concepts.len());
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_hundred_thousand_concepts_are_quick() {
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let syllables = ["con", "tra", "mil", "ver", "os", "le", "ing", "dat", "sys", "or", "net", "pla"];
    let keys: Vec<String> =
        (0..100_000).map(|_| (0..4 + random(4)).map(|_| syllables[random(12) as usize]).collect()).collect();
    let mut of = |key| Counted { key, name: key, documents: 1 + random(30) as u32, acronym_of: None };
    let concepts: Vec<_> = keys.iter().map(|key| of(key)).collect();
    let begun = Instant::now();
    let found = aliases(&concepts);
    println!("{} of 100,000 in {:?}", found.len(), begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(30), "even unoptimised");
}

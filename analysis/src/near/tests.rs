//! Sketches against exact comparisons, and hostile texts.

use super::*;

fn numbered(range: std::ops::Range<usize>, salt: &str) -> Vec<String> {
    range.map(|number| format!("{salt}{number}")).collect()
}

fn words(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

fn sketch(owned: &[String]) -> Sketch {
    Sketch::of(owned.iter().map(String::as_str))
}

/// Two texts of 150 words that share a beginning of `shared` words.
fn pair(shared: usize, salt: usize) -> (Vec<String>, Vec<String>) {
    let common = numbered(0..shared, &format!("s{salt}x"));
    let end = |name: &str| numbered(shared..150, &format!("{name}{salt}x"));
    ([common.clone(), end("a")].concat(), [common, end("b")].concat())
}

#[test]
fn an_estimate_is_near_the_exact_resemblance() {
    for shared in [0, 40, 75, 115, 135, 142, 150] {
        let mut sum = 0.0;
        for salt in 0..100 {
            let (a, b) = pair(shared, salt);
            let exact = compare(&words(&a), &words(&b)).resemblance;
            let estimate = sketch(&a).resemblance(&sketch(&b));
            assert!((exact - estimate).abs() < 0.28, "{shared}: {exact} {estimate}");
            sum += f64::from(exact - estimate);
        }
        assert!((sum / 100.0).abs() < 0.02, "biased at {shared}: {sum}");
    }
}

#[test]
fn near_duplicates_share_a_band_and_others_do_not() {
    let found = |shared: usize, salt: usize| {
        let (a, b) = pair(shared, salt);
        let (a, b) = (sketch(&a), sketch(&b));
        let is_candidate = a.bands().iter().any(|band| b.bands().contains(band));
        (is_candidate, is_candidate && a.resemblance(&b) >= NEAR)
    };
    let of = |shared: usize| {
        let found: Vec<_> = (0..400).map(|salt| found(shared, salt)).collect();
        let share = |of: &dyn Fn(&(bool, bool)) -> bool| found.iter().filter(|found| of(found)).count() as f32 / 400.0;
        (share(&|found| found.0), share(&|found| found.1))
    };
    // 150 words of which the first n are shared resemble each other by (n - 2) / (298 - n).
    let (candidates, accepted) = of(142);
    assert!(candidates > 0.985 && accepted > 0.97, ".9: {candidates} {accepted}");
    let (candidates, accepted) = of(138);
    assert!(candidates > 0.96 && accepted > 0.75, ".85: {candidates} {accepted}");
    let (candidates, accepted) = of(133);
    assert!(candidates > 0.88 && (0.3..0.75).contains(&accepted), ".8: {candidates} {accepted}");
    let (candidates, accepted) = of(70);
    assert!(candidates < 0.06 && accepted == 0.0, ".3: {candidates} {accepted}");
}

#[test]
fn few_changed_words_leave_a_near_duplicate() {
    let a = numbered(0..150, "w");
    let mut b = a.clone();
    b[20] = "other".to_owned();
    b.remove(90);
    assert!(sketch(&a).resemblance(&sketch(&b)) >= NEAR);
    let comparison = compare(&words(&a), &words(&b));
    assert!((comparison.resemblance - 143.0 / 152.0).abs() < 0.02, "{comparison:?}");
}

#[test]
fn a_quote_is_contained_but_does_not_resemble() {
    let whole = numbered(0..300, "w");
    let comparison = compare(&words(&whole[100..140]), &words(&whole));
    assert!((comparison.containment_a - 1.0).abs() < 1e-6);
    assert!(comparison.containment_b < 0.15 && comparison.resemblance < 0.15);
}

#[test]
fn short_texts_are_equal_or_not() {
    let of = |text: &str| Sketch::of(text.split(' '));
    assert_eq!(of("rust"), of("rust"));
    assert!(of("rust").resemblance(&of("go")) < 0.2);
    assert!(of("a b").resemblance(&of("b a")) < 0.2, "the order counts");
    assert_eq!(compare(&["a", "b"], &["a", "b"]).resemblance, 1.0);
    assert_eq!(compare(&["a", "b"], &["b", "a"]).resemblance, 0.0);
    assert_ne!(of("a"), of("a a"));
}

#[test]
fn an_empty_text_resembles_nothing_and_has_no_bands() {
    let empty = Sketch::of(std::iter::empty());
    assert_eq!(empty, Sketch::default());
    assert!(empty.bands().is_empty() && empty.to_bytes().is_empty());
    assert_eq!(empty.resemblance(&empty), 0.0);
    assert_eq!(compare(&[], &[]), Comparison::default());
    assert_eq!(compare(&[], &["a"]), Comparison::default());
}

#[test]
fn bytes_and_json_are_read_back_and_checked() {
    for sketch in [Sketch::default(), sketch(&numbered(0..99, "w"))] {
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()).as_ref(), Some(&sketch));
        let json = serde_json::to_string(&sketch).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&json).unwrap(), sketch);
    }
    assert_eq!(Sketch::from_bytes(&[1; 59]), None);
    assert!(serde_json::from_str::<Sketch>("[1,2]").is_err());
    assert_eq!(sketch(&numbered(0..99, "w")).to_bytes().len(), 60);
}

#[test]
fn a_sketch_never_changes() {
    // What stands in tables was made by an earlier build.
    let bands = Sketch::of("the quick brown fox jumps over the lazy dog".split(' ')).bands();
    assert_eq!(bands.len(), BANDS);
    assert!((0..).zip(&bands).all(|(number, band): (i64, _)| band >> 48 == number));
    assert_eq!(bands[0], 262_708_434_965_781);
}

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let letter = "a".repeat(10_000_000);
    assert_eq!(Sketch::of(std::iter::once(letter.as_str())).bands().len(), BANDS);
    let same = Sketch::of(std::iter::repeat_n("a", 2_000_000));
    assert_eq!(same, Sketch::of(["a"; 3].into_iter()), "one shingle, however often");
    let many = numbered(0..200_000, "w");
    assert_eq!(sketch(&many).resemblance(&sketch(&many)), 1.0);
    assert_eq!(compare(&words(&many), &words(&many)).resemblance, 1.0);
}

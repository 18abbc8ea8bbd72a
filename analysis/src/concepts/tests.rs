//! What concepts are found in texts, odd ones too.

use super::*;
use crate::{Text, analyse};

fn found(title: &str, body: &str) -> Vec<Concept> {
    analyse(&Text { title, body, media_type: "text/markdown", file_name: None }).concepts
}

fn names(title: &str, body: &str) -> Vec<String> {
    found(title, body).into_iter().map(|concept| concept.name).collect()
}

#[test]
fn phrases_are_found_and_variants_are_one() {
    let text = "Event sourcing keeps each change. An event-sourced system stores its events in PostgreSQL. \
        With Event Sourcing the audit trail comes for free; data bases such as Postgres hold the databases of read models.";
    let concepts = found("Event sourcing", text);
    let with = |key: &str| concepts.iter().find(|concept| concept.key == key);
    let sourcing = with(&key("event sourcing")).expect("the phrase");
    assert_eq!((sourcing.name.as_str(), sourcing.category), ("Event sourcing", Category::Architecture));
    assert_eq!(sourcing.occurrences, 3, "in the title and twice in the text");
    let place = sourcing.places[0];
    let written: String = text.chars().skip(place.start as usize).take((place.end - place.start) as usize).collect();
    assert_eq!(written, "Event sourcing");
    assert_eq!(with("postgresql").map(|concept| concept.occurrences), Some(2));
    assert!(concepts.iter().all(|concept| (0.0..=1.0).contains(&concept.confidence)));
}

#[test]
fn acronyms_meet_their_long_form() {
    let text =
        "Topological data analysis (TDA) finds shapes. TDA is young. The FCA (formal concept analysis) is older.";
    let analysis = analyse(&Text { title: "", body: text, media_type: "text/plain", file_name: None });
    assert!(
        analysis.acronyms.contains(&("tda".to_owned(), key("topological data analysis"))),
        "{:?}",
        analysis.acronyms
    );
    assert!(analysis.acronyms.contains(&("fca".to_owned(), key("formal concept analysis"))), "{:?}", analysis.acronyms);
    let names: Vec<_> = analysis.concepts.iter().map(|concept| concept.name.to_lowercase()).collect();
    assert!(names.contains(&"topological data analysis".to_owned()) && !names.contains(&"tda".to_owned()), "{names:?}");
}

#[test]
fn ordinary_words_are_no_technologies() {
    assert!(!names("", "We go to the spring and react to rust on the car.").contains(&"Rust".to_owned()));
    assert!(names("", "The service was written in Rust and deployed with Docker.").contains(&"Rust".to_owned()));
    let ordinary = found("", "The rest of the rag shop needs 5 ml of oil, and the scheme excels in the Rest House.");
    assert!(ordinary.iter().all(|concept| concept.category == Category::Concept), "{ordinary:?}");
    let names = names("", "We serve it by REST, and RAG answers from what it finds.");
    assert!(
        names.contains(&"REST".to_owned()) && names.contains(&"retrieval-augmented generation".to_owned()),
        "{names:?}"
    );
    assert_ne!(key("rag"), key("retrieval-augmented generation"));
}

#[test]
fn contractions_are_no_concepts() {
    let names = names("", "It didn't work, they wouldn’t say. We don't know what isn't there; you'll see who's there.");
    assert!(!names.iter().any(|name| name.contains('t') && name.contains('n') && name.contains(' ')), "{names:?}");
}

#[test]
fn a_name_at_the_beginning_of_a_sentence_keeps_its_capital() {
    assert!(names("", "Tony Blair is here. So are others.").contains(&"Tony Blair".to_owned()));
    assert!(names("", "Bread crust is hot. So are others.").contains(&"bread crust".to_owned()));
    assert!(names("", "Labour won. This is what Labour does.").contains(&"Labour".to_owned()));
}

#[test]
fn other_languages_and_code_have_concepts() {
    assert!(
        names("", "Die künstliche Intelligenz verändert die Medizin. Künstliche Intelligenz braucht Daten.")
            .iter()
            .any(|name| name.to_lowercase() == "künstliche intelligenz")
    );
    assert!(names("", "机器学习是人工智能的一个分支。机器学习算法需要数据。").contains(&"机器学习".to_owned()));
    let code = "// Retries failed uploads with exponential backoff.\nfn retry_upload(upload_queue: &mut Queue) {}\n";
    let text = Text { title: "retry.rs", body: code, media_type: "text/plain", file_name: Some("src/retry.rs") };
    let analysis = analyse(&text);
    assert_eq!(analysis.code.as_deref(), Some("Rust"));
    let names: Vec<_> = analysis.concepts.iter().map(|concept| concept.name.as_str()).collect();
    assert!(names.contains(&"Rust") && names.contains(&"exponential backoff"), "{names:?}");
}

#[test]
fn hostile_texts_stay_within_bounds() {
    let letter = "a".repeat(10 << 20);
    let different: String = (0..200_000).map(|at| format!("word{at} ")).collect();
    let odd = [
        "\u{0}\u{1b}\u{7f}\u{202e}مرحبا بالعالم",
        "🦀👩‍👩‍👧 ",
        "((((([[[[{{{{```",
        "\u{301}\u{301}a\u{301}",
        "(A) (",
        "))))",
    ];
    let repeated: Vec<String> = odd.iter().map(|text| text.repeat(20_000)).collect();
    for text in [letter.as_str(), different.as_str()].into_iter().chain(repeated.iter().map(String::as_str)) {
        for media_type in ["text/plain", "text/markdown"] {
            for file_name in [None, Some("x.rs")] {
                let analysis =
                    analyse(&Text { title: text.get(..300).unwrap_or(""), body: text, media_type, file_name });
                assert!(analysis.concepts.len() <= MOST);
                assert!(
                    analysis
                        .concepts
                        .iter()
                        .all(|concept| !concept.key.is_empty() && concept.places.len() <= MOST_PLACES)
                );
                assert!(analysis.vector.to_bytes().len() <= 480);
            }
        }
    }
}

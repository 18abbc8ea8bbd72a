//! What is suggested from much, from little and from nothing; and that the archetypes are whole.

use super::*;
use Category as C;

fn concept(name: &str, category: Category, documents: u32) -> Concept<'_> {
    Concept { key: name, name, category, documents }
}

fn cluster<'a>(id: u128, name: &'a str, documents: u32, concepts: &[&'a str]) -> Cluster<'a> {
    let concepts = concepts.iter().map(|name| concept(name, C::Concept, documents / 2)).collect();
    Cluster { id: Uuid::from_u128(id), name, documents, recent: 0, beginner: 3, advanced: 3, concepts }
}

fn of_kind<'a>(found: &'a [Suggestion], kind: &str) -> Option<&'a Suggestion> {
    found.iter().find(|suggestion| suggestion.kind == kind)
}

const BREAD: [&str; 12] = [
    "bread",
    "sourdough",
    "starter",
    "flour",
    "oven",
    "crust",
    "yeast",
    "kneading",
    "proofing",
    "rye",
    "salt",
    "crumb",
];

#[test]
fn too_little_is_said_to_be_too_little() {
    let (found, missing) = suggest(&Bank::default(), 10);
    assert!(found.is_empty());
    assert_eq!(missing, ["at least 3 documents; there are 0", "documents about at least 5 concepts; there are 0"]);
    let concepts = BREAD[..6].iter().map(|name| concept(name, C::Concept, 1)).collect();
    let (found, missing) = suggest(&Bank { documents: 4, concepts, clusters: Vec::new() }, 10);
    assert!(found.is_empty(), "{found:?}");
    assert!(!missing.is_empty() && missing.iter().all(|miss| miss.starts_with("for ")), "{missing:?}");
}

#[test]
fn what_is_known_makes_a_project_and_what_is_not_is_missing() {
    let concepts = vec![
        concept("Rust", C::Language, 9),
        concept("PostgreSQL", C::Database, 6),
        concept("axum", C::Framework, 4),
        concept("ownership", C::Concept, 3),
        concept("unit testing", C::Testing, 1),
    ];
    let rust = Cluster { concepts: concepts.clone(), ..cluster(1, "Rust", 9, &[]) };
    let (found, _) = suggest(&Bank { documents: 12, concepts, clusters: vec![rust] }, 50);
    let service = of_kind(&found, "web_service").expect("a language and a framework are there");
    assert_eq!(service.title, "A web service in Rust with axum");
    assert_eq!(
        service.missing_knowledge,
        ["deployment and operation: nothing yet", "testing: little so far, only unit testing"]
    );
    assert!(service.reasons.contains(&"a database: PostgreSQL".to_owned()), "{:?}", service.reasons);
    assert_eq!(service.clusters, [Uuid::from_u128(1)]);
    assert!(service.feasibility > 0.6 && service.feasibility < 1.0);
    assert_eq!((service.effort(), service.days), (Effort::Medium, 20));
    assert!(service.concepts.contains(&"PostgreSQL".to_owned()) && !service.concepts.contains(&"ownership".to_owned()));
    assert_eq!(of_kind(&found, "mobile_app"), None, "nothing essential of it is there");
}

#[test]
fn not_only_programmers_find_something() {
    let bread = cluster(1, "Sourdough bread", 20, &BREAD);
    let concepts = bread.concepts.clone();
    let (found, _) = suggest(&Bank { documents: 20, concepts, clusters: vec![bread] }, 50);
    let course = of_kind(&found, "course").expect("there is enough for a course");
    assert_eq!((course.title.as_str(), course.feasibility), ("A course: Sourdough bread", 1.0));
    assert!(course.is_of_clusters && course.required_skills.iter().any(|skill| skill.name == "explaining"));
    assert_eq!(of_kind(&found, "web_service"), None);
}

#[test]
fn a_list_has_something_of_everything() {
    let clusters: Vec<Cluster<'_>> = (0..12).map(|id| cluster(id, "Bread", 30, &BREAD)).collect();
    let concepts = clusters[0].concepts.clone();
    let bank = Bank { documents: 400, concepts, clusters };
    let (found, missing) = suggest(&bank, 50);
    assert!(missing.is_empty());
    for suggestion in &found {
        let of_kind = found.iter().filter(|other| other.kind == suggestion.kind).count();
        assert!(of_kind <= MOST_OF_KIND, "{}", suggestion.kind);
        assert!((0.0..=1.0).contains(&suggestion.feasibility) && suggestion.days > 0 && !suggestion.steps.is_empty());
    }
    assert_eq!(suggest(&bank, 3).0, found[..3], "the first ones, whatever the number");
}

#[test]
fn two_of_a_kind_are_compared_and_two_fields_are_joined() {
    let concepts = vec![
        concept("PostgreSQL", C::Database, 9),
        concept("MongoDB", C::Database, 5),
        concept("Redis", C::Database, 1),
        concept("index", C::Concept, 3),
        concept("query", C::Concept, 3),
    ];
    let clusters = vec![
        cluster(1, "Databases", 9, &["index", "query", "page", "lock"]),
        cluster(2, "Libraries", 9, &["index", "query", "page", "shelf"]),
        cluster(3, "Gardens", 9, &["rose", "soil"]),
    ];
    let (found, _) = suggest(&Bank { documents: 30, concepts, clusters }, 50);
    let comparison = of_kind(&found, "comparison").expect("two databases");
    assert_eq!(comparison.title, "A comparison: PostgreSQL and MongoDB");
    let essay = of_kind(&found, "essay").expect("two fields");
    assert_eq!(essay.title, "An essay: what “Databases” and “Libraries” have in common");
    assert_eq!(essay.clusters, [Uuid::from_u128(1), Uuid::from_u128(2)]);
}

#[test]
fn archetypes_are_whole() {
    let kinds: BTreeSet<&str> = archetypes::all().map(|archetype| archetype.kind).collect();
    assert_eq!(kinds.len(), archetypes::all().count(), "no kind twice");
    assert!(kinds.len() >= 20);
    for archetype in archetypes::all() {
        let essential: Vec<_> = archetype.needs.iter().filter(|need| need.is_essential).collect();
        assert!(!essential.is_empty() && archetype.steps.len() >= 3 && archetype.days > 0, "{}", archetype.kind);
        // Only what is always there is named in a text.
        let known = essential.iter().filter(|need| matches!(need.of, Of::Knowledge { .. })).count();
        let texts = archetype.steps.iter().chain([&archetype.title, &archetype.description]);
        for text in texts {
            for at in known..9 {
                assert!(!text.contains(&format!("{{{at}}}")), "{}: {text}", archetype.kind);
            }
        }
    }
}

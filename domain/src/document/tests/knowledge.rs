//! The rules of concepts, clusters, links, merges and assessments of documents.

use super::*;
use events::document::{
    Absorbed, Assessed, ConceptAdded, ConceptRemoved, Link, Linked, Merged, MovedToCluster, Proposed, Relation,
    ReleasedFromCluster, Unlinked,
};
use events::{Category, ClusterId, DocumentId};

const THIS: DocumentId = DocumentId(Uuid::from_u128(10));
const OTHER: DocumentId = DocumentId(Uuid::from_u128(11));
const THIRD: DocumentId = DocumentId(Uuid::from_u128(12));
const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(20));

fn name(text: &str) -> Name {
    Name::parse(text, LIMITS.concept_chars).expect("a valid name")
}

fn add(text: &str, category: Option<Category>) -> Command {
    Command::AddConcept { name: name(text), category, at_most: LIMITS.concepts }
}

fn remove(text: &str) -> Command {
    Command::RemoveConcept { name: name(text), at_most: LIMITS.concepts }
}

fn added(text: &str, category: Option<Category>) -> Event {
    Event::ConceptAdded(ConceptAdded { name: text.into(), category })
}

fn removed(text: &str) -> Event {
    Event::ConceptRemoved(ConceptRemoved { name: text.into() })
}

fn to(relation: Relation, to: DocumentId) -> Link {
    Link { relation, to }
}

fn link(relation: Relation, other: DocumentId) -> Command {
    Command::Link { this: THIS, link: to(relation, other), at_most: LIMITS.links }
}

fn linked(relation: Relation, other: DocumentId) -> Event {
    Event::Linked(Linked { link: to(relation, other) })
}

fn unlink(relation: Relation, other: DocumentId) -> Command {
    Command::Unlink { link: to(relation, other) }
}

fn absorb(document: DocumentId, tags: &[&str], concepts: &[&str], links: &[Link]) -> Command {
    Command::Absorb {
        this: THIS,
        document,
        tags: tags.iter().map(|text| tag(text)).collect(),
        concepts: concepts.iter().map(|name| ConceptAdded { name: (*name).into(), category: None }).collect(),
        links: links.iter().copied().collect(),
        limits: LIMITS,
    }
}

fn absorbed(document: DocumentId, tags: &[&str], concepts: &[&str], links: &[Link]) -> Event {
    Event::Absorbed(Absorbed {
        document,
        tags: tags.iter().map(|tag| (*tag).into()).collect(),
        concepts: concepts.iter().map(|name| ConceptAdded { name: (*name).into(), category: None }).collect(),
        links: links.to_vec(),
    })
}

fn merge_into(into: DocumentId) -> Command {
    Command::MergeInto { this: THIS, into }
}

const MERGED: Event = Event::Merged(Merged { into: OTHER });
const MOVED: Event = Event::MovedToCluster(MovedToCluster { cluster: CLUSTER });
const RELEASED: Event = Event::ReleasedFromCluster(ReleasedFromCluster {});
const MOVE: Command = Command::MoveToCluster { cluster: CLUSTER };

fn assessment(text: &str, confidence: f32) -> Assessed {
    Assessed {
        model: "model".into(),
        sha256: Content::of(text.into()).sha256,
        summary: "about containers".into(),
        skill_level: SkillLevel::Beginner,
        concepts: vec![Proposed { name: "Docker".into(), category: Category::Tool, confidence }],
    }
}

/// Every command on knowledge, with the event that it is for a document as it was uploaded.
fn table() -> Vec<(Command, Option<Event>)> {
    vec![
        (add("Podman", Some(Category::Tool)), Some(added("Podman", Some(Category::Tool)))),
        (remove("Docker"), Some(removed("Docker"))),
        (MOVE, Some(MOVED)),
        (Command::Release, None),
        (link(Relation::Related, OTHER), Some(linked(Relation::Related, OTHER))),
        (unlink(Relation::Related, OTHER), None),
        (absorb(OTHER, &["new"], &["Pod"], &[]), Some(absorbed(OTHER, &["new"], &["Pod"], &[]))),
        (Command::Assess(assessment("containers", 0.5)), Some(Event::Assessed(assessment("containers", 0.5)))),
        (merge_into(OTHER), Some(MERGED)),
    ]
}

#[test]
fn what_is_said_of_a_document_is_an_event_once() {
    for (command, event) in table() {
        given::<Document>([uploaded()]).when(command.clone()).then(event.clone());
        if let Some(event) = event {
            given::<Document>([uploaded(), event]).when(command).then([]);
        }
    }
    given::<Document>([uploaded(), MOVED]).when(Command::Release).then([RELEASED]);
    given::<Document>([uploaded(), MOVED, RELEASED]).when(Command::Release).then([]);
    let unlinked = Event::Unlinked(Unlinked { link: to(Relation::Related, OTHER) });
    let log = [uploaded(), linked(Relation::Related, OTHER)];
    given::<Document>(log).when(unlink(Relation::Related, OTHER)).then([unlinked]);
}

#[test]
fn nothing_is_said_of_what_is_absent_or_in_the_trash() {
    for (command, _) in table() {
        given::<Document>([]).when(command.clone()).then_rejected(Error::NotFound);
        given::<Document>([uploaded(), TRASHED]).when(command).then_rejected(Error::Trashed);
    }
}

#[test]
fn a_concept_is_the_same_in_any_case_and_may_change_its_category() {
    let there = [uploaded(), added("Docker", Some(Category::Tool))];
    for same in [add("Docker", None), add(" Docker ", Some(Category::Tool))] {
        given::<Document>(there.clone()).when(same).then([]);
    }
    given::<Document>(there.clone()).when(add("DOCKER", None)).then([added("DOCKER", Some(Category::Tool))]);
    let other = add("Docker", Some(Category::Platform));
    given::<Document>(there).when(other).then([added("Docker", Some(Category::Platform))]);
}

#[test]
fn a_removed_concept_comes_back_when_it_is_added() {
    let log = [uploaded(), added("Docker", None), removed("docker")];
    given::<Document>(log.clone()).when(remove("docker")).then([]);
    given::<Document>(log.clone()).when(remove("DOCKER")).then([removed("DOCKER")]);
    given::<Document>(log).when(add("Docker", None)).then([added("Docker", None)]);
    let log = [uploaded(), removed("docker"), added("Docker", None)];
    given::<Document>(log).when(remove("docker")).then([removed("docker")]);
}

#[test]
fn what_is_said_under_another_name_of_a_concept_is_never_lost() {
    let (there, gone) = (added("Pods", None), removed("pod"));
    given::<Document>([uploaded(), there.clone(), gone.clone()]).when(add("Pods", None)).then([there.clone()]);
    given::<Document>([uploaded(), gone.clone(), there.clone()]).when(remove("pod")).then([gone.clone()]);
    given::<Document>([uploaded(), there.clone()]).when(remove("Pods")).then([removed("Pods")]);
    given::<Document>([uploaded(), removed("Pods")]).when(add("Pods", None)).then([there.clone()]);
    let log = [uploaded(), gone.clone(), absorbed(OTHER, &[], &["Pods"], &[])];
    given::<Document>(log).when(remove("pod")).then([gone]);
    let retitled = Event::Retitled(Retitled { title: "new".into() });
    given::<Document>([uploaded(), there, retitled]).when(add("Pods", None)).then([]);
}

#[test]
fn concepts_are_bounded_on_either_side() {
    let full = Error::TooManyConcepts { at_most: 2 };
    let log = [uploaded(), added("a", None), added("b", None)];
    given::<Document>(log.clone()).when(add("c", None)).then_rejected(full);
    given::<Document>(log.clone()).when(add("b", Some(Category::Tool))).then([added("b", Some(Category::Tool))]);
    given::<Document>(log).when(remove("c")).then([removed("c")]);
    let log = [uploaded(), removed("a"), removed("b")];
    given::<Document>(log.clone()).when(remove("c")).then_rejected(full);
    given::<Document>(log).when(remove("a")).then([removed("a")]);
}

#[test]
fn links_lead_elsewhere_and_are_bounded() {
    for relation in Relation::ALL {
        given::<Document>([uploaded()]).when(link(relation, THIS)).then_rejected(Error::LinkToItself);
    }
    let log = [uploaded(), linked(Relation::Followup, OTHER), linked(Relation::Related, OTHER)];
    given::<Document>(log.clone()).when(link(Relation::Followup, OTHER)).then([]);
    given::<Document>(log).when(link(Relation::Related, THIRD)).then_rejected(Error::TooManyLinks { at_most: 2 });
}

#[test]
fn a_document_absorbs_what_is_new_within_its_limits() {
    let log = [uploaded(), added("a", None), removed("b"), linked(Relation::Related, THIRD)];
    let links = [
        to(Relation::Prerequisite, THIS),
        to(Relation::Prerequisite, OTHER),
        to(Relation::Prerequisite, THIRD),
        to(Relation::Related, THIRD),
        to(Relation::Supersedes, THIRD),
    ];
    let command = absorb(OTHER, &["more", "new", "ops"], &["A", "B", "C", "D"], &links);
    let expected = absorbed(OTHER, &["more"], &["C"], &[to(Relation::Prerequisite, THIRD)]);
    given::<Document>(log.clone()).when(command.clone()).then([expected.clone()]);
    given::<Document>(log.into_iter().chain([expected])).when(command).then([]);
    given::<Document>([uploaded()]).when(absorb(THIS, &[], &[], &[])).then_rejected(Error::MergeIntoItself);
}

#[test]
fn absorbing_something_bare_is_an_event_once() {
    let bare = absorbed(OTHER, &[], &[], &[]);
    given::<Document>([uploaded()]).when(absorb(OTHER, &[], &[], &[])).then([bare.clone()]);
    given::<Document>([uploaded(), bare.clone()]).when(absorb(OTHER, &["ops"], &[], &[])).then([]);
    let log = [uploaded(), bare];
    given::<Document>(log).when(absorb(OTHER, &["new"], &[], &[])).then([absorbed(OTHER, &["new"], &[], &[])]);
}

#[test]
fn a_retried_absorption_is_the_same_command_whatever_the_other_has_by_now() {
    let json = |command: &Command| serde_json::to_string(command).expect("a command is JSON");
    assert_eq!(json(&absorb(OTHER, &[], &[], &[])), json(&absorb(OTHER, &["new"], &["Pod"], &[])));
    assert_ne!(json(&absorb(OTHER, &[], &[], &[])), json(&absorb(THIRD, &[], &[], &[])));
}

#[test]
fn a_merged_document_is_in_the_trash_and_knows_where_it_went() {
    let Document::Trashed { merged_into, .. } = Document::default().evolve(&uploaded()).evolve(&MERGED) else {
        panic!("a merged document is in the trash")
    };
    assert_eq!(merged_into, Some(OTHER));
    let log = [uploaded(), MERGED];
    given::<Document>(log.clone()).when(merge_into(THIRD)).then_rejected(Error::Trashed);
    given::<Document>(log.clone()).when(Command::Trash).then([]);
    given::<Document>(log.clone()).when(retitle("new")).then_rejected(Error::Trashed);
    given::<Document>(log.clone()).when(upload()).then_rejected(Error::AlreadyExists);
    given::<Document>(log).when(Command::Restore).then([RESTORED]);
    given::<Document>([uploaded(), MERGED, RESTORED]).when(merge_into(OTHER)).then([MERGED]);
    given::<Document>([uploaded()]).when(merge_into(THIS)).then_rejected(Error::MergeIntoItself);
}

#[test]
fn a_restored_document_forgets_that_it_was_merged() {
    let was = Document::default().evolve(&uploaded());
    assert_eq!(was.clone().evolve(&MERGED).evolve(&RESTORED), was);
}

#[test]
fn an_assessment_is_of_the_text_now() {
    let assess = |assessed: &Assessed| Command::Assess(assessed.clone());
    let (now, before) = (assessment("pods", 0.5), assessment("containers", 0.5));
    let revised = Event::Revised(Revised { media_type: "text/plain".into(), content: Content::of("pods".into()) });
    let log = [uploaded(), Event::Assessed(before.clone()), revised];
    given::<Document>(log.clone()).when(assess(&before)).then([]);
    given::<Document>(log.clone()).when(assess(&now)).then([Event::Assessed(now.clone())]);
    let again = Event::Revised(Revised { media_type: "text/plain".into(), content: Content::of("containers".into()) });
    given::<Document>(log.into_iter().chain([again])).when(assess(&before)).then([Event::Assessed(before.clone())]);
    let log = [uploaded(), Event::Assessed(before)];
    let other = assessment("containers", 0.75);
    given::<Document>(log).when(assess(&other)).then([Event::Assessed(other)]);
}

#[test]
fn confidence_is_a_number_from_0_to_1() {
    for (said, kept) in [(f32::NAN, 0.0), (-1.0, 0.0), (2.0, 1.0), (f32::INFINITY, 1.0)] {
        let event = Event::Assessed(assessment("containers", kept));
        given::<Document>([uploaded()]).when(Command::Assess(assessment("containers", said))).then([event]);
    }
}

/// Every sequence of four events of knowledge and of those edits that meet it.
#[test]
fn deciding_on_replayed_knowledge_equals_deciding_on_live_knowledge() {
    let mut commands: Vec<_> = table().into_iter().map(|(command, _)| command).collect();
    commands.extend([upload(), revise("pods"), remove("Podman"), Command::Trash, Command::Restore]);
    let visited = replay_equals_live(&commands, 4);
    assert!(visited > 500, "only {visited} states were reached");
}

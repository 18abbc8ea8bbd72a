//! The rules of concepts as a table.

use super::*;
use crate::Aggregate;
use crate::testing::given;

fn name(text: &str) -> Name {
    Name::parse(text, 20).expect("a valid name")
}

fn rename(text: &str) -> Command {
    Command::Rename { concept: name("k8s"), name: name(text) }
}

fn renamed(text: &str) -> Event {
    Event::Renamed(Renamed { concept: "k8s".into(), name: text.into() })
}

fn merge(into: &str) -> Command {
    Command::Merge { concept: name("k8s"), into: name(into) }
}

fn merged(into: &str) -> Event {
    Event::Merged(Merged { concept: "k8s".into(), into: into.into() })
}

fn separate() -> Command {
    Command::Separate { concept: name("k8s") }
}

fn separated() -> Event {
    Event::Separated(Separated { concept: "k8s".into() })
}

fn suppress() -> Command {
    Command::Suppress { concept: name("k8s") }
}

fn suppressed() -> Event {
    Event::Suppressed(Suppressed { concept: "k8s".into() })
}

fn allow() -> Command {
    Command::Allow { concept: name("k8s") }
}

fn allowed() -> Event {
    Event::Allowed(Allowed { concept: "k8s".into() })
}

/// Every command, with its event.
fn table() -> [(Command, Event); 5] {
    [
        (rename("K8s"), renamed("K8s")),
        (merge("kubernetes"), merged("kubernetes")),
        (separate(), separated()),
        (suppress(), suppressed()),
        (allow(), allowed()),
    ]
}

#[test]
fn every_word_is_an_event_whatever_was_said_before() {
    for (command, event) in table() {
        given::<Concept>([]).when(command.clone()).then([event.clone()]);
        for (_, before) in table() {
            given::<Concept>([before]).when(command.clone()).then([event.clone()]);
        }
    }
}

#[test]
fn a_concept_knows_what_it_is_part_of_until_it_is_separated() {
    let after = |log: &[Event]| log.iter().fold(Concept::default(), |state, event| state.evolve(event)).merged_into;
    assert_eq!(after(&[merged("docker"), merged("kubernetes"), renamed("K8s")]), Some(name("kubernetes")));
    assert_eq!(after(&[merged("kubernetes"), separated(), suppressed(), allowed()]), None);
}

#[test]
fn no_concept_is_part_of_itself() {
    for (_, before) in table() {
        given::<Concept>([before]).when(merge("K8S")).then_rejected(Error::IntoItself);
    }
}

#[test]
fn a_state_reads_back() {
    for (_, before) in table() {
        let state = Concept::default().evolve(&before);
        let json = serde_json::to_string(&state).expect("a state is JSON");
        assert_eq!(serde_json::from_str::<Concept>(&json).expect("its own JSON reads back"), state);
    }
}

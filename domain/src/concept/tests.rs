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

/// What was decided before, and what each command leads to then: rename to K8s, merge into kubernetes, separate,
/// suppress, allow.
type Row = (Vec<Event>, [Option<Event>; 5]);

fn table() -> Vec<Row> {
    let (rename, merge) = (Some(renamed("K8s")), Some(merged("kubernetes")));
    let (separate, suppress, allow) = (Some(separated()), Some(suppressed()), Some(allowed()));
    let row = |before: Vec<Event>, changes: [&Option<Event>; 5]| (before, changes.map(Clone::clone));
    let no = None;
    vec![
        row(vec![], [&rename, &merge, &separate, &suppress, &no]),
        row(vec![renamed("K8s")], [&no, &merge, &separate, &suppress, &no]),
        row(vec![renamed("k8s")], [&rename, &merge, &separate, &suppress, &no]),
        row(vec![merged("kubernetes")], [&rename, &no, &separate, &suppress, &no]),
        row(vec![merged("Kubernetes")], [&rename, &no, &separate, &suppress, &no]),
        row(vec![merged("docker")], [&rename, &merge, &separate, &suppress, &no]),
        row(vec![separated()], [&rename, &merge, &no, &suppress, &no]),
        row(vec![merged("kubernetes"), separated()], [&rename, &merge, &no, &suppress, &no]),
        row(vec![suppressed()], [&rename, &merge, &separate, &no, &allow]),
        row(vec![suppressed(), allowed()], [&rename, &merge, &separate, &suppress, &no]),
    ]
}

#[test]
fn what_is_decided_is_an_event_once() {
    for (before, events) in table() {
        let commands = [rename("K8s"), merge("kubernetes"), separate(), suppress(), allow()];
        for (command, event) in commands.into_iter().zip(events) {
            given::<Concept>(before.clone()).when(command).then(event);
        }
    }
}

#[test]
fn no_concept_is_part_of_itself() {
    for (before, _) in table() {
        given::<Concept>(before).when(merge("K8S")).then_rejected(Error::IntoItself);
    }
}

#[test]
fn a_state_reads_back() {
    for (before, _) in table() {
        let state = before.iter().fold(Concept::default(), |state, event| state.evolve(event));
        let json = serde_json::to_string(&state).expect("a state is JSON");
        assert_eq!(serde_json::from_str::<Concept>(&json).expect("its own JSON reads back"), state);
    }
}

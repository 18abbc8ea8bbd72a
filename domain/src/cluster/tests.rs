//! The rules of clusters as a table.

use super::*;
use crate::Aggregate;
use crate::testing::given;
use uuid::Uuid;

const THIS: ClusterId = ClusterId(Uuid::from_u128(1));
const OTHER: ClusterId = ClusterId(Uuid::from_u128(2));
const THIRD: ClusterId = ClusterId(Uuid::from_u128(3));
const MERGED: Event = Event::Merged(Merged { into: OTHER });
const DISSOLVED: Event = Event::Dissolved(Dissolved {});
const DEMANDING: Event = Event::SkillLevelSet(SkillLevelSet { skill_level: SkillLevel::Advanced });

fn name(text: &str) -> Name {
    Name::parse(text, 20).expect("a valid name")
}

fn create() -> Command {
    Command::Create { name: name("Operations") }
}

fn created() -> Event {
    Event::Created(Created { name: "Operations".into() })
}

fn rename(text: &str) -> Command {
    Command::Rename { name: name(text) }
}

fn renamed(text: &str) -> Event {
    Event::Renamed(Renamed { name: text.into() })
}

fn set(skill_level: SkillLevel) -> Command {
    Command::SetSkillLevel { skill_level }
}

fn merge(into: ClusterId) -> Command {
    Command::Merge { this: THIS, into }
}

fn assess(name: &str) -> Command {
    Command::Assess { model: "model".into(), name: name.into(), summary: "about".into() }
}

fn assessed(name: &str) -> Event {
    Event::Assessed(Assessed { model: "model".into(), name: name.into(), summary: "about".into() })
}

/// Every command but to make one, with its event.
fn table() -> [(Command, Event); 5] {
    [
        (rename("Pods"), renamed("Pods")),
        (set(SkillLevel::Advanced), DEMANDING),
        (assess("Containers"), assessed("Containers")),
        (merge(OTHER), MERGED),
        (Command::Dissolve, DISSOLVED),
    ]
}

#[test]
fn a_cluster_is_made_once() {
    given::<Cluster>([]).when(create()).then([created()]);
    for before in [created(), renamed("Pods"), DEMANDING, assessed("Pods"), MERGED, DISSOLVED] {
        given::<Cluster>([before]).when(create()).then_rejected(Error::AlreadyExists);
    }
}

#[test]
fn what_is_decided_is_an_event_once_whether_found_or_made() {
    for (command, event) in table() {
        given::<Cluster>([]).when(command.clone()).then([event.clone()]);
        given::<Cluster>([created()]).when(command.clone()).then([event.clone()]);
        given::<Cluster>([event]).when(command).then([]);
    }
    given::<Cluster>([]).when(set(SkillLevel::Unknown)).then([]);
    given::<Cluster>([created()]).when(rename("Operations")).then([]);
}

#[test]
fn a_merged_cluster_says_where_it_went() {
    for (command, _) in table().into_iter().filter(|(command, _)| *command != merge(OTHER)) {
        given::<Cluster>([created(), MERGED]).when(command).then_rejected(Error::Merged { into: OTHER });
    }
    given::<Cluster>([MERGED]).when(merge(THIRD)).then_rejected(Error::Merged { into: OTHER });
}

#[test]
fn a_merged_cluster_that_was_set_free_is_as_it_was() {
    let freed = |command| Command::Freed(Box::new(command));
    let log = [created(), DEMANDING, MERGED];
    for (command, event) in [
        (rename("Pods"), vec![renamed("Pods")]),
        (rename("Operations"), vec![]),
        (set(SkillLevel::Unknown), vec![Event::SkillLevelSet(SkillLevelSet { skill_level: SkillLevel::Unknown })]),
        (merge(THIRD), vec![Event::Merged(Merged { into: THIRD })]),
        (merge(OTHER), vec![MERGED]),
        (Command::Dissolve, vec![DISSOLVED]),
    ] {
        given::<Cluster>(log.clone()).when(freed(command)).then(event);
    }
    given::<Cluster>(log.clone()).when(freed(create())).then_rejected(Error::AlreadyExists);
    given::<Cluster>(log.clone()).when(freed(merge(THIS))).then_rejected(Error::IntoItself);
    let log = log.into_iter().chain([renamed("Pods")]);
    given::<Cluster>(log.clone()).when(rename("Operations")).then([renamed("Operations")]);
    given::<Cluster>(log).when(set(SkillLevel::Advanced)).then([]);
}

#[test]
fn a_cluster_that_was_never_merged_needs_no_freeing() {
    let json = |command: &Command| serde_json::to_string(command).expect("a command is JSON");
    for (command, event) in table() {
        let freed = Command::Freed(Box::new(command.clone()));
        assert_eq!(json(&freed), json(&command), "a retry is the same command");
        given::<Cluster>([created()]).when(freed).then([event]);
    }
}

#[test]
fn a_dissolved_cluster_stays_so() {
    for (command, _) in table().into_iter().filter(|(command, _)| *command != Command::Dissolve) {
        given::<Cluster>([created(), DISSOLVED]).when(command).then_rejected(Error::Dissolved);
    }
}

#[test]
fn no_cluster_is_part_of_itself() {
    for before in [vec![], vec![created()], vec![MERGED], vec![DISSOLVED]] {
        given::<Cluster>(before).when(merge(THIS)).then_rejected(Error::IntoItself);
    }
}

/// Every sequence of four events: deciding on the state carried along equals deciding on its own JSON read back.
#[test]
fn deciding_on_restored_state_equals_deciding_on_live_state() {
    let mut commands = vec![create(), rename("Operations"), assess("Pods"), set(SkillLevel::Unknown), merge(THIRD)];
    commands.push(Command::Freed(Box::new(rename("Freed"))));
    commands.extend(table().map(|(command, _)| command));
    let mut pending = vec![(Cluster::default(), 0)];
    let mut visited = 0;
    while let Some((live, depth)) = pending.pop() {
        let json = serde_json::to_string(&live).expect("a state is JSON");
        let restored: Cluster = serde_json::from_str(&json).expect("its own JSON reads back");
        visited += 1;
        for command in &commands {
            let outcome = live.decide(command.clone());
            assert_eq!(outcome, restored.decide(command.clone()));
            if let (Ok(Some(event)), true) = (outcome, depth < 4) {
                pending.push((live.clone().evolve(&event), depth + 1));
            }
        }
    }
    assert!(visited > 200, "only {visited} states were reached");
}

//! The rules of documents as a table, and the equality of live and replayed decisions over every short history.

mod knowledge;

use super::*;
use crate::Aggregate;
use crate::testing::given;
use events::document::{Described, Retitled, Revised, SkillLevel, Source, Tagged, Trashed, Untagged};
use events::{AccountId, Content};
use std::collections::BTreeSet;
use uuid::Uuid;

const LIMITS: Limits = Limits {
    title_chars: 20,
    tag_chars: 10,
    tags: 2,
    concept_chars: 10,
    concepts: 2,
    links: 2,
    source_chars: 10,
    text_bytes: 100,
};

fn title(text: &str) -> Title {
    Title::parse(text, &LIMITS).expect("a valid title")
}

fn tag(text: &str) -> Tag {
    Tag::parse(text, &LIMITS).expect("a valid tag")
}

fn upload() -> Command {
    Command::Upload {
        owner: AccountId(Uuid::from_u128(1)),
        title: title("Docker"),
        media_type: MediaType::Plain,
        content: Content::of("containers".into()),
        source: Source::default(),
        skill_level: SkillLevel::Unknown,
        tags: BTreeSet::from([tag("ops")]),
        at_most: 2,
    }
}

fn uploaded() -> Event {
    Document::Absent.decide(upload()).expect("an upload is accepted").expect("an upload is an event")
}

fn revise(text: &str) -> Command {
    Command::Revise { media_type: None, content: Content::of(text.into()) }
}

fn retitle(text: &str) -> Command {
    Command::Retitle { title: title(text) }
}

fn describe(skill_level: SkillLevel) -> Command {
    Command::Describe { source: None, skill_level: Some(skill_level) }
}

fn put_tag(text: &str) -> Command {
    Command::Tag { tag: tag(text), at_most: 2 }
}

fn untag(text: &str) -> Command {
    Command::Untag { tag: tag(text) }
}

fn edits() -> [Command; 7] {
    [
        revise("pods"),
        retitle("Podman"),
        describe(SkillLevel::Beginner),
        put_tag("new"),
        untag("ops"),
        Command::Trash,
        Command::Restore,
    ]
}

const TRASHED: Event = Event::Trashed(Trashed {});
const RESTORED: Event = Event::Restored(Restored {});

#[test]
fn an_upload_makes_a_document() {
    given::<Document>([]).when(upload()).then([uploaded()]);
}

#[test]
fn a_document_is_uploaded_once() {
    given::<Document>([uploaded()]).when(upload()).then_rejected(Error::AlreadyExists);
    given::<Document>([uploaded(), TRASHED]).when(upload()).then_rejected(Error::AlreadyExists);
}

#[test]
fn what_was_never_uploaded_cannot_be_edited() {
    for command in edits() {
        given::<Document>([]).when(command).then_rejected(Error::NotFound);
    }
}

#[test]
fn an_edit_is_an_event() {
    let revised = Revised { media_type: "text/plain".into(), content: Content::of("pods".into()) };
    let described = Described { source: Source::default(), skill_level: SkillLevel::Beginner };
    let outcomes = [
        Event::Revised(revised),
        Event::Retitled(Retitled { title: "Podman".into() }),
        Event::Described(described),
        Event::Tagged(Tagged { tag: "new".into() }),
        Event::Untagged(Untagged { tag: "ops".into() }),
        TRASHED,
    ];
    for (command, outcome) in edits().into_iter().zip(outcomes) {
        given::<Document>([uploaded()]).when(command).then([outcome]);
    }
}

#[test]
fn an_edit_that_changes_nothing_is_no_event() {
    for command in [
        revise("containers"),
        retitle("Docker"),
        describe(SkillLevel::Unknown),
        put_tag("ops"),
        untag("new"),
        Command::Restore,
    ] {
        given::<Document>([uploaded()]).when(command).then([]);
    }
    given::<Document>([uploaded(), TRASHED]).when(Command::Trash).then([]);
}

#[test]
fn the_same_text_with_another_media_type_is_a_revision() {
    let content = Content::of("containers".into());
    let command = Command::Revise { media_type: Some(MediaType::Markdown), content: content.clone() };
    let revised = Event::Revised(Revised { media_type: "text/markdown".into(), content });
    given::<Document>([uploaded()]).when(command).then([revised]);
}

#[test]
fn tags_are_bounded() {
    let tagged = Event::Tagged(Tagged { tag: "new".into() });
    given::<Document>([uploaded(), tagged]).when(put_tag("more")).then_rejected(Error::TooManyTags { at_most: 2 });
    let Command::Upload { owner, title, media_type, content, source, skill_level, at_most, .. } = upload() else {
        unreachable!("upload() makes an upload")
    };
    let tags = BTreeSet::from([tag("a"), tag("b"), tag("c")]);
    let many = Command::Upload { owner, title, media_type, content, source, skill_level, tags, at_most };
    given::<Document>([]).when(many).then_rejected(Error::TooManyTags { at_most: 2 });
}

#[test]
fn a_trashed_document_can_only_be_restored() {
    for command in edits().into_iter().take(5) {
        given::<Document>([uploaded(), TRASHED]).when(command).then_rejected(Error::Trashed);
    }
    given::<Document>([uploaded(), TRASHED]).when(Command::Restore).then([RESTORED]);
}

#[test]
fn a_restored_document_is_as_it_was() {
    let was = Document::default().evolve(&uploaded());
    assert_eq!(was.clone().evolve(&TRASHED).evolve(&RESTORED), was);
}

/// Every sequence of six events.
#[test]
fn deciding_on_replayed_state_equals_deciding_on_live_state() {
    let mut commands = vec![upload()];
    commands.extend(edits());
    let visited = replay_equals_live(&commands, 6);
    assert!(visited > 500, "only {visited} states were reached");
}

/// Deciding on the state carried along equals deciding on the state read back from its serialised form and on the state
/// folded again from all events. Says how many states were reached.
fn replay_equals_live(commands: &[Command], most_events: usize) -> usize {
    let mut pending = vec![(Document::default(), Vec::<Event>::new())];
    let mut visited = 0;
    while let Some((live, log)) = pending.pop() {
        let replayed = log.iter().fold(Document::default(), |state, event| state.evolve(event));
        let json = serde_json::to_string(&live).expect("a state is JSON");
        let restored: Document = serde_json::from_str(&json).expect("its own JSON reads back");
        visited += 1;
        for command in commands {
            let outcome = live.decide(command.clone());
            assert_eq!(outcome, replayed.decide(command.clone()));
            assert_eq!(outcome, restored.decide(command.clone()));
            if let (Ok(Some(event)), true) = (outcome, log.len() < most_events) {
                let log = log.iter().cloned().chain([event.clone()]).collect();
                pending.push((live.clone().evolve(&event), log));
            }
        }
    }
    visited
}

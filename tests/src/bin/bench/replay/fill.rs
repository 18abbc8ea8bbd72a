//! A log of many documents, each uploaded and then edited, as their owner would have done in the course of months.

use crate::stack::Stack;
use chrono::{DateTime, Utc};
use events::document::{Event, Retitled, SkillLevel, Source, Tagged, Uploaded};
use events::{AccountId, CommandId, Content, DocumentId, Envelope, Stream};
use futures_util::{StreamExt, TryStreamExt};
use runtime::EventLog;
use runtime::event_log::Appended;
use std::ops::Range;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Documents written side by side: an upload is followed by its edits among the events of so many others.
const SIDE_BY_SIDE: usize = 512;
/// Numbers of events that each document has for itself.
const NUMBERS: usize = 16;
/// The decision state that is stored with an event. None: no service edits these documents.
const NO_TIP: &str = "none";

/// Writes documents of these numbers for an account, each with so many edits. A number is used once: the log knows its
/// events for two minutes.
pub(crate) async fn fill(
    stack: &Stack,
    username: &str,
    numbers: Range<usize>,
    edits_each: usize,
) -> anyhow::Result<()> {
    let log = EventLog::connect(&stack.nats("nats_services_url")?, "bench").await?;
    let owner = AccountId::of_username(username);
    let begin: DateTime<Utc> = "2026-01-01T00:00:00Z".parse()?;
    let documents = numbers.map(|document| {
        let log = log.clone();
        async move {
            let mut expected = 0;
            for step in 0..=edits_each {
                match log.append(&envelope(owner, begin, document, step), expected, NO_TIP).await? {
                    Appended::Stored(sequence) => expected = sequence,
                    Appended::Duplicate(_) => anyhow::bail!("document {document} was written before"),
                }
            }
            Ok(())
        }
    });
    futures_util::stream::iter(documents).buffer_unordered(SIDE_BY_SIDE).try_collect::<Vec<()>>().await?;
    log.close().await;
    Ok(())
}

/// Uploads documents of these numbers one after the other; how long each append took.
pub(crate) async fn one_by_one(log: &EventLog, username: &str, numbers: Range<usize>) -> anyhow::Result<Vec<Duration>> {
    let owner = AccountId::of_username(username);
    let time: DateTime<Utc> = "2026-01-01T00:00:00Z".parse()?;
    let mut took = Vec::with_capacity(numbers.len());
    for document in numbers {
        let envelope = envelope(owner, time, document, 0);
        let begun = Instant::now();
        log.append(&envelope, 0, NO_TIP).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

/// The stream of a document that [`fill`] writes.
pub(crate) fn stream(owner: AccountId, document: usize) -> Stream {
    Stream::document(
        owner.personal_workspace(),
        DocumentId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + document as u128)),
    )
}

/// The event of a document's step: first its upload, then titles and tags by turns.
fn envelope(owner: AccountId, begin: DateTime<Utc>, document: usize, step: usize) -> Envelope<Event> {
    let event = match (step, step % 2) {
        (0, _) => Event::Uploaded(Uploaded {
            owner,
            title: format!("document {document}"),
            media_type: "text/plain".to_owned(),
            content: Content::of(format!("text {document} {}", "of words that say little ".repeat(20))),
            source: Source::default(),
            skill_level: SkillLevel::Unknown,
            tags: vec![format!("tag{}", document % 50)],
        }),
        // Titles come in no order, as they do.
        (_, 1) => Event::Retitled(Retitled { title: format!("title {} {step}", document * 7_919 % 1_000_003) }),
        (_, _) => Event::Tagged(Tagged { tag: format!("tag{}", 50 * step + document % 50) }),
    };
    let number = (document * NUMBERS + step) as u64;
    Envelope {
        id: CommandId(Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))),
        stream: stream(owner, document),
        time: begin + Duration::from_millis(number),
        actor: owner,
        correlation: Uuid::from_u128(number.into()),
        causation: None,
        trace: None,
        event,
    }
}

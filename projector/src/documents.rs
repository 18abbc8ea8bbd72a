//! The read models of documents: a batch is folded in memory, over the rows that it touches, and written with a few
//! statements, however many events there are.

mod history;
mod repair;
mod row;
mod save;
mod statistics;

use crate::error::Error;
use crate::numbers::to_u64;
use crate::positioned::Positioned;
use events::document::Event;
use events::{AnyEvent, DocumentId, Stream, WorkspaceId};
pub(crate) use repair::repair;
use row::{Key, Row};
pub(crate) use save::Way;
use sqlx::PgConnection;
use statistics::Statistics;
use std::collections::HashMap;

/// A batch, reduced to its events of documents.
pub(crate) struct Changes<'a> {
    events: Vec<(Key, &'a Positioned, &'a Event)>,
}

/// What a batch makes of one document.
struct Change {
    before: Option<Row>,
    now: Row,
    /// The new text, if there is one; `Some(None)` when it stands in the blob store.
    text: Option<Option<String>>,
}

impl<'a> Changes<'a> {
    /// Picks the events of documents from a batch.
    pub(crate) fn of(batch: &'a [Positioned]) -> Self {
        let of_document = |positioned: &'a Positioned| match &positioned.envelope.event {
            AnyEvent::Document(event) => key(&positioned.envelope.stream).map(|key| (key, positioned, event)),
            AnyEvent::Cluster(_) | AnyEvent::Concept(_) | AnyEvent::Account(_) => None,
        };
        Self { events: batch.iter().filter_map(of_document).collect() }
    }

    /// Writes them, and says which documents changed that existed before.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        way: Way,
    ) -> Result<Vec<(WorkspaceId, DocumentId, u64)>, Error> {
        if self.events.is_empty() {
            return Ok(Vec::new());
        }
        let changes = self.fold(row::load(connection, &self.edited()).await?)?;
        save::save(connection, &changes, &self.events, way).await?;
        Statistics::of(&self.events, &changes).save(connection).await?;
        let existed = |(key, change): (&Key, &Change)| {
            change.before.as_ref().map(|_| (key.0, key.1, to_u64(change.now.sequence)))
        };
        Ok(changes.iter().filter_map(existed).collect())
    }

    /// Documents whose row must be there, as the batch begins with an edit of them.
    fn edited(&self) -> Vec<Key> {
        let mut first = HashMap::new();
        for (key, _, event) in &self.events {
            first.entry(*key).or_insert(matches!(event, Event::Uploaded(_)));
        }
        first.into_iter().filter_map(|(key, is_upload)| (!is_upload).then_some(key)).collect()
    }

    fn fold(&self, mut existing: HashMap<Key, Row>) -> Result<HashMap<Key, Change>, Error> {
        let mut changes: HashMap<Key, Change> = HashMap::with_capacity(self.events.len());
        for (key, positioned, event) in &self.events {
            let change = match (changes.remove(key), event) {
                (change, Event::Uploaded(uploaded)) => Change {
                    before: change.and_then(|change| change.before),
                    now: Row::uploaded(positioned, uploaded),
                    text: Some(uploaded.content.text.clone()),
                },
                (Some(change), event) => change.after(positioned, event),
                (None, event) => {
                    let row = existing.remove(key).ok_or(Error::Orphan { sequence: positioned.sequence })?;
                    Change { before: Some(row.clone()), now: row, text: None }.after(positioned, event)
                }
            };
            changes.insert(*key, change);
        }
        Ok(changes)
    }
}

impl Change {
    fn after(mut self, positioned: &Positioned, event: &Event) -> Self {
        if let Event::Revised(revised) = event {
            self.text = Some(revised.content.text.clone());
        }
        self.now.evolve(positioned, event);
        self
    }
}

fn key(stream: &Stream) -> Option<Key> {
    stream.workspace.map(|workspace| (workspace, DocumentId(stream.id)))
}

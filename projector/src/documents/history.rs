//! The table `document_history`: who changed what when, one row for each event.

use super::row::Key;
use crate::copy::Copy;
use crate::numbers::to_i64;
use crate::positioned::Positioned;
use chrono::{DateTime, Utc};
use events::EventType;
use events::document::Event;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

const COLUMNS: [&str; 7] = ["workspace_id", "document_id", "sequence", "kind", "at", "actor_id", "detail"];

/// Rows of a batch, column by column.
#[derive(Default)]
pub(super) struct History {
    pub(super) workspaces: Vec<Uuid>,
    pub(super) documents: Vec<Uuid>,
    pub(super) sequences: Vec<i64>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) times: Vec<DateTime<Utc>>,
    pub(super) actors: Vec<Uuid>,
    pub(super) details: Vec<String>,
}

impl History {
    pub(super) fn of(events: &[(Key, &Positioned, &Event)]) -> Self {
        Self {
            workspaces: events.iter().map(|(key, _, _)| key.0.0).collect(),
            documents: events.iter().map(|(key, _, _)| key.1.0).collect(),
            sequences: events.iter().map(|(_, at, _)| to_i64(at.sequence)).collect(),
            kinds: events.iter().map(|(_, _, event)| event.kind()).collect(),
            times: events.iter().map(|(_, at, _)| at.envelope.time).collect(),
            actors: events.iter().map(|(_, at, _)| at.envelope.actor.0).collect(),
            details: events.iter().map(|(_, _, event)| detail(event).to_string()).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }
}

/// Writes the rows of many events.
pub(super) async fn copy(
    connection: &mut PgConnection,
    events: &[(Key, &Positioned, &Event)],
) -> Result<(), sqlx::Error> {
    let mut copy = Copy::begin(connection, "document_history", &COLUMNS).await?;
    for ((workspace, document), at, event) in events {
        copy.row()
            .await?
            .value(workspace.0)?
            .value(document.0)?
            .value(to_i64(at.sequence))?
            .value(event.kind())?
            .value(at.envelope.time)?
            .value(at.envelope.actor.0)?
            .value(detail(event).to_string())?;
    }
    copy.end().await
}

/// What an event says, without the text itself.
fn detail(event: &Event) -> Value {
    match event {
        Event::Uploaded(event) => json!({
            "title": event.title,
            "media_type": event.media_type,
            "sha256": event.content.sha256,
            "bytes": event.content.bytes,
            "source": event.source,
            "skill_level": event.skill_level,
            "tags": event.tags,
        }),
        Event::Revised(event) => json!({
            "media_type": event.media_type,
            "sha256": event.content.sha256,
            "bytes": event.content.bytes,
        }),
        Event::Retitled(event) => json!({ "title": event.title }),
        Event::Described(event) => json!({ "source": event.source, "skill_level": event.skill_level }),
        Event::Tagged(event) => json!({ "tag": event.tag }),
        Event::Untagged(event) => json!({ "tag": event.tag }),
        Event::ConceptAdded(event) => json!(event),
        Event::ConceptRemoved(event) => json!(event),
        Event::MovedToCluster(event) => json!(event),
        Event::Linked(event) => json!(event),
        Event::Unlinked(event) => json!(event),
        Event::Absorbed(event) => json!(event),
        Event::Merged(event) => json!(event),
        Event::Assessed(event) => json!(event),
        Event::ReleasedFromCluster(_) | Event::Trashed(_) | Event::Restored(_) => json!({}),
    }
}

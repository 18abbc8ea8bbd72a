//! The table `document_history`: who changed what when, one row for each event.

use super::row::Key;
use super::to_i64;
use crate::apply::Positioned;
use events::EventType;
use events::document::Event;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// Rows of a batch, column by column.
pub(super) struct History<'a> {
    events: &'a [(Key, &'a Positioned, &'a Event)],
}

impl<'a> History<'a> {
    pub(super) const fn of(events: &'a [(Key, &'a Positioned, &'a Event)]) -> Self {
        Self { events }
    }

    pub(super) async fn save(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        macro_rules! column {
            (|$key:pat_param, $at:pat_param, $event:pat_param| $value:expr) => {
                self.events.iter().map(|($key, $at, $event)| $value).collect::<Vec<_>>()
            };
        }
        sqlx::query!(
            "insert into document_history
             select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::uuid[], $7::json[])",
            &column!(|key, _, _| key.0.0),
            &column!(|key, _, _| key.1.0),
            &column!(|_, at, _| to_i64(at.sequence)),
            &column!(|_, _, event| event.kind().to_owned()),
            &column!(|_, at, _| at.envelope.time),
            &column!(|_, at, _| at.envelope.actor.0),
            &column!(|_, _, event| detail(event)),
        )
        .execute(connection)
        .await
        .map(drop)
    }
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
        Event::Trashed(_) | Event::Restored(_) => json!({}),
    }
}

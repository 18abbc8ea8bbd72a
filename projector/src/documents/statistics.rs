//! Statistics of each workspace, kept by differences: what a batch took away and what it added.

use super::Change;
use super::row::{Key, Row};
use crate::numbers::to_i64;
use crate::positioned::Positioned;
use chrono::{DateTime, Utc};
use events::WorkspaceId;
use events::document::Event;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Differences, by workspace.
pub(super) struct Statistics {
    workspaces: BTreeMap<WorkspaceId, Difference>,
    facets: BTreeMap<(WorkspaceId, &'static str, String), i64>,
}

#[derive(Default)]
struct Difference {
    documents: i64,
    trashed: i64,
    bytes: i64,
    events: i64,
    sequence: i64,
    updated_at: DateTime<Utc>,
}

impl Statistics {
    pub(super) fn of(events: &[(Key, &Positioned, &Event)], changes: &HashMap<Key, Change>) -> Self {
        let mut statistics = Self { workspaces: BTreeMap::new(), facets: BTreeMap::new() };
        for ((workspace, _), positioned, _) in events {
            let difference = statistics.workspaces.entry(*workspace).or_default();
            difference.events += 1;
            difference.sequence = to_i64(positioned.sequence);
            // Clocks differ: how a log is cut into batches must not show.
            difference.updated_at = difference.updated_at.max(positioned.envelope.time);
        }
        for ((workspace, _), change) in changes {
            if let Some(before) = &change.before {
                statistics.count(*workspace, before, -1);
            }
            statistics.count(*workspace, &change.now, 1);
        }
        statistics
    }

    /// Counts a row in (1) or out (-1). Facets are counted of documents outside the trash alone.
    fn count(&mut self, workspace: WorkspaceId, row: &Row, sign: i64) {
        let difference = self.workspaces.entry(workspace).or_default();
        difference.bytes += sign * row.bytes;
        if row.is_trashed {
            difference.trashed += sign;
            return;
        }
        difference.documents += sign;
        let values = row.tags.iter().map(|tag| ("tag", tag)).chain([("source", &row.source_kind)]);
        for (facet, value) in values {
            *self.facets.entry((workspace, facet, value.clone())).or_default() += sign;
        }
    }

    pub(super) async fn save(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        macro_rules! column {
            ($field:ident) => {
                self.workspaces.values().map(|difference| difference.$field).collect::<Vec<_>>()
            };
        }
        let facets: Vec<_> = self.facets.iter().filter(|(_, difference)| **difference != 0).collect();
        let workspaces: Vec<Uuid> = facets.iter().map(|((workspace, _, _), _)| workspace.0).collect();
        let names: Vec<&str> = facets.iter().map(|((_, facet, _), _)| *facet).collect();
        let values: Vec<&str> = facets.iter().map(|((_, _, value), _)| value.as_str()).collect();
        let differences: Vec<i64> = facets.iter().map(|(_, difference)| **difference).collect();
        sqlx::query!(
            "with facet as (
                 insert into workspace_facet as at
                 select * from unnest($8::uuid[], $9::text[], $10::text[], $11::bigint[])
                 on conflict (workspace_id, facet, value) do update set documents = at.documents + excluded.documents
             )
             insert into workspace_statistics as at
             select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
             on conflict (workspace_id) do update set
                    documents = at.documents + excluded.documents, trashed = at.trashed + excluded.trashed,
                    bytes = at.bytes + excluded.bytes, events = at.events + excluded.events,
                    -- An event that was parked comes late.
                    sequence = greatest(at.sequence, excluded.sequence),
                    updated_at = greatest(at.updated_at, excluded.updated_at)",
            &self.workspaces.keys().map(|workspace| workspace.0).collect::<Vec<_>>(),
            &column!(documents),
            &column!(trashed),
            &column!(bytes),
            &column!(events),
            &column!(sequence),
            &column!(updated_at),
            &workspaces,
            &names as _,
            &values as _,
            &differences
        )
        .execute(&mut *connection)
        .await?;
        if differences.iter().all(|difference| *difference > 0) {
            return Ok(());
        }
        // A value that no document has any more has no row: how a log is cut into batches must not show.
        sqlx::query!(
            "delete from workspace_facet as at
             using unnest($1::uuid[], $2::text[], $3::text[]) as touched (workspace_id, facet, value)
             where at.workspace_id = touched.workspace_id and at.facet = touched.facet and at.value = touched.value
                   and at.documents = 0",
            &workspaces,
            &names as _,
            &values as _
        )
        .execute(connection)
        .await
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Changes;
    use events::document::Retitled;
    use events::{AccountId, AnyEvent, CommandId, DocumentId, Envelope, Stream};

    fn retitled(sequence: u64, seconds: i64) -> Positioned {
        let actor = AccountId::of_username("ada");
        Positioned {
            sequence,
            envelope: Envelope {
                id: CommandId(Uuid::from_u128(sequence.into())),
                stream: Stream::document(actor.personal_workspace(), DocumentId(Uuid::from_u128(1))),
                time: DateTime::from_timestamp(seconds, 0).expect("a time"),
                actor,
                correlation: Uuid::nil(),
                causation: None,
                trace: None,
                event: AnyEvent::Document(Event::Retitled(Retitled { title: "title".to_owned() })),
            },
        }
    }

    #[test]
    fn a_clock_that_is_behind_sets_nothing_back() {
        let batch = [retitled(1, 20), retitled(2, 10)];
        let statistics = Statistics::of(&Changes::of(&batch).events, &HashMap::new());
        let [difference] = statistics.workspaces.values().collect::<Vec<_>>()[..] else { panic!("one workspace") };
        assert_eq!((difference.events, difference.sequence), (2, 2));
        assert_eq!(difference.updated_at.timestamp(), 20, "as it would be had each been a batch");
    }
}

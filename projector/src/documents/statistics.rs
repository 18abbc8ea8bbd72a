//! Statistics of each workspace, kept by differences: what a batch took away and what it added.

use super::row::{Key, Row};
use super::{Change, to_i64};
use crate::apply::Positioned;
use chrono::{DateTime, Utc};
use events::WorkspaceId;
use events::document::Event;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Differences, by workspace.
pub(super) struct Statistics {
    workspaces: BTreeMap<WorkspaceId, Difference>,
    tags: BTreeMap<(WorkspaceId, String), i64>,
    sources: BTreeMap<(WorkspaceId, String), i64>,
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
        let mut statistics = Self { workspaces: BTreeMap::new(), tags: BTreeMap::new(), sources: BTreeMap::new() };
        for ((workspace, _), positioned, _) in events {
            let difference = statistics.workspaces.entry(*workspace).or_default();
            difference.events += 1;
            difference.sequence = to_i64(positioned.sequence);
            difference.updated_at = positioned.envelope.time;
        }
        for ((workspace, _), change) in changes {
            if let Some(before) = &change.before {
                statistics.count(*workspace, before, -1);
            }
            statistics.count(*workspace, &change.now, 1);
        }
        statistics
    }

    /// Counts a row in (1) or out (-1). Tags and sources are counted of documents outside the trash alone.
    fn count(&mut self, workspace: WorkspaceId, row: &Row, sign: i64) {
        let difference = self.workspaces.entry(workspace).or_default();
        difference.bytes += sign * row.bytes;
        if row.is_trashed {
            difference.trashed += sign;
            return;
        }
        difference.documents += sign;
        for tag in &row.tags {
            *self.tags.entry((workspace, tag.clone())).or_default() += sign;
        }
        *self.sources.entry((workspace, row.source_kind.clone())).or_default() += sign;
    }

    pub(super) async fn save(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        macro_rules! column {
            ($field:ident) => {
                self.workspaces.values().map(|difference| difference.$field).collect::<Vec<_>>()
            };
        }
        sqlx::query!(
            "insert into workspace_statistics as at
             select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
             on conflict (workspace_id) do update set
                    documents = at.documents + excluded.documents, trashed = at.trashed + excluded.trashed,
                    bytes = at.bytes + excluded.bytes, events = at.events + excluded.events,
                    sequence = excluded.sequence, updated_at = excluded.updated_at",
            &self.workspaces.keys().map(|workspace| workspace.0).collect::<Vec<_>>(),
            &column!(documents),
            &column!(trashed),
            &column!(bytes),
            &column!(events),
            &column!(sequence),
            &column!(updated_at)
        )
        .execute(&mut *connection)
        .await?;
        self.save_tags(connection).await?;
        self.save_sources(connection).await
    }

    /// A tag that no document carries any more has no row: how a log is cut into batches must not show.
    async fn save_tags(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (workspaces, tags, differences) = columns(&self.tags);
        if differences.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into workspace_tag as at select * from unnest($1::uuid[], $2::text[], $3::bigint[])
             on conflict (workspace_id, tag) do update set documents = at.documents + excluded.documents",
            &workspaces,
            &tags,
            &differences
        )
        .execute(&mut *connection)
        .await?;
        if differences.iter().all(|difference| *difference > 0) {
            return Ok(());
        }
        sqlx::query!(
            "delete from workspace_tag as at using unnest($1::uuid[], $2::text[]) as touched (workspace_id, tag)
             where at.workspace_id = touched.workspace_id and at.tag = touched.tag and at.documents = 0",
            &workspaces,
            &tags
        )
        .execute(connection)
        .await
        .map(drop)
    }

    /// As the tags.
    async fn save_sources(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (workspaces, sources, differences) = columns(&self.sources);
        if differences.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into workspace_source as at select * from unnest($1::uuid[], $2::text[], $3::bigint[])
             on conflict (workspace_id, source_kind) do update set documents = at.documents + excluded.documents",
            &workspaces,
            &sources,
            &differences
        )
        .execute(&mut *connection)
        .await?;
        if differences.iter().all(|difference| *difference > 0) {
            return Ok(());
        }
        sqlx::query!(
            "delete from workspace_source as at using unnest($1::uuid[], $2::text[]) as touched (workspace_id, source_kind)
             where at.workspace_id = touched.workspace_id and at.source_kind = touched.source_kind and at.documents = 0",
            &workspaces,
            &sources
        )
        .execute(connection)
        .await
        .map(drop)
    }
}

/// The differences that are any, column by column.
fn columns(counts: &BTreeMap<(WorkspaceId, String), i64>) -> (Vec<Uuid>, Vec<String>, Vec<i64>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for ((workspace, name), difference) in counts.iter().filter(|(_, difference)| **difference != 0) {
        columns.0.push(workspace.0);
        columns.1.push(name.clone());
        columns.2.push(*difference);
    }
    columns
}

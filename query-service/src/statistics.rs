//! A workspace in numbers.

use crate::answer::{Found, WorkspaceStatuses};
use crate::section::Section;
use crate::tables::{Of, Tables};
use chrono::{DateTime, Utc};
use poem_openapi::param::{Header, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use runtime::http::{Authorized, Problem, Refused, example};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most tags that the statistics name: the most used.
const MOST_TAGS: i64 = 100;

/// The routes of statistics.
pub(crate) struct Api {
    pub(crate) tables: Tables,
}

/// A workspace in numbers.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct Statistics {
    /// Documents in use.
    documents: i64,
    /// Documents in the trash.
    trashed: i64,
    /// Bytes of all their texts.
    bytes: i64,
    /// Events of its documents so far.
    events: i64,
    /// Documents in use by where they came from.
    by_source: BTreeMap<String, i64>,
    /// Documents in use by tag; the hundred most used.
    by_tag: BTreeMap<String, i64>,
    /// When it last changed; absent if it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}

impl Example for Statistics {
    fn example() -> Self {
        let counted = |values: [(&str, i64); 2]| values.map(|(value, documents)| (value.to_owned(), documents)).into();
        Self {
            documents: 12,
            trashed: 1,
            bytes: 48_230,
            events: 31,
            by_source: counted([("file", 9), ("text", 3)]),
            by_tag: counted([("linux", 4), ("ops", 7)]),
            updated_at: Some(example::revised_at()),
        }
    }
}

#[OpenApi(tag = "Section::Workspace")]
impl Api {
    /// The caller's workspace in numbers
    #[oai(path = "/v1/statistics", method = "get", operation_id = "get_statistics")]
    async fn statistics(
        &self,
        Authorized(caller): Authorized,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<Statistics>, Refused<WorkspaceStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Documents, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let statistics = load(snapshot.connection(), caller.workspace.0).await.map_err(Problem::from)?;
        Ok(snapshot.found(&statistics))
    }
}

async fn load(connection: &mut PgConnection, workspace: Uuid) -> Result<Statistics, sqlx::Error> {
    let totals = sqlx::query!(
        "select documents, trashed, bytes, events, updated_at from workspace_statistics where workspace_id = $1",
        workspace
    )
    .fetch_optional(&mut *connection)
    .await?;
    let by_source = sqlx::query!(
        "select value, documents from workspace_facet where workspace_id = $1 and facet = 'source'",
        workspace
    )
    .fetch_all(&mut *connection)
    .await?;
    let by_tag = sqlx::query!(
        "select value, documents from workspace_facet where workspace_id = $1 and facet = 'tag'
         order by documents desc, value limit $2",
        workspace,
        MOST_TAGS
    )
    .fetch_all(connection)
    .await?;
    let number = |pick: fn(&_) -> i64| totals.as_ref().map_or(0, pick);
    Ok(Statistics {
        documents: number(|row| row.documents),
        trashed: number(|row| row.trashed),
        bytes: number(|row| row.bytes),
        events: number(|row| row.events),
        by_source: by_source.into_iter().map(|row| (row.value, row.documents)).collect(),
        by_tag: by_tag.into_iter().map(|row| (row.value, row.documents)).collect(),
        updated_at: totals.as_ref().map(|row| row.updated_at),
    })
}

/// Numbers over all workspaces, for `/health`.
pub(crate) async fn totals(pool: &PgPool) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "workspaces!", coalesce(sum(documents), 0)::bigint as "documents!",
                  coalesce(sum(trashed), 0)::bigint as "trashed!", coalesce(sum(bytes), 0)::bigint as "bytes!"
           from workspace_statistics"#
    )
    .fetch_one(pool)
    .await?;
    let numbers =
        [("workspaces", row.workspaces), ("documents", row.documents), ("trashed", row.trashed), ("bytes", row.bytes)];
    Ok(numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect())
}

//! A workspace in numbers.

use crate::visibility::Visibility;
use chrono::{DateTime, Utc};
use poem_openapi::param::{Header, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use runtime::http::{Authorized, Problem, RawJson, Refused, Statuses, if_none_match};
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most tags that the statistics name: the most used.
const MOST_TAGS: i64 = 100;

/// The routes of statistics.
pub(crate) struct Api {
    pub(crate) pool: PgPool,
    pub(crate) visibility: Visibility,
}

/// A workspace in numbers.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
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

/// The numbers.
#[derive(ApiResponse)]
pub(crate) enum FoundStatistics {
    /// As of the sequence in the header.
    #[oai(status = 200)]
    Found(
        RawJson<Statistics>,
        /// Entity tag, for `If-None-Match`.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
    ),
    /// The client has them already.
    #[oai(status = 304)]
    NotModified(
        /// Entity tag.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
    ),
}

/// How reading them can fail.
pub(crate) struct StatisticsStatuses;

impl Statuses for StatisticsStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (503, "`not_yet_visible`, or a needed part is away; retry."),
    ];
}

#[OpenApi]
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
    ) -> Result<FoundStatistics, Refused<StatisticsStatuses>> {
        let visible = self.visibility.at_least(min_sequence.0).await?;
        let etag = etag(&self.pool, caller.workspace.0).await.map_err(Problem::from)?;
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundStatistics::NotModified(etag, visible));
        }
        let statistics = load(&self.pool, caller.workspace.0).await.map_err(Problem::from)?;
        Ok(FoundStatistics::Found(RawJson::of(&statistics), etag, visible))
    }
}

/// The entity tag of everything in a workspace together: the sequence of its last event.
pub(crate) async fn etag(pool: &PgPool, workspace: Uuid) -> Result<String, sqlx::Error> {
    let sequence = sqlx::query_scalar!("select sequence from workspace_statistics where workspace_id = $1", workspace)
        .fetch_optional(pool)
        .await?;
    Ok(format!("W/\"{}\"", sequence.unwrap_or(0)))
}

async fn load(pool: &PgPool, workspace: Uuid) -> Result<Statistics, sqlx::Error> {
    let mut snapshot = pool.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *snapshot).await?;
    let totals = sqlx::query!(
        "select documents, trashed, bytes, events, updated_at from workspace_statistics where workspace_id = $1",
        workspace
    )
    .fetch_optional(&mut *snapshot)
    .await?;
    let by_source = sqlx::query!(
        "select value, documents from workspace_facet where workspace_id = $1 and facet = 'source'",
        workspace
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let by_tag = sqlx::query!(
        "select value, documents from workspace_facet where workspace_id = $1 and facet = 'tag'
         order by documents desc, value limit $2",
        workspace,
        MOST_TAGS
    )
    .fetch_all(&mut *snapshot)
    .await?;
    snapshot.commit().await?;
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

//! The list of documents: filters, sorts, and pages that begin where the last one ended, however far in.

use super::view::{DocumentView, Row};
use crate::cursor;
use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use runtime::http::{Problem, SourceKind};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

/// Which documents by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum StateFilter {
    /// In use.
    #[default]
    Live,
    /// In the trash.
    Trashed,
    /// Both.
    All,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// When it last changed.
    #[default]
    UpdatedAt,
    /// When it was uploaded.
    CreatedAt,
    /// Its title, upper and lower case the same, by code point.
    Title,
}

/// In which direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Smallest or oldest first.
    Asc,
    /// Largest or newest first.
    #[default]
    Desc,
}

/// What a request asks for.
pub(crate) struct Wanted {
    pub(crate) workspace: Uuid,
    pub(crate) tags: Vec<String>,
    pub(crate) source: Option<SourceKind>,
    pub(crate) state: StateFilter,
    pub(crate) created_after: Option<DateTime<Utc>>,
    pub(crate) created_before: Option<DateTime<Utc>>,
    pub(crate) updated_after: Option<DateTime<Utc>>,
    pub(crate) updated_before: Option<DateTime<Utc>>,
    pub(crate) sort: Sort,
    pub(crate) order: Order,
    pub(crate) limit: u32,
    pub(crate) cursor: Option<String>,
}

/// A page of documents.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct DocumentList {
    /// The documents, without their texts.
    pub(crate) documents: Vec<DocumentView>,
    /// Give it as `cursor`, with the same filters and sort, for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// Where a page ended. Times are kept to the microsecond, as in the database.
#[derive(Serialize, Deserialize)]
struct Position {
    s: Sort,
    o: Order,
    at: Option<DateTime<Utc>>,
    title: Option<String>,
    id: Uuid,
}

/// Reads a page.
pub(crate) async fn read(pool: &PgPool, wanted: &Wanted) -> Result<DocumentList, Problem> {
    let limit = wanted.limit as usize;
    let mut rows: Vec<Row> = query(wanted)?.build_query_as().fetch_all(pool).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| cursor::write(&Position::of(wanted, row)));
    Ok(DocumentList { documents: rows.into_iter().map(DocumentView::from).collect(), next_cursor })
}

fn query(wanted: &Wanted) -> Result<QueryBuilder<Postgres>, Problem> {
    let mut query = QueryBuilder::new(
        "select document_id, title, media_type, sha256, bytes, source_kind, source_name, source_url, source_author, \
         skill_level, tags, is_trashed, revision, created_at, updated_at, sequence from document where workspace_id = ",
    );
    query.push_bind(wanted.workspace);
    match wanted.state {
        StateFilter::Live => query.push(" and not is_trashed"),
        StateFilter::Trashed => query.push(" and is_trashed"),
        StateFilter::All => &mut query,
    };
    if !wanted.tags.is_empty() {
        query.push(" and tags @> ").push_bind(wanted.tags.clone());
    }
    if let Some(source) = wanted.source {
        query.push(" and source_kind = ").push_bind(source.as_str());
    }
    for (condition, time) in [
        (" and created_at >= ", wanted.created_after),
        (" and created_at < ", wanted.created_before),
        (" and updated_at >= ", wanted.updated_after),
        (" and updated_at < ", wanted.updated_before),
    ] {
        if let Some(time) = time {
            query.push(condition).push_bind(time);
        }
    }
    let column = match wanted.sort {
        Sort::UpdatedAt => "updated_at",
        Sort::CreatedAt => "created_at",
        Sort::Title => "lower(title) collate \"C\"",
    };
    let (comparison, direction) = match wanted.order {
        Order::Asc => (">", "asc"),
        Order::Desc => ("<", "desc"),
    };
    if let Some(text) = &wanted.cursor {
        let position: Position = cursor::read(text)?;
        query.push(format!(" and ({column}, document_id) {comparison} ("));
        match (position.s == wanted.sort && position.o == wanted.order, position.at, position.title) {
            (true, Some(at), None) if wanted.sort != Sort::Title => query.push_bind(at),
            (true, None, Some(title)) if wanted.sort == Sort::Title => {
                query.push("lower(").push_bind(title).push(") collate \"C\"")
            }
            _ => return Err(cursor::invalid()),
        };
        query.push(", ").push_bind(position.id).push(")");
    }
    query.push(format!(" order by {column} {direction}, document_id {direction} limit "));
    query.push_bind(i64::from(wanted.limit) + 1);
    Ok(query)
}

impl Position {
    fn of(wanted: &Wanted, row: &Row) -> Self {
        let (at, title) = match wanted.sort {
            Sort::UpdatedAt => (Some(row.updated_at), None),
            Sort::CreatedAt => (Some(row.created_at), None),
            Sort::Title => (None, Some(row.title.clone())),
        };
        Self { s: wanted.sort, o: wanted.order, at, title, id: row.document_id }
    }
}

//! The list of documents: filters, sorts, and pages that begin where the last one ended, however far in.

use super::view::{DocumentView, Row};
use crate::answer;
use crate::concepts;
use crate::cursor;
use crate::tables::Of;
use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use runtime::http::{Problem, SkillLevel, SourceKind, example};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// The name of the list in its cursors.
const LIST: &str = "documents";

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
#[oai(rename = "DocumentSort", rename_all = "snake_case")]
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
    pub(crate) cluster: Option<Uuid>,
    pub(crate) concept: Option<String>,
    pub(crate) skill_level: Option<SkillLevel>,
    pub(crate) language: Option<String>,
    pub(crate) sha256: Option<String>,
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
#[oai(skip_serializing_if_is_none, example)]
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

impl Example for DocumentList {
    fn example() -> Self {
        let (s, o, at) = (Sort::UpdatedAt, Order::Desc, Some(example::revised_at()));
        let end = Position { s, o, at, title: None, id: example::DOCUMENT };
        Self { documents: vec![DocumentView::example()], next_cursor: Some(cursor::write(LIST, &end)) }
    }
}

impl Wanted {
    /// Which projections must be asked.
    pub(crate) fn of(&self) -> Of {
        let of_knowledge =
            self.cluster.is_some() || self.concept.is_some() || self.skill_level.is_some() || self.language.is_some();
        if of_knowledge { Of::Both } else { Of::Documents }
    }
}

/// Reads a page.
pub(crate) async fn read(connection: &mut PgConnection, wanted: &Wanted) -> Result<DocumentList, Problem> {
    let concept = match &wanted.concept {
        Some(concept) => Some(concepts::resolve(connection, wanted.workspace, concept).await?),
        None => None,
    };
    let mut rows: Vec<Row> = query(wanted, concept)?.build_query_as().fetch_all(connection).await?;
    let next_cursor = answer::cut(&mut rows, wanted.limit, |row| cursor::write(LIST, &Position::of(wanted, row)));
    Ok(DocumentList { documents: rows.into_iter().map(DocumentView::from).collect(), next_cursor })
}

fn query(wanted: &Wanted, concept: Option<String>) -> Result<QueryBuilder<Postgres>, Problem> {
    let mut query = QueryBuilder::new(
        "select document_id, title, media_type, sha256, bytes, source_kind, source_name, source_url, source_author, \
         skill_level, tags, is_trashed, merged_into, revision, created_at, updated_at, sequence \
         from document where workspace_id = ",
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
    if let Some(sha256) = &wanted.sha256 {
        query.push(" and sha256 = ").push_bind(sha256.clone());
    }
    push_knowledge(&mut query, wanted, concept);
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
        let position: Position = cursor::read(LIST, text)?;
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

/// Conditions on what is known of a document.
fn push_knowledge(query: &mut QueryBuilder<Postgres>, wanted: &Wanted, concept: Option<String>) {
    if let Some(concept) = concept {
        query.push(
            " and exists (select from document_concept c where c.workspace_id = document.workspace_id \
             and c.document_id = document.document_id and c.concept = ",
        );
        query.push_bind(concept).push(")");
    }
    let level = wanted.skill_level.map(|level| events::document::SkillLevel::from(level).name());
    if wanted.cluster.is_none() && level.is_none() && wanted.language.is_none() {
        return;
    }
    query.push(
        " and exists (select from document_knowledge k where k.workspace_id = document.workspace_id \
         and k.document_id = document.document_id",
    );
    if let Some(cluster) = wanted.cluster {
        query.push(" and k.cluster_id = ").push_bind(cluster);
    }
    if let Some(level) = level {
        query.push(" and k.skill_level = ").push_bind(level);
    }
    if let Some(language) = &wanted.language {
        query.push(" and k.language = ").push_bind(language.clone());
    }
    query.push(")");
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

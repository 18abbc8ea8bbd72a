//! The list of clusters.

use super::one::{self, ClusterView, Row};
use crate::answer;
use crate::cursor;
use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// The name of the list in its cursors.
const LIST: &str = "clusters";

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum ClusterSort {
    /// How many documents stand in it, most first.
    #[default]
    Documents,
    /// Its name, upper and lower case the same, by code point.
    Name,
    /// When it was found or made, newest first.
    Recent,
}

/// What a request asks for.
pub(super) struct Wanted {
    pub(super) workspace: Uuid,
    pub(super) sort: ClusterSort,
    pub(super) limit: u32,
    pub(super) cursor: Option<String>,
}

/// A page of clusters.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct ClusterList {
    /// The clusters.
    clusters: Vec<ClusterView>,
    /// How many documents in use stand in no cluster at all.
    unclustered: i64,
    /// Give it as `cursor`, with the same sort, for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for ClusterList {
    fn example() -> Self {
        let cluster = ClusterView::example();
        let (s, documents, id) = (ClusterSort::Documents, Some(cluster.documents), cluster.id);
        let end = Position { s, documents, name: None, at: None, id };
        Self { clusters: vec![cluster], unclustered: 1, next_cursor: Some(cursor::write(LIST, &end)) }
    }
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Position {
    s: ClusterSort,
    documents: Option<i64>,
    name: Option<String>,
    at: Option<DateTime<Utc>>,
    id: Uuid,
}

/// Reads a page.
pub(super) async fn read(connection: &mut PgConnection, wanted: &Wanted) -> Result<ClusterList, Problem> {
    let mut rows: Vec<Row> = query(wanted)?.build_query_as().fetch_all(&mut *connection).await?;
    let next_cursor =
        answer::cut(&mut rows, wanted.limit, |last| cursor::write(LIST, &Position::of(wanted.sort, last)));
    let unclustered = unclustered(connection, wanted.workspace).await?;
    Ok(ClusterList { clusters: one::load(connection, wanted.workspace, rows).await?, unclustered, next_cursor })
}

/// Documents in use that stand in no cluster: all less those that do.
async fn unclustered(connection: &mut PgConnection, workspace: Uuid) -> Result<i64, Problem> {
    let unclustered = sqlx::query_scalar!(
        r#"select greatest(0, documents - (select coalesce(sum(documents), 0)::bigint from cluster where workspace_id = $1))
                  as "unclustered!"
           from clustering where workspace_id = $1"#,
        workspace
    )
    .fetch_optional(connection)
    .await?;
    Ok(unclustered.unwrap_or(0))
}

fn query(wanted: &Wanted) -> Result<QueryBuilder<Postgres>, Problem> {
    let mut query = QueryBuilder::new(
        "select cluster_id, name, name_origin, summary, stated_level, is_made, documents, found_documents, similarity, beginner, \
         intermediate, advanced, created_at from cluster where merged_into is null and not is_dissolved \
         and (documents > 0 or is_made) and workspace_id = ",
    );
    query.push_bind(wanted.workspace);
    if let Some(text) = &wanted.cursor {
        push_after(&mut query, wanted.sort, cursor::read(LIST, text)?)?;
    }
    query.push(match wanted.sort {
        ClusterSort::Documents => " order by documents desc, cluster_id desc limit ",
        ClusterSort::Name => " order by lower(name) collate \"C\", cluster_id limit ",
        ClusterSort::Recent => " order by created_at desc, cluster_id desc limit ",
    });
    query.push_bind(i64::from(wanted.limit) + 1);
    Ok(query)
}

/// The condition that leaves out all up to a position.
fn push_after(query: &mut QueryBuilder<Postgres>, sort: ClusterSort, position: Position) -> Result<(), Problem> {
    if position.s != sort {
        return Err(cursor::invalid());
    }
    match sort {
        ClusterSort::Documents => {
            query.push(" and (documents, cluster_id) < (").push_bind(position.documents.ok_or_else(cursor::invalid)?);
        }
        ClusterSort::Name => {
            query.push(" and (lower(name) collate \"C\", cluster_id) > (lower(");
            query.push_bind(position.name.ok_or_else(cursor::invalid)?).push(") collate \"C\"");
        }
        ClusterSort::Recent => {
            query.push(" and (created_at, cluster_id) < (").push_bind(position.at.ok_or_else(cursor::invalid)?);
        }
    }
    query.push(", ").push_bind(position.id).push(")");
    Ok(())
}

impl Position {
    fn of(sort: ClusterSort, last: &Row) -> Self {
        let position = Self { s: sort, documents: None, name: None, at: None, id: last.cluster_id };
        match sort {
            ClusterSort::Documents => Self { documents: Some(last.documents), ..position },
            ClusterSort::Name => Self { name: Some(last.name.clone()), ..position },
            ClusterSort::Recent => Self { at: Some(last.created_at), ..position },
        }
    }
}

//! The list of concepts: filters, sorts, and pages that begin where the last one ended.

use crate::answer;
use crate::cursor;
use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use runtime::http::{Category, Problem, example};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// The name of the list in its cursors.
const LIST: &str = "concepts";

/// Documents up to which every concept of a workspace is listed.
const SMALL: i64 = 20;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub(crate) enum ConceptSort {
    /// How many documents have it, most first.
    #[default]
    Documents,
    /// Its name, upper and lower case the same, by code point.
    Name,
    /// When it first occurred, newest first.
    Recent,
}

/// What a request asks for.
pub(super) struct Wanted {
    pub(super) workspace: Uuid,
    /// In lower case.
    pub(super) prefix: Option<String>,
    pub(super) category: Option<Category>,
    pub(super) min_documents: Option<u32>,
    pub(super) sort: ConceptSort,
    pub(super) limit: u32,
    pub(super) cursor: Option<String>,
}

/// A concept in a list.
#[derive(Serialize, Object, FromRow)]
#[oai(rename = "Concept")]
pub(crate) struct ConceptView {
    /// Its key, by which it is asked for.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// How many documents in use have it.
    documents: i64,
    /// When the first document that had it was uploaded, or a user named it.
    first_at: DateTime<Utc>,
}

/// A page of concepts.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct ConceptList {
    /// The concepts.
    concepts: Vec<ConceptView>,
    /// Give it as `cursor`, with the same filters and sort, for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Example for ConceptList {
    fn example() -> Self {
        let concept = ConceptView {
            concept: example::CONCEPT_KEY.to_owned(),
            name: example::concept(),
            category: "database".to_owned(),
            documents: 2,
            first_at: example::other_uploaded_at(),
        };
        Self { concepts: vec![concept], next_cursor: None }
    }
}

/// Where a page ended.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    s: ConceptSort,
    documents: Option<i64>,
    name: Option<String>,
    at: Option<DateTime<Utc>>,
    concept: String,
}

/// Reads a page.
pub(super) async fn read(connection: &mut PgConnection, wanted: &Wanted) -> Result<ConceptList, Problem> {
    let least = match (wanted.min_documents, &wanted.prefix) {
        (Some(least), _) => least,
        (None, Some(_)) => 1,
        (None, None) => usual_least(connection, wanted.workspace).await?,
    };
    let mut concepts: Vec<ConceptView> = query(wanted, least)?.build_query_as().fetch_all(&mut *connection).await?;
    let next_cursor =
        answer::cut(&mut concepts, wanted.limit, |last| cursor::write(LIST, &Position::of(wanted.sort, last)));
    Ok(ConceptList { concepts, next_cursor })
}

/// What a workspace's own list leaves out: in a large one, concepts that a single document has.
async fn usual_least(connection: &mut PgConnection, workspace: Uuid) -> Result<u32, Problem> {
    let documents = sqlx::query_scalar!("select documents from clustering where workspace_id = $1", workspace)
        .fetch_optional(connection)
        .await?;
    Ok(if documents.unwrap_or(0) > SMALL { 2 } else { 1 })
}

fn query(wanted: &Wanted, least: u32) -> Result<QueryBuilder<Postgres>, Problem> {
    let mut query = QueryBuilder::new(
        "select concept, name, category, documents, first_at from concept where documents > 0 and workspace_id = ",
    );
    query.push_bind(wanted.workspace);
    if least > 1 {
        query.push(" and documents >= ").push_bind(i64::from(least));
    }
    if let Some(category) = wanted.category {
        query.push(" and category = ").push_bind(events::Category::from(category).name());
    }
    if let Some(prefix) = &wanted.prefix {
        query.push(" and (starts_with(concept, ").push_bind(prefix.clone());
        query.push(") or starts_with(lower(name), ").push_bind(prefix.clone());
        let squashed = squashed(prefix);
        if !squashed.is_empty() && squashed != *prefix {
            query.push(") or starts_with(concept, ").push_bind(squashed);
        }
        query.push("))");
    }
    if let Some(text) = &wanted.cursor {
        push_after(&mut query, wanted.sort, cursor::read(LIST, text)?)?;
    }
    query.push(match wanted.sort {
        ConceptSort::Documents => " order by documents desc, concept limit ",
        ConceptSort::Name => " order by lower(name) collate \"C\", concept limit ",
        ConceptSort::Recent => " order by first_at desc, concept limit ",
    });
    query.push_bind(i64::from(wanted.limit) + 1);
    Ok(query)
}

/// A prefix as keys are written: without spaces, hyphens and other signs.
fn squashed(prefix: &str) -> String {
    prefix.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '+' | '#')).collect()
}

/// The condition that leaves out all up to a position. Where the order goes both ways, the first half is for the index.
fn push_after(query: &mut QueryBuilder<Postgres>, sort: ConceptSort, position: Position) -> Result<(), Problem> {
    let Position { s, documents, name, at, concept } = position;
    if s != sort {
        return Err(cursor::invalid());
    }
    match sort {
        ConceptSort::Documents => {
            let documents = documents.ok_or_else(cursor::invalid)?;
            query.push(" and documents <= ").push_bind(documents);
            query.push(" and (documents < ").push_bind(documents).push(" or concept > ").push_bind(concept).push(")");
        }
        ConceptSort::Name => {
            let name = name.ok_or_else(cursor::invalid)?;
            query.push(" and (lower(name) collate \"C\", concept) > (lower(").push_bind(name);
            query.push(") collate \"C\", ").push_bind(concept).push(")");
        }
        ConceptSort::Recent => {
            let at = at.ok_or_else(cursor::invalid)?;
            query.push(" and first_at <= ").push_bind(at);
            query.push(" and (first_at < ").push_bind(at).push(" or concept > ").push_bind(concept).push(")");
        }
    }
    Ok(())
}

impl Position {
    fn of(sort: ConceptSort, last: &ConceptView) -> Self {
        let concept = last.concept.clone();
        let position = Self { s: sort, documents: None, name: None, at: None, concept };
        match sort {
            ConceptSort::Documents => Self { documents: Some(last.documents), ..position },
            ConceptSort::Name => Self { name: Some(last.name.clone()), ..position },
            ConceptSort::Recent => Self { at: Some(last.first_at), ..position },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_looked_up_as_keys_are_written_too() {
        assert_eq!(squashed("event-s"), "events");
        assert_eq!(squashed("c++ st"), "c++st");
        assert_eq!(squashed("größe: "), "größe");
        let wanted = |prefix: &str| Wanted {
            workspace: Uuid::nil(),
            prefix: Some(prefix.into()),
            category: None,
            min_documents: None,
            sort: ConceptSort::Documents,
            limit: 1,
            cursor: None,
        };
        let conditions =
            |prefix| query(&wanted(prefix), 1).expect("no cursor").into_string().matches("starts_with").count();
        assert_eq!((conditions("event s"), conditions("events"), conditions("-")), (3, 2, 2));
    }

    #[test]
    fn a_cursor_of_another_sort_is_refused() {
        let position = Position {
            s: ConceptSort::Documents,
            documents: Some(4),
            name: None,
            at: None,
            concept: "event sourcing".into(),
        };
        let read: Position = cursor::read(LIST, &cursor::write(LIST, &position)).expect("it was just written");
        assert_eq!(read, position);
        let mut query = QueryBuilder::new("");
        assert!(push_after(&mut query, ConceptSort::Name, read).is_err());
        assert!(push_after(&mut query, ConceptSort::Documents, position).is_ok());
    }
}

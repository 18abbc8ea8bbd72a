//! A document as clients see it, and its row.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use events::Content;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use runtime::http::example;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

/// Whether a document is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename = "DocumentState", rename_all = "snake_case")]
pub(crate) enum State {
    /// In use.
    Live,
    /// In the trash.
    Trashed,
}

/// Where a document came from.
#[derive(Serialize, Object)]
#[oai(rename = "DocumentSource", skip_serializing_if_is_none)]
pub(crate) struct SourceView {
    /// `text`, `file`, `url` or `image`.
    pub(crate) kind: String,
    /// Name at the origin, such as a file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Address at the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
}

/// A document without its text.
#[derive(Serialize, Object)]
#[oai(rename = "Document", skip_serializing_if_is_none, example)]
pub(crate) struct DocumentView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its title.
    pub(crate) title: String,
    /// Media type of its text.
    pub(crate) media_type: String,
    /// SHA-256 of its text, hexadecimal.
    pub(crate) sha256: String,
    /// Length of its text in bytes of UTF-8.
    pub(crate) bytes: u64,
    /// Where it came from.
    pub(crate) source: SourceView,
    /// How much a reader must know already: `unknown`, `beginner`, `intermediate` or `advanced`.
    pub(crate) skill_level: String,
    /// Its tags in order.
    pub(crate) tags: Vec<String>,
    /// Whether it is in use.
    pub(crate) state: State,
    /// The document that took over when this one was merged into it; absent unless this one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) merged_into: Option<Uuid>,
    /// How many texts it has had, from 1.
    pub(crate) revision: u32,
    /// When it was uploaded.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// Sequence of its last event; also its entity tag.
    pub(crate) sequence: u64,
}

impl Example for DocumentView {
    fn example() -> Self {
        let Content { sha256, bytes, .. } = Content::of(example::REVISED_TEXT.to_owned());
        let source =
            SourceView { kind: "file".to_owned(), name: Some(example::FILE_NAME.to_owned()), url: None, author: None };
        Self {
            id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
            media_type: example::MEDIA_TYPE.to_owned(),
            sha256,
            bytes,
            source,
            skill_level: "beginner".to_owned(),
            tags: vec!["ops".to_owned()],
            state: State::Live,
            merged_into: None,
            revision: 2,
            created_at: example::uploaded_at(),
            updated_at: example::revised_at(),
            sequence: example::REVISED,
        }
    }
}

/// A row of the table `document`.
#[derive(FromRow)]
pub(crate) struct Row {
    pub(crate) document_id: Uuid,
    pub(crate) title: String,
    pub(crate) media_type: String,
    pub(crate) sha256: String,
    pub(crate) bytes: i64,
    pub(crate) source_kind: String,
    pub(crate) source_name: Option<String>,
    pub(crate) source_url: Option<String>,
    pub(crate) source_author: Option<String>,
    pub(crate) skill_level: String,
    pub(crate) tags: Vec<String>,
    pub(crate) is_trashed: bool,
    pub(crate) merged_into: Option<Uuid>,
    pub(crate) revision: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) sequence: i64,
}

/// Reads one document's row.
pub(crate) async fn load(pool: &PgPool, workspace: Uuid, document: Uuid) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select document_id, title, media_type, sha256, bytes, source_kind, source_name, source_url, source_author,
                skill_level, tags, is_trashed, merged_into, revision, created_at, updated_at, sequence
         from document where workspace_id = $1 and document_id = $2",
        workspace,
        document
    )
    .fetch_optional(pool)
    .await
}

impl From<Row> for DocumentView {
    fn from(row: Row) -> Self {
        Self {
            id: row.document_id,
            title: row.title,
            media_type: row.media_type,
            sha256: row.sha256,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            source: SourceView {
                kind: row.source_kind,
                name: row.source_name,
                url: row.source_url,
                author: row.source_author,
            },
            skill_level: row.skill_level,
            tags: row.tags,
            state: if row.is_trashed { State::Trashed } else { State::Live },
            merged_into: row.merged_into,
            revision: u32::try_from(row.revision).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
            sequence: u64::try_from(row.sequence).unwrap_or(0),
        }
    }
}

impl DocumentView {
    /// Its JSON.
    pub(crate) fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).expect("a view is plain JSON").into()
    }
}

//! The table `document`, and the texts beside it.

use super::{Change, to_i64};
use crate::apply::Positioned;
use chrono::{DateTime, Utc};
use events::document::{Event, SkillLevel, Source, SourceKind, Uploaded};
use events::{Content, DocumentId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Which document of which workspace.
pub(super) type Key = (WorkspaceId, DocumentId);

/// Between tags on their way into an array column: UNNEST cannot take arrays of arrays, and no tag has control characters.
const SEPARATOR: &str = "\u{1f}";

/// A row of `document`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    workspace_id: Uuid,
    document_id: Uuid,
    owner_id: Uuid,
    title: String,
    media_type: String,
    sha256: String,
    pub(super) bytes: i64,
    pub(super) source_kind: String,
    source_name: Option<String>,
    source_url: Option<String>,
    source_author: Option<String>,
    skill_level: String,
    pub(super) tags: Vec<String>,
    pub(super) is_trashed: bool,
    revision: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    pub(super) sequence: i64,
}

impl Row {
    /// The row of a new document.
    pub(super) fn uploaded(positioned: &Positioned, uploaded: &Uploaded) -> Self {
        let envelope = &positioned.envelope;
        let mut row = Self {
            workspace_id: envelope.stream.workspace.map(|workspace| workspace.0).unwrap_or_default(),
            document_id: envelope.stream.id,
            owner_id: uploaded.owner.0,
            title: uploaded.title.clone(),
            media_type: uploaded.media_type.clone(),
            sha256: String::new(),
            bytes: 0,
            source_kind: String::new(),
            source_name: None,
            source_url: None,
            source_author: None,
            skill_level: skill_level(uploaded.skill_level).to_owned(),
            tags: uploaded.tags.clone(),
            is_trashed: false,
            revision: 1,
            created_at: envelope.time,
            updated_at: envelope.time,
            sequence: to_i64(positioned.sequence),
        };
        row.set_content(&uploaded.content);
        row.set_source(&uploaded.source);
        row
    }

    /// The row after an event.
    pub(super) fn evolve(&mut self, positioned: &Positioned, event: &Event) {
        match event {
            Event::Uploaded(uploaded) => *self = Self::uploaded(positioned, uploaded),
            Event::Revised(revised) => {
                self.set_content(&revised.content);
                self.media_type.clone_from(&revised.media_type);
                self.revision += 1;
            }
            Event::Retitled(retitled) => self.title.clone_from(&retitled.title),
            Event::Described(described) => {
                self.set_source(&described.source);
                skill_level(described.skill_level).clone_into(&mut self.skill_level);
            }
            Event::Tagged(tagged) => {
                if let Err(place) = self.tags.binary_search(&tagged.tag) {
                    self.tags.insert(place, tagged.tag.clone());
                }
            }
            Event::Untagged(untagged) => self.tags.retain(|tag| *tag != untagged.tag),
            Event::Trashed(_) => self.is_trashed = true,
            Event::Restored(_) => self.is_trashed = false,
        }
        self.updated_at = positioned.envelope.time;
        self.sequence = to_i64(positioned.sequence);
    }

    fn set_content(&mut self, content: &Content) {
        self.sha256.clone_from(&content.sha256);
        self.bytes = to_i64(content.bytes);
    }

    fn set_source(&mut self, source: &Source) {
        source_kind(source.kind).clone_into(&mut self.source_kind);
        self.source_name.clone_from(&source.name);
        self.source_url.clone_from(&source.url);
        self.source_author.clone_from(&source.author);
    }
}

/// Reads the rows of documents.
pub(super) async fn load(connection: &mut PgConnection, keys: &[Key]) -> Result<HashMap<Key, Row>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let workspaces: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
    let documents: Vec<Uuid> = keys.iter().map(|key| key.1.0).collect();
    let rows = sqlx::query_as!(
        Row,
        "select d.* from unnest($1::uuid[], $2::uuid[]) as wanted (workspace_id, document_id)
         join document d using (workspace_id, document_id)",
        &workspaces,
        &documents
    )
    .fetch_all(connection)
    .await?;
    let keyed = |row: Row| ((WorkspaceId(row.workspace_id), DocumentId(row.document_id)), row);
    Ok(rows.into_iter().map(keyed).collect())
}

/// Writes the rows as they are now.
pub(super) async fn save(connection: &mut PgConnection, changes: &HashMap<Key, Change>) -> Result<(), sqlx::Error> {
    let rows = || changes.values().map(|change| &change.now);
    macro_rules! column {
        ($field:ident) => {
            rows().map(|row| row.$field.clone()).collect::<Vec<_>>()
        };
    }
    let tags: Vec<String> = rows().map(|row| row.tags.join(SEPARATOR)).collect();
    sqlx::query!(
        "insert into document
         select workspace_id, document_id, owner_id, title, media_type, sha256, bytes, source_kind, source_name,
                source_url, source_author, skill_level, string_to_array(tags, E'\\x1f'), is_trashed, revision,
                created_at, updated_at, sequence
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
                     $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[], $15::integer[],
                     $16::timestamptz[], $17::timestamptz[], $18::bigint[])
              as now (workspace_id, document_id, owner_id, title, media_type, sha256, bytes, source_kind, source_name,
                      source_url, source_author, skill_level, tags, is_trashed, revision, created_at, updated_at, sequence)
         on conflict (workspace_id, document_id) do update set
                title = excluded.title, media_type = excluded.media_type, sha256 = excluded.sha256,
                bytes = excluded.bytes, source_kind = excluded.source_kind, source_name = excluded.source_name,
                source_url = excluded.source_url, source_author = excluded.source_author,
                skill_level = excluded.skill_level, tags = excluded.tags, is_trashed = excluded.is_trashed,
                revision = excluded.revision, updated_at = excluded.updated_at, sequence = excluded.sequence",
        &column!(workspace_id),
        &column!(document_id),
        &column!(owner_id),
        &column!(title),
        &column!(media_type),
        &column!(sha256),
        &column!(bytes),
        &column!(source_kind),
        &column!(source_name) as _,
        &column!(source_url) as _,
        &column!(source_author) as _,
        &column!(skill_level),
        &tags,
        &column!(is_trashed),
        &column!(revision),
        &column!(created_at),
        &column!(updated_at),
        &column!(sequence),
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Writes the texts that are new; removes those that stand in the blob store now.
pub(super) async fn save_texts(
    connection: &mut PgConnection,
    changes: &HashMap<Key, Change>,
) -> Result<(), sqlx::Error> {
    let (mut workspaces, mut documents, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone_workspaces, mut gone_documents) = (Vec::new(), Vec::new());
    for ((workspace, document), change) in changes {
        match &change.text {
            Some(Some(text)) => {
                workspaces.push(workspace.0);
                documents.push(document.0);
                texts.push(text.as_str());
            }
            Some(None) => {
                gone_workspaces.push(workspace.0);
                gone_documents.push(document.0);
            }
            None => {}
        }
    }
    if !texts.is_empty() {
        sqlx::query!(
            "insert into document_content
             select * from unnest($1::uuid[], $2::uuid[], $3::text[]) as now (workspace_id, document_id, text)
             on conflict (workspace_id, document_id) do update set text = excluded.text",
            &workspaces,
            &documents,
            &texts as _
        )
        .execute(&mut *connection)
        .await?;
    }
    if !gone_documents.is_empty() {
        sqlx::query!(
            "delete from document_content using unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, document_id)
             where document_content.workspace_id = gone.workspace_id and document_content.document_id = gone.document_id",
            &gone_workspaces,
            &gone_documents
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

const fn skill_level(level: SkillLevel) -> &'static str {
    match level {
        SkillLevel::Unknown => "unknown",
        SkillLevel::Beginner => "beginner",
        SkillLevel::Intermediate => "intermediate",
        SkillLevel::Advanced => "advanced",
    }
}

const fn source_kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Text => "text",
        SourceKind::File => "file",
        SourceKind::Url => "url",
        SourceKind::Image => "image",
    }
}

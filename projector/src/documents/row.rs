//! The table `document`, and the texts beside it.

use crate::copy::Copy;
use crate::numbers::to_i64;
use crate::positioned::Positioned;
use chrono::{DateTime, Utc};
use events::document::{Event, Source, Uploaded};
use events::{Content, DocumentId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Which document of which workspace.
pub(super) type Key = (WorkspaceId, DocumentId);

/// The columns of `document`.
pub(super) const COLUMNS: [&str; 19] = [
    "workspace_id",
    "document_id",
    "owner_id",
    "title",
    "media_type",
    "sha256",
    "bytes",
    "source_kind",
    "source_name",
    "source_url",
    "source_author",
    "skill_level",
    "tags",
    "is_trashed",
    "revision",
    "created_at",
    "updated_at",
    "sequence",
    "merged_into",
];

/// A row of `document`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) workspace_id: Uuid,
    pub(super) document_id: Uuid,
    pub(super) owner_id: Uuid,
    pub(super) title: String,
    pub(super) media_type: String,
    pub(super) sha256: String,
    pub(super) bytes: i64,
    pub(super) source_kind: String,
    pub(super) source_name: Option<String>,
    pub(super) source_url: Option<String>,
    pub(super) source_author: Option<String>,
    pub(super) skill_level: String,
    pub(super) tags: Vec<String>,
    pub(super) is_trashed: bool,
    pub(super) revision: i32,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) sequence: i64,
    pub(super) merged_into: Option<Uuid>,
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
            skill_level: uploaded.skill_level.name().to_owned(),
            tags: uploaded.tags.clone(),
            is_trashed: false,
            revision: 1,
            created_at: envelope.time,
            updated_at: envelope.time,
            sequence: to_i64(positioned.sequence),
            merged_into: None,
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
                described.skill_level.name().clone_into(&mut self.skill_level);
            }
            Event::Tagged(tagged) => {
                if let Err(place) = self.tags.binary_search(&tagged.tag) {
                    self.tags.insert(place, tagged.tag.clone());
                }
            }
            Event::Untagged(untagged) => self.tags.retain(|tag| *tag != untagged.tag),
            Event::Absorbed(absorbed) => {
                self.tags.extend(absorbed.tags.iter().cloned());
                self.tags.sort_unstable();
                self.tags.dedup();
            }
            Event::Merged(merged) => {
                self.is_trashed = true;
                self.merged_into = Some(merged.into.0);
            }
            Event::Trashed(_) => self.is_trashed = true,
            Event::Restored(_) => {
                self.is_trashed = false;
                self.merged_into = None;
            }
            // Knowledge has its own read models; here only the sequence and the time move.
            Event::ConceptAdded(_)
            | Event::ConceptRemoved(_)
            | Event::MovedToCluster(_)
            | Event::ReleasedFromCluster(_)
            | Event::Linked(_)
            | Event::Unlinked(_)
            | Event::Assessed(_) => {}
        }
        self.updated_at = positioned.envelope.time;
        self.sequence = to_i64(positioned.sequence);
    }

    /// Adds the values of [`COLUMNS`].
    pub(super) fn copy(&self, row: &mut Copy<'_>) -> Result<(), sqlx::Error> {
        row.value(self.workspace_id)?
            .value(self.document_id)?
            .value(self.owner_id)?
            .value(&self.title)?
            .value(&self.media_type)?
            .value(&self.sha256)?
            .value(self.bytes)?
            .value(&self.source_kind)?
            .value(self.source_name.as_ref())?
            .value(self.source_url.as_ref())?
            .value(self.source_author.as_ref())?
            .value(&self.skill_level)?
            .value(&self.tags)?
            .value(self.is_trashed)?
            .value(self.revision)?
            .value(self.created_at)?
            .value(self.updated_at)?
            .value(self.sequence)?
            .value(self.merged_into)
            .map(drop)
    }

    fn set_content(&mut self, content: &Content) {
        self.sha256.clone_from(&content.sha256);
        self.bytes = to_i64(content.bytes);
    }

    fn set_source(&mut self, source: &Source) {
        source.kind.name().clone_into(&mut self.source_kind);
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

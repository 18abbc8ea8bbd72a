//! The documents that a batch touches: their rows, read before and written after.

use super::Key;
use super::document::{Document, Findings};
use super::history::Membership;
use super::resolve::{self, Held};
use super::workspace::Workspace;
use crate::error::Error;
use crate::numbers::{to_i64, to_u64};
use analysis::clusters::Vector;
use analysis::near::Sketch;
use chrono::{DateTime, Utc};
use events::document::SkillLevel;
use events::{ClusterId, DocumentId, WorkspaceId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgExecutor;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Between texts on their way into an array column: UNNEST cannot take arrays of arrays, and no key has control characters.
pub(super) const SEPARATOR: &str = "\u{1f}";

/// A document and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    pub(super) document: Document,
    pub(super) held: BTreeMap<String, Held>,
    pub(super) cluster: Option<ClusterId>,
    /// What the tables say of it; absent if it is new.
    pub(super) before: Option<Before>,
}

/// What of a row must be known to replace what was derived from it.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) sketch: Sketch,
    pub(super) is_trashed: bool,
}

impl Touched {
    pub(super) fn new(document: Document, before: Option<Before>, workspace: &Workspace) -> Self {
        let mut touched = Self { document, held: BTreeMap::new(), cluster: None, before };
        touched.resolve(workspace);
        touched
    }

    /// Finds anew what follows from the document and the workspace's decisions.
    pub(super) fn resolve(&mut self, workspace: &Workspace) {
        self.held = resolve::concepts(&self.document, &workspace.vocabulary);
        self.cluster = Membership::from(&self.document).cluster.and_then(|cluster| workspace.resolve(cluster));
    }
}

struct Row {
    workspace_id: Uuid,
    document_id: Uuid,
    arrival: i64,
    content_sequence: i64,
    sequence: i64,
    created_at: DateTime<Utc>,
    title: String,
    media_type: String,
    file_name: Option<String>,
    source_kind: String,
    sha256: String,
    is_trashed: bool,
    merged_into: Option<Uuid>,
    language: String,
    code: Option<String>,
    stated_level: String,
    assessment: Option<Value>,
    analysis: Value,
    vector: Vec<u8>,
    sketch: Vec<u8>,
    added: Value,
    removed: Value,
    acronyms: Vec<String>,
    found_cluster: Option<Uuid>,
    similarity: i16,
    pinned_cluster: Option<Uuid>,
}

/// Reads the documents with these keys that are there.
pub(super) async fn load(
    executor: impl PgExecutor<'_>,
    keys: impl Iterator<Item = Key>,
) -> Result<Vec<(Key, Document)>, Error> {
    let (workspaces, documents): (Vec<Uuid>, Vec<Uuid>) = keys.map(|key| (key.0.0, key.1.0)).unzip();
    if workspaces.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select workspace_id as "workspace_id!", document_id as "document_id!", arrival, content_sequence, sequence,
                created_at, title, media_type, file_name, source_kind, sha256, is_trashed, merged_into, language, code, stated_level, assessment, analysis, vector,
                sketch, added, removed, acronyms, found_cluster, similarity, pinned_cluster
         from unnest($1::uuid[], $2::uuid[]) as wanted (workspace_id, document_id)
         join document_knowledge using (workspace_id, document_id)"#,
        &workspaces,
        &documents
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(Row::document).collect()
}

/// Keys of the documents, whatever their state, that were found, proposed or added any of some concepts.
pub(super) async fn with_concepts(
    executor: impl PgExecutor<'_>,
    workspace: WorkspaceId,
    concepts: &[String],
) -> Result<Vec<Key>, sqlx::Error> {
    let documents = sqlx::query_scalar!(
        r#"select distinct document_id as "document_id!" from document_knowledge, unnest(keys) as key
         where workspace_id = $1 and key in (select unnest($2::text[]))"#,
        workspace.0,
        concepts
    )
    .fetch_all(executor)
    .await?;
    Ok(documents.into_iter().map(|document| (workspace, DocumentId(document))).collect())
}

impl Row {
    fn document(self) -> Result<(Key, Document), Error> {
        let document = Document {
            arrival: to_u64(self.arrival),
            content_sequence: to_u64(self.content_sequence),
            sequence: to_u64(self.sequence),
            created_at: self.created_at,
            title: self.title,
            media_type: self.media_type,
            file_name: self.file_name,
            source_kind: read("source_kind", Value::String(self.source_kind))?,
            sha256: self.sha256,
            is_trashed: self.is_trashed,
            merged_into: self.merged_into.map(DocumentId),
            language: self.language,
            code: self.code,
            stated_level: SkillLevel::parse(&self.stated_level).ok_or(Error::Unreadable("stated_level"))?,
            assessment: self.assessment.map(|assessment| read("assessment", assessment)).transpose()?,
            findings: read::<Findings>("analysis", self.analysis)?,
            acronyms: self.acronyms,
            vector: Vector::from_bytes(&self.vector).ok_or(Error::Unreadable("vector"))?,
            sketch: Sketch::from_bytes(&self.sketch).ok_or(Error::Unreadable("sketch"))?,
            added: read("added", self.added)?,
            removed: read("removed", self.removed)?,
            found: self.found_cluster.map(ClusterId),
            similarity: self.similarity,
            pinned: self.pinned_cluster.map(ClusterId),
        };
        Ok(((WorkspaceId(self.workspace_id), DocumentId(self.document_id)), document))
    }
}

fn read<T: DeserializeOwned>(column: &'static str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|_| Error::Unreadable(column))
}

/// Writes documents and their concepts.
pub(super) async fn save(connection: &mut sqlx::PgConnection, touched: &[(Key, &Touched)]) -> Result<(), sqlx::Error> {
    if touched.is_empty() {
        return Ok(());
    }
    save_documents(connection, touched).await?;
    save_concepts(connection, touched).await
}

async fn save_documents(connection: &mut sqlx::PgConnection, touched: &[(Key, &Touched)]) -> Result<(), sqlx::Error> {
    let documents = || touched.iter().map(|(_, touched)| &touched.document);
    macro_rules! column {
        ($document:ident => $value:expr) => {
            documents().map(|$document| $value).collect::<Vec<_>>()
        };
    }
    let level = column!(document => document.skill_level().name());
    let assessment: Vec<Option<Value>> = column!(document => document.assessment.as_ref().map(|said| json!(said)));
    sqlx::query!(
        "insert into document_knowledge as at
             (workspace_id, document_id, arrival, content_sequence, sequence, created_at, title, media_type, file_name,
              source_kind, sha256, is_trashed, merged_into, language, code, skill_level, stated_level, assessment, analysis,
              vector, sketch, keys, acronyms, added, removed, found_cluster, similarity, pinned_cluster, cluster_id)
         select workspace_id, document_id, arrival, content_sequence, sequence, created_at, title, media_type, file_name,
                source_kind, sha256, is_trashed, merged_into, language, code, skill_level, stated_level, assessment,
                analysis, vector, sketch, string_to_array(keys, E'\\x1f'), string_to_array(acronyms, E'\\x1f'), added,
                removed, found_cluster, similarity, pinned_cluster, cluster_id
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[],
                     $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::uuid[], $14::text[],
                     $15::text[], $16::text[], $17::text[], $18::jsonb[], $19::jsonb[], $20::bytea[], $21::bytea[],
                     $22::text[], $23::text[], $24::jsonb[], $25::jsonb[], $26::uuid[], $27::smallint[], $28::uuid[],
                     $29::uuid[])
              as now (workspace_id, document_id, arrival, content_sequence, sequence, created_at, title, media_type,
                      file_name, source_kind, sha256, is_trashed, merged_into, language, code, skill_level, stated_level,
                      assessment, analysis, vector, sketch, keys, acronyms, added, removed, found_cluster, similarity,
                      pinned_cluster, cluster_id)
         on conflict (workspace_id, document_id) do update set
                content_sequence = excluded.content_sequence, sequence = excluded.sequence, title = excluded.title,
                media_type = excluded.media_type, file_name = excluded.file_name, source_kind = excluded.source_kind,
                sha256 = excluded.sha256, is_trashed = excluded.is_trashed, merged_into = excluded.merged_into,
                language = excluded.language, code = excluded.code, skill_level = excluded.skill_level,
                stated_level = excluded.stated_level, assessment = excluded.assessment, analysis = excluded.analysis,
                vector = excluded.vector, sketch = excluded.sketch, keys = excluded.keys, acronyms = excluded.acronyms,
                added = excluded.added, removed = excluded.removed, found_cluster = excluded.found_cluster,
                similarity = excluded.similarity, pinned_cluster = excluded.pinned_cluster,
                cluster_id = excluded.cluster_id",
        &touched.iter().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &touched.iter().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
        &column!(document => to_i64(document.arrival)),
        &column!(document => to_i64(document.content_sequence)),
        &column!(document => to_i64(document.sequence)),
        &column!(document => document.created_at),
        &column!(document => document.title.as_str()) as _,
        &column!(document => document.media_type.as_str()) as _,
        &column!(document => document.file_name.as_deref()) as _,
        &column!(document => document.source_kind.name()) as _,
        &column!(document => document.sha256.as_str()) as _,
        &column!(document => document.is_trashed),
        &column!(document => document.merged_into.map(|into| into.0)) as _,
        &column!(document => document.language.as_str()) as _,
        &column!(document => document.code.as_deref()) as _,
        &level as _,
        &column!(document => document.stated_level.name()) as _,
        &assessment as _,
        &column!(document => json!(document.findings)),
        &column!(document => document.vector.to_bytes()),
        &column!(document => document.sketch.to_bytes()),
        &column!(document => document.keys().join(SEPARATOR)),
        &column!(document => document.acronyms.join(SEPARATOR)),
        &column!(document => json!(document.added)),
        &column!(document => json!(document.removed)),
        &column!(document => document.found.map(|cluster| cluster.0)) as _,
        &column!(document => document.similarity),
        &column!(document => document.pinned.map(|cluster| cluster.0)) as _,
        &touched.iter().map(|(_, touched)| touched.cluster.map(|cluster| cluster.0)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn save_concepts(connection: &mut sqlx::PgConnection, touched: &[(Key, &Touched)]) -> Result<(), sqlx::Error> {
    let existing: Vec<Key> =
        touched.iter().filter(|(_, touched)| touched.before.is_some()).map(|(key, _)| *key).collect();
    if !existing.is_empty() {
        sqlx::query!(
            "delete from document_concept as at using unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, document_id)
             where at.workspace_id = gone.workspace_id and at.document_id = gone.document_id",
            &existing.iter().map(|key| key.0.0).collect::<Vec<_>>(),
            &existing.iter().map(|key| key.1.0).collect::<Vec<_>>()
        )
        .execute(&mut *connection)
        .await?;
    }
    let rows: Vec<(&Key, &Touched, &String, &Held)> = touched
        .iter()
        .flat_map(|(key, touched)| touched.held.iter().map(move |(concept, held)| (key, *touched, concept, held)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let places = |held: &Held| held.places.iter().map(ToString::to_string).collect::<Vec<_>>().join(SEPARATOR);
    sqlx::query!(
        "insert into document_concept
             (workspace_id, document_id, concept, confidence, occurrences, places, origin, created_at)
         select workspace_id, document_id, concept, confidence, occurrences, string_to_array(places, E'\\x1f')::integer[],
                origin, created_at
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::real[], $5::integer[], $6::text[], $7::text[],
                     $8::timestamptz[])
              as now (workspace_id, document_id, concept, confidence, occurrences, places, origin, created_at)",
        &rows.iter().map(|(key, ..)| key.0.0).collect::<Vec<_>>(),
        &rows.iter().map(|(key, ..)| key.1.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, _, concept, _)| concept.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(.., held)| held.confidence).collect::<Vec<_>>(),
        &rows.iter().map(|(.., held)| held.occurrences).collect::<Vec<_>>(),
        &rows.iter().map(|(.., held)| places(held)).collect::<Vec<_>>(),
        &rows.iter().map(|(.., held)| held.origin.name()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, touched, ..)| touched.document.created_at).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

impl From<&Document> for Before {
    fn from(document: &Document) -> Self {
        Self { sketch: document.sketch.clone(), is_trashed: document.is_trashed }
    }
}

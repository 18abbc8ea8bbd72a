//! Documents: one, many, their texts and their histories; what is known of them stands in [`knowledge`] and beside it.

mod compare;
mod history;
mod knowledge;
mod known;
mod links;
mod list;
mod past;
mod related;
mod text;
mod unclustered;
pub(crate) mod view;

pub(crate) use compare::Api as CompareApi;
pub(crate) use knowledge::Api as KnowledgeApi;
pub(crate) use past::{Api as PastApi, Texts};

use crate::answer::{self, DocumentStatuses, Found, FoundPage, ListStatuses, document_not_found};
use crate::config::Pages;
use crate::cursor;
use crate::hot::Hot;
use crate::section::Section;
use crate::tables::{self, Of, Tables};
use chrono::{DateTime, Utc};
use events::{DocumentId, EventType};
use history::History;
use list::{DocumentList, Order, Sort, StateFilter, Wanted};
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, Problem, RawJson, Refused, SkillLevel, SourceKind, if_none_match};
use std::sync::Arc;
use text::{FoundText, Text};
use uuid::Uuid;
use view::DocumentView;

/// The routes of documents.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) hot: Arc<Hot>,
    pub(crate) blobs: Blobs,
    pub(crate) pages: Pages,
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// One document
    ///
    /// Without its text, which is at `/v1/documents/{id}/content`. Documents in the trash are found too.
    #[oai(path = "/v1/documents/:id", method = "get", operation_id = "get_document")]
    async fn get(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<DocumentView>, Refused<DocumentStatuses>> {
        let answer =
            self.hot.get(caller.workspace, DocumentId(id.0), min_sequence.0).await?.ok_or_else(document_not_found)?;
        let etag = format!("\"{}\"", answer.sequence);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(Found::NotModified(etag, answer.visible));
        }
        Ok(Found::Found(RawJson::from_text(answer.body), etag, answer.visible))
    }

    /// Documents
    ///
    /// A page of the caller's documents, newest change first unless asked otherwise. Pages go on by cursor, so none is
    /// repeated or left out by what changes meanwhile, unless its own sort key changes.
    #[oai(path = "/v1/documents", method = "get", operation_id = "list_documents")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn list(
        &self,
        Authorized(caller): Authorized,
        /// Only documents with all of these tags.
        #[oai(default)]
        tag: Query<Vec<String>>,
        /// Only documents from such an origin.
        source: Query<Option<SourceKind>>,
        /// Only documents in this cluster.
        cluster: Query<Option<Uuid>>,
        /// Only documents with this concept: its key, its name, or whatever stands for it.
        concept: Query<Option<String>>,
        /// Only documents at this level, whether it was stated, assessed or found.
        skill_level: Query<Option<SkillLevel>>,
        /// Only documents written in this language: ISO 639-1, or `und`.
        language: Query<Option<String>>,
        /// Only documents with this very text: its SHA-256, hexadecimal.
        sha256: Query<Option<String>>,
        /// Only documents in this state.
        #[oai(default)]
        state: Query<StateFilter>,
        /// Only documents uploaded at or after this time (RFC 3339).
        created_after: Query<Option<DateTime<Utc>>>,
        /// Only documents uploaded before this time.
        created_before: Query<Option<DateTime<Utc>>>,
        /// Only documents changed at or after this time.
        updated_after: Query<Option<DateTime<Utc>>>,
        /// Only documents changed before this time.
        updated_before: Query<Option<DateTime<Utc>>>,
        /// What to sort by.
        #[oai(default)]
        sort: Query<Sort>,
        /// In which direction.
        #[oai(default)]
        order: Query<Order>,
        /// Most documents of the page; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
        request: &poem::Request,
    ) -> Result<FoundPage<DocumentList>, Refused<ListStatuses>> {
        let wanted = Wanted {
            workspace: caller.workspace.0,
            tags: tag.0.iter().map(|tag| tag.trim().to_lowercase()).collect(),
            source: source.0,
            cluster: cluster.0,
            concept: concept.0,
            skill_level: skill_level.0,
            language: language.0.map(|language| language.trim().to_lowercase()),
            sha256: sha256.0.map(|sha256| sha256.trim().to_lowercase()),
            state: state.0,
            created_after: created_after.0,
            created_before: created_before.0,
            updated_after: updated_after.0,
            updated_before: updated_before.0,
            sort: sort.0,
            order: order.0,
            limit: self.pages.limit(limit.0),
            cursor: cursor.0,
        };
        let (mut connection, visible) = self.tables.connection(wanted.of(), caller.workspace, min_sequence.0).await?;
        // Read before the page: a change in between makes the tag too old, which costs a read and hides nothing.
        let etag = tables::etag(&mut connection, wanted.of(), caller.workspace.0).await.map_err(Problem::from)?;
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundPage::NotModified(etag, visible));
        }
        let page = list::read(&mut connection, &wanted).await?;
        let link = page.next_cursor.as_ref().map(|next| answer::next_link(request, next));
        Ok(FoundPage::Found(RawJson::of(&page), etag, visible, link))
    }

    /// The text of a document
    #[oai(path = "/v1/documents/:id/content", method = "get", operation_id = "get_document_content")]
    async fn content(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<FoundText, Refused<DocumentStatuses>> {
        let (mut connection, visible) = self.tables.connection(Of::Documents, caller.workspace, min_sequence.0).await?;
        let stored = text::find(&mut connection, caller.workspace.0, id.0).await?.ok_or_else(document_not_found)?;
        let etag = text::etag(&stored.sha256, &stored.media_type);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundText::NotModified(etag, visible));
        }
        drop(connection);
        let content_type = format!("{}; charset=utf-8", stored.media_type);
        Ok(FoundText::Found(Text(stored.text(&self.blobs).await?), etag, visible, content_type))
    }

    /// The history of a document
    ///
    /// Who changed what when, newest first, from the events themselves.
    #[oai(path = "/v1/documents/:id/history", method = "get", operation_id = "get_document_history")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn history(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Only changes of this kind, such as `revised`.
        kind: Query<Option<String>>,
        /// Most changes of the page; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<History>, Refused<DocumentStatuses>> {
        if let Some(kind) = &kind.0
            && !events::document::Event::KINDS.iter().any(|known| known.name == kind)
        {
            return Err(Problem::invalid_parameter(format_args!("there is no kind `{kind}`")).into());
        }
        let document =
            self.hot.get(caller.workspace, DocumentId(id.0), min_sequence.0).await?.ok_or_else(document_not_found)?;
        let etag = format!("\"{}\"", document.sequence);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(Found::NotModified(etag, document.visible));
        }
        let before = cursor.0.as_deref().map_or(Ok(u64::MAX), |text| cursor::read(history::LIST, text))?;
        let limit = self.pages.limit(limit.0);
        let pool = &self.tables.pool;
        let mut changes = history::read(pool, caller.workspace.0, id.0, kind.0.as_deref(), before, limit + 1)
            .await
            .map_err(Problem::from)?;
        let next_cursor = answer::cut(&mut changes, limit, |change| cursor::write(history::LIST, &change.sequence));
        Ok(Found::Found(RawJson::of(&History { changes, next_cursor }), etag, document.visible))
    }
}

//! The routes of what is known of documents.

use super::known::{self, DocumentKnowledge};
use super::links::{self, Links};
use super::related::{self, RelatedDocuments};
use super::unclustered::{self, UnclusteredDocuments};
use crate::answer::{DocumentStatuses, Found, FoundPage, ListStatuses};
use crate::config::{Overviews, Pages};
use crate::section::Section;
use crate::tables::{Of, Tables};
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use runtime::http::{Authorized, Refused};
use uuid::Uuid;

/// Related documents when the request does not say.
const RELATED: u32 = 10;

/// The routes of what is known of documents.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) pages: Pages,
    pub(crate) overviews: Overviews,
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// What is known of a document
    ///
    /// Its concepts and where they occur, its level, its cluster, what it is nearly the same as, its links.
    #[oai(path = "/v1/documents/:id/knowledge", method = "get", operation_id = "get_document_knowledge")]
    async fn knowledge(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<DocumentKnowledge>, Refused<DocumentStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let view = known::read(snapshot.connection(), caller.workspace.0, id.0, self.pages.usual).await?;
        Ok(snapshot.found(&view))
    }

    /// Documents that have to do with one
    ///
    /// By the concepts that they share: the rarer a concept and the surer it is of both, the more it counts. What most
    /// documents have relates none.
    #[oai(path = "/v1/documents/:id/related", method = "get", operation_id = "list_related_documents")]
    async fn related(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Most documents of the answer; 10 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<RelatedDocuments>, Refused<DocumentStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let limit = self.pages.limit(limit.0.or(Some(RELATED)));
        let (workspace, occurrences) = (caller.workspace.0, self.overviews.related_occurrences);
        known::check(snapshot.connection(), workspace, id.0).await?;
        let view = related::read(snapshot.connection(), workspace, id.0, occurrences, limit).await?;
        Ok(snapshot.found(&view))
    }

    /// The links of a document
    ///
    /// Those that it has to others and those that others have to it. A link that does not count is marked as void.
    #[oai(path = "/v1/documents/:id/links", method = "get", operation_id = "list_document_links")]
    async fn links(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Most links in each direction; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<Links>, Refused<DocumentStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        known::check(snapshot.connection(), caller.workspace.0, id.0).await?;
        let limit = self.pages.limit(limit.0);
        let view = links::read(snapshot.connection(), caller.workspace.0, id.0, limit).await?;
        Ok(snapshot.found(&view))
    }

    /// Documents that stand in no cluster
    ///
    /// Those in use, the last to arrive first.
    #[oai(path = "/v1/documents/unclustered", method = "get", operation_id = "list_unclustered_documents")]
    async fn unclustered(
        &self,
        Authorized(caller): Authorized,
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
    ) -> Result<FoundPage<UnclusteredDocuments>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let (limit, cursor) = (self.pages.limit(limit.0), cursor.0.as_deref());
        let page = unclustered::read(snapshot.connection(), caller.workspace.0, limit, cursor).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }
}

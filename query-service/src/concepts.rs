//! Concepts of a workspace: which there are, what stands for them, where they occur, how they go together.

mod decisions;
mod documents;
mod graph;
mod growth;
mod list;
mod neighbours;
mod one;

pub(crate) use graph::Api as GraphApi;
pub(crate) use one::resolve;

use crate::answer::{ConceptStatuses, Found, FoundPage, ListStatuses};
use crate::config::{Overviews, Pages};
use crate::interval::Interval;
use crate::section::Section;
use crate::tables::{Of, Tables};
use chrono::{DateTime, Utc};
use decisions::{AliasList, SuppressedConcepts};
use documents::ConceptDocuments;
use growth::ConceptGrowth;
use list::{ConceptList, ConceptSort, Wanted};
use neighbours::Neighbours;
use one::ConceptDetail;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use runtime::http::{Authorized, Category, Refused, example};

/// Neighbours when the request does not say.
const NEIGHBOURS: u32 = 20;

/// The routes of concepts.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) pages: Pages,
    pub(crate) overviews: Overviews,
}

#[OpenApi(tag = "Section::Concepts")]
impl Api {
    /// Concepts
    ///
    /// Those that documents in use have, the most frequent first unless asked otherwise. In a workspace of more than 20
    /// documents these are the ones that at least two documents share: what only one speaks of stands there, and is found by
    /// a prefix or with `min_documents=1`.
    #[oai(path = "/v1/concepts", method = "get", operation_id = "list_concepts")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn list(
        &self,
        Authorized(caller): Authorized,
        /// Only concepts whose name or key begins so; case, spaces and hyphens make no difference.
        prefix: Query<Option<String>>,
        /// Only concepts of this sort.
        category: Query<Option<Category>>,
        /// Only concepts that at least so many documents have; 1 if absent in a small workspace or with a prefix, else 2.
        min_documents: Query<Option<u32>>,
        /// What to sort by.
        #[oai(default)]
        sort: Query<ConceptSort>,
        /// Most concepts of the page; 50 if absent, at most 200, unless configured otherwise.
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
    ) -> Result<FoundPage<ConceptList>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let wanted = Wanted {
            workspace: caller.workspace.0,
            prefix: prefix.0.map(|prefix| prefix.to_lowercase()).filter(|prefix| !prefix.is_empty()),
            category: category.0,
            min_documents: min_documents.0,
            sort: sort.0,
            limit: self.pages.limit(limit.0),
            cursor: cursor.0,
        };
        let page = list::read(snapshot.connection(), &wanted).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }

    /// One concept
    ///
    /// By its key, its name, or whatever stands for it: another spelling, an acronym. The answer says what it stands for. A
    /// concept that is called as a route is, such as `graph`, is found with a capital letter.
    #[oai(path = "/v1/concepts/:concept", method = "get", operation_id = "get_concept")]
    async fn get(
        &self,
        Authorized(caller): Authorized,
        /// The concept.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<ConceptDetail>, Refused<ConceptStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let view = one::read(snapshot.connection(), caller.workspace.0, &concept.0).await?;
        Ok(snapshot.found(&view))
    }

    /// Documents that have a concept
    ///
    /// Those of which it is surest first.
    #[oai(path = "/v1/concepts/:concept/documents", method = "get", operation_id = "list_concept_documents")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn documents(
        &self,
        Authorized(caller): Authorized,
        /// The concept.
        #[oai(example = "example::concept")]
        concept: Path<String>,
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
    ) -> Result<FoundPage<ConceptDocuments>, Refused<ConceptStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let (limit, cursor) = (self.pages.limit(limit.0), cursor.0.as_deref());
        let found = one::find(snapshot.connection(), caller.workspace.0, &concept.0).await?;
        let page = documents::read(snapshot.connection(), caller.workspace.0, &found, limit, cursor).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }

    /// Concepts that occur together with one
    ///
    /// Counted in the newest documents that have it, and weighed by how much more often both occur together than chance
    /// would have it.
    #[oai(path = "/v1/concepts/:concept/neighbours", method = "get", operation_id = "list_concept_neighbours")]
    async fn neighbours(
        &self,
        Authorized(caller): Authorized,
        /// The concept.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Most neighbours; 20 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<Neighbours>, Refused<ConceptStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let limit = self.pages.limit(limit.0.or(Some(NEIGHBOURS)));
        let found = one::find(snapshot.connection(), caller.workspace.0, &concept.0).await?;
        let most = self.overviews.considered_documents;
        let view = neighbours::read(snapshot.connection(), caller.workspace.0, found, most, limit).await?;
        Ok(snapshot.found(&view))
    }

    /// How a concept has spread
    ///
    /// Documents in use that have it, by when they were uploaded (UTC). Intervals without any are there too; if there are
    /// more than 1,000, unless configured otherwise, the last ones are.
    #[oai(path = "/v1/concepts/:concept/growth", method = "get", operation_id = "get_concept_growth")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn growth(
        &self,
        Authorized(caller): Authorized,
        /// The concept.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// How long an interval is.
        #[oai(default)]
        interval: Query<Interval>,
        /// Only documents uploaded at or after this time (RFC 3339); from the first one on if absent.
        from: Query<Option<DateTime<Utc>>>,
        /// Only documents uploaded before this time; up to the last one if absent.
        to: Query<Option<DateTime<Utc>>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<ConceptGrowth>, Refused<ConceptStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let found = one::find(snapshot.connection(), caller.workspace.0, &concept.0).await?;
        let range =
            growth::Range { interval: interval.0, from: from.0, to: to.0, most: self.overviews.intervals_limit };
        let view = growth::read(snapshot.connection(), caller.workspace.0, found, range).await?;
        Ok(snapshot.found(&view))
    }

    /// Concepts that are never suggested
    ///
    /// As users decided; `DELETE /v1/concepts/{concept}/suppression` of the command-service undoes it.
    #[oai(path = "/v1/concepts/suppressed", method = "get", operation_id = "list_suppressed_concepts")]
    async fn suppressed(
        &self,
        Authorized(caller): Authorized,
        /// Most concepts of the page; 50 if absent, at most 200, unless configured otherwise.
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
    ) -> Result<FoundPage<SuppressedConcepts>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let (limit, cursor) = (self.pages.limit(limit.0), cursor.0.as_deref());
        let page = decisions::suppressed(snapshot.connection(), caller.workspace.0, limit, cursor).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }

    /// What stands for concepts
    ///
    /// Spellings and acronyms that were found to mean a concept, and what users merged or renamed.
    #[oai(path = "/v1/concepts/aliases", method = "get", operation_id = "list_concept_aliases")]
    async fn aliases(
        &self,
        Authorized(caller): Authorized,
        /// Most aliases of the page; 50 if absent, at most 200, unless configured otherwise.
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
    ) -> Result<FoundPage<AliasList>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let (limit, cursor) = (self.pages.limit(limit.0), cursor.0.as_deref());
        let page = decisions::aliases(snapshot.connection(), caller.workspace.0, limit, cursor).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }
}

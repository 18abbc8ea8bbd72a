//! Clusters of a workspace: which there are, what they are about, which documents stand in them.

mod documents;
mod list;
mod one;

use one::ClusterView;

use crate::answer::{ClusterStatuses, Found, FoundPage, ListStatuses};
use crate::config::Pages;
use crate::section::Section;
use crate::tables::{Of, Tables};
use documents::ClusterDocuments;
use list::{ClusterList, ClusterSort, Wanted};
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use runtime::http::{Authorized, Refused};
use uuid::Uuid;

/// The routes of clusters.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) pages: Pages,
}

#[OpenApi(tag = "Section::Clusters")]
impl Api {
    /// Clusters
    ///
    /// Those in which documents stand, and those that users made; the largest first unless asked otherwise.
    #[oai(path = "/v1/clusters", method = "get", operation_id = "list_clusters")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn list(
        &self,
        Authorized(caller): Authorized,
        /// What to sort by.
        #[oai(default)]
        sort: Query<ClusterSort>,
        /// Most clusters of the page; 50 if absent, at most 200, unless configured otherwise.
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
    ) -> Result<FoundPage<ClusterList>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let wanted =
            Wanted { workspace: caller.workspace.0, sort: sort.0, limit: self.pages.limit(limit.0), cursor: cursor.0 };
        let page = list::read(snapshot.connection(), &wanted).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }

    /// One cluster
    #[oai(path = "/v1/clusters/:id", method = "get", operation_id = "get_cluster")]
    async fn get(
        &self,
        Authorized(caller): Authorized,
        /// The cluster.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<ClusterView>, Refused<ClusterStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let row = one::find(snapshot.connection(), caller.workspace.0, id.0).await?;
        let mut views = one::load(snapshot.connection(), caller.workspace.0, vec![row]).await?;
        let view = views.pop().ok_or_else(one::not_found)?;
        Ok(snapshot.found(&view))
    }

    /// Documents of a cluster
    ///
    /// The last to arrive first.
    #[oai(path = "/v1/clusters/:id/documents", method = "get", operation_id = "list_cluster_documents")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn documents(
        &self,
        Authorized(caller): Authorized,
        /// The cluster.
        id: Path<Uuid>,
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
    ) -> Result<FoundPage<ClusterDocuments>, Refused<ClusterStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        one::find(snapshot.connection(), caller.workspace.0, id.0).await?;
        let (limit, cursor) = (self.pages.limit(limit.0), cursor.0.as_deref());
        let page = documents::read(snapshot.connection(), caller.workspace.0, id.0, limit, cursor).await?;
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }
}

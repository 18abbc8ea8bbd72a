//! Links of a document to others.

use super::Documents;
use super::answer::{Edited, not_found, trashed};
use super::walk::{Walk, walk};
use crate::order::{Asked, IfMatch, Key};
use crate::section::Section;
use domain::document::{Command, Document};
use events::document::Link;
use events::{DocumentId, Stream};
use poem::Request;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use runtime::event_log;
use runtime::http::{Authorized, Problem, Refused, Relation, Statuses};
use std::sync::Arc;
use uuid::Uuid;

/// The routes of links.
pub(crate) struct Api {
    pub(crate) documents: Arc<Documents>,
    /// How many documents are asked whether a link would lead in a circle.
    pub(crate) longest_walk: usize,
}

/// How linking can fail.
pub(crate) struct LinkStatuses;

impl Statuses for LinkStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document."),
        (
            409,
            "`link_cycle`: the other leads back to this document by the same relation; `document_trashed`: restore it \
             first; `conflict`: others kept changing it.",
        ),
        (412, "`stale_if_match`: the document has changed since."),
        (
            422,
            "`link_to_itself`, `link_target_not_found`, `link_walk_too_long`: the other leads to more documents than can \
             be asked; `too_many_links` or `idempotency_key_reused`.",
        ),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How unlinking can fail.
pub(crate) struct UnlinkStatuses;

impl Statuses for UnlinkStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document."),
        (409, "`document_trashed`: restore it first; `conflict`: others kept changing it."),
        (412, "`stale_if_match`: the document has changed since."),
        (422, "`idempotency_key_reused`."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// Link a document to another
    ///
    /// `prerequisite`, `followup` and `supersedes` lead from one document on to another, and never in a circle. Of two
    /// links made at the same time that together would, the later one is void: queries mark it. The other may be in the
    /// trash: the link then shows once it is restored. If the other was merged, queries show the document that took over.
    #[oai(path = "/v1/documents/:id/links/:relation/:to", method = "put", operation_id = "link_document")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter")]
    async fn link(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// How the other stands to it.
        relation: Path<Relation>,
        /// The other document.
        to: Path<Uuid>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<LinkStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        let link = Link { relation: relation.0.into(), to: DocumentId(to.0) };
        self.check(&asked, id.0, link).await?;
        let command = Command::Link { this: DocumentId(id.0), link, at_most: self.documents.limits.links };
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Take a link of a document away
    #[oai(path = "/v1/documents/:id/links/:relation/:to", method = "delete", operation_id = "unlink_document")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter")]
    async fn unlink(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// How the other stands to it.
        relation: Path<Relation>,
        /// The other document.
        to: Path<Uuid>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<UnlinkStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        let link = Link { relation: relation.0.into(), to: DocumentId(to.0) };
        Ok(self.documents.edit(&asked, id.0, Command::Unlink { link }).await?)
    }
}

impl Api {
    /// What the document's own state cannot say: whether the other exists, and whether it leads back. Two commands at the
    /// same time, each on a stream of its own, can pass this together and close a circle; the projection, which sees both
    /// in one order, then voids the later link.
    async fn check(&self, asked: &Asked, id: Uuid, link: Link) -> Result<(), Problem> {
        let this = asked.document(id);
        if asked.is_retry(&self.documents.decider, this).await? {
            return Ok(());
        }
        match &self.documents.decider.tip(this).await?.state {
            Document::Absent => return Err(not_found()),
            Document::Trashed { .. } => return Err(trashed()),
            // Once it is there it has been checked.
            Document::Live(now) if now.links.contains(&link) => return Ok(()),
            Document::Live(_) => {}
        }
        if link.to.0 == id {
            // The document itself refuses that.
            return Ok(());
        }
        let other = asked.document(link.to.0);
        if self.documents.decider.tip(other).await?.state == Document::Absent {
            let title = "there is no document to link to";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "link_target_not_found", title));
        }
        if !link.relation.is_directed() {
            return Ok(());
        }
        let next = |from: DocumentId| self.linked(asked.document(from.0), link.relation);
        match walk(link.to, DocumentId(id), self.longest_walk, next).await? {
            Walk::Elsewhere => Ok(()),
            Walk::There => {
                let title = "the other document leads back to this one by the same relation";
                Err(Problem::new(StatusCode::CONFLICT, "link_cycle", title))
            }
            Walk::TooLong => {
                let title = "the other document leads to too many documents";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "link_walk_too_long", title)
                    .detail(format!("at most {} are asked whether they lead back", self.longest_walk)))
            }
        }
    }

    /// Where a document leads by one relation; also one in the trash, which may be restored.
    async fn linked(
        &self,
        stream: Stream,
        relation: events::document::Relation,
    ) -> Result<Vec<DocumentId>, event_log::Error> {
        let tip = self.documents.decider.tip(stream).await?;
        let links = tip.state.details().into_iter().flat_map(|details| &details.links);
        Ok(links.filter(|link| link.relation == relation).map(|link| link.to).collect())
    }
}

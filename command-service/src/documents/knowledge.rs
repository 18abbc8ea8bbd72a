//! What users say of a document's concepts and of its cluster; it goes before whatever is found.

use super::Documents;
use super::answer::Edited;
use crate::clusters::Clusters;
use crate::invalid::Invalid;
use crate::order::{Asked, IfMatch, Key};
use crate::section::Section;
use domain::document::{Command, Name};
use events::ClusterId;
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use runtime::http::{Authorized, Category, JsonBody, Limited, Problem, Refused, Statuses, example};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// The routes of concepts and clusters of documents.
pub(crate) struct Api {
    pub(crate) documents: Arc<Documents>,
    pub(crate) clusters: Arc<Clusters>,
}

/// What is said of a concept.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct ConceptBody {
    /// What sort of thing it names; as before, or found by its name, if absent.
    #[serde(default)]
    category: Option<Category>,
}

/// Where a document belongs.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct MoveBody {
    /// The cluster.
    cluster_id: Uuid,
}

impl Limited for ConceptBody {}

impl Limited for MoveBody {}

impl Example for ConceptBody {
    fn example() -> Self {
        Self { category: Some(Category::Database) }
    }
}

impl Example for MoveBody {
    fn example() -> Self {
        Self { cluster_id: example::cluster() }
    }
}

/// How a word on a document's concepts can fail.
pub(crate) struct ConceptStatuses;

impl Statuses for ConceptStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document."),
        (408, "The body did not arrive in time."),
        (409, "`document_trashed`: restore it first; `conflict`: others kept changing it."),
        (412, "`stale_if_match`: the document has changed since."),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`invalid_concept`, `too_many_concepts`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How a word on a document's cluster can fail.
pub(crate) struct MoveStatuses;

impl Statuses for MoveStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found` or `cluster_not_found`: the caller has no such document, or no such cluster."),
        (408, "The body did not arrive in time."),
        (
            409,
            "`document_trashed`: restore it first; `cluster_dissolved`: nothing belongs there any more; `conflict`: others \
             kept changing it.",
        ),
        (412, "`stale_if_match`: the document has changed since."),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// Say that a document has a concept
    ///
    /// Also brings back a concept that was taken away. `changed` is false only if the same, with the same name and
    /// category, was the last that was said of the document's concepts. Anything else is recorded, also if it was said
    /// before: in between the concept may have been taken away under another of its names.
    #[oai(path = "/v1/documents/:id/concepts/:concept", method = "put", operation_id = "add_document_concept")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter")]
    async fn add_concept(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The concept's name.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        body: JsonBody<ConceptBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<ConceptStatuses>> {
        let (name, category) = (self.concept(&concept.0)?, body.0.category.map(Into::into));
        let command = Command::AddConcept { name, category, at_most: self.documents.limits.concepts };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Say that a document does not have a concept
    ///
    /// Whatever an analysis finds, now or later, the document does not have it until somebody adds it. `changed` is false
    /// only if the same, with the same name, was the last that was said of the document's concepts.
    #[oai(path = "/v1/documents/:id/concepts/:concept", method = "delete", operation_id = "remove_document_concept")]
    async fn remove_concept(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The concept's name, or its key as queries show it.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<ConceptStatuses>> {
        let name = self.concept(&concept.0)?;
        let command = Command::RemoveConcept { name, at_most: self.documents.limits.concepts };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Put a document into a cluster
    ///
    /// It stays there, whatever clustering finds, until it is released. In a cluster that was merged it belongs to the
    /// one that took over.
    #[oai(path = "/v1/documents/:id/cluster", method = "put", operation_id = "move_document_to_cluster")]
    async fn move_to_cluster(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        body: JsonBody<MoveBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<MoveStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        let cluster = ClusterId(body.0.cluster_id);
        if !asked.is_retry(&self.documents.decider, asked.document(id.0)).await.map_err(Problem::from)? {
            self.clusters.check_open(asked.workspace(), cluster).await?;
        }
        Ok(self.documents.edit(&asked, id.0, Command::MoveToCluster { cluster }).await?)
    }

    /// Let clustering place a document again
    #[oai(path = "/v1/documents/:id/cluster", method = "delete", operation_id = "release_document_from_cluster")]
    async fn release(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<MoveStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, Command::Release).await?)
    }
}

impl Api {
    fn concept(&self, name: &str) -> Result<Name, Problem> {
        Name::parse(name, self.documents.limits.concept_chars).map_err(Invalid::field("concept"))
    }
}

//! Documents: uploading and editing them.

mod answer;
mod body;
mod edit;
mod knowledge;
mod links;
mod merge;
mod walk;

pub(crate) use edit::Documents;
pub(crate) use knowledge::Api as KnowledgeApi;
pub(crate) use links::Api as LinkApi;
pub(crate) use merge::Api as MergeApi;

use crate::duplicates::Duplicates;
use crate::invalid::Invalid;
use crate::order::{Asked, IfMatch, Key};
use crate::section::Section;
use answer::{AcceptedUpload, EditStatuses, Edited, UploadStatuses, Uploaded, etag, exists, problem};
use body::{DescribeBody, RetitleBody, ReviseBody, UploadBody};
use domain::document::{Command, Document, Tag};
use events::{Content, DocumentId, Stream};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, JsonBody, Problem, RawJson, Refused, example};
use std::sync::Arc;
use uuid::Uuid;

/// The key of a document that is put: whoever puts the same text under its id again has retried.
const PUT: &str = "put document";

/// The routes of documents.
pub(crate) struct Api {
    pub(crate) documents: Arc<Documents>,
    pub(crate) blobs: Blobs,
    pub(crate) duplicates: Duplicates,
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// Upload a text
    ///
    /// Makes a document. With an `Idempotency-Key` a retry, at any time, gets the first answer and makes nothing.
    #[oai(path = "/v1/documents", method = "post", operation_id = "upload_document")]
    async fn upload(
        &self,
        request: &Request,
        caller: Authorized,
        body: JsonBody<UploadBody>,
        /// Names this upload for ever: a retry with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Uploaded, Refused<UploadStatuses>> {
        let asked = Asked::of(request, caller, key)?;
        let id = match &asked.key {
            Some(key) => DocumentId::of_upload(asked.caller.account, asked.workspace(), key),
            None => new_document(),
        };
        Ok(self.create(&asked, id, body.0).await?)
    }

    /// Upload a text under an id of your own
    ///
    /// Makes the document if it is not there. A retry with the same body gets the first answer; another body is answered
    /// 409, as this never replaces: to do that, put `/v1/documents/{id}/content`.
    #[oai(path = "/v1/documents/:id", method = "put", operation_id = "put_document")]
    async fn put(
        &self,
        request: &Request,
        caller: Authorized,
        /// A UUID that you made; version 7 or a version 5 of something that you can name again serve best.
        id: Path<Uuid>,
        body: JsonBody<UploadBody>,
    ) -> Result<Uploaded, Refused<UploadStatuses>> {
        let asked = Asked::of(request, caller, Header(None))?.with_key(PUT);
        match self.create(&asked, DocumentId(id.0), body.0).await {
            Err(problem) if problem.code == "idempotency_key_reused" => Err(exists().into()),
            answer => Ok(answer?),
        }
    }

    /// Replace the text of a document
    ///
    /// One revision more; the same text again changes nothing.
    #[oai(path = "/v1/documents/:id/content", method = "put", operation_id = "revise_document")]
    async fn revise(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        body: JsonBody<ReviseBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let (media_type, content) = body.0.checked(&self.documents.limits)?;
        let command = Command::Revise { media_type, content: self.stored(content).await? };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Change the title of a document
    #[oai(path = "/v1/documents/:id/title", method = "put", operation_id = "retitle_document")]
    async fn retitle(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        body: JsonBody<RetitleBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let command = Command::Retitle { title: body.0.checked(&self.documents.limits)? };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Describe where a document comes from and how demanding it is
    ///
    /// What is left out stays as it is.
    #[oai(path = "/v1/documents/:id/description", method = "put", operation_id = "describe_document")]
    async fn describe(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        body: JsonBody<DescribeBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let (source, skill_level) = body.0.checked(&self.documents.limits)?;
        let command = Command::Describe { source, skill_level };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Put a tag on a document
    ///
    /// Tags are lower case.
    #[oai(path = "/v1/documents/:id/tags/:tag", method = "put", operation_id = "tag_document")]
    async fn tag(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The tag.
        #[oai(example = "example::tag")]
        tag: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let tag = Tag::parse(&tag.0, &self.documents.limits).map_err(Invalid::field("tag"))?;
        let command = Command::Tag { tag, at_most: self.documents.limits.tags };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Take a tag off a document
    #[oai(path = "/v1/documents/:id/tags/:tag", method = "delete", operation_id = "untag_document")]
    async fn untag(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The tag.
        #[oai(example = "example::tag")]
        tag: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let tag = Tag::parse(&tag.0, &self.documents.limits).map_err(Invalid::field("tag"))?;
        let command = Command::Untag { tag };
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, command).await?)
    }

    /// Put a document into the trash
    ///
    /// Nothing is lost: it can be restored, and its history stays.
    #[oai(path = "/v1/documents/:id", method = "delete", operation_id = "trash_document")]
    async fn trash(
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
    ) -> Result<Edited, Refused<EditStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, Command::Trash).await?)
    }

    /// Take a document out of the trash
    #[oai(path = "/v1/documents/:id/restore", method = "post", operation_id = "restore_document")]
    async fn restore(
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
    ) -> Result<Edited, Refused<EditStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        Ok(self.documents.edit(&asked, id.0, Command::Restore).await?)
    }
}

impl Api {
    async fn create(&self, asked: &Asked, id: DocumentId, body: UploadBody) -> Result<Uploaded, Problem> {
        let (mut upload, sha256) = body.checked(asked.caller.account, &self.documents.limits)?;
        if let Command::Upload { content, .. } = &mut upload {
            *content = self.stored(std::mem::replace(content, Content::of(String::new()))).await?;
        }
        let workspace = asked.workspace();
        let order = asked.creation(Stream::document(workspace, id), upload);
        let (outcome, found) =
            tokio::join!(self.documents.decider.execute(order), self.duplicates.look_up(workspace, &sha256, id));
        let outcome = outcome.map_err(problem)?;
        let has_text = |other| self.may_have_text(asked.document(other), &sha256);
        let duplicates = self.duplicates.accepted(workspace, &sha256, id, found, has_text);
        let accepted = AcceptedUpload { id: id.0, sequence: outcome.sequence, changed: outcome.is_changed, duplicates };
        Ok(Uploaded::Document(RawJson::of(&accepted), etag(outcome.sequence), outcome.is_replayed))
    }

    /// Whether a document in use may have a text, as far as this process remembers its state.
    fn may_have_text(&self, stream: Stream, sha256: &str) -> bool {
        self.documents.decider.recall(stream).is_none_or(|tip| match &tip.state {
            Document::Live(details) => details.sha256 == sha256,
            Document::Absent | Document::Trashed { .. } => false,
        })
    }

    /// Puts a text that is too long for an event into the blob store, before the event that names it.
    async fn stored(&self, content: Content) -> Result<Content, Problem> {
        let (content, blob) = content.split_blob();
        if let Some(text) = blob {
            self.blobs.put(&content.sha256, text.as_bytes()).await?;
        }
        Ok(content)
    }
}

#[expect(clippy::disallowed_methods, reason = "an upload without a key cannot be retried, so its id may be random")]
fn new_document() -> DocumentId {
    DocumentId(Uuid::now_v7())
}

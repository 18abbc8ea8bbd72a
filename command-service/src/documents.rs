//! Documents: every command on them.

mod answer;
mod body;

use crate::accounts::context;
use crate::decider::{Decider, Order};
use crate::idempotency;
use answer::{EditStatuses, Edited, UploadStatuses, Uploaded, accepted, exists, problem};
use body::{DescribeBody, Invalid, RetitleBody, ReviseBody, UploadBody};
use domain::document::{Command, Document, Limits, Tag};
use events::{Content, DocumentId, Stream};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, JsonBody, Problem, Refused, if_match};
use uuid::Uuid;

/// The routes of documents.
pub(crate) struct Api {
    pub(crate) decider: Decider<Document>,
    pub(crate) blobs: Blobs,
    pub(crate) limits: Limits,
}

/// What every command on a document may carry in headers.
struct Conditions {
    key: Option<String>,
    if_match: Option<String>,
}

type Key = Header<Option<String>>;

#[OpenApi]
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
        let key = idempotency::key(key.0)?;
        let id = match &key {
            Some(key) => DocumentId::of_upload(caller.0.account, caller.0.workspace, key),
            None => new_document(),
        };
        self.create(request, caller, id, key, body.0).await
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
        // The id itself is the key: whoever puts the same text under it again has retried.
        match self.create(request, caller, DocumentId(id.0), Some("put".to_owned()), body.0).await {
            Err(problem) if problem.is("idempotency_key_reused") => Err(exists().into()),
            answer => answer,
        }
    }

    /// Replace the text
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
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let (media_type, content) = body.0.checked(&self.limits)?;
        let command = Command::Revise { media_type, content: self.stored(content).await? };
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, command).await
    }

    /// Change the title
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
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let command = Command::Retitle { title: body.0.checked(&self.limits)? };
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, command).await
    }

    /// Describe where it comes from and how demanding it is
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
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let (source, skill_level) = body.0.checked(&self.limits)?;
        let command = Command::Describe { source, skill_level };
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, command).await
    }

    /// Put a tag on
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
        tag: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let tag = Tag::parse(&tag.0, &self.limits).map_err(Invalid::field("tag"))?;
        let command = Command::Tag { tag, at_most: self.limits.tags };
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, command).await
    }

    /// Take a tag off
    #[oai(path = "/v1/documents/:id/tags/:tag", method = "delete", operation_id = "untag_document")]
    async fn untag(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The tag.
        tag: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document must still have.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let tag = Tag::parse(&tag.0, &self.limits).map_err(Invalid::field("tag"))?;
        let command = Command::Untag { tag };
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, command).await
    }

    /// Put it into the trash
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
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, Command::Trash).await
    }

    /// Take it out of the trash
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
        if_match: Header<Option<String>>,
    ) -> Result<Edited, Refused<EditStatuses>> {
        self.edit(request, caller, id.0, Conditions { key: key.0, if_match: if_match.0 }, Command::Restore).await
    }
}

impl Api {
    async fn create(
        &self,
        request: &Request,
        Authorized(caller): Authorized,
        id: DocumentId,
        key: Option<String>,
        body: UploadBody,
    ) -> Result<Uploaded, Refused<UploadStatuses>> {
        let mut upload = body.checked(caller.account, &self.limits)?;
        if let Command::Upload { content, .. } = &mut upload {
            *content = self.stored(std::mem::replace(content, Content::of(String::new()))).await?;
        }
        let stream = Stream::document(caller.workspace, id);
        let order = Order {
            stream,
            id: idempotency::command_id(key.as_deref(), caller.account, &stream),
            command: upload,
            actor: caller.account,
            context: context(request),
            allowed: None,
            is_creation: true,
        };
        let outcome = self.decider.execute(order).await.map_err(problem)?;
        let (accepted, etag) = accepted(id.0, &outcome);
        Ok(Uploaded::Document(accepted, etag, outcome.is_replayed))
    }

    async fn edit(
        &self,
        request: &Request,
        Authorized(caller): Authorized,
        id: Uuid,
        conditions: Conditions,
        command: Command,
    ) -> Result<Edited, Refused<EditStatuses>> {
        let stream = Stream::document(caller.workspace, DocumentId(id));
        let key = idempotency::key(conditions.key)?;
        let order = Order {
            stream,
            id: idempotency::command_id(key.as_deref(), caller.account, &stream),
            command,
            actor: caller.account,
            context: context(request),
            allowed: if_match(conditions.if_match.as_deref())?,
            is_creation: false,
        };
        let outcome = self.decider.execute(order).await.map_err(problem)?;
        let (accepted, etag) = accepted(id, &outcome);
        Ok(Edited::Document(accepted, etag, outcome.is_replayed))
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

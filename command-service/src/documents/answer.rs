//! The answers to commands on documents, and the statuses and problems of those that are refused.

use crate::answer::{self, Accepted};
use crate::decider::{Error, Outcome};
use domain::document::Error as Refusal;
use poem::http::StatusCode;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
use runtime::http::{Problem, RawJson, Statuses, example};
use serde::Serialize;
use uuid::Uuid;

/// An accepted upload.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct AcceptedUpload {
    /// The document's id.
    pub(super) id: Uuid,
    /// Where the command's event stands in the log; give it to a query as `min_sequence` to read what you wrote.
    pub(super) sequence: u64,
    /// Whether the command changed anything; if not, no event was appended.
    pub(super) changed: bool,
    /// Other documents of the workspace that have the same text now, as far as the service could find out in time: at
    /// most 5, the oldest first. Absent when it could not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub(super) duplicates: Option<Vec<Uuid>>,
}

impl Example for AcceptedUpload {
    fn example() -> Self {
        Self { id: example::DOCUMENT, sequence: example::UPLOADED, changed: true, duplicates: Some(vec![]) }
    }
}

/// A document was uploaded.
#[derive(ApiResponse)]
pub(crate) enum Uploaded {
    /// The document exists now.
    #[oai(status = 201)]
    Document(
        RawJson<AcceptedUpload>,
        /// The document's entity tag, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// `true` when this is the first answer to an earlier request with the same key.
        #[oai(header = "Idempotency-Replayed")]
        bool,
    ),
}

/// A command on a document was carried out.
#[derive(ApiResponse)]
pub(crate) enum Edited {
    /// The document is as was wished.
    #[oai(status = 200)]
    Document(
        RawJson<Accepted>,
        /// The document's entity tag, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// `true` when this is the first answer to an earlier request with the same key.
        #[oai(header = "Idempotency-Replayed")]
        bool,
    ),
}

/// How an upload can fail.
pub(crate) struct UploadStatuses;

impl Statuses for UploadStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (408, "The body did not arrive in time."),
        (409, "`document_exists`: another document has this id; `conflict`."),
        (413, "`body_too_large` or `text_too_large`."),
        (415, "The body is not JSON."),
        (422, "An invalid field, `too_many_tags` or `idempotency_key_reused`."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How an edit can fail.
pub(crate) struct EditStatuses;

impl Statuses for EditStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document."),
        (408, "The body did not arrive in time."),
        (409, "`document_trashed`: restore it first; `conflict`: others kept changing it."),
        (412, "`stale_if_match`: the document has changed since."),
        (413, "`body_too_large` or `text_too_large`."),
        (415, "The body is not JSON."),
        (422, "An invalid field, `too_many_tags` or `idempotency_key_reused`."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

impl Edited {
    /// The answer to one command on one document.
    pub(super) fn of(id: Uuid, outcome: &Outcome) -> Self {
        Self::Document(Accepted::of(id, outcome), etag(outcome.sequence), outcome.is_replayed)
    }
}

/// A document's entity tag.
pub(super) fn etag(sequence: u64) -> String {
    format!("\"{sequence}\"")
}

/// The problem of a command that was not accepted.
pub(super) fn problem(error: Error<Refusal>) -> Problem {
    match error {
        Error::Stale { sequence: 0 } => not_found(),
        Error::Refused(_) | Error::Stale { .. } | Error::KeyReused | Error::Log(_) => answer::problem(error, refused),
    }
}

fn refused(refusal: Refusal) -> Problem {
    let unprocessable = |code, title: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title);
    match refusal {
        Refusal::AlreadyExists => exists(),
        Refusal::NotFound => not_found(),
        Refusal::Trashed => trashed(),
        Refusal::TooManyTags { .. } => unprocessable("too_many_tags", "the document has too many tags").detail(refusal),
        Refusal::TooManyConcepts { .. } => {
            unprocessable("too_many_concepts", "too much was said of the document's concepts").detail(refusal)
        }
        Refusal::TooManyLinks { .. } => {
            unprocessable("too_many_links", "the document has too many links").detail(refusal)
        }
        Refusal::LinkToItself => unprocessable("link_to_itself", "a document cannot be linked to itself"),
        Refusal::MergeIntoItself => unprocessable("merge_into_itself", "a document cannot be merged into itself"),
    }
}

/// 404: the caller has no such document.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "document_not_found", "there is no such document")
}

/// 409: it is in the trash.
pub(super) fn trashed() -> Problem {
    Problem::new(StatusCode::CONFLICT, "document_trashed", "the document is in the trash").detail("restore it first")
}

/// 409: the id is taken.
pub(super) fn exists() -> Problem {
    Problem::new(StatusCode::CONFLICT, "document_exists", "another document has this id")
}

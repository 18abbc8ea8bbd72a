//! The answers to commands on documents, and the statuses and problems of those that are refused.

use crate::decider::{Error, Outcome};
use crate::idempotency;
use domain::document::Error as Refusal;
use poem::http::StatusCode;
use poem_openapi::{ApiResponse, Object};
use runtime::http::{Problem, RawJson, Statuses};
use serde::Serialize;
use uuid::Uuid;

/// An accepted command.
#[derive(Serialize, Object)]
pub(crate) struct Accepted {
    /// The document's id.
    id: Uuid,
    /// Where the command's event stands in the log; give it to a query as `min_sequence` to read what you wrote.
    sequence: u64,
    /// Whether the command changed anything; if not, no event was appended.
    changed: bool,
}

/// A document was uploaded.
#[derive(ApiResponse)]
pub(crate) enum Uploaded {
    /// The document exists now.
    #[oai(status = 201)]
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

/// The body and entity tag of an outcome.
pub(super) fn accepted(id: Uuid, outcome: &Outcome) -> (RawJson<Accepted>, String) {
    let accepted = Accepted { id, sequence: outcome.sequence, changed: outcome.is_changed };
    (RawJson::of(&accepted), format!("\"{}\"", outcome.sequence))
}

/// The problem of a command that was not accepted.
pub(super) fn problem(error: Error<Refusal>) -> Problem {
    match error {
        Error::Refused(Refusal::AlreadyExists) => exists(),
        Error::Refused(Refusal::NotFound) => {
            Problem::new(StatusCode::NOT_FOUND, "document_not_found", "there is no such document")
        }
        Error::Refused(Refusal::Trashed) => {
            Problem::new(StatusCode::CONFLICT, "document_trashed", "the document is in the trash")
                .detail("restore it first")
        }
        Error::Refused(refusal @ Refusal::TooManyTags { .. }) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_tags", "the document has too many tags")
                .detail(refusal)
        }
        Error::Stale { sequence: 0 } => problem(Error::Refused(Refusal::NotFound)),
        Error::Stale { sequence } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "stale_if_match", "the document has changed since")
                .detail(format!("its ETag is now \"{sequence}\""))
        }
        Error::KeyReused => idempotency::reused(),
        Error::Log(error) => error.into(),
    }
}

/// 409: the id is taken.
pub(super) fn exists() -> Problem {
    Problem::new(StatusCode::CONFLICT, "document_exists", "another document has this id")
}

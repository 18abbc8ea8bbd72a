//! What the answers to commands have in common, whatever the noun.

use crate::decider::{Error, Outcome};
use crate::idempotency;
use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, RawJson, example};
use serde::Serialize;
use uuid::Uuid;

/// An accepted command.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct Accepted {
    /// Id of what the command was about.
    pub(crate) id: Uuid,
    /// Where the command's event stands in the log; give it to a query as `min_sequence` to read what you wrote.
    pub(crate) sequence: u64,
    /// Whether the command changed anything; if not, no event was appended.
    pub(crate) changed: bool,
}

impl Accepted {
    /// The body of an outcome.
    pub(crate) fn of(id: Uuid, outcome: &Outcome) -> RawJson<Self> {
        RawJson::of(&Self { id, sequence: outcome.sequence, changed: outcome.is_changed })
    }
}

impl Example for Accepted {
    fn example() -> Self {
        Self { id: example::DOCUMENT, sequence: example::REVISED, changed: true }
    }
}

/// The problem of a command that was not accepted, given that of a rule that refused it.
pub(crate) fn problem<E>(error: Error<E>, refused: impl FnOnce(E) -> Problem) -> Problem {
    match error {
        Error::Refused(refusal) => refused(refusal),
        Error::Stale { sequence } => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "stale_if_match", "the document has changed since")
                .detail(format!("its ETag is now \"{sequence}\""))
        }
        Error::KeyReused => idempotency::reused(),
        Error::Log(error) => error.into(),
    }
}

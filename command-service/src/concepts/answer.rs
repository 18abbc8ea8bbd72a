//! The answers to commands on concepts, and the statuses and problems of those that are refused.

use crate::answer;
use crate::decider::{Error, Outcome};
use domain::concept::Error as Refusal;
use domain::document::Name;
use poem::http::StatusCode;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
use runtime::http::{Problem, RawJson, Statuses, example};
use serde::Serialize;

/// An accepted command on a concept.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct AcceptedConcept {
    /// The concept, as the request named it.
    concept: String,
    /// Where the command's event stands in the log; give it to a query as `min_sequence` to read what you wrote.
    sequence: u64,
    /// Always true: every accepted word about a concept is an event, also one that says again what holds.
    changed: bool,
}

impl Example for AcceptedConcept {
    fn example() -> Self {
        Self { concept: example::concept(), sequence: example::REVISED, changed: true }
    }
}

/// A command on a concept was carried out.
#[derive(ApiResponse)]
pub(crate) enum ConceptChanged {
    /// The concept is as was wished.
    #[oai(status = 200)]
    Concept(
        RawJson<AcceptedConcept>,
        /// `true` when this is the first answer to an earlier request with the same key.
        #[oai(header = "Idempotency-Replayed")]
        bool,
    ),
}

/// How a word on a concept can fail.
pub(crate) struct ConceptStatuses;

impl Statuses for ConceptStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (408, "The body did not arrive in time."),
        (409, "`conflict`: others kept changing it."),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`invalid_concept`, `invalid_name`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How merging concepts can fail.
pub(crate) struct ConceptMergeStatuses;

impl Statuses for ConceptMergeStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (408, "The body did not arrive in time."),
        (
            409,
            "`concept_merge_cycle`: the other is part of this one, separate it first; `conflict`: others kept changing it.",
        ),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (
            422,
            "`invalid_concept`, `invalid_into`, `merge_into_itself`, `idempotency_key_reused`, or a body of another shape.",
        ),
        (503, "A needed part is away; retry with the same key."),
    ];
}

impl ConceptChanged {
    pub(super) fn of(concept: &Name, outcome: &Outcome) -> Self {
        let accepted = AcceptedConcept {
            concept: concept.as_str().to_owned(),
            sequence: outcome.sequence,
            changed: outcome.is_changed,
        };
        Self::Concept(RawJson::of(&accepted), outcome.is_replayed)
    }
}

/// The problem of a command that was not accepted.
pub(super) fn problem(error: Error<Refusal>) -> Problem {
    answer::problem(error, |refusal| match refusal {
        Refusal::IntoItself => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "merge_into_itself",
            "a concept cannot be merged into itself",
        ),
    })
}

/// 409: the other is part of this one.
pub(super) fn cycle(into: &Name) -> Problem {
    Problem::new(StatusCode::CONFLICT, "concept_merge_cycle", "the other concept is part of this one")
        .detail(format!("separate {} first", into.as_str()))
}

//! The answers to commands on clusters, and the statuses and problems of those that are refused.

use crate::answer::{self, Accepted};
use crate::decider::{Error, Outcome};
use domain::cluster::Error as Refusal;
use events::ClusterId;
use poem::http::StatusCode;
use poem_openapi::ApiResponse;
use runtime::http::{Problem, RawJson, Statuses};

/// A cluster was made.
#[derive(ApiResponse)]
pub(crate) enum Created {
    /// The cluster exists now.
    #[oai(status = 201)]
    Cluster(
        RawJson<Accepted>,
        /// `true` when this is the first answer to an earlier request with the same key.
        #[oai(header = "Idempotency-Replayed")]
        bool,
    ),
}

/// A command on a cluster was carried out.
#[derive(ApiResponse)]
pub(crate) enum Changed {
    /// The cluster is as was wished.
    #[oai(status = 200)]
    Cluster(
        RawJson<Accepted>,
        /// `true` when this is the first answer to an earlier request with the same key.
        #[oai(header = "Idempotency-Replayed")]
        bool,
    ),
}

/// How making a cluster can fail.
pub(crate) struct CreateStatuses;

impl Statuses for CreateStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (408, "The body did not arrive in time."),
        (
            409,
            "`cluster_exists`: something was decided about a cluster with the id that follows from the key; `conflict`: \
             others kept making it.",
        ),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`invalid_name`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How changing a cluster can fail.
pub(crate) struct ChangeStatuses;

impl Statuses for ChangeStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`cluster_not_found`: the caller has no such cluster."),
        (408, "The body did not arrive in time."),
        (
            409,
            "`cluster_merged`: it is part of another; `cluster_dissolved`: it was given up; `conflict`: others kept \
             changing it.",
        ),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`invalid_name`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

/// How merging clusters can fail.
pub(crate) struct MergeStatuses;

impl Statuses for MergeStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`cluster_not_found`: the caller has no such cluster, of either."),
        (408, "The body did not arrive in time."),
        (
            409,
            "`cluster_merged`: one of them is part of another; `cluster_dissolved`: one of them was given up; \
             `conflict`: others kept changing it.",
        ),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`merge_into_itself`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry with the same key."),
    ];
}

impl Created {
    pub(super) fn of(cluster: ClusterId, outcome: &Outcome) -> Self {
        Self::Cluster(Accepted::of(cluster.0, outcome), outcome.is_replayed)
    }
}

impl Changed {
    pub(super) fn of(cluster: ClusterId, outcome: &Outcome) -> Self {
        Self::Cluster(Accepted::of(cluster.0, outcome), outcome.is_replayed)
    }
}

/// The problem of a command that was not accepted.
pub(super) fn problem(error: Error<Refusal>) -> Problem {
    answer::problem(error, |refusal| match refusal {
        Refusal::AlreadyExists => Problem::new(StatusCode::CONFLICT, "cluster_exists", "the cluster exists already"),
        Refusal::Merged { into } => merged(into),
        Refusal::Dissolved => dissolved(),
        Refusal::IntoItself => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "merge_into_itself",
            "a cluster cannot be merged into itself",
        ),
    })
}

/// 404: the id was never given to a cluster of the workspace.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "cluster_not_found", "there is no such cluster")
}

/// 409: it is part of another.
pub(super) fn merged(into: ClusterId) -> Problem {
    Problem::new(StatusCode::CONFLICT, "cluster_merged", "the cluster is part of another")
        .detail(format!("it was merged into {into}"))
}

/// 409: it was given up.
pub(super) fn dissolved() -> Problem {
    Problem::new(StatusCode::CONFLICT, "cluster_dissolved", "the cluster was dissolved")
}

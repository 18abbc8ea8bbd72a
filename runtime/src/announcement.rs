//! What the projector announces on `syncboard.projected.>` after each commit: core NATS messages with JSON bodies.

use crate::event_log::Client;
use crate::traces;
use events::{DocumentId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Every announcement.
pub const SUBJECTS: &str = "syncboard.projected.>";
/// What every subject begins with.
const PREFIX: &str = "syncboard.projected.";
/// Name of the projection of documents, whose [`Visible`] is sent after the [`Changed`] of the same commit.
pub const DOCUMENTS: &str = "documents";
/// Name of the projection of knowledge.
pub const KNOWLEDGE: &str = "knowledge";
/// Most documents that one [`Changed`] names.
pub const MOST_DOCUMENTS: usize = 1_000;

/// Documents of one workspace that look different now; sent on `syncboard.projected.documents.<workspace>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Up to which sequence the log is visible.
    pub sequence: u64,
    /// Which documents.
    pub documents: Vec<DocumentId>,
}

/// The log is visible up to a sequence, in some of its partitions: each projector speaks of those that it works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    /// The sequence of the announcement before about these partitions; another than the listener's last means that some
    /// were lost, or that another projector works on them now.
    pub previous: u64,
    /// Up to which sequence.
    pub sequence: u64,
    /// The partitions.
    pub shards: Vec<u64>,
}

/// Sends an announcement, in the trace of the current span if it has one. It may be lost.
///
/// # Panics
/// Never: announcements are plain JSON.
pub async fn send<T: Serialize>(client: &Client, subject: String, announcement: &T) {
    let body = serde_json::to_vec(announcement).expect("announcements are plain JSON");
    let sent = match traces::headers() {
        Some(headers) => client.publish_with_headers(subject, headers, body.into()).await,
        None => client.publish(subject, body.into()).await,
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "an announcement was not sent");
    }
}

/// Where [`Visible`] of a projection is sent.
#[must_use]
pub fn visible_subject(projection: &str) -> String {
    format!("{PREFIX}{projection}")
}

/// The projection of a [`Visible`]'s subject; `None` for any other subject.
#[must_use]
pub fn projection(subject: &str) -> Option<&str> {
    subject.strip_prefix(PREFIX).filter(|projection| !projection.contains('.'))
}

/// Where a workspace's [`Changed`] are sent.
#[must_use]
pub fn changed_subject(workspace: WorkspaceId) -> String {
    format!("{PREFIX}{DOCUMENTS}.{workspace}")
}

/// The workspace of a [`Changed`]'s subject; `None` for any other subject.
#[must_use]
pub fn workspace(subject: &str) -> Option<WorkspaceId> {
    let token = subject.strip_prefix(PREFIX)?.strip_prefix(DOCUMENTS)?.strip_prefix('.')?;
    Some(WorkspaceId(token.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_its_workspace() {
        let id = WorkspaceId(uuid::Uuid::from_u128(7));
        assert_eq!(workspace(&changed_subject(id)), Some(id));
        assert_eq!(workspace(&visible_subject(DOCUMENTS)), None);
        assert_eq!(projection(&changed_subject(id)), None);
    }

    #[test]
    fn a_subject_names_its_projection() {
        assert_eq!(visible_subject(KNOWLEDGE), "syncboard.projected.knowledge");
        assert_eq!(projection(&visible_subject(KNOWLEDGE)), Some(KNOWLEDGE));
    }
}

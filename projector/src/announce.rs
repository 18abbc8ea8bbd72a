//! Announcements: what became visible, at which sequence. Sent after the commit on core NATS, so they can be lost; who
//! listens sees that by `previous` and looks for itself.

use crate::apply::ChangedDocument;
use crate::projection::Projection;
use events::{DocumentId, WorkspaceId};
use runtime::EventLog;
use runtime::announcement::{self, Changed, Visible, send};
use std::collections::BTreeMap;

/// Tells the world up to where shards of the projection show the log, and what has changed.
pub(crate) async fn announce(log: &EventLog, projection: Projection, visible: Visible, changed: &[ChangedDocument]) {
    let sequence = visible.sequence;
    let mut by_workspace: BTreeMap<WorkspaceId, Vec<DocumentId>> = BTreeMap::new();
    for (workspace, document, _) in changed {
        by_workspace.entry(*workspace).or_default().push(*document);
    }
    for (workspace, documents) in by_workspace {
        for documents in documents.chunks(announcement::MOST_DOCUMENTS) {
            let changed = Changed { sequence, documents: documents.to_vec() };
            send(log.client(), announcement::changed_subject(workspace), &changed).await;
        }
    }
    send(log.client(), announcement::visible_subject(projection.name()), &visible).await;
}

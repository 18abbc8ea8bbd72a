//! The one reader of this process: follows the log, writes each event once, and publishes it when the read models show it.

use super::hub::Hub;
use super::message::Message;
use crate::hot::Hot;
use events::{Aggregate, DocumentId, WorkspaceId};
use runtime::EventLog;
use runtime::event_log::{Batch, Connection, Follower};
use runtime::service::until_up;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Most events, and bytes, that are read at once.
const BATCH: (usize, usize) = (512, 4 << 20);

/// Reads for ever.
pub(crate) async fn read(hub: Arc<Hub>, nats: Connection, hot: Arc<Hot>) {
    let log = until_up("the event log", || EventLog::over(nats.clone())).await;
    let visible = hub.tables.documents.until(0).await;
    // What subscribers may have missed while this process was started is read before they come.
    let start = visible.saturating_sub(u64::from(hub.config.recent_events));
    hub.ring.begin(start);
    let mut follower = log.watch(start, BATCH.0, BATCH.1);
    let mut published = start;
    loop {
        if published >= visible {
            hub.is_ready(&log);
        }
        let batch = next(&mut follower).await;
        let mut messages: VecDeque<_> = written(&batch);
        while published < batch.last_sequence() {
            let next = messages.front().map_or(batch.last_sequence(), |(_, message)| message.sequence);
            published = hub.tables.documents.until(next).await.min(batch.last_sequence());
            let count = messages.partition_point(|(_, message)| message.sequence <= published);
            let visible: Vec<_> = messages.drain(..count).collect();
            for (workspace, message) in &visible {
                if message.stream.aggregate == Aggregate::Document {
                    hot.forget(*workspace, &[DocumentId(message.stream.id)]);
                }
            }
            hub.ring.publish(visible, published);
        }
    }
}

async fn next(follower: &mut Follower) -> Batch {
    loop {
        match follower.next().await {
            Ok(batch) => return batch,
            Err(error) => {
                tracing::warn!(error = runtime::service::chain(&error), "the log cannot be followed, trying again");
                sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// The messages of a batch.
fn written(batch: &Batch) -> VecDeque<(WorkspaceId, Message)> {
    batch.events.iter().filter_map(Message::readable).collect()
}

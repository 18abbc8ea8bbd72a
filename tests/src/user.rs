//! A user at work, for tests of what happens meanwhile.

use crate::client::Client;
use crate::rebuilding::sequence;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A user who writes and reads what was written, until told to stop: nothing that is read is older than what was asked
/// for, or than what was read before.
pub struct User {
    is_over: Arc<AtomicBool>,
    task: JoinHandle<Duration>,
}

impl User {
    /// Begins, on a document of their own.
    pub async fn begin(client: &Client) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let uploaded = client.upload("a user's", "text").await;
        let id = uploaded.id();
        client.document(&id, uploaded.sequence()).await;
        let task = tokio::spawn(act(client.clone(), id, is_over.clone()));
        Self { is_over, task }
    }

    /// Ends, and panics if anything that was read was too old; says how long its slowest round took.
    pub async fn end(self) -> Duration {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.await.expect("nothing that was read was too old")
    }
}

async fn act(client: Client, id: String, is_over: Arc<AtomicBool>) -> Duration {
    let (mut seen, mut events, mut round) = (0, 0, 0_u64);
    let mut slowest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        round += 1;
        let begun = Instant::now();
        let title = format!("round {round}");
        let path = format!("/v1/documents/{id}");
        let written = client.put(&format!("{path}/title"), &json!({ "title": title })).await.expect(200).sequence();
        // Read without a wish, it may be older than what was written, and not than what was read.
        let any = client.get(&path).await.expect(200).sequence();
        assert!(any >= seen, "{any} was read after {seen}");
        let document = client.document(&id, written).await;
        assert_eq!((&document["title"], sequence(&document)), (&json!(title), written));
        let list = client.get(&format!("/v1/documents?min_sequence={written}&limit=200")).await.expect(200).json();
        let listed = list["documents"].as_array().expect("documents").iter().find(|document| document["id"] == id);
        assert_eq!(listed.expect("it is listed")["title"], title);
        let statistics = client.get(&format!("/v1/statistics?min_sequence={written}")).await.expect(200).json();
        let counted = statistics["events"].as_u64().expect("a number");
        assert!(counted > events, "{counted} events after {events}");
        client.get(&format!("/v1/concepts?min_sequence={written}")).await.expect(200);
        (seen, events) = (written, counted);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(round > 0);
    slowest
}

//! Users who write at the same time, and what they were told: every command that was acknowledged must be an event that
//! counts exactly once.

use crate::client::Client;
use crate::knowledge::pages;
use crate::system::wait_for;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// Edits of a document before its writer begins another.
const EDITS: usize = 12;

/// Writers of one workspace, at work until told to stop.
pub struct Crowd {
    client: Client,
    is_over: Arc<AtomicBool>,
    /// How many commands were acknowledged so far.
    acknowledged: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Told>>,
}

/// What the writers were told: ids of documents, and the sequence of each command.
#[derive(Default)]
pub struct Told {
    /// The documents.
    pub documents: Vec<String>,
    /// The sequences.
    pub sequences: BTreeSet<u64>,
}

impl Crowd {
    /// Begins.
    pub fn begin(client: &Client, writers: usize) -> Self {
        let (is_over, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let writer = |n| tokio::spawn(write(client.clone(), n, is_over.clone(), acknowledged.clone()));
        Self {
            client: client.clone(),
            writers: (0..writers).map(writer).collect(),
            is_over: is_over.clone(),
            acknowledged: acknowledged.clone(),
        }
    }

    /// Waits until so many more commands were acknowledged.
    pub async fn acknowledges(&self, more: u64) {
        let until = self.acknowledged.load(Ordering::SeqCst) + more;
        let is_there = async || self.acknowledged.load(Ordering::SeqCst) >= until || self.has_died();
        wait_for("commands were acknowledged", is_there).await;
    }

    fn has_died(&self) -> bool {
        self.writers.iter().any(JoinHandle::is_finished)
    }

    /// Ends, and says what was acknowledged.
    pub async fn end(self) -> Told {
        self.is_over.store(true, Ordering::SeqCst);
        let mut told = Told::default();
        for writer in self.writers {
            let of_one = writer.await.expect("every command was answered");
            told.documents.extend(of_one.documents);
            told.sequences.extend(of_one.sequences);
        }
        told
    }

    /// Ends, and panics unless the read models show every acknowledged command as one event, and nothing else.
    pub async fn end_and_check(self) -> Told {
        let client = self.client.clone();
        let told = self.end().await;
        told.check(&client).await;
        told
    }
}

impl Told {
    /// Panics unless the read models show every acknowledged command as one event, and nothing else.
    pub async fn check(&self, client: &Client) {
        let last = self.last();
        let statistics = format!("/v1/statistics?min_sequence={last}");
        // A projector that was killed last is not yet replaced.
        wait_for("everything is shown", async || client.get(&statistics).await.status == 200).await;
        let mut shown = Vec::new();
        for id in &self.documents {
            let history = pages(client, &format!("/v1/documents/{id}/history"), "changes", last).await;
            shown.extend(history.iter().map(|change| change["sequence"].as_u64().expect("a sequence")));
        }
        shown.sort_unstable();
        assert!(shown.iter().eq(&self.sequences), "histories show other events than were acknowledged");
        let statistics = client.get(&statistics).await.expect(200).json();
        let counted = [&statistics["events"], &statistics["documents"]].map(Value::as_u64);
        let told = [self.sequences.len() as u64, self.documents.len() as u64].map(Some);
        assert_eq!(counted, told, "{statistics}");
    }

    /// The last sequence.
    pub fn last(&self) -> u64 {
        *self.sequences.last().expect("something was acknowledged")
    }
}

async fn write(client: Client, n: usize, is_over: Arc<AtomicBool>, acknowledged: Arc<AtomicU64>) -> Told {
    let mut told = Told::default();
    let mut tell = |sequence| {
        assert!(told.sequences.insert(sequence), "two commands were told {sequence}");
        acknowledged.fetch_add(1, Ordering::SeqCst);
    };
    while !is_over.load(Ordering::SeqCst) {
        let uploaded = client.upload(&format!("of writer {n}"), "a text of its own").await;
        tell(uploaded.sequence());
        let id = uploaded.id();
        for edit in 0..EDITS {
            let title = json!({ "title": format!("edit {edit} of writer {n}") });
            tell(client.put(&format!("/v1/documents/{id}/title"), &title).await.expect(200).sequence());
        }
        told.documents.push(id);
    }
    told
}

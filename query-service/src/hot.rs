//! Reads of one document: from this process's memory, from Redis, from the database; whichever first is known to be true.
//!
//! Invariant: an answer from memory is at most [`TRUST`] behind the database, and never shows less than the read's
//! `min_sequence`: the entry says up to where the log was visible when it was made.

use crate::documents::view::{self, DocumentView};
use crate::metrics::READS;
use crate::tables::Tables;
use crate::visibility::{Part, Visibility};
use bytes::Bytes;
use events::{DocumentId, WorkspaceId};
use metrics::counter;
use quick_cache::sync::Cache as Memory;
use runtime::cache::{Cache, Entry, Found};
use runtime::event_log::Connection;
use runtime::http::Problem;
use sqlx::PgPool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long an answer in memory is believed without a word from the projector.
const TRUST: Duration = Duration::from_secs(1);
/// Longest time between reading a row and filling the answer into Redis.
const FILL_WITHIN: Duration = Duration::from_secs(1);

/// The way of every read of one document.
pub(crate) struct Hot {
    pool: PgPool,
    /// None over a past: what is cached there is of the present.
    cache: Option<Cache>,
    nats: Connection,
    visibility: Visibility,
    memory: Memory<(WorkspaceId, DocumentId), Kept>,
    /// Grows with every announced change; an answer that was on its way meanwhile is not kept.
    changes: AtomicU64,
}

#[derive(Clone)]
struct Kept {
    entry: Entry,
    visible: u64,
    at: Instant,
}

/// A document's answer.
pub(crate) struct Answer {
    /// Its JSON.
    pub(crate) body: Bytes,
    /// The document's last sequence.
    pub(crate) sequence: u64,
    /// Up to where it shows the log.
    pub(crate) visible: u64,
}

impl Hot {
    pub(crate) fn new(tables: &Tables, cache: Option<Cache>, nats: Connection, entries: usize) -> Self {
        let (pool, visibility) = (tables.pool.clone(), tables.documents.clone());
        Self { pool, cache, nats, visibility, memory: Memory::new(entries), changes: AtomicU64::new(0) }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// 503 when `min_sequence` is not visible in time or the database is away.
    pub(crate) async fn get(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        min_sequence: Option<u64>,
    ) -> Result<Option<Answer>, Problem> {
        if let Some(kept) = self.memory.get(&(workspace, document)) {
            let is_enough = min_sequence.is_none_or(|wanted| kept.visible >= wanted);
            if is_enough && kept.at.elapsed() < TRUST && self.nats.is_up() {
                counter!(READS, "source" => "memory").increment(1);
                return Ok(Some(Answer {
                    body: kept.entry.body,
                    sequence: kept.entry.sequence,
                    visible: kept.visible,
                }));
            }
        }
        loop {
            let visible = self.visibility.at_least(workspace, min_sequence).await?;
            let changes = self.changes.load(Ordering::SeqCst);
            let entry = self.read(workspace, document).await?;
            // It was read over a new connection, perhaps to a database that has crashed since and shows less than it did.
            if self.visibility.now(Part::Of(workspace)) < visible {
                continue;
            }
            let Some(entry) = entry else { return Ok(None) };
            self.keep(workspace, document, Kept { entry: entry.clone(), visible, at: Instant::now() }, changes);
            return Ok(Some(Answer { body: entry.body, sequence: entry.sequence, visible }));
        }
    }

    async fn read(&self, workspace: WorkspaceId, document: DocumentId) -> Result<Option<Entry>, Problem> {
        let found = match &self.cache {
            Some(cache) => cache.get(workspace, document).await,
            None => Found::Untrusted,
        };
        let epoch = match found {
            Found::Entry(entry) => {
                counter!(READS, "source" => "redis").increment(1);
                return Ok(Some(entry));
            }
            Found::Missing { epoch } => Some(epoch),
            Found::Untrusted => None,
        };
        let begun = Instant::now();
        counter!(READS, "source" => "postgres").increment(1);
        let Some(row) = view::load(&self.pool, workspace.0, document.0).await? else {
            return Ok(None);
        };
        let view = DocumentView::from(row);
        let entry = Entry { sequence: view.sequence, body: view.to_json() };
        if let (Some(epoch), Some(cache)) = (epoch.filter(|_| begun.elapsed() < FILL_WITHIN), self.cache.clone()) {
            // The reader need not wait for what only spares the next one.
            let entry = entry.clone();
            tokio::spawn(async move { cache.fill(&epoch, workspace, document, &entry).await });
        }
        Ok(Some(entry))
    }

    /// Keeps an answer, unless a change was announced since it was asked for. The order matters: a change grows the count
    /// first and forgets second, this inserts first and looks at the count second.
    fn keep(&self, workspace: WorkspaceId, document: DocumentId, kept: Kept, changes: u64) {
        self.memory.insert((workspace, document), kept);
        if self.changes.load(Ordering::SeqCst) != changes {
            self.memory.remove(&(workspace, document));
        }
    }

    /// Forgets documents that have changed.
    pub(crate) fn forget(&self, workspace: WorkspaceId, documents: &[DocumentId]) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        for document in documents {
            self.memory.remove(&(workspace, *document));
        }
    }

    /// Forgets everything: announcements were lost.
    pub(crate) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.memory.clear();
    }
}

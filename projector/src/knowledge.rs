//! The read models of knowledge. A batch is folded event by event, as epochs of clustering happen where the log says and
//! not where a batch ends; then each table is written with a few statements.

mod analyst;
mod counts;
mod document;
mod duplicates;
mod epoch;
mod fold;
mod history;
mod links;
mod names;
mod places;
mod resolve;
mod touched;
mod vocabulary;
mod workspace;

use crate::error::Error;
use crate::positioned::Positioned;
use analysis::Analysis;
use analyst::Analyst;
use document::Document;
use events::document::Event;
use events::{AnyEvent, DocumentId, Stream, WorkspaceId};
use fold::Fold;
use runtime::EventLog;
use sqlx::{PgConnection, PgPool};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use workspace::Workspace;

/// A document in its workspace.
type Key = (WorkspaceId, DocumentId);

/// Workspaces that are kept in memory between batches, up to some 10 MB each; with more, all are read again.
const KEPT: usize = 32;

/// Folds batches; remembers the workspaces between them.
pub(crate) struct Knowledge {
    analyst: Analyst,
    workspaces: HashMap<WorkspaceId, Workspace>,
}

/// What a batch needs before its transaction begins.
pub(crate) struct Prepared {
    loaded: HashMap<Key, Document>,
    analyses: HashMap<usize, Arc<Analysis>>,
}

impl Knowledge {
    pub(crate) fn new(log: EventLog) -> Self {
        Self { analyst: Analyst::new(log), workspaces: HashMap::new() }
    }

    /// Reads what the batch touches and analyses its texts.
    pub(crate) async fn prepare(&mut self, pool: &PgPool, batch: &[Positioned]) -> Result<Prepared, Error> {
        let loaded: HashMap<Key, Document> = touched::load(pool, known(batch).into_iter()).await?.into_iter().collect();
        let analyses = self.analyst.analyse(pool, batch, &loaded).await?;
        let wanted: HashSet<WorkspaceId> =
            batch.iter().filter_map(|positioned| positioned.envelope.stream.workspace).collect();
        if self.workspaces.len() > KEPT {
            self.workspaces.clear();
        }
        let missing: Vec<WorkspaceId> =
            wanted.into_iter().filter(|workspace| !self.workspaces.contains_key(workspace)).collect();
        self.workspaces.extend(places::load(pool, &missing).await?);
        Ok(Prepared { loaded, analyses })
    }

    /// Folds the batch and writes what comes of it.
    pub(crate) async fn write(
        &mut self,
        connection: &mut PgConnection,
        prepared: Prepared,
        batch: &[Positioned],
    ) -> Result<(), Error> {
        let mut fold = Fold::new(connection, &mut self.workspaces, prepared.loaded);
        for (at, positioned) in batch.iter().enumerate() {
            fold.event(positioned, prepared.analyses.get(&at).map(Arc::as_ref)).await?;
        }
        fold.save().await
    }

    /// Says in the tables which analysis fills them. Two never fill the same: what they find cannot be compared.
    pub(crate) async fn stamp(pool: &PgPool) -> Result<(), Error> {
        let version = i32::try_from(analysis::VERSION).unwrap_or(i32::MAX);
        sqlx::query!("insert into analyzer (version) select $1 where not exists (select from analyzer)", version)
            .execute(pool)
            .await?;
        let filled = sqlx::query_scalar!("select version from analyzer order by version").fetch_all(pool).await?;
        if filled == [version] { Ok(()) } else { Err(Error::OtherAnalysis { filled }) }
    }
}

/// Documents whose rows must be there, as the batch edits them.
fn known(batch: &[Positioned]) -> HashSet<Key> {
    let (mut uploaded, mut known) = (HashSet::new(), HashSet::new());
    for positioned in batch {
        let AnyEvent::Document(event) = &positioned.envelope.event else { continue };
        let Some(key) = key(&positioned.envelope.stream) else { continue };
        if matches!(event, Event::Uploaded(_)) {
            uploaded.insert(key);
        } else if fold::concerns(event) && !uploaded.contains(&key) {
            known.insert(key);
        }
    }
    known
}

fn key(stream: &Stream) -> Option<Key> {
    stream.workspace.map(|workspace| (workspace, DocumentId(stream.id)))
}

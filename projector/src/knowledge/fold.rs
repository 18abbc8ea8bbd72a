//! Folding a batch: each event changes a document, a cluster or a concept in memory, and what follows from it.

use super::counts::Counts;
use super::document::Document;
use super::history::{self, Course, Membership};
use super::links::Links;
use super::names::Names;
use super::touched::{self, Before, Touched};
use super::vocabulary::{Consequence, Vocabulary};
use super::workspace::Workspace;
use super::{Key, duplicates, epoch, places};
use crate::error::Error;
use crate::positioned::Positioned;
use analysis::Analysis;
use chrono::{DateTime, Utc};
use events::document::Event;
use events::{AnyEvent, ClusterId, WorkspaceId, cluster, concept};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A batch on its way into the tables.
pub(super) struct Fold<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) workspaces: &'a mut HashMap<WorkspaceId, Workspace>,
    /// Documents that events of the batch edit, as they were before it.
    loaded: HashMap<Key, Document>,
    pub(super) touched: HashMap<Key, Touched>,
    /// Documents that an epoch put into another cluster, and that are not touched otherwise.
    pub(super) moved: HashMap<Key, Placed>,
    /// In which clusters documents stood before events that may have changed it.
    pub(super) memberships: BTreeMap<Key, Course<Membership>>,
    pub(super) counts: Counts,
    pub(super) names: Names,
    links: Links,
    /// Workspaces that it has events of, with the last sequence of each.
    seen: BTreeMap<WorkspaceId, u64>,
    /// Whether its events were parked, and the tables show later ones of their workspace.
    is_late: bool,
}

/// Where a document is put: by a user, and by clustering.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) pinned: Option<ClusterId>,
    pub(super) found: Option<ClusterId>,
    /// In thousandths.
    pub(super) similarity: i16,
}

/// Whether an event says anything that a document's row here holds.
pub(super) fn concerns(event: &Event) -> bool {
    match event {
        Event::Uploaded(_)
        | Event::Revised(_)
        | Event::Retitled(_)
        | Event::Described(_)
        | Event::ConceptAdded(_)
        | Event::ConceptRemoved(_)
        | Event::MovedToCluster(_)
        | Event::ReleasedFromCluster(_)
        | Event::Absorbed(_)
        | Event::Merged(_)
        | Event::Assessed(_)
        | Event::Trashed(_)
        | Event::Restored(_) => true,
        Event::Tagged(_) | Event::Untagged(_) | Event::Linked(_) | Event::Unlinked(_) => false,
    }
}

impl<'a> Fold<'a> {
    pub(super) fn new(
        connection: &'a mut PgConnection,
        workspaces: &'a mut HashMap<WorkspaceId, Workspace>,
        loaded: HashMap<Key, Document>,
    ) -> Self {
        Self {
            connection,
            workspaces,
            loaded,
            touched: HashMap::new(),
            moved: HashMap::new(),
            memberships: BTreeMap::new(),
            counts: Counts::default(),
            names: Names::default(),
            links: Links::default(),
            seen: BTreeMap::new(),
            is_late: false,
        }
    }

    /// Folds one event.
    pub(super) async fn event(&mut self, positioned: &Positioned, analysis: Option<&Analysis>) -> Result<(), Error> {
        let envelope = &positioned.envelope;
        let Some(workspace) = envelope.stream.workspace else { return Ok(()) };
        let shown = std::mem::replace(&mut self.workspace(workspace).clustering.sequence, positioned.sequence);
        let last = self.seen.entry(workspace).or_insert(shown);
        self.is_late |= positioned.sequence < *last;
        *last = positioned.sequence.max(*last);
        match &envelope.event {
            AnyEvent::Document(event) => {
                let Some(key) = super::key(&envelope.stream) else { return Ok(()) };
                self.links.evolve(key, positioned.sequence, event);
                if concerns(event) {
                    self.document(key, positioned, event, analysis).await?;
                }
                Ok(())
            }
            AnyEvent::Cluster(event) => {
                self.cluster(workspace, ClusterId(envelope.stream.id), event, envelope.time);
                Ok(())
            }
            AnyEvent::Concept(event) => self.concept(workspace, event, envelope.time).await,
            AnyEvent::Account(_) => Ok(()),
        }
    }

    async fn document(
        &mut self,
        key: Key,
        positioned: &Positioned,
        event: &Event,
        analysis: Option<&Analysis>,
    ) -> Result<(), Error> {
        let orphan = Error::Orphan { sequence: positioned.sequence };
        let mut touched = match (event, analysis) {
            (Event::Uploaded(uploaded), Some(analysis)) => {
                let document = Document::uploaded(positioned, uploaded, analysis);
                Touched::new(document, None, self.workspace(key.0))
            }
            _ => self.take(key).ok_or(orphan)?,
        };
        let is_new = matches!(event, Event::Uploaded(_));
        let (was_live, vector) = (!is_new && !touched.document.is_trashed, touched.document.vector.clone());
        let stood = (!is_new).then(|| Membership::from(&touched.document));
        self.memberships.entry(key).or_default().before(positioned.sequence, positioned.envelope.time, stood);
        touched.document.evolve(positioned, event, analysis);
        let is_live = !touched.document.is_trashed;
        let is_other = was_live != is_live || vector != touched.document.vector;

        let workspace = self.workspace(key.0);
        if let Event::MovedToCluster(moved) = event {
            workspace.cluster(moved.cluster, positioned.envelope.time);
        }
        if is_other {
            workspace.clustering.documents += u64::from(is_live && !was_live);
            workspace.clustering.documents -= u64::from(was_live && !is_live);
            workspace.clustering.changes_since += 1;
            if is_live {
                (touched.document.found, touched.document.similarity) = workspace.assign(&touched.document.vector);
            }
        }
        self.put(key, touched, positioned.envelope.time);
        if is_other && self.workspace(key.0).clustering.is_due() {
            epoch::run(self, key.0, positioned.sequence, positioned.envelope.time).await?;
        }
        Ok(())
    }

    fn cluster(&mut self, id: WorkspaceId, cluster: ClusterId, event: &cluster::Event, at: DateTime<Utc>) {
        let workspace = self.workspace(id);
        if workspace.decide(cluster, event, at) {
            workspace.changed.recount = true;
            self.resolve_touched(id, at, |_| true);
        }
    }

    async fn concept(&mut self, id: WorkspaceId, event: &concept::Event, at: DateTime<Utc>) -> Result<(), Error> {
        let mut vocabulary = self.workspace(id).vocabulary.clone();
        let Consequence { keys, named, is_renamed } = vocabulary.decide(event);
        if let Some((key, name)) = named {
            self.names.write(id, &key, &name, is_renamed, at);
        }
        self.change_vocabulary(id, vocabulary, keys, at).await
    }

    /// Lets another vocabulary hold from now on, and finds anew what holds of the documents that any of these keys was
    /// found in, proposed for or added to.
    pub(super) async fn change_vocabulary(
        &mut self,
        id: WorkspaceId,
        vocabulary: Vocabulary,
        keys: BTreeSet<String>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        if keys.is_empty() {
            self.workspace(id).vocabulary = vocabulary;
            return Ok(());
        }
        let wanted: Vec<String> = keys.iter().cloned().collect();
        let mut with = touched::with_concepts(&mut *self.connection, id, &wanted).await?;
        with.retain(|key| !self.touched.contains_key(key));
        let missing = with.iter().copied().filter(|key| !self.loaded.contains_key(key));
        let read = touched::load(&mut *self.connection, missing).await?;
        self.loaded.extend(read);
        // Touched before the vocabulary changes: what is counted out is what was counted in.
        for key in with {
            if let Some(touched) = self.take(key) {
                self.counts.count(key, &touched, 1);
                self.touched.insert(key, touched);
            }
        }
        self.workspace(id).vocabulary = vocabulary;
        self.resolve_touched(id, at, |document| document.keys().iter().any(|key| keys.contains(key)));
        Ok(())
    }

    /// Finds anew what holds of those of the touched documents of a workspace that are affected, in the order in which they
    /// arrived.
    fn resolve_touched(&mut self, id: WorkspaceId, at: DateTime<Utc>, is_affected: impl Fn(&Document) -> bool) {
        let mut keys: Vec<(u64, Key)> = self
            .touched
            .iter()
            .filter(|(key, touched)| key.0 == id && is_affected(&touched.document))
            .map(|(key, touched)| (touched.document.arrival, *key))
            .collect();
        keys.sort_unstable();
        for (_, key) in keys {
            if let Some(touched) = self.take(key) {
                self.put(key, touched, at);
            }
        }
    }

    /// Takes a document to change it: it is counted out, and in again by [`Fold::put`].
    pub(super) fn take(&mut self, key: Key) -> Option<Touched> {
        let touched = match self.touched.remove(&key) {
            Some(touched) => touched,
            None => {
                let mut document = self.loaded.remove(&key)?;
                let before = Before::from(&document);
                let workspace = self.workspace(key.0);
                // Counted out as the tables have it, before an epoch of this batch moved it.
                let touched = Touched::new(document.clone(), Some(before.clone()), workspace);
                match self.moved.remove(&key) {
                    None => touched,
                    Some(Placed { found, similarity, .. }) => {
                        (document.found, document.similarity) = (found, similarity);
                        Touched::new(document, Some(before), self.workspace(key.0))
                    }
                }
            }
        };
        self.counts.count(key, &touched, -1);
        Some(touched)
    }

    pub(super) fn put(&mut self, key: Key, mut touched: Touched, at: DateTime<Utc>) {
        let workspace = self.workspaces.entry(key.0).or_default();
        touched.resolve(workspace);
        self.names.meet(key.0, &touched.held, &workspace.vocabulary, at);
        self.counts.count(key, &touched, 1);
        self.touched.insert(key, touched);
    }

    pub(super) fn workspace(&mut self, id: WorkspaceId) -> &mut Workspace {
        self.workspaces.entry(id).or_default()
    }

    /// Writes everything.
    pub(super) async fn save(self) -> Result<(), Error> {
        let Self { connection, workspaces, touched, moved, memberships, counts, names, links, seen, is_late, .. } =
            self;
        let stands = |key: &Key| match touched.get(key) {
            Some(touched) => Some(Membership::from(&touched.document)),
            None => moved.get(key).map(|moved| Membership::of(moved.pinned, moved.found)),
        };
        history::save_memberships(connection, &memberships, stands, is_late).await?;
        let mut touched: Vec<(Key, &Touched)> = touched.iter().map(|(key, touched)| (*key, touched)).collect();
        touched.sort_unstable_by_key(|(key, touched)| (touched.document.arrival, *key));
        touched::save(connection, &touched).await?;
        places::save_moved(connection, &moved).await?;
        let mut recounted = Vec::new();
        for (id, last) in &seen {
            let Some(workspace) = workspaces.get_mut(id) else { continue };
            workspace.clustering.sequence = *last;
            places::save(connection, *id, workspace).await?;
            history::save_clusters(connection, *id, workspace, is_late).await?;
            if workspace.changed.recount {
                places::resolve_clusters(connection, *id, workspace).await?;
                recounted.push(*id);
            }
            workspace.changed = Default::default();
            workspace.vocabulary.changed.clear();
        }
        names.save(connection, &counts).await?;
        counts.save(connection, &recounted).await?;
        links.save(connection).await?;
        duplicates::save(connection, &touched).await
    }
}

//! What is known of a workspace as a whole, kept between batches: its vocabulary, its clusters, its clustering.

use super::history::{Course, Standing};
use super::vocabulary::Vocabulary;
use analysis::clusters::{self, Model};
use chrono::{DateTime, Utc};
use events::document::SkillLevel;
use events::{ClusterId, cluster};
use std::collections::BTreeMap;

/// Where a chain of merged clusters is given up.
const LONGEST_CHAIN: usize = 64;

/// A workspace as the batches so far have left it.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) vocabulary: Vocabulary,
    pub(super) clusters: BTreeMap<ClusterId, Cluster>,
    pub(super) clustering: Clustering,
    /// What the batch has changed and must be written.
    pub(super) changed: Changed,
}

/// What of a workspace must be written.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Clusters, and what they were before events that may have changed them.
    pub(super) clusters: BTreeMap<ClusterId, Course<Standing>>,
    pub(super) model: bool,
    /// Clusters of many documents have changed: their numbers are counted anew instead of moved.
    pub(super) recount: bool,
}

/// A cluster, less its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) found_name: String,
    pub(super) user_name: Option<String>,
    pub(super) model_name: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) stated_level: SkillLevel,
    pub(super) is_made: bool,
    pub(super) merged_into: Option<ClusterId>,
    pub(super) is_dissolved: bool,
    pub(super) created_at: DateTime<Utc>,
}

/// What the last epoch found, and what has happened since.
#[derive(Debug, Default)]
pub(super) struct Clustering {
    /// Of the workspace's last event; while a batch is folded, of the one that is.
    pub(super) sequence: u64,
    /// Documents in use.
    pub(super) documents: u64,
    pub(super) epoch: u64,
    pub(super) epoch_sequence: u64,
    pub(super) documents_at_epoch: u64,
    pub(super) changes_since: u64,
    /// Which cluster each of the model's is.
    pub(super) clusters: Vec<ClusterId>,
    pub(super) model: Option<Model>,
}

impl Workspace {
    /// The cluster that holds for a document that stands in one: after merges; none when it was dissolved.
    pub(super) fn resolve(&self, id: ClusterId) -> Option<ClusterId> {
        let mut id = id;
        for _ in 0..LONGEST_CHAIN {
            match self.clusters.get(&id) {
                Some(cluster) if cluster.is_dissolved => return None,
                Some(Cluster { merged_into: Some(into), .. }) => id = *into,
                Some(_) | None => return Some(id),
            }
        }
        None
    }

    /// Takes a user's or a model's word about a cluster. Says whether documents stand elsewhere because of it.
    pub(super) fn decide(&mut self, id: ClusterId, event: &cluster::Event, at: DateTime<Utc>) -> bool {
        let is_moving = match event {
            cluster::Event::Merged(merged) => {
                // The later of two merges that would go round in a circle holds, and the earlier one no more.
                if self.resolve(merged.into) == Some(id) {
                    self.unmerge_towards(id, merged.into, at);
                }
                self.cluster(merged.into, at);
                true
            }
            cluster::Event::Dissolved(_) => true,
            cluster::Event::Created(_)
            | cluster::Event::Renamed(_)
            | cluster::Event::SkillLevelSet(_)
            | cluster::Event::Assessed(_) => false,
        };
        let cluster = self.cluster(id, at);
        match event {
            cluster::Event::Created(created) => {
                cluster.is_made = true;
                cluster.user_name = Some(created.name.clone());
            }
            cluster::Event::Renamed(renamed) => cluster.user_name = Some(renamed.name.clone()),
            cluster::Event::SkillLevelSet(set) => cluster.stated_level = set.skill_level,
            cluster::Event::Merged(merged) => cluster.merged_into = Some(merged.into),
            cluster::Event::Dissolved(_) => cluster.is_dissolved = true,
            cluster::Event::Assessed(assessed) => {
                cluster.model_name = Some(assessed.name.clone());
                cluster.summary = Some(assessed.summary.clone());
            }
        }
        is_moving
    }

    /// A cluster to change; it is made if nobody has heard of it.
    pub(super) fn cluster(&mut self, id: ClusterId, at: DateTime<Utc>) -> &mut Cluster {
        self.will_change(id, at);
        self.clusters.entry(id).or_insert_with(|| Cluster::new(at))
    }

    fn will_change(&mut self, id: ClusterId, at: DateTime<Utc>) {
        let was = self.clusters.get(&id).map(Standing::from);
        self.changed.clusters.entry(id).or_default().before(self.clustering.sequence, at, was);
    }

    /// Cuts the chain of merges that leads from one cluster to another.
    fn unmerge_towards(&mut self, to: ClusterId, from: ClusterId, at: DateTime<Utc>) {
        let mut id = from;
        for _ in 0..LONGEST_CHAIN {
            let Some(cluster) = self.clusters.get(&id) else { return };
            match cluster.merged_into {
                Some(into) if into == to => {
                    self.cluster(id, at).merged_into = None;
                    return;
                }
                Some(into) => id = into,
                None => return,
            }
        }
    }

    /// The cluster that the last epoch's model puts a document into, and how near it is in thousandths.
    pub(super) fn assign(&self, vector: &clusters::Vector) -> (Option<ClusterId>, i16) {
        let assigned = self.clustering.model.as_ref().and_then(|model| model.assign(vector));
        let placed = assigned.and_then(|assigned| {
            let id = self.clustering.clusters.get(assigned.cluster as usize)?;
            Some((Some(*id), thousandths(assigned.similarity)))
        });
        placed.unwrap_or((None, 0))
    }
}

/// A similarity as the tables keep it.
pub(super) fn thousandths(similarity: f32) -> i16 {
    (similarity.clamp(0.0, 1.0) * 1_000.0).round() as i16
}

impl Cluster {
    fn new(created_at: DateTime<Utc>) -> Self {
        Self {
            found_name: "Untitled cluster".to_owned(),
            user_name: None,
            model_name: None,
            summary: None,
            stated_level: SkillLevel::Unknown,
            is_made: false,
            merged_into: None,
            is_dissolved: false,
            created_at,
        }
    }

    /// The name that holds, and whose it is.
    pub(super) fn name(&self) -> (&str, &'static str) {
        match (&self.user_name, &self.model_name) {
            (Some(name), _) => (name, "user"),
            (None, Some(name)) => (name, "model"),
            (None, None) => (&self.found_name, "found"),
        }
    }
}

impl Clustering {
    /// Whether enough has changed since the last epoch.
    pub(super) fn is_due(&self) -> bool {
        clusters::is_due(self.documents, self.documents_at_epoch, self.changes_since)
    }
}

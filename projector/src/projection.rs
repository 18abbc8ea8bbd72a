//! The projections: each folds the log into tables of its own, with its own checkpoint, and is rebuilt on its own. A set
//! of its tables is one schema; which of its generations a schema is, its name says.

use clap::ValueEnum;
use runtime::migrations;
use runtime::postgres::{KNOWLEDGE_SCHEMA, READ_SCHEMA};
use serde::Serialize;
use sqlx::migrate::Migrator;

/// What the log is folded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Documents, their texts and histories, statistics
    Documents,
    /// Concepts, clusters, duplicates, links
    Knowledge,
}

impl Projection {
    /// Every projection.
    pub const ALL: [Self; 2] = [Self::Documents, Self::Knowledge];

    /// The one that is wanted, or all.
    pub(crate) fn wanted(one: Option<Self>) -> Vec<Self> {
        one.map_or(Self::ALL.to_vec(), |one| vec![one])
    }

    /// Its name, in checkpoints, consumers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Knowledge => "knowledge",
        }
    }

    /// The schema that queries see.
    #[must_use]
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Documents => READ_SCHEMA,
            Self::Knowledge => KNOWLEDGE_SCHEMA,
        }
    }

    /// Where a rebuild fills its tables.
    #[must_use]
    pub const fn replay_schema(self) -> &'static str {
        match self {
            Self::Documents => "read_model_replay",
            Self::Knowledge => "knowledge_replay",
        }
    }

    /// Where tables are filled to be looked at, and dropped: whatever a rebuild has filled by then stays.
    pub(crate) const fn check_schema(self) -> &'static str {
        match self {
            Self::Documents => "read_model_check",
            Self::Knowledge => "knowledge_check",
        }
    }

    /// Where the serving tables are while two generations change places; nobody ever sees it.
    pub(crate) const fn aside_schema(self) -> &'static str {
        match self {
            Self::Documents => "read_model_aside",
            Self::Knowledge => "knowledge_aside",
        }
    }

    /// Where the tables that served before are kept.
    pub(crate) const fn previous_schema(self) -> &'static str {
        match self {
            Self::Documents => "read_model_previous",
            Self::Knowledge => "knowledge_previous",
        }
    }

    /// Where a rebuild of one workspace fills its rows.
    pub(crate) const fn workspace_schema(self) -> &'static str {
        match self {
            Self::Documents => "read_model_workspace",
            Self::Knowledge => "knowledge_workspace",
        }
    }

    /// The table with one row for each workspace, whose state is in every entity tag.
    pub(crate) const fn workspace_table(self) -> &'static str {
        match self {
            Self::Documents => "workspace_statistics",
            Self::Knowledge => "clustering",
        }
    }

    /// Tables whose rows belong to workspaces.
    pub(crate) fn tables_of_workspaces(self) -> impl Iterator<Item = &'static str> {
        self.tables().iter().copied().filter(|table| !["checkpoint", "analyzer"].contains(table))
    }

    /// Every table that a rebuild must make the same.
    pub(crate) const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Documents => &[
                "checkpoint",
                "parked_event",
                "document",
                "document_content",
                "document_history",
                "workspace_statistics",
                "workspace_facet",
            ],
            Self::Knowledge => &[
                "checkpoint",
                "parked_event",
                "analyzer",
                "document_knowledge",
                "document_concept",
                "concept",
                "concept_alias",
                "concept_decision",
                "cluster",
                "cluster_concept",
                "cluster_membership",
                "cluster_history",
                "clustering",
                "document_link",
                "near_band",
                "near_duplicate",
            ],
        }
    }

    /// Secondary indexes that filling its tables reads by, so that a rebuild must keep them.
    pub(crate) const fn needed_indexes(self) -> &'static [&'static str] {
        match self {
            Self::Documents => &[],
            Self::Knowledge => &["document_knowledge_by_cluster"],
        }
    }

    /// Tables whose keys filling them does not need, as it only ever adds rows.
    pub(crate) const fn keys_made_last(self) -> &'static [&'static str] {
        match self {
            Self::Documents => &["document_history"],
            Self::Knowledge => &[],
        }
    }

    /// Key of the advisory lock of whoever fills its tables beside the serving ones.
    pub(crate) const fn replay_lock_key(self) -> i64 {
        match self {
            Self::Documents => 0x5379_6e63_426f_6272,
            Self::Knowledge => 0x5379_6e63_426f_6273,
        }
    }

    /// What makes its tables.
    pub(crate) const fn migrator(self) -> &'static Migrator {
        match self {
            Self::Documents => &migrations::READ_MODEL,
            Self::Knowledge => &migrations::KNOWLEDGE,
        }
    }
}

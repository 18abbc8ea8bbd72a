//! Settings of filling read models anew, and of going back.

use super::Batches;
use crate::past::AsOf;
use crate::projection::Projection;
use clap::Args;
use runtime::config::{Log, Nats, Postgres, Redis};
use runtime::past::Name;
use uuid::Uuid;

/// Filling read models anew.
#[derive(Args, Clone, Debug)]
pub struct Rebuild {
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// The cache, for --document
    #[command(flatten)]
    pub redis: Redis,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Batches
    #[command(flatten)]
    pub batches: Batches,
    /// Rebuild this projection alone; all of them when left out
    #[arg(long)]
    pub projection: Option<Projection>,
    /// Fill a read model of the past instead, up to this sequence of the log or this time (RFC 3339), with no end to catch
    /// up with and nothing switched
    #[arg(long, value_name = "SEQUENCE|TIME", requires = "into", conflicts_with_all = ["check", "document"])]
    pub as_of: Option<AsOf>,
    /// What the read model of the past is called: lower-case letters, digits and underscores, a letter first
    #[arg(long, value_name = "NAME", requires = "as_of")]
    pub into: Option<Name>,
    /// Only compare new read models with the serving ones, row by row, and drop them; exit status 1 if they differ
    #[arg(long)]
    pub check: bool,
    /// Throw away what a rebuild that was killed has filled, instead of going on with it
    #[arg(long, conflicts_with = "check")]
    pub from_scratch: bool,
    /// Most events that are applied in a second; more than are appended, or it never ends. No limit when left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_events_per_second: Option<u32>,
    /// Repair this document alone, in the serving tables: its row, text and history are made anew from its own events, and
    /// the statistics and facets of its workspace are counted anew. Its concepts, cluster, links and duplicates are not
    /// repaired: they depend on other documents, and are rebuilt whole with --projection knowledge
    #[arg(long, conflicts_with_all = ["projection", "check", "from_scratch", "max_events_per_second"])]
    pub document: Option<Uuid>,
    /// Rebuild the rows of this workspace alone, from its own events, and put those that differ in the serving ones' place;
    /// with --check only count them
    #[arg(long, conflicts_with_all = ["as_of", "document"])]
    pub workspace: Option<Uuid>,
    /// Answer as JSON, and show progress as lines of JSON on a terminal too
    #[arg(long)]
    pub json: bool,
}

/// Going back to the read models that served before.
#[derive(Args, Clone, Debug)]
pub struct Rollback {
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Batches
    #[command(flatten)]
    pub batches: Batches,
    /// Go back with this projection alone; with all that have a previous generation when left out
    #[arg(long)]
    pub projection: Option<Projection>,
    /// Most events that are applied in a second while the previous generation catches up. No limit when left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_events_per_second: Option<u32>,
    /// Answer as JSON, and show progress as lines of JSON on a terminal too
    #[arg(long)]
    pub json: bool,
}

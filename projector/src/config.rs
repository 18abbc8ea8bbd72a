//! Everything that can be set, read once in `main`.

mod past;
mod rebuild;

pub(crate) use past::{Past, PastAction};
pub(crate) use rebuild::{Rebuild, Rollback};

use crate::projection::Projection;
use bytesize::ByteSize;
use clap::{Args, Parser};
use runtime::config::{Disk, Http, Log, Memory, Nats, Postgres, Redis, Secret, Traces, duration};
use runtime::event_log::Follow;
use std::net::SocketAddr;
use std::time::Duration;

/// A shorter lease would run out on a machine that is merely busy.
const SHORTEST_LEASE: Duration = Duration::from_millis(500);

/// SyncBoard projector: events in, read models out
#[derive(Parser, Clone, Debug)]
#[command(name = "projector", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Config {
    /// What to do; following the log when left out
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// Following the log
    #[command(flatten)]
    pub run: Run,
}

/// What the projector can be asked to do.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Subcommand {
    /// Follow the log and keep the read models
    Run(Box<Run>),
    /// Make or update the database's tables, the log's stream and the blob store, where they are missing or old
    Migrate(Migrate),
    /// Say how far the read models are behind the log
    Status(Status),
    /// Fill new read models from the whole log beside the serving ones, then put them in their place; a rebuild that was
    /// killed goes on where it stopped
    #[command(alias = "replay")]
    Rebuild(Rebuild),
    /// Put the read models that served before the last rebuild in the place of the serving ones, or back again
    Rollback(Rollback),
    /// Check that the log has no gap, that every text it names is there, and that the read models are what it says;
    /// changes nothing
    Verify(Verify),
    /// Show what this program's analysis would make of the documents beside what is served now; changes nothing
    Compare(Compare),
    /// Show events that could not be applied, try them again, or leave one out
    Failures(Failures),
    /// List the read models of the past, which `rebuild --as-of` makes, or drop one
    Past(Past),
    /// Say whether the projector that listens here has what it needs, for health checks of containers; exit status 1 and the reasons if not
    Health(Health),
}

/// Asking a service whether it is ready.
#[derive(Args, Clone, Debug)]
pub struct Health {
    /// Address of the service
    #[arg(long, env = "SYNCBOARD_PROJECTOR_LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
}

/// Following the log.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Address of health and metrics
    #[arg(long, env = "SYNCBOARD_PROJECTOR_LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// The cache
    #[command(flatten)]
    pub redis: Redis,
    /// Serving HTTP
    #[command(flatten)]
    pub http: Http,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Memory
    #[command(flatten)]
    pub memory: Memory,
    /// Disks
    #[command(flatten)]
    pub disk: Disk,
    /// Traces
    #[command(flatten)]
    pub traces: Traces,
    /// Batches
    #[command(flatten)]
    pub batches: Batches,
    /// How long other projectors wait for a word of this one before they take over what it works on; longer is safer on a
    /// slow machine
    #[arg(long, env = "SYNCBOARD_PROJECTOR_LEASE", value_parser = lease, default_value = "2500ms")]
    pub lease: Duration,
}

/// Batches.
#[derive(Args, Clone, Debug)]
pub struct Batches {
    /// Most events that one transaction applies
    #[arg(long, env = "SYNCBOARD_BATCH_EVENTS", default_value_t = 4_000)]
    pub batch_events: usize,
    /// Most bytes of events that one transaction applies
    #[arg(long, env = "SYNCBOARD_BATCH_BYTES", default_value = "8MiB")]
    pub batch_bytes: ByteSize,
}

/// Reads how long a lease is.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text).map_err(|error| error.to_string())?;
    if lease < SHORTEST_LEASE { Err(format!("a lease is at least {SHORTEST_LEASE:?} long")) } else { Ok(lease) }
}

impl Batches {
    /// How a consumer of this name reads.
    pub(crate) fn follow(&self, name: String) -> Follow {
        let batch_bytes = usize::try_from(self.batch_bytes.as_u64()).unwrap_or(usize::MAX);
        Follow { name, batch_events: self.batch_events, batch_bytes, subject: None }
    }
}

/// Preparing the servers.
#[derive(Args, Clone, Debug)]
pub struct Migrate {
    /// NATS with an administrator's credential; the services' own where this is not set
    #[arg(long, env = "NATS_ADMIN_URL", hide_env_values = true)]
    pub nats_admin_url: Option<Secret>,
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// Replicas of the log's stream and the blob store when they are made: 1, 3 or 5
    #[arg(long, env = "SYNCBOARD_NATS_REPLICAS", default_value_t = 1)]
    pub nats_replicas: usize,
    /// Logs
    #[command(flatten)]
    pub log: Log,
}

/// Asking how far the read models are.
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checking the log and the read models.
#[derive(Args, Clone, Debug)]
pub struct Verify {
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
    /// Check the tables of this projection alone; of all of them when left out
    #[arg(long)]
    pub projection: Option<Projection>,
    /// Check the log and its texts alone, and no tables
    #[arg(long, conflicts_with = "projection")]
    pub log_only: bool,
    /// Most events that are applied in a second while tables are filled to compare with. No limit when left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_events_per_second: Option<u32>,
    /// How many faults of the log, and differing rows of each table, are shown
    #[arg(long, default_value_t = 10)]
    pub shown: u32,
    /// Answer as lines of JSON, and show progress so on a terminal too
    #[arg(long)]
    pub json: bool,
}

/// Events that could not be applied.
#[derive(Args, Clone, Debug)]
pub struct Failures {
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Answer as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do with them
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done about events that could not be applied. Each decision is kept with who made it, when, why, and what
/// came of it.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Action {
    /// List the events that could not be applied, and how many wait behind each
    List,
    /// Show one: its stream, its error, its headers and body as they stand in the log, what was decided about it
    Show {
        /// Its sequence
        sequence: u64,
    },
    /// Have the projector apply it and what waits behind it once more
    Retry {
        /// Its sequence; all that could not be applied when left out
        sequence: Option<u64>,
        /// Of this projection; of each that parked it when left out
        #[arg(long)]
        projection: Option<Projection>,
        /// Why now
        #[arg(long, default_value = "the cause was removed")]
        reason: String,
    },
    /// Have the projector leave it out, now and in every rebuild, and apply what waits behind it
    Skip {
        /// Its sequence
        sequence: u64,
        /// Of this projection; of each that parked it when left out
        #[arg(long)]
        projection: Option<Projection>,
        /// Why nothing is lost without it
        #[arg(long)]
        reason: String,
    },
}

/// Comparing analyses.
#[derive(Args, Clone, Debug)]
pub struct Compare {
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
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

//! Everything that can be set, read once in `main`.

use bytesize::ByteSize;
use clap::{Args, Parser};
use runtime::config::{Auth, Http, Log, Memory, Nats, Postgres, Redis, Traces, duration};
use runtime::past::Name;
use std::net::SocketAddr;
use std::time::Duration;

/// SyncBoard query-service: HTTP in, read models out
#[derive(Parser, Clone, Debug)]
#[command(name = "query-service", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Config {
    /// What to do; serving queries when left out
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// Serving queries
    #[command(flatten)]
    pub serve: Serve,
}

/// What the query-service can be asked to do.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Subcommand {
    /// Serve queries and subscriptions over HTTP
    Serve(Box<Serve>),
    /// Say whether the service that listens here has what it needs, for health checks of containers; exit status 1 and the reasons if not
    Health(Health),
}

/// Asking a service whether it is ready.
#[derive(Args, Clone, Debug)]
pub struct Health {
    /// Address of the service
    #[arg(long, env = "SYNCBOARD_QUERY_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
}

/// Serving queries.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Address to listen on
    #[arg(long, env = "SYNCBOARD_QUERY_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// Show this read model of the past, made by `projector rebuild --as-of`, instead of the present: without the cache,
    /// without subscriptions, and with nothing to wait for
    #[arg(long, env = "SYNCBOARD_READ_MODEL", value_name = "NAME")]
    pub read_model: Option<Name>,
    /// Announcements and the blob store
    #[command(flatten)]
    pub nats: Nats,
    /// The read models
    #[command(flatten)]
    pub postgres: Postgres,
    /// The cache
    #[command(flatten)]
    pub redis: Redis,
    /// Serving HTTP
    #[command(flatten)]
    pub http: Http,
    /// Access tokens
    #[command(flatten)]
    pub auth: Auth,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Memory
    #[command(flatten)]
    pub memory: Memory,
    /// Traces
    #[command(flatten)]
    pub traces: Traces,
    /// Reading
    #[command(flatten)]
    pub reads: Reads,
    /// Subscribers
    #[command(flatten)]
    pub subscriptions: Subscriptions,
}

/// Subscribers.
#[derive(Args, Clone, Debug)]
pub struct Subscriptions {
    /// Most subscribers of this process
    #[arg(long, env = "SYNCBOARD_SUBSCRIBERS", default_value_t = 20_000)]
    pub subscribers: usize,
    /// Most subscribers of one workspace at this process
    #[arg(long, env = "SYNCBOARD_WORKSPACE_SUBSCRIBERS", default_value_t = 1_000)]
    pub workspace_subscribers: usize,
    /// How many of the last events are kept in memory for subscribers; who is further behind is served from the log
    #[arg(long, env = "SYNCBOARD_RECENT_EVENTS", default_value_t = 10_000)]
    pub recent_events: u32,
    /// How much memory they may take together
    #[arg(long, env = "SYNCBOARD_RECENT_BYTES", default_value = "32MiB")]
    pub recent_bytes: ByteSize,
    /// How many subscribers are served from the log at once
    #[arg(long, env = "SYNCBOARD_BACKLOG_READERS", default_value_t = 8)]
    pub backlog_readers: usize,
    /// How often a subscriber is told that the connection stands, and up to where it has seen the log
    #[arg(long, env = "SYNCBOARD_HEARTBEAT", value_parser = duration, default_value = "15s")]
    pub heartbeat: Duration,
    /// How long a subscriber may take nothing of what waits for it, before its subscription is closed
    #[arg(long, env = "SYNCBOARD_SUBSCRIBER_TIMEOUT", value_parser = duration, default_value = "10s")]
    pub subscriber_timeout: Duration,
    /// How many events of the log a subscriber may fall behind again once it had caught up
    #[arg(long, env = "SYNCBOARD_SUBSCRIBER_LAG", default_value_t = 100_000)]
    pub subscriber_lag: u64,
    /// How long a ticket is good for
    #[arg(long, env = "SYNCBOARD_TICKET_LIFETIME", value_parser = duration, default_value = "30s")]
    pub ticket_lifetime: Duration,
}

/// Reading.
#[derive(Args, Clone, Debug)]
pub struct Reads {
    /// How long a read with min_sequence waits for the read models, before it is answered 503
    #[arg(long, env = "SYNCBOARD_WAIT_TIMEOUT", value_parser = duration, default_value = "5s")]
    pub wait_timeout: Duration,
    /// Items of a page when the request does not say
    #[arg(long, env = "SYNCBOARD_PAGE", default_value_t = 50)]
    pub page: u32,
    /// Most items of a page
    #[arg(long, env = "SYNCBOARD_PAGE_LIMIT", default_value_t = 200)]
    pub page_limit: u32,
    /// How many answers are kept in memory, before Redis is asked, some 1 KiB each
    #[arg(long, env = "SYNCBOARD_HOT_DOCUMENTS", default_value_t = 5_000)]
    pub hot_documents: usize,
    /// Looking over many documents at once
    #[command(flatten)]
    pub overviews: Overviews,
}

/// Looking over many documents at once.
#[derive(Args, Clone, Debug)]
pub struct Overviews {
    /// Newest documents in which concepts are counted together, for the graph, neighbours and what is rising
    #[arg(long, env = "SYNCBOARD_CONSIDERED_DOCUMENTS", default_value_t = 5_000)]
    pub considered_documents: u32,
    /// Occurrences of concepts in documents that are looked at to find related ones, those of the rarest concepts first
    #[arg(long, env = "SYNCBOARD_RELATED_OCCURRENCES", default_value_t = 20_000)]
    pub related_occurrences: u32,
    /// Concepts of a graph when the request does not say
    #[arg(long, env = "SYNCBOARD_GRAPH_NODES", default_value_t = 60)]
    pub graph_nodes: u32,
    /// Most concepts of a graph; never more than 400
    #[arg(long, env = "SYNCBOARD_GRAPH_NODES_LIMIT", default_value_t = 400)]
    pub graph_nodes_limit: u32,
    /// Connections of a graph when the request does not say
    #[arg(long, env = "SYNCBOARD_GRAPH_EDGES", default_value_t = 150)]
    pub graph_edges: u32,
    /// Most connections of a graph; never more than 2,000
    #[arg(long, env = "SYNCBOARD_GRAPH_EDGES_LIMIT", default_value_t = 2_000)]
    pub graph_edges_limit: u32,
    /// Most intervals of a course of time; the last ones are shown
    #[arg(long, env = "SYNCBOARD_INTERVALS_LIMIT", default_value_t = 1_000)]
    pub intervals_limit: u32,
    /// Fewest new documents that make a concept rise
    #[arg(long, env = "SYNCBOARD_RISING_DOCUMENTS", default_value_t = 3)]
    pub rising_documents: u32,
    /// How much of each of two texts is compared, at most
    #[arg(long, env = "SYNCBOARD_COMPARE_LIMIT", default_value = "1MiB")]
    pub compare_limit: ByteSize,
    /// Most changes of a document that are read to show it as it was
    #[arg(long, env = "SYNCBOARD_PAST_CHANGES", default_value_t = 20_000)]
    pub past_changes: u32,
    /// Longest text that is analysed to show a document as it was, where no analysis of it is remembered
    #[arg(long, env = "SYNCBOARD_PAST_TEXT", default_value = "1MiB")]
    pub past_text: ByteSize,
    /// Answers at once that take a processor and whole texts: comparisons, differences, analyses of the past, graphs; further
    /// ones wait, and are answered 503 after ten seconds
    #[arg(long, env = "SYNCBOARD_HEAVY_READS", default_value_t = 4)]
    pub heavy_reads: usize,
}

/// Sizes of pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// When the request does not say.
    pub(crate) usual: u32,
    /// At most.
    pub(crate) most: u32,
}

impl Pages {
    /// How many items a request gets.
    pub(crate) fn limit(self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(self.usual).min(self.most)
    }
}

impl Reads {
    pub(crate) fn pages(&self) -> Pages {
        Pages { usual: self.page.min(self.page_limit), most: self.page_limit }
    }
}

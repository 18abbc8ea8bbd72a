//! Everything that can be set, read once in `main`.

use bytesize::ByteSize;
use clap::{Args, Parser};
use runtime::config::{Auth, Http, Log, Nats, Postgres, Redis, duration};
use std::net::SocketAddr;
use std::time::Duration;

/// SyncBoard query-service: HTTP in, read models out
#[derive(Parser, Clone, Debug)]
#[command(name = "query-service", version)]
pub struct Config {
    /// Address to listen on
    #[arg(long, env = "SYNCBOARD_QUERY_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
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
    /// Reading
    #[command(flatten)]
    pub reads: Reads,
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

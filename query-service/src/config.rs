//! Everything that can be set, read once in `main`.

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
}

/// Sizes of pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// When the request does not say.
    pub(crate) usual: u32,
    /// At most.
    pub(crate) most: u32,
}

impl Reads {
    pub(crate) fn pages(&self) -> Pages {
        Pages { usual: self.page.min(self.page_limit), most: self.page_limit }
    }
}

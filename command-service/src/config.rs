//! Everything that can be set, read once in `main`.

use crate::assistant::Assist;
use bytesize::ByteSize;
use clap::{Args, Parser};
use domain::document::Limits;
use runtime::config::{Auth, DatabaseRoom, Disk, Http, Log, LogRoom, Memory, Nats, Postgres, Traces, duration};
use std::net::SocketAddr;
use std::time::Duration;

/// SyncBoard command-service: HTTP in, events out
#[derive(Parser, Clone, Debug)]
#[command(name = "command-service", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Config {
    /// What to do; serving commands when left out
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// Serving commands
    #[command(flatten)]
    pub serve: Serve,
}

/// What the command-service can be asked to do.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum Subcommand {
    /// Serve commands over HTTP
    Serve(Serve),
    /// Ask a language model about new texts and unnamed clusters, and record its answers
    Assist(Assist),
    /// Say whether the service that listens here has what it needs, for health checks of containers; exit status 1 and the reasons if not
    Health(Health),
}

/// Asking a service whether it is ready.
#[derive(Args, Clone, Debug)]
pub struct Health {
    /// Address of the service; the assistant has one of its own
    #[arg(long, env = "SYNCBOARD_COMMAND_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
}

/// Serving commands.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Address to listen on
    #[arg(long, env = "SYNCBOARD_COMMAND_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database, here for identities alone
    #[command(flatten)]
    pub postgres: Postgres,
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
    /// Disks
    #[command(flatten)]
    pub disk: Disk,
    /// Room in the log
    #[command(flatten)]
    pub log_room: LogRoom,
    /// Room in the database
    #[command(flatten)]
    pub database_room: DatabaseRoom,
    /// Traces
    #[command(flatten)]
    pub traces: Traces,
    /// Deciding and appending
    #[command(flatten)]
    pub commands: Commands,
    /// Passwords and tokens
    #[command(flatten)]
    pub passwords: Passwords,
    /// What documents may hold
    #[command(flatten)]
    pub limits: DocumentLimits,
    /// Telling who uploads a text which other documents have it
    #[command(flatten)]
    pub duplicates: Duplicates,
}

/// Deciding and appending.
#[derive(Args, Clone, Debug)]
pub struct Commands {
    /// How often a command is decided again when others change the same thing, before it is answered 409
    #[arg(long, env = "SYNCBOARD_COMMAND_ATTEMPTS", default_value_t = 10)]
    pub command_attempts: u32,
    /// How long one command may take in all, before it is answered 503
    #[arg(long, env = "SYNCBOARD_COMMAND_TIMEOUT", value_parser = duration, default_value = "8s")]
    pub command_timeout: Duration,
    /// How many decision states are kept in memory, some 1 KiB each
    #[arg(long, env = "SYNCBOARD_STATES", default_value_t = 20_000)]
    pub states: usize,
}

/// Passwords and tokens.
#[derive(Args, Clone, Debug)]
pub struct Passwords {
    /// Password hashes computed at once, each on a thread of its own with 19 MiB
    #[arg(long, env = "SYNCBOARD_PASSWORD_HASHES", default_value_t = 2)]
    pub password_hashes: usize,
    /// Requests that may wait for a password hash; further ones are answered 503
    #[arg(long, env = "SYNCBOARD_PASSWORD_QUEUE", default_value_t = 64)]
    pub password_queue: usize,
    /// How long an access token is valid
    #[arg(long, env = "SYNCBOARD_TOKEN_LIFETIME", value_parser = duration, default_value = "24h")]
    pub token_lifetime: Duration,
}

/// What documents may hold.
#[derive(Args, Clone, Debug)]
pub struct DocumentLimits {
    /// Most characters of a title, or of a cluster's name
    #[arg(long, env = "SYNCBOARD_TITLE_CHARS", default_value_t = 300)]
    pub title_chars: usize,
    /// Most characters of a tag
    #[arg(long, env = "SYNCBOARD_TAG_CHARS", default_value_t = 64)]
    pub tag_chars: usize,
    /// Most tags of one document
    #[arg(long, env = "SYNCBOARD_TAGS", default_value_t = 64)]
    pub tags: usize,
    /// Most characters of a concept's name
    #[arg(long, env = "SYNCBOARD_CONCEPT_CHARS", default_value_t = 100)]
    pub concept_chars: usize,
    /// Most concepts that users may add to one document, and as many that they may remove from it
    #[arg(long, env = "SYNCBOARD_CONCEPTS", default_value_t = 64)]
    pub concepts: usize,
    /// Most links of one document to others
    #[arg(long, env = "SYNCBOARD_LINKS", default_value_t = 200)]
    pub links: usize,
    /// Most documents that are asked whether a new link would lead in a circle, before it is answered 422
    #[arg(long, env = "SYNCBOARD_LINK_WALK", default_value_t = 1_000)]
    pub link_walk: usize,
    /// Most characters of a source's name, address or author
    #[arg(long, env = "SYNCBOARD_SOURCE_CHARS", default_value_t = 2_000)]
    pub source_chars: usize,
    /// Largest text of a document, in UTF-8
    #[arg(long, env = "SYNCBOARD_TEXT_LIMIT", default_value = "10MiB")]
    pub text_limit: ByteSize,
}

/// Telling who uploads a text which other documents have it.
#[derive(Args, Clone, Debug)]
pub struct Duplicates {
    /// How long an upload's answer may wait to name the documents with the same text; 0s: it never names any
    #[arg(long, env = "SYNCBOARD_DUPLICATES_TIMEOUT", value_parser = duration, default_value = "50ms")]
    pub duplicates_timeout: Duration,
    /// How many texts of the last seconds are remembered, which the read models may not show yet
    #[arg(long, env = "SYNCBOARD_DUPLICATES_RECENT", default_value_t = 10_000)]
    pub duplicates_recent: usize,
}

impl DocumentLimits {
    /// As the domain knows them.
    pub(crate) fn values(&self) -> Limits {
        Limits {
            title_chars: self.title_chars,
            tag_chars: self.tag_chars,
            tags: self.tags,
            concept_chars: self.concept_chars,
            concepts: self.concepts,
            links: self.links,
            source_chars: self.source_chars,
            text_bytes: usize::try_from(self.text_limit.as_u64()).unwrap_or(usize::MAX),
        }
    }
}

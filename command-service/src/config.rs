//! Everything that can be set, read once in `main`.

use bytesize::ByteSize;
use clap::{Args, Parser};
use domain::document::Limits;
use runtime::config::{Auth, Http, Log, Nats, Postgres, duration};
use std::net::SocketAddr;
use std::time::Duration;

/// SyncBoard command-service: HTTP in, events out
#[derive(Parser, Clone, Debug)]
#[command(name = "command-service", version)]
pub struct Config {
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
    /// Deciding and appending
    #[command(flatten)]
    pub commands: Commands,
    /// Passwords and tokens
    #[command(flatten)]
    pub passwords: Passwords,
    /// What documents may hold
    #[command(flatten)]
    pub limits: DocumentLimits,
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
    /// Most characters of a title
    #[arg(long, env = "SYNCBOARD_TITLE_CHARS", default_value_t = 300)]
    pub title_chars: usize,
    /// Most characters of a tag
    #[arg(long, env = "SYNCBOARD_TAG_CHARS", default_value_t = 64)]
    pub tag_chars: usize,
    /// Most tags of one document
    #[arg(long, env = "SYNCBOARD_TAGS", default_value_t = 64)]
    pub tags: usize,
    /// Most characters of a source's name, address or author
    #[arg(long, env = "SYNCBOARD_SOURCE_CHARS", default_value_t = 2_000)]
    pub source_chars: usize,
    /// Largest text of a document, in UTF-8
    #[arg(long, env = "SYNCBOARD_TEXT_LIMIT", default_value = "10MiB")]
    pub text_limit: ByteSize,
}

impl DocumentLimits {
    /// As the domain knows them.
    pub(crate) fn values(&self) -> Limits {
        Limits {
            title_chars: self.title_chars,
            tag_chars: self.tag_chars,
            tags: self.tags,
            source_chars: self.source_chars,
            text_bytes: usize::try_from(self.text_limit.as_u64()).unwrap_or(usize::MAX),
        }
    }
}

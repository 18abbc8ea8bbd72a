//! Configuration sections that binaries flatten into their own. Flags and environment alone, and the files that it
//! names, read once; the doc comments are the `--help`.

mod files;

pub use files::{documented, parse};

use bytesize::ByteSize;
use clap::Args;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Reads a duration with its unit, such as `250ms`.
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

/// A value that must not be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The event log.
#[derive(Args, Clone, Debug)]
pub struct Nats {
    /// NATS servers, comma separated, with credentials: nats://user:password@host:4222
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    pub nats_url: Secret,
    /// How long a NATS request, such as an append, waits for its answer
    #[arg(long, env = "SYNCBOARD_NATS_TIMEOUT", value_parser = duration, default_value = "2s")]
    pub nats_timeout: Duration,
}

/// The database of read models and identities.
#[derive(Args, Clone, Debug)]
pub struct Postgres {
    /// PostgreSQL: postgres://user:password@host:5432/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,
    /// Most connections that this process opens
    #[arg(long, env = "SYNCBOARD_DATABASE_CONNECTIONS", default_value_t = 8)]
    pub database_connections: u32,
    /// How long a request waits for a connection
    #[arg(long, env = "SYNCBOARD_DATABASE_TIMEOUT", value_parser = duration, default_value = "2s")]
    pub database_timeout: Duration,
    /// Longest time that one statement of a request may run
    #[arg(long, env = "SYNCBOARD_STATEMENT_TIMEOUT", value_parser = duration, default_value = "10s")]
    pub statement_timeout: Duration,
}

/// The shared cache.
#[derive(Args, Clone, Debug)]
pub struct Redis {
    /// Redis or Valkey: redis://:password@host:6379
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub redis_url: Secret,
    /// How long a cache look-up may take before the cache is passed over
    #[arg(long, env = "SYNCBOARD_REDIS_TIMEOUT", value_parser = duration, default_value = "100ms")]
    pub redis_timeout: Duration,
}

/// Logs.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// Least level that is logged: error, warn, info, debug, trace; per target as in info,sqlx=warn
    #[arg(long, env = "SYNCBOARD_LOG", default_value = "info")]
    pub log: String,
    /// Form of the log lines
    #[arg(long, env = "SYNCBOARD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line
    Json,
    /// For people
    Text,
}

/// Serving HTTP.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Largest body of a request that carries a text
    #[arg(long, env = "SYNCBOARD_TEXT_BODY_LIMIT", default_value = "12MiB")]
    pub text_body_limit: ByteSize,
    /// Largest body of any other request
    #[arg(long, env = "SYNCBOARD_BODY_LIMIT", default_value = "64KiB")]
    pub body_limit: ByteSize,
    /// How long a request's body may take to arrive
    #[arg(long, env = "SYNCBOARD_BODY_TIMEOUT", value_parser = duration, default_value = "30s")]
    pub body_timeout: Duration,
    /// Most requests in progress at once; further ones are answered 503
    #[arg(long, env = "SYNCBOARD_MAX_REQUESTS", default_value_t = 1_024)]
    pub max_requests: usize,
    /// How long requests in progress may take to finish when the process is told to stop
    #[arg(long, env = "SYNCBOARD_DRAIN_TIMEOUT", value_parser = duration, default_value = "10s")]
    pub drain_timeout: Duration,
    /// How long a connection may be silent before its first request and between two, before it is closed
    #[arg(long, env = "SYNCBOARD_IDLE_TIMEOUT", value_parser = duration, default_value = "75s")]
    pub idle_timeout: Duration,
    /// How long a client may take nothing of an answer before its connection is closed
    #[arg(long, env = "SYNCBOARD_WRITE_TIMEOUT", value_parser = duration, default_value = "60s")]
    pub write_timeout: Duration,
}

/// Access tokens.
#[derive(Args, Clone, Debug)]
pub struct Auth {
    /// Secret that signs access tokens, at least 32 characters; the same for every service
    #[arg(long, env = "SYNCBOARD_SECRET_KEY", hide_env_values = true, value_parser = secret_key)]
    pub secret_key: Secret,
}

fn secret_key(text: &str) -> Result<Secret, &'static str> {
    if text.len() < 32 { Err("is shorter than 32 characters") } else { Ok(Secret(text.to_owned())) }
}

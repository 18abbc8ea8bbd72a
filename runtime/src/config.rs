//! Configuration sections that binaries flatten into their own. Flags and environment alone, and the files that it
//! names, read once; the doc comments are the `--help`.

mod files;
mod traces;

pub(crate) use files::read;
pub use files::{documented, parse};
pub use traces::{Sampler, Traces};

use bytesize::ByteSize;
use clap::Args;
use std::fmt;
use std::path::{Path, PathBuf};
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
pub struct Secret {
    value: String,
    /// Where it stands, and may be replaced while the program runs.
    file: Option<PathBuf>,
}

impl Secret {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// The file that it came from.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What its file holds by now, for those who begin anew; the value as it is where there is no file to be read.
    #[must_use]
    pub(crate) fn latest(&self) -> Self {
        let latest = self.file().and_then(|file| read(file).ok());
        latest.map_or_else(|| self.clone(), |value| self.replaced(value))
    }

    /// Another value from the same file.
    pub(crate) fn replaced(&self, value: String) -> Self {
        Self { value, file: self.file.clone() }
    }
}

/// Between a file's name and what it holds, where both are handed to the parser of arguments. No argument and no variable of
/// the environment can hold it, so what does has come from a file.
pub(crate) const NUL: char = '\0';

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(NUL) {
            Some((file, value)) => Self { value: value.to_owned(), file: Some(file.into()) },
            None => Self { value: text.to_owned(), file: None },
        })
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
    /// Statements that take this long or longer are logged, without their parameters, and counted; 0s: none is
    #[arg(long, env = "SYNCBOARD_SLOW_STATEMENT", value_parser = duration, default_value = "250ms")]
    pub slow_statement: Duration,
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
    /// Most bytes of bodies larger than that which are held at once; further ones wait, and are answered 503 after the body
    /// timeout
    #[arg(long, env = "SYNCBOARD_BODIES_LIMIT", default_value = "128MiB")]
    pub bodies_limit: ByteSize,
    /// How long a request's body may take to arrive, and how long the rest of a refused one is still taken, and thrown away
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
    /// Further secrets, comma separated, whose access tokens are accepted: the next one before it signs, previous ones until
    /// their tokens have ended
    #[arg(long, env = "SYNCBOARD_ACCEPTED_KEYS", hide_env_values = true, value_parser = accepted_keys)]
    pub accepted_keys: Option<Secret>,
}

impl Auth {
    /// Tokens under one secret alone.
    #[must_use]
    pub const fn of(secret_key: Secret) -> Self {
        Self { secret_key, accepted_keys: None }
    }

    /// Every secret whose tokens are accepted, the one that signs first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.secret_key.expose()).chain(self.accepted_keys.iter().flat_map(keys))
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Result<(), &'static str> {
        check(self.keys())
    }
}

fn keys(secret: &Secret) -> impl Iterator<Item = &str> {
    secret.expose().split(',').map(str::trim)
}

fn check<'a>(mut keys: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
    if keys.any(|key| key.len() < 32) { Err("is shorter than 32 characters") } else { Ok(()) }
}

fn secret_key(text: &str) -> Result<Secret, &'static str> {
    let Ok(secret) = text.parse::<Secret>();
    check(std::iter::once(secret.expose()))?;
    Ok(secret)
}

fn accepted_keys(text: &str) -> Result<Secret, &'static str> {
    let Ok(secret) = text.parse::<Secret>();
    check(keys(&secret))?;
    Ok(secret)
}

/// Memory.
#[derive(Args, Clone, Debug)]
pub struct Memory {
    /// Percent of the memory limit from which on the service is not ready; 0: it does not matter
    #[arg(long, env = "SYNCBOARD_MEMORY_WATERMARK", default_value_t = 90, value_parser = percent())]
    pub memory_watermark: u8,
    /// Percent of the memory limit below which it is ready again
    #[arg(long, env = "SYNCBOARD_MEMORY_LOW_WATERMARK", default_value_t = 80, value_parser = percent())]
    pub memory_low_watermark: u8,
    /// Memory that this process may take; what its control groups (version 2) may when left out, and no limit without them
    #[arg(long, env = "SYNCBOARD_MEMORY_LIMIT")]
    pub memory_limit: Option<ByteSize>,
}

/// Disks.
#[derive(Args, Clone, Debug)]
pub struct Disk {
    /// Folders, comma separated, whose disks must not run full: those of the log and of the database, where they are on this
    /// machine
    #[arg(long, env = "SYNCBOARD_DISK_PATHS", value_delimiter = ',')]
    pub disk_paths: Vec<PathBuf>,
    /// Free space of these disks below which the service is not ready, and takes no commands
    #[arg(long, env = "SYNCBOARD_DISK_WATERMARK", default_value = "1GiB")]
    pub disk_watermark: ByteSize,
    /// Free space of these disks from which on it is ready again
    #[arg(long, env = "SYNCBOARD_DISK_LOW_WATERMARK", default_value = "1.5GiB")]
    pub disk_low_watermark: ByteSize,
}

/// Room in the log.
#[derive(Args, Clone, Debug)]
pub struct LogRoom {
    /// Percent of what the log's account may store from which on the service is not ready, and takes no commands; 0: it does
    /// not matter
    #[arg(long, env = "SYNCBOARD_LOG_WATERMARK", default_value_t = 90, value_parser = percent())]
    pub log_watermark: u8,
    /// Percent of what the log's account may store below which it is ready again
    #[arg(long, env = "SYNCBOARD_LOG_LOW_WATERMARK", default_value_t = 80, value_parser = percent())]
    pub log_low_watermark: u8,
}

/// Room in the database.
#[derive(Args, Clone, Debug)]
pub struct DatabaseRoom {
    /// Bytes that the database may take of its disk; no limit when left out. A rebuild takes as much again
    #[arg(long, env = "SYNCBOARD_DATABASE_LIMIT")]
    pub database_limit: Option<ByteSize>,
    /// Percent of what the database may take from which on the service is not ready, and takes no commands; 0: it does not
    /// matter
    #[arg(long, env = "SYNCBOARD_DATABASE_WATERMARK", default_value_t = 90, value_parser = percent())]
    pub database_watermark: u8,
    /// Percent of what the database may take below which it is ready again
    #[arg(long, env = "SYNCBOARD_DATABASE_LOW_WATERMARK", default_value_t = 80, value_parser = percent())]
    pub database_low_watermark: u8,
}

fn percent() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(0..=100)
}

//! The command line.

use crate::facts;
use clap::{Args, Parser};
use runtime::config::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;

/// SyncBoard Knowledge Bank on one machine: starts everything it needs, or uploads files to it
#[derive(Parser, Debug)]
#[command(name = "syncboard", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do; running the whole system when left out
    #[command(subcommand)]
    pub(crate) subcommand: Option<Subcommand>,
    /// Running
    #[command(flatten)]
    pub(crate) run: Run,
}

/// What the program can be asked to do.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Subcommand {
    /// Upload text and Markdown files, or whole folders of them
    Upload(Upload),
    /// Draw the clusters and concepts of a workspace as an SVG picture
    Map(Map),
    /// Be the command-service (see its --help)
    #[command(disable_help_flag = true)]
    CommandService(Passed),
    /// Be the query-service (see its --help)
    #[command(disable_help_flag = true)]
    QueryService(Passed),
    /// Be the projector: run, migrate, status, rebuild, rollback, verify, compare, failures, past (see its --help)
    #[command(disable_help_flag = true)]
    Projector(Passed),
}

/// Arguments that a service reads itself.
#[derive(Args, Debug)]
pub(crate) struct Passed {
    /// The service's own arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) _args: Vec<String>,
}

/// Running the whole system.
#[derive(Args, Clone, Debug)]
pub(crate) struct Run {
    /// Folder with everything that is kept: the log, the database, secrets, logs
    #[arg(long, env = "SYNCBOARD_DATA", default_value = ".syncboard")]
    pub(crate) data: PathBuf,
    /// Keep nothing: a folder in the temporary directory, removed at the end
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Print one line of JSON when everything is ready, instead of the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Address of the command-service; port 0 picks a free one
    #[arg(long, env = "SYNCBOARD_COMMAND_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) command_listen: SocketAddr,
    /// Address of the query-service; port 0 picks a free one
    #[arg(long, env = "SYNCBOARD_QUERY_LISTEN", default_value = "127.0.0.1:8081")]
    pub(crate) query_listen: SocketAddr,
    /// Address of the projector's health and metrics; port 0 picks a free one
    #[arg(long, env = "SYNCBOARD_PROJECTOR_LISTEN", default_value = "127.0.0.1:8082")]
    pub(crate) projector_listen: SocketAddr,
    /// Address of the assistant's health and metrics; port 0 picks a free one
    #[arg(long, env = "SYNCBOARD_ASSISTANT_LISTEN", default_value = "127.0.0.1:8083")]
    pub(crate) assistant_listen: SocketAddr,
    /// A language model to ask for concepts, names and summaries: an endpoint of OpenAI's chat completions. Without it
    /// everything works, and nobody is asked
    #[arg(long, env = "SYNCBOARD_LLM_URL")]
    pub(crate) llm_url: Option<String>,
    /// Install no missing server; only say what is missing
    #[arg(long, env = "SYNCBOARD_NO_INSTALL", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) no_install: bool,
    /// How often the private nats-server syncs the log to disk: a duration, or always; needs nats-server 2.10
    #[arg(long, env = "SYNCBOARD_NATS_SYNC_INTERVAL", default_value = "100ms")]
    pub(crate) nats_sync_interval: String,
    /// Folders, comma separated, whose disks must not run full; the data folder when left out
    #[arg(long, env = "SYNCBOARD_DISK_PATHS", value_delimiter = ',')]
    pub(crate) disk_paths: Vec<PathBuf>,
    /// A PostgreSQL to use instead of a private one
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<Secret>,
    /// A NATS with JetStream to use instead of a private one
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    pub(crate) nats_url: Option<Secret>,
    /// A Redis or Valkey to use instead of a private one
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<Secret>,
    /// Secret that signs access tokens, at least 32 characters, instead of the data folder's own
    #[arg(long, env = "SYNCBOARD_SECRET_KEY", hide_env_values = true)]
    pub(crate) secret_key: Option<Secret>,
    /// Further secrets, comma separated, whose access tokens are accepted, while one takes the place of another
    #[arg(long, env = "SYNCBOARD_ACCEPTED_KEYS", hide_env_values = true)]
    pub(crate) accepted_keys: Option<Secret>,
}

/// Uploading files.
#[derive(Args, Clone, Debug)]
pub(crate) struct Upload {
    /// Files and folders; in folders, files that end in .txt, .text, .md or .markdown
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The system and the user
    #[command(flatten)]
    pub(crate) access: Access,
    /// Tag to put on every document; may be repeated
    #[arg(long = "tag")]
    pub(crate) tags: Vec<String>,
    /// Uploads in flight at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) in_flight: u16,
}

/// Drawing a workspace.
#[derive(Args, Clone, Debug)]
pub(crate) struct Map {
    /// File to write, an SVG picture
    pub(crate) file: PathBuf,
    /// The system and the user
    #[command(flatten)]
    pub(crate) access: Access,
    /// Address of the query-service, when it is not the one of the data folder
    #[arg(long, env = "SYNCBOARD_QUERY_URL")]
    pub(crate) query_url: Option<String>,
    /// Concepts to draw
    #[arg(long, default_value_t = 70, value_parser = clap::value_parser!(u16).range(1..=400))]
    pub(crate) concepts: u16,
    /// Clusters to name
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub(crate) clusters: u16,
}

/// A running system, and who asks.
#[derive(Args, Clone, Debug)]
pub(crate) struct Access {
    /// Data folder of the running system, where its address and this machine's account are
    #[arg(long, env = "SYNCBOARD_DATA", default_value = ".syncboard")]
    pub(crate) data: PathBuf,
    /// Address of the command-service, when it is not the one of the data folder
    #[arg(long, env = "SYNCBOARD_COMMAND_URL")]
    pub(crate) command_url: Option<String>,
    /// User name; an account made for the data folder if absent
    #[arg(long, env = "SYNCBOARD_USERNAME")]
    pub(crate) username: Option<String>,
    /// Password
    #[arg(long, env = "SYNCBOARD_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<Secret>,
}

impl Access {
    /// Where the command-service is: as said, or as the data folder says.
    pub(crate) fn command_url(&self) -> anyhow::Result<String> {
        let running = || Ok(facts::read(&self.data)?.map(|facts| facts.command_url));
        self.command_url.clone().map_or_else(running, |url| Ok(Some(url))).map(or("http://127.0.0.1:8080"))
    }
}

impl Map {
    /// Where the query-service is: as said, or as the data folder says.
    pub(crate) fn query_url(&self) -> anyhow::Result<String> {
        let running = || Ok(facts::read(&self.access.data)?.map(|facts| facts.query_url));
        self.query_url.clone().map_or_else(running, |url| Ok(Some(url))).map(or("http://127.0.0.1:8081"))
    }
}

fn or(usual: &'static str) -> impl Fn(Option<String>) -> String {
    move |url| url.unwrap_or_else(|| usual.to_owned())
}

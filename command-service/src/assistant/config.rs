//! What of the assistant can be set.

use crate::config::Commands;
use clap::Args;
use runtime::config::{Http, Log, Memory, Nats, Postgres, Secret, Traces, duration};
use std::net::SocketAddr;
use std::time::Duration;

/// Asking a language model about documents and clusters.
#[derive(Args, Clone, Debug)]
pub struct Assist {
    /// Address of health and metrics
    #[arg(long, env = "SYNCBOARD_ASSISTANT_LISTEN", default_value = "127.0.0.1:8083")]
    pub listen: SocketAddr,
    /// The event log
    #[command(flatten)]
    pub nats: Nats,
    /// The database: where the assistant stands, and the clusters that have no name yet
    #[command(flatten)]
    pub postgres: Postgres,
    /// Serving HTTP
    #[command(flatten)]
    pub http: Http,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Memory
    #[command(flatten)]
    pub memory: Memory,
    /// Traces
    #[command(flatten)]
    pub traces: Traces,
    /// Deciding and appending
    #[command(flatten)]
    pub commands: Commands,
    /// The language model
    #[command(flatten)]
    pub model: Model,
}

/// The language model.
#[derive(Args, Clone, Debug)]
pub struct Model {
    /// Base address of an endpoint that speaks OpenAI's chat completions, such as http://127.0.0.1:11434/v1
    #[arg(long, env = "SYNCBOARD_LLM_URL")]
    pub llm_url: String,
    /// Name of the model
    #[arg(long, env = "SYNCBOARD_LLM_MODEL", default_value = "default")]
    pub llm_model: String,
    /// Key of the endpoint, sent as a bearer token
    #[arg(long, env = "SYNCBOARD_LLM_KEY", hide_env_values = true)]
    pub llm_key: Option<Secret>,
    /// How long one answer may take
    #[arg(long, env = "SYNCBOARD_LLM_TIMEOUT", value_parser = duration, default_value = "60s")]
    pub llm_timeout: Duration,
    /// How often a question has no usable answer, or fails where another is answered, before it is given up; an endpoint
    /// that is away or refuses everything is waited for. Each pause is twice the one before, from one second on
    #[arg(long, env = "SYNCBOARD_LLM_ATTEMPTS", default_value_t = 4)]
    pub llm_attempts: u32,
    /// Most questions a minute
    #[arg(long, env = "SYNCBOARD_LLM_PER_MINUTE", default_value_t = 30)]
    pub llm_per_minute: u32,
    /// Most tokens a day (UTC), as the endpoint counts them; questions wait for the next day
    #[arg(long, env = "SYNCBOARD_LLM_TOKENS_PER_DAY", default_value_t = 1_000_000)]
    pub llm_tokens_per_day: u64,
    /// Most characters of a text that are sent
    #[arg(long, env = "SYNCBOARD_LLM_TEXT_CHARS", default_value_t = 12_000)]
    pub llm_text_chars: usize,
    /// Smallest cluster for which a name and a summary are asked
    #[arg(long, env = "SYNCBOARD_LLM_CLUSTER_DOCUMENTS", default_value_t = 5)]
    pub llm_cluster_documents: u32,
    /// How often clusters without a name are looked for
    #[arg(long, env = "SYNCBOARD_LLM_CLUSTERS_EVERY", value_parser = duration, default_value = "5m")]
    pub llm_clusters_every: Duration,
}

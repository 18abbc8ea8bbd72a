//! The rows, by name.

mod commands;
mod fanout;
mod large_log;
mod memory;
mod projectors;
mod queries;
mod subscribers;
mod visible;
mod workspace;

use crate::http::{Connection, NUMBER, Request};
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::{Size, replay};
use anyhow::Context;
use clap::ValueEnum;
use commands::Upload;
use serde_json::{Value, json};

/// Every row, in the order of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Resident memory of each service right after start
    #[value(name = "memory_idle")]
    MemoryIdle,
    /// A log of many workspaces into empty read models, by one projector and by two
    #[value(name = "projectors")]
    Projectors,
    /// Uploads over one connection
    #[value(name = "upload_1")]
    Upload1,
    /// Uploads over 16 connections
    #[value(name = "upload_16")]
    Upload16,
    /// Uploads over 64 connections
    #[value(name = "upload_64")]
    Upload64,
    /// Uploads over 64 connections while the projector stands still
    #[value(name = "upload_64_alone")]
    Upload64Alone,
    /// New titles for existing documents over 64 connections
    #[value(name = "edit_64")]
    Edit64,
    /// From the acknowledgement of an upload to its first read
    #[value(name = "visible")]
    Visible,
    /// Subscribers of ten workspaces: their memory, and from the acknowledgement of an event to its delivery
    #[value(name = "subscribers")]
    Subscribers,
    /// Events as fast as a hundred subscribers of one workspace take them
    #[value(name = "fanout")]
    Fanout,
    /// One document read over 64 connections
    #[value(name = "get_hot_64")]
    GetHot64,
    /// The whole log into empty read models
    #[value(name = "replay")]
    Replay,
    /// Pages of fifty documents
    #[value(name = "list_50")]
    List50,
    /// A rebuild while pages are read
    #[value(name = "rebuild")]
    Rebuild,
    /// Resident memory of each service after the events of the row replay
    #[value(name = "memory_after")]
    MemoryAfter,
    /// An append, a load and a start on a log of ten million events; only where it is named, and the last
    #[value(name = "large_log")]
    LargeLog,
}

impl Name {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// Whether it is measured although no row was named.
    pub(crate) fn is_usual(self) -> bool {
        self != Self::LargeLog
    }

    /// The name as it is written.
    pub(crate) fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Measures one row, which is one of each service where it is about memory.
pub(crate) async fn measure(name: Name, stack: &Stack, size: Size) -> anyhow::Result<Vec<Row>> {
    let upload = |connections| Upload { name: name.text(), connections, goals: Vec::new(), is_alone: false };
    let goals = || vec![Goal::Ratio(0.6)];
    let rows = match name {
        Name::MemoryIdle => memory::measure(&name.text(), stack, 30.0).await,
        Name::Projectors => projectors::measure(&name.text(), stack, size).await?,
        Name::Upload1 => vec![commands::upload(upload(1), stack, size).await?],
        Name::Upload16 => vec![commands::upload(upload(16), stack, size).await?],
        Name::Upload64 => vec![commands::upload(Upload { goals: goals(), ..upload(64) }, stack, size).await?],
        Name::Upload64Alone => {
            let alone = Upload { goals: goals(), is_alone: true, ..upload(64) };
            vec![commands::upload(alone, stack, size).await?]
        }
        Name::Edit64 => vec![commands::edit(name.text(), stack, size).await?],
        Name::Visible => vec![visible::measure(name.text(), stack, size).await?],
        Name::Subscribers => subscribers::measure(&name.text(), stack, size).await?,
        Name::Fanout => vec![fanout::measure(name.text(), stack, size).await?],
        Name::GetHot64 => vec![queries::get_hot(name.text(), stack, size).await?],
        Name::Replay => vec![replay::measure(name.text(), stack, size).await?],
        Name::List50 => vec![queries::list(name.text(), stack, size).await?],
        Name::Rebuild => replay::beside_readers(&name.text(), stack, size).await?,
        // Its events are not waited for.
        Name::LargeLog => return large_log::measure(&name.text(), stack, size).await,
        Name::MemoryAfter => {
            replay::token(stack, size).await?;
            memory::measure(&name.text(), stack, 150.0).await
        }
    };
    stack.caught_up().await?;
    stack.check()?;
    Ok(rows)
}

/// Registers an account, unless it is there, and answers its token.
pub(crate) async fn account(stack: &Stack, username: &str) -> anyhow::Result<String> {
    let mut http = Connection::open(stack.address("command_url")?).await?;
    let credentials = json!({ "username": username, "password": "correct horse battery" }).to_string();
    let registered = http.send(Request::new("POST", "/v1/accounts", "", &credentials).numbered(0)).await?.status;
    anyhow::ensure!(registered == 201 || registered == 409, "registering is answered {registered}");
    let login = Request::new("POST", "/v1/tokens", "", &credentials).numbered(0).to_vec();
    let token: Value = serde_json::from_str(&http.sample(&login).await?.body)?;
    Ok(token["access_token"].as_str().context("no access token")?.to_owned())
}

/// An upload of a text of 1,024 bytes.
fn upload_request(token: &str) -> Request {
    let mut text = format!("{NUMBER} {}", "all work and no play ".repeat(50));
    text.truncate(1_024);
    let body = json!({ "title": format!("document {NUMBER}"), "text": text }).to_string();
    Request::new("POST", "/v1/documents", token, &body)
}

/// The id in an answer.
fn id(body: &[u8]) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(body)?;
    Ok(answer["id"].as_str().context("the answer has no id")?.to_owned())
}

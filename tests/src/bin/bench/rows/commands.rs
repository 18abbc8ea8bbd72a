//! Uploads and edits against the limit of their parts.

use super::{account, id, upload_request};
use crate::http::{Connection, NUMBER, Request};
use crate::report::{Goal, Row};
use crate::stack::{Stack, Stopped};
use crate::{Size, baseline, load};
use serde_json::json;

/// Documents that are edited.
const EDITED: u64 = 2_000;
/// Connections that edit.
const EDITORS: usize = 64;
/// A number that no load reaches.
const BEFOREHAND: u64 = 999_999_999_999;

/// A row of uploads.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) connections: usize,
    pub(super) goals: Vec<Goal>,
    /// Whether the projector stands still meanwhile.
    pub(super) is_alone: bool,
}

/// New documents, each a text of 1 KiB.
pub(super) async fn upload(upload: Upload, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = account(stack, &upload.name.replace('_', "-")).await?;
    let mut request = upload_request(&token);
    let sample = Connection::open(stack.address("command_url")?).await?.sample(request.numbered(BEFOREHAND)).await?;
    stack.caught_up().await?;
    let requests = vec![vec![request]; upload.connections];
    let baseline = baseline::limit(stack, &sample, requests.clone(), size.time).await?;
    let stopped = if upload.is_alone { Some(Stopped::projector(stack)?) } else { None };
    let load = load::run(stack, stack.address("command_url")?, requests, size.time).await?;
    if !upload.is_alone {
        // What it costs to show the documents is part of the price, also where it comes later.
        stack.caught_up().await?;
    }
    let row = Row::of_load(upload.name, &load, load.meter.read(stack), Some(baseline), upload.goals);
    drop(stopped);
    Ok(row)
}

/// New titles for documents that are there; each connection has its own, so that none races another.
pub(super) async fn edit(name: String, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = account(stack, &name.replace('_', "-")).await?;
    let address = stack.address("command_url")?;
    let mut http = Connection::open(address).await?;
    let mut upload = upload_request(&token);
    let mut requests = vec![Vec::new(); EDITORS];
    let body = json!({ "title": format!("title {NUMBER}") }).to_string();
    for (number, editor) in (0..EDITED).zip((0..EDITORS).cycle()) {
        let id = id(http.send(upload.numbered(number)).await?.success()?.body)?;
        requests[editor].push(Request::new("PUT", &format!("/v1/documents/{id}/title"), &token, &body));
    }
    let sample = http.sample(requests[0][0].numbered(BEFOREHAND)).await?;
    stack.caught_up().await?;
    let baseline = baseline::limit(stack, &sample, requests.clone(), size.time).await?;
    let load = load::run(stack, address, requests, size.time).await?;
    stack.caught_up().await?;
    Ok(Row::of_load(name, &load, load.meter.read(stack), Some(baseline), vec![Goal::Ratio(0.5)]))
}

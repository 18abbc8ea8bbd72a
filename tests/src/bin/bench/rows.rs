//! The rows, one by one.

use crate::http::{self, Connection, request};
use crate::report::{Goal, Row, percentile};
use crate::stack::Stack;
use crate::{Size, baseline, replay};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every row, in the order of measurement.
pub(crate) const NAMES: [&str; 13] = [
    "memory_idle",
    "upload_1",
    "upload_16",
    "upload_64",
    "upload_64_alone",
    "edit_64",
    "visible",
    "get_hot_64",
    "replay",
    "list_50",
    "memory_command",
    "memory_query",
    "memory_projector",
];

/// Uploads a second while freshness is measured.
const OPEN_LOOP: u64 = 1_000;

/// Measures one row.
pub(crate) async fn measure(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let cpu = stack.cpu_seconds();
    let row = match name {
        "memory_idle" => {
            let services = ["command-service", "query-service", "projector"];
            let value = services.map(|part| stack.memory(part, "VmRSS")).into_iter().fold(0.0, f64::max);
            Row { name, value, unit: "MB", goals: vec![Goal::AtMost(30.0)], ..Row::default() }
        }
        "upload_1" => upload(name, stack, size, 1, vec![]).await?,
        "upload_16" => upload(name, stack, size, 16, vec![]).await?,
        "upload_64" => upload(name, stack, size, 64, vec![Goal::Ratio(0.6)]).await?,
        "upload_64_alone" => {
            stack.signal("projector", Signal::STOP);
            let row = upload(name, stack, size, 64, vec![Goal::Ratio(0.6)]).await;
            stack.signal("projector", Signal::CONT);
            row?
        }
        "edit_64" => edit(name, stack, size).await?,
        "visible" => visible(name, stack, size).await?,
        "get_hot_64" => get_hot(name, stack, size).await?,
        "list_50" => list(name, stack, size).await?,
        "replay" => replay::measure(name, stack, size).await?,
        "memory_command" => memory(name, stack, "command-service"),
        "memory_query" => memory(name, stack, "query-service"),
        _ => memory(name, stack, "projector"),
    };
    stack.caught_up().await?;
    let peak = ["command-service", "query-service", "projector"].map(|part| stack.memory(part, "VmHWM"));
    let peak_mb = Some(peak.into_iter().fold(0.0, f64::max));
    Ok(Row { cpu_seconds: Some(stack.cpu_seconds() - cpu), peak_mb, ..row })
}

fn memory(name: &'static str, stack: &Stack, part: &str) -> Row {
    Row { name, value: stack.memory(part, "VmRSS"), unit: "MB", goals: vec![Goal::AtMost(150.0)], ..Row::default() }
}

/// Registers an account, and answers its token.
async fn account(stack: &Stack, username: &str) -> anyhow::Result<String> {
    let mut http = Connection::open(&stack.address("command_url")).await?;
    let credentials = json!({ "username": username, "password": "correct horse battery" }).to_string();
    http.send(&request("POST", "/v1/accounts", "", &credentials)).await?;
    let answer = http.send(&request("POST", "/v1/tokens", "", &credentials)).await?;
    let token: Value = serde_json::from_slice(&answer.body)?;
    Ok(token["access_token"].as_str().unwrap_or_default().to_owned())
}

fn upload_request(token: &str, n: usize) -> Vec<u8> {
    let text = format!("{n:0>16} {}", "all work and no play ".repeat(48));
    request(
        "POST",
        "/v1/documents",
        token,
        &json!({ "title": format!("document {n}"), "text": &text[..1_024] }).to_string(),
    )
}

async fn upload(
    name: &'static str,
    stack: &Stack,
    size: Size,
    connections: usize,
    goals: Vec<Goal>,
) -> anyhow::Result<Row> {
    let token = Arc::new(account(stack, &format!("{name}-user").replace('_', "-")).await?);
    let address = stack.address("command_url");
    let make = move |connection: usize, n: usize| upload_request(&token, connection * 1_000_000 + n);
    let make = Arc::new(make);
    let (measured, bare) = (make.clone(), make.clone());
    let load = http::load(&address, connections, size.time, move |c, n| measured(c, n)).await?;
    if name != "upload_64_alone" {
        stack.caught_up().await?;
    }
    let baseline = limit(stack, &load.sample, connections, size.time, move |c, n| bare(c, n)).await?;
    Ok(of_load(name, &load, baseline, goals))
}

async fn limit(
    stack: &Stack,
    sample: &http::Answer,
    connections: usize,
    time: Duration,
    make: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> anyhow::Result<f64> {
    let bytes = make(0, 0).len();
    let http = baseline::http(sample, connections, time / 2, make).await?;
    let append = baseline::append(stack, bytes, connections, time / 2).await?;
    Ok(baseline::combined(http, append))
}

fn of_load(name: &'static str, load: &http::Load, baseline: f64, goals: Vec<Goal>) -> Row {
    Row {
        name,
        value: load.rate,
        unit: "1/s",
        baseline: Some(baseline),
        p50_ms: percentile(&load.latencies, 0.5),
        p99_ms: percentile(&load.latencies, 0.99),
        goals,
        ..Row::default()
    }
}

async fn edit(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = Arc::new(account(stack, "edit-user").await?);
    let address = stack.address("command_url");
    let mut http = Connection::open(&address).await?;
    let mut ids = Vec::new();
    for n in 0..2_000 {
        let answer: Value = serde_json::from_slice(&http.send(&upload_request(&token, n)).await?.body)?;
        ids.push(answer["id"].as_str().unwrap_or_default().to_owned());
    }
    // Each connection has documents of its own: what is measured is an edit, not a quarrel.
    let make = Arc::new(move |connection: usize, n: usize| {
        let path = format!("/v1/documents/{}/title", ids[(connection + 64 * n) % ids.len()]);
        request("PUT", &path, &token, &json!({ "title": format!("title {connection} {n}") }).to_string())
    });
    let (measured, bare) = (make.clone(), make.clone());
    let load = http::load(&address, 64, size.time, move |c, n| measured(c, n)).await?;
    stack.caught_up().await?;
    let baseline = limit(stack, &load.sample, 64, size.time, move |c, n| bare(c, n)).await?;
    Ok(of_load(name, &load, baseline, vec![Goal::Ratio(0.5)]))
}

/// Time from the acknowledgement of an upload to its first read, at a fixed rate of uploads.
async fn visible(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = Arc::new(account(stack, "visible-user").await?);
    let begun = Instant::now();
    let workers = 32;
    let each = Duration::from_micros(1_000_000 * workers / OPEN_LOOP);
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let (token, command, query) = (token.clone(), stack.address("command_url"), stack.address("query_url"));
            let offset = Duration::from_micros(1_000_000 * worker / OPEN_LOOP);
            tokio::spawn(async move {
                let (mut writer, mut reader) = (Connection::open(&command).await?, Connection::open(&query).await?);
                let mut latencies = Vec::new();
                let mut n = 0_u32;
                while begun.elapsed() < size.time {
                    tokio::time::sleep_until((begun + offset + each * n).into()).await;
                    let answer =
                        writer.send(&upload_request(&token, (worker * 1_000_000) as usize + n as usize)).await?;
                    let acknowledged = Instant::now();
                    let accepted: Value = serde_json::from_slice(&answer.body)?;
                    let (id, sequence) = (accepted["id"].as_str().unwrap_or_default(), &accepted["sequence"]);
                    let path = format!("/v1/documents/{id}?min_sequence={sequence}");
                    let read = reader.send(&request("GET", &path, &token, "")).await?;
                    anyhow::ensure!(read.status == 200, "{}", read.head);
                    latencies.push(u32::try_from(acknowledged.elapsed().as_micros())?);
                    n += 1;
                }
                Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let goals = vec![Goal::P50(5.0), Goal::P99(25.0)];
    let (p50_ms, p99_ms) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
    Ok(Row { name, value: rate, unit: "1/s", p50_ms, p99_ms, goals, ..Row::default() })
}

async fn get_hot(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = Arc::new(account(stack, "hot-user").await?);
    let mut http = Connection::open(&stack.address("command_url")).await?;
    let answer = http.send(&upload_request(&token, 0)).await?;
    let accepted: Value = serde_json::from_slice(&answer.body)?;
    stack.caught_up().await?;
    let get = request("GET", &format!("/v1/documents/{}", accepted["id"].as_str().unwrap_or_default()), &token, "");
    let bare = get.clone();
    let load = http::load(&stack.address("query_url"), 64, size.time, move |_, _| get.clone()).await?;
    let baseline = baseline::http(&load.sample, 64, size.time, move |_, _| bare.clone()).await?;
    Ok(of_load(name, &load, baseline, vec![Goal::Ratio(0.7), Goal::P99(5.0)]))
}

/// Pages of fifty, of every sort and from everywhere, out of the documents that the replay row has made.
async fn list(name: &'static str, stack: &Stack, size: Size) -> anyhow::Result<Row> {
    let token = replay::token(stack, size).await?;
    let mut http = Connection::open(&stack.address("query_url")).await?;
    let mut latencies = Vec::new();
    let begun = Instant::now();
    let mut cursors = vec![String::new(); 6];
    while begun.elapsed() < size.time {
        for (n, cursor) in cursors.iter_mut().enumerate() {
            let sort = ["updated_at", "created_at", "title"][n % 3];
            let order = ["asc", "desc"][n / 3];
            let path = format!("/v1/documents?limit=50&sort={sort}&order={order}{cursor}");
            let sent = Instant::now();
            let answer = http.send(&request("GET", &path, &token, "")).await?;
            latencies.push(u32::try_from(sent.elapsed().as_micros())?);
            let page: Value = serde_json::from_slice(&answer.body)?;
            anyhow::ensure!(page["documents"].as_array().map(Vec::len) == Some(50), "{}", answer.head);
            *cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
    }
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    let (p50_ms, p99_ms) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
    Ok(Row { name, value: rate, unit: "1/s", p50_ms, p99_ms, goals: vec![Goal::P99(10.0)], ..Row::default() })
}

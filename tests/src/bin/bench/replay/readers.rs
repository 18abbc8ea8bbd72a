//! A rebuild beside readers: how fast it is, and how much of their rate is left to them.

use super::{copy, projector_rebuild, token};
use crate::http::Request;
use crate::report::{Goal, Row};
use crate::stack::Stack;
use crate::{Size, load};
use anyhow::Context;
use std::time::Duration;

/// Connections that read, each of them page after page.
const READERS: usize = 4;
/// How long their rate is measured at once while the rebuild goes on.
const SLICE: Duration = Duration::from_secs(2);

/// A row for the rebuild, and one for the readers beside it against the same readers alone.
pub(crate) async fn beside_readers(name: &str, stack: &Stack, size: Size) -> anyhow::Result<Vec<Row>> {
    let token = token(stack, size).await?;
    let copied = copy::measure(stack).await?;
    let address = stack.address("query_url")?;
    let pages = ["updated_at", "created_at", "title"]
        .map(|sort| Request::new("GET", &format!("/v1/documents?limit=50&sort={sort}"), &token, ""));
    let requests = vec![pages.to_vec(); READERS];
    let alone = load::run(stack, address, requests.clone(), size.time).await?;
    let rebuild = projector_rebuild(stack);
    tokio::pin!(rebuild);
    let mut rates = Vec::new();
    let (report, own) = loop {
        tokio::select! {
            report = &mut rebuild => break report?,
            load = load::run(stack, address, requests.clone(), SLICE) => rates.push(load?.rate),
        }
    };
    anyhow::ensure!(!rates.is_empty(), "the rebuild is too short to be measured beside readers");
    let number = |name: &str| report[name].as_f64().with_context(|| format!("the rebuild does not say its {name}"));
    let (events, seconds) = (number("events")?, number("seconds")?);
    let rebuilt = Row {
        name: name.to_owned(),
        value: events / seconds,
        unit: "events/s",
        baseline: Some(events / copied.seconds),
        cpu_seconds: Some(own.cpu_seconds),
        peak_mb: Some(own.peak_mb),
        goals: vec![Goal::Ratio(0.35)],
        ..Row::default()
    };
    let read = Row {
        name: format!("{name}_pages"),
        value: rates.iter().sum::<f64>() / rates.len() as f64,
        unit: "1/s",
        baseline: Some(alone.rate),
        goals: vec![Goal::Ratio(0.8)],
        ..Row::default()
    };
    Ok(vec![rebuilt, read])
}

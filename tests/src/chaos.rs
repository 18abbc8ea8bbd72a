//! Kill -9 of every part, while clients upload and edit; then what the clients were told is held against the log and the
//! read models.

use crate::client::{Answer, Client};
use crate::numbers::Numbers;
use crate::system::System;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// What can be killed.
const PARTS: [&str; 6] = ["command-service", "projector", "query-service", "nats-server", "postgres", "redis-server"];

/// How much to destroy.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many kills.
    pub kills: u32,
    /// Within what time everything must be ready again after one.
    pub recovery: Duration,
    /// Seed of which, when and what.
    pub seed: u64,
    /// How many clients.
    pub clients: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    plan: Plan,
    acknowledged: u64,
    retries: u64,
    slowest_recovery: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, seed {}: {} commands acknowledged, {} retries, all of them once in the log and once in the read \
             models; slowest recovery {:.1} s",
            self.plan.kills,
            self.plan.seed,
            self.acknowledged,
            self.retries,
            self.slowest_recovery.as_secs_f64()
        )
    }
}

/// A document as one client knows it: what it was told, and what it wished last.
struct Known {
    id: String,
    title: String,
    /// Sequences of its acknowledged commands; each must be in its history exactly once.
    sequences: Vec<u64>,
}

/// Runs a plan on a new system; panics where anything was lost, doubled, half there or not recovered.
pub async fn run(program: &Path, plan: Plan) -> Report {
    let system = System::start(program).await;
    let client = system.client("chaos").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let retries = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..plan.clients as u64)
        .map(|n| {
            let writer = Writer { client: client.clone(), n, retries: retries.clone() };
            tokio::spawn(writer.write(Numbers::new(plan.seed ^ n << 32), is_over.clone()))
        })
        .collect();

    let mut numbers = Numbers::new(plan.seed);
    let mut slowest_recovery = Duration::ZERO;
    let mut round = Vec::new();
    for _ in 0..plan.kills {
        sleep(Duration::from_millis(200 + numbers.below(800))).await;
        if round.is_empty() {
            round = PARTS.to_vec();
        }
        // Every part once in each round, in an order of its own.
        let part = round.swap_remove(numbers.below(round.len() as u64) as usize);
        let begun = Instant::now();
        system.replaced(part, Signal::KILL).await;
        let took = begun.elapsed();
        assert!(took < plan.recovery, "{part} was killed, and recovery took {took:?}");
        slowest_recovery = slowest_recovery.max(took);
    }
    is_over.store(true, Ordering::Relaxed);
    let mut known = Vec::new();
    for writer in writers {
        known.extend(writer.await.expect("a writer does not panic"));
    }
    let acknowledged = known.iter().map(|document| document.sequences.len() as u64).sum();
    system.caught_up().await;
    for document in &known {
        check(&client, document).await;
    }
    let statistics = client.get("/v1/statistics").await.expect(200).json();
    assert_eq!(statistics["documents"], known.len(), "documents that nobody was told of, or told of and missing");
    assert_eq!(statistics["events"], acknowledged, "events that nobody was told of, or told of and missing");
    system.finish_after_faults().await;
    Report { plan, acknowledged, retries: retries.load(Ordering::Relaxed), slowest_recovery }
}

struct Writer {
    client: Client,
    n: u64,
    retries: Arc<AtomicU64>,
}

impl Writer {
    /// Uploads and edits until it is over. Every command is sent until it is answered.
    async fn write(self, mut numbers: Numbers, is_over: Arc<AtomicBool>) -> Vec<Known> {
        let mut known: Vec<Known> = Vec::new();
        let mut command = 0;
        while !is_over.load(Ordering::Relaxed) {
            command += 1;
            let key = format!("{}-{command}", self.n);
            let title = format!("title {key}");
            if known.is_empty() || numbers.below(3) == 0 {
                let body = json!({ "title": title, "text": format!("text of {key}"), "tags": ["chaos"] });
                let answer = self.until_answered(Method::POST, "/v1/documents", &key, &body).await.expect(201);
                known.push(Known { id: answer.id(), title, sequences: vec![answer.sequence()] });
            } else {
                let which = numbers.below(known.len() as u64) as usize;
                let path = format!("/v1/documents/{}/title", known[which].id);
                let answer =
                    self.until_answered(Method::PUT, &path, &key, &json!({ "title": title })).await.expect(200);
                known[which].title = title;
                known[which].sequences.push(answer.sequence());
            }
        }
        known
    }

    async fn until_answered(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        loop {
            let request = self.client.command(method.clone(), path).header("Idempotency-Key", key).json(body);
            if let Ok(response) = request.send().await {
                match Answer::of(response).await {
                    Ok(answer) if answer.status < 500 => return answer,
                    Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text),
                    Err(_) => {}
                }
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A document must show its last acknowledged title, and its history each acknowledged command once and nothing else.
async fn check(client: &Client, known: &Known) {
    let last = *known.sequences.iter().max().expect("a known document was uploaded");
    let document = client.document(&known.id, last).await;
    assert_eq!(document["title"], known.title.as_str());
    assert_eq!(document["sequence"], last);
    let mut counted: BTreeMap<u64, u32> = BTreeMap::new();
    let mut path = format!("/v1/documents/{}/history?limit=200", known.id);
    loop {
        let page = client.get(&path).await.expect(200).json();
        for change in page["changes"].as_array().expect("changes") {
            *counted.entry(change["sequence"].as_u64().expect("a sequence")).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/documents/{}/history?limit=200&cursor={cursor}", known.id),
            None => break,
        }
    }
    let told: BTreeMap<u64, u32> = known.sequences.iter().map(|sequence| (*sequence, 1)).collect();
    assert_eq!(counted, told, "history of document {}", known.id);
}

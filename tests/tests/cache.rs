//! The cache tells the truth: while writers and readers are at work, and Redis is emptied, stopped and killed and the
//! projector paused and killed, no read is older than its `min_sequence`, no reader goes back in time, and whatever is read
//! is what was written.

use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::numbers::Numbers;
use tests::system::wait_for;
use tests::{Client, System};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const DOCUMENTS: usize = 6;
const WRITERS: u64 = 3;
const READERS: u64 = 6;
/// Reads between one disturbance and the next: readers have met what it did.
const READS_BETWEEN: u64 = 150;

/// What is known of the documents: their titles by the sequence of the command that gave it, and the last such sequence.
#[derive(Default)]
struct Model {
    titles: HashMap<(usize, u64), String>,
    last: HashMap<usize, u64>,
}

struct Shared {
    client: Client,
    ids: Vec<String>,
    model: Mutex<Model>,
    reads: AtomicU64,
    is_over: AtomicBool,
}

impl Shared {
    fn acknowledged(&self, document: usize, sequence: u64, title: String) {
        let mut model = self.model.lock().expect("no test thread panics with it");
        model.titles.insert((document, sequence), title);
        let last = model.last.entry(document).or_default();
        *last = (*last).max(sequence);
    }

    fn last(&self, document: usize) -> u64 {
        self.model.lock().expect("no test thread panics with it").last[&document]
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

async fn write(shared: Arc<Shared>, n: u64) {
    let mut numbers = Numbers::new(n);
    for edit in 0_u64.. {
        if shared.is_over() {
            return;
        }
        let document = numbers.below(DOCUMENTS as u64) as usize;
        let title = format!("title {n}-{edit}");
        let path = format!("/v1/documents/{}/title", shared.ids[document]);
        let answer = shared.client.put(&path, &json!({ "title": title })).await;
        if answer.status < 500 {
            shared.acknowledged(document, answer.expect(200).sequence(), title);
        }
    }
}

/// Reads until it is over; says how many reads came from where a cache is.
async fn read(shared: Arc<Shared>, n: u64) {
    let mut numbers = Numbers::new(1_000 + n);
    let mut seen: HashMap<usize, u64> = HashMap::new();
    while !shared.is_over() {
        let document = numbers.below(DOCUMENTS as u64) as usize;
        // Half of the reads ask for what somebody was told; the others take what they get.
        let least = if numbers.below(2) == 0 { shared.last(document) } else { 0 };
        let path = format!("/v1/documents/{}?min_sequence={least}", shared.ids[document]);
        let Ok(response) = shared.client.query(reqwest::Method::GET, &path).send().await else { continue };
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        if status != 200 {
            assert_eq!(status, 503, "{text}");
            continue;
        }
        let Ok(shown) = serde_json::from_str::<Value>(&text) else { continue };
        let sequence = shown["sequence"].as_u64().expect("a sequence");
        assert!(sequence >= least, "document {document} at {sequence}, which is older than {least}");
        let before = seen.insert(document, sequence).unwrap_or(0);
        assert!(sequence >= before, "document {document} went back from {before} to {sequence}");
        let model = shared.model.lock().expect("no test thread panics with it");
        // An edit that is read before its answer came is not known yet.
        if let Some(title) = model.titles.get(&(document, sequence)) {
            assert_eq!(shown["title"], title.as_str(), "document {document} at {sequence}");
        }
        drop(model);
        shared.reads.fetch_add(1, Ordering::Relaxed);
    }
}

/// Empties Redis.
async fn flush(system: &System) {
    let url: reqwest::Url = system.fact("redis_url").parse().expect("an address");
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut redis = TcpStream::connect(address).await.expect("Redis is there");
    let command = format!("AUTH {}\r\nFLUSHALL\r\n", url.password().unwrap_or_default());
    redis.write_all(command.as_bytes()).await.expect("it listens");
    let mut answer = [0; 10];
    redis.read_exact(&mut answer).await.expect("it answers");
    assert_eq!(&answer, b"+OK\r\n+OK\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_is_older_than_asked_for_and_no_reader_goes_back_in_time() {
    let system = System::start(PROGRAM).await;
    let client = system.client("ada").await;
    let mut ids = Vec::new();
    let model = Mutex::new(Model::default());
    let mut uploads = Vec::new();
    for n in 0..DOCUMENTS {
        let uploaded = client.upload(&format!("Document {n}"), "text").await;
        ids.push(uploaded.id());
        uploads.push(uploaded.sequence());
    }
    // From here on every read finds its document.
    system.caught_up().await;
    let (reads, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let shared = Arc::new(Shared { client: client.clone(), ids, model, reads, is_over });
    for (n, sequence) in uploads.into_iter().enumerate() {
        shared.acknowledged(n, sequence, format!("Document {n}"));
    }
    let mut tasks: Vec<_> = (0..READERS).map(|n| tokio::spawn(read(shared.clone(), n))).collect();
    tasks.extend((0..WRITERS).map(|n| tokio::spawn(write(shared.clone(), n))));

    let settle = async || {
        let until = shared.reads.load(Ordering::Relaxed) + READS_BETWEEN;
        let is_done = || shared.reads.load(Ordering::Relaxed) >= until || tasks.iter().any(|task| task.is_finished());
        wait_for("readers have met it", async || is_done()).await;
    };
    for round in 0..2 {
        flush(&system).await;
        settle().await;
        // Longer than the projector's word on the cache is good for.
        for part in ["projector", "redis-server"] {
            system.signal(part, Signal::STOP);
            let pause = tokio::time::sleep(Duration::from_millis(1_300 + 200 * round));
            pause.await;
            system.signal(part, Signal::CONT);
            settle().await;
        }
        for part in ["redis-server", "projector", "query-service"] {
            system.replaced(part, Signal::KILL).await;
            settle().await;
        }
    }
    shared.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("what was read was right");
    }
    system.caught_up().await;
    for (document, id) in shared.ids.iter().enumerate() {
        let last = shared.last(document);
        let shown = client.document(id, last).await;
        assert_eq!(shown["title"], shared.model.lock().expect("all have ended").titles[&(document, last)].as_str());
    }
    system.finish_after_faults().await;
}

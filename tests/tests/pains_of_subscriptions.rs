//! What subscribers of event-sourced systems suffer from most: a restart somewhere, and then silence. Held for both ways of
//! subscribing and every part that can be away.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::programs::Program;
use tests::{Answer, Client, Subscriber, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// Within what time a sign of life must come while a part is away: asking the log in vain takes its while.
const SILENCE: Duration = Duration::from_secs(25);

/// *A subscription stalls silently after a restart: the connection stands and nothing comes any more, or it comes back
/// with a gap or with repetitions, and a projection has to be started by hand.*
///
/// The log, the database, the projector and the query-service are ended one after another, as an operator and as a crash
/// end them. Subscribers over Server-Sent Events and WebSocket that stay are sent the rest where they are; those that are
/// cut off resume with their last id; both see every event once. The projector goes on by itself.
#[tokio::test]
async fn subscriptions_stall_after_a_restart() {
    // So few events in memory that who comes back begins in the log.
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_RECENT_EVENTS", "10")]).await;
    let ada = system.client("ada").await;
    let mut writer = Writer::begin(&ada).await;
    let mut stream = Stream::open(&ada, 0).await;
    let mut socket = Socket::open(&system, &ada, 0).await;
    for (part, signal) in [
        ("nats-server", Signal::KILL),
        ("postgres", Signal::KILL),
        ("projector", Signal::KILL),
        ("query-service", Signal::TERM),
        ("query-service", Signal::KILL),
        ("nats-server", Signal::TERM),
    ] {
        writer.write(15).await;
        // Some have come before, and some are on their way.
        stream.follow(&ada, writer.acknowledged[writer.acknowledged.len() - 5]).await;
        system.replaced(part, signal).await;
        writer.write(15).await;
        let last = writer.last();
        stream.follow(&ada, last).await;
        socket.follow(&system, &ada, last).await;
        assert_eq!(stream.came, writer.acknowledged, "after {part} was ended by {signal:?}");
        assert_eq!(socket.came, writer.acknowledged, "after {part} was ended by {signal:?}");
        assert_eq!(stream.ends, socket.ends, "only the query-service takes connections with it");
        ada.get(&format!("/v1/statistics?min_sequence={last}")).await.expect(200);
    }
    assert_eq!(stream.ends, [Some(json!("stopping")), None], "who is told to stop says so, and who is killed cannot");
    drop(stream);
    system.finish_after_faults().await;
}

/// *The log does not answer, and subscribers take its silence for "nothing happens".*
///
/// The log hangs: its connection stands, and nothing comes. Subscribers, whether they are up to date or far behind, go on
/// to be told that they are connected and where they stand, and so does who comes now. When the log is back, each is sent
/// exactly the rest.
#[tokio::test]
async fn subscriptions_stall_while_the_log_is_away() {
    let system =
        System::start_with(PROGRAM, &[("SYNCBOARD_HEARTBEAT", "300ms"), ("SYNCBOARD_RECENT_EVENTS", "10")]).await;
    let ada = system.client("ada").await;
    let mut writer = Writer::begin(&ada).await;
    writer.write(40).await;
    let (mut live, mut socket) = (Stream::open(&ada, 0).await, Socket::open(&system, &ada, 0).await);
    live.follow(&ada, writer.last()).await;
    socket.follow(&system, &ada, writer.last()).await;

    system.signal("nats-server", Signal::STOP);
    let mut behind = Stream::open(&ada, 0).await;
    for _ in 0..4 {
        for stream in [&mut live, &mut behind] {
            let begun = Instant::now();
            assert_eq!(stream.subscriber.heartbeat().await, stream.came.last().copied().unwrap_or(0));
            assert!(begun.elapsed() < SILENCE, "silent for {:?}", begun.elapsed());
        }
        let begun = Instant::now();
        let position = event(&socket.program.line().await.expect("it goes on"));
        assert_eq!(position, json!({ "type": "position", "sequence": writer.last() }));
        assert!(begun.elapsed() < SILENCE, "silent for {:?}", begun.elapsed());
    }
    system.signal("nats-server", Signal::CONT);
    writer.write(15).await;
    for stream in [&mut live, &mut behind] {
        stream.follow(&ada, writer.last()).await;
        assert_eq!(stream.came, writer.acknowledged);
        assert!(stream.ends.is_empty(), "it was never cut off");
    }
    socket.follow(&system, &ada, writer.last()).await;
    assert_eq!(socket.came, writer.acknowledged);
    drop((live, behind));
    system.finish_after_faults().await;
}

/// Writes until it is answered.
struct Writer {
    client: Client,
    document: String,
    acknowledged: Vec<u64>,
}

impl Writer {
    async fn begin(client: &Client) -> Self {
        let uploaded = client.upload("a", "b").await;
        Self { client: client.clone(), document: uploaded.id(), acknowledged: vec![uploaded.sequence()] }
    }

    fn last(&self) -> u64 {
        self.acknowledged[self.acknowledged.len() - 1]
    }

    async fn write(&mut self, edits: usize) {
        for _ in 0..edits {
            let n = self.acknowledged.len();
            let path = format!("/v1/documents/{}/title", self.document);
            let answer = loop {
                let request = self.client.command(Method::PUT, &path).header("Idempotency-Key", n.to_string());
                let answer =
                    Answer::of(request.json(&json!({ "title": n.to_string() })).send().await.expect("an answer"));
                match answer.await.expect("it can be read") {
                    answer if answer.status == 503 => assert!(answer.header("retry-after").is_some()),
                    answer => break answer.expect(200),
                }
            };
            self.acknowledged.push(answer.sequence());
        }
    }
}

/// A subscriber over Server-Sent Events, which comes back when it is cut off.
struct Stream {
    subscriber: Subscriber,
    came: Vec<u64>,
    /// With what last word it was cut off, each time.
    ends: Vec<Option<Value>>,
}

impl Stream {
    async fn open(client: &Client, after: u64) -> Self {
        Self { subscriber: Subscriber::resume(client, after).await, came: Vec::new(), ends: Vec::new() }
    }

    async fn follow(&mut self, client: &Client, sequence: u64) {
        let mut last_word = None;
        while self.came.last().is_none_or(|last| *last < sequence) {
            match self.subscriber.next().await {
                Some(message) if message.event == "closed" => last_word = Some(message.data["code"].clone()),
                Some(message) => self.came.push(message.id),
                None => {
                    self.ends.push(last_word.take());
                    let last = self.subscriber.last_event_id.expect("an id came with the first block");
                    self.subscriber = Subscriber::resume(client, last).await;
                }
            }
        }
    }
}

/// A subscriber over WebSocket, a program of another language, which comes back when it is cut off.
struct Socket {
    program: Program,
    came: Vec<u64>,
    /// With what last word it was cut off, each time.
    ends: Vec<Option<Value>>,
}

impl Socket {
    async fn open(system: &System, client: &Client, after: u64) -> Self {
        let mut program = Program::socket(system, &format!("?after={after}"), &client.token, &[]);
        assert_eq!(program.line().await.as_deref(), Some("open"));
        Self { program, came: Vec::new(), ends: Vec::new() }
    }

    async fn follow(&mut self, system: &System, client: &Client, sequence: u64) {
        let mut last_word = None;
        while self.came.last().is_none_or(|last| *last < sequence) {
            match self.program.line().await {
                Some(line) => match line.strip_prefix("closed 1001 ") {
                    Some(reason) => last_word = Some(event(reason)["code"].clone()),
                    None => self
                        .came
                        .extend(Some(event(&line)).filter(is_event).and_then(|event| event["sequence"].as_u64())),
                },
                None => {
                    self.ends.push(last_word.take());
                    let again = Self::open(system, client, self.came.last().copied().unwrap_or(0)).await;
                    self.program = again.program;
                }
            }
        }
    }
}

fn is_event(message: &Value) -> bool {
    message["type"] != "position"
}

fn event(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

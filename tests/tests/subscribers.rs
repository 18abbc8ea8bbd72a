//! Real subscribers: curl, a WebSocket client of another language, and clients of both kinds that take too little.

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::programs::{Program, query_address};
use tests::system::{PATIENT_REDIS, wait_for};
use tests::{Client, Subscriber, System};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const PATIENCE: Duration = Duration::from_secs(60);
/// Documents of some 8 KB each: more than both ends of a connection buffer.
const MANY: usize = 700;
/// How long nothing is handed out to who is stuck: longer than a busy machine pauses, or than the slow are waited for.
const STUCK: Duration = Duration::from_secs(5);

fn event(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

#[tokio::test]
async fn curl_follows_a_workspace() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("Containers", "text").await.sequence();
    let authorization = format!("authorization: Bearer {}", ada.token);
    let url = format!("{}/v1/events?after=0", system.fact("query_url"));
    let mut curl = Program::start("curl", &["-sSN", "-H", &authorization, &url]);
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.starts_with("data: ")) {
        lines.push(curl.line().await.expect("the stream goes on"));
    }
    let data = event(lines.pop().expect("a line").trim_start_matches("data: "));
    assert_eq!(data["sequence"], uploaded);
    assert!(lines.ends_with(&[format!("id: {uploaded}"), "event: document.uploaded".to_owned()]), "{lines:?}");
    drop(curl);
    system.finish().await;
}

#[tokio::test]
async fn a_websocket_client_of_another_language_resumes_and_is_told_the_end() {
    let settings = [("SYNCBOARD_HEARTBEAT", "1s"), ("SYNCBOARD_RECENT_EVENTS", "4"), PATIENT_REDIS];
    let system = System::start_with(PROGRAM, &settings).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let id = ada.upload("a", "b").await.id();
    let mut titles = Vec::new();
    for n in 0..12 {
        let body = json!({ "title": format!("title {n}") });
        titles.push(ada.put(&format!("/v1/documents/{id}/title"), &body).await.expect(200).sequence());
    }
    let mut first = Program::socket(&system, "?after=0&type=document.retitled", &ada.token, &[]);
    assert_eq!(first.line().await.as_deref(), Some("open"));
    for wanted in &titles[..5] {
        assert_eq!(event(&first.message().await)["sequence"], *wanted);
    }
    drop(first);

    let ticket = tests::client::send(ada.query(reqwest::Method::POST, "/v1/tickets")).await.expect(201).json();
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let path = format!("?after={}&type=document.retitled&ticket={ticket}", titles[4]);
    let mut second = Program::socket(&system, &path, "", &[]);
    assert_eq!(second.line().await.as_deref(), Some("open"));
    for wanted in &titles[5..] {
        assert_eq!(event(&second.message().await)["sequence"], *wanted);
    }
    let last = eve.upload("of another", "workspace").await.sequence();
    loop {
        let position = event(&second.line().await.expect("heartbeats go on"));
        assert_eq!(position["type"], "position", "nothing else follows: {position}");
        if position["sequence"].as_u64() >= Some(last) {
            break;
        }
    }
    let before = system.pid("query-service");
    system.signal("query-service", rustix::process::Signal::TERM);
    let closed = second.message().await;
    assert_eq!(closed, format!(r#"closed 1001 {{"code":"stopping","resume":{last}}}"#));
    assert_eq!(second.line().await, None);
    wait_for("the service is back", async || {
        system.pid("query-service") != before && system.is_ready("query_url").await
    })
    .await;
    system.finish_after_faults().await;
}

#[tokio::test]
async fn who_talks_all_the_time_is_served_from_the_log_all_the_same() {
    let settings = [("SYNCBOARD_RECENT_EVENTS", "4"), ("SYNCBOARD_RECENT_BYTES", "1KiB"), PATIENT_REDIS];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let sequences = upload_many(&ada).await;
    let administrator = system.administrator().await;
    let mut made = administrator.client().subscribe("$JS.API.CONSUMER.CREATE.>").await.expect("a subscription");
    administrator.client().flush().await.expect("it stands");

    let ticket = tests::client::send(ada.query(reqwest::Method::POST, "/v1/tickets")).await.expect(201).json();
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let address = system.fact("query_url").replacen("http", "ws", 1);
    let (socket, _) =
        connect_async(format!("{address}/v1/events/socket?ticket={ticket}&after=0")).await.expect("a socket");
    let (mut to, mut from) = socket.split();
    let talking = tokio::spawn(async move { while to.send(Message::text("and")).await.is_ok() {} });
    let mut missing = sequences;
    while !missing.is_empty() {
        let message = timeout(PATIENCE, from.next()).await.expect("it comes").expect("a message").expect("it is whole");
        if let Message::Text(text) = message {
            missing.remove(&event(&text)["sequence"].as_u64().expect("a sequence"));
        }
    }
    talking.abort();
    drop(from);
    let mut consumers = 0;
    while made.next().now_or_never().flatten().is_some() {
        consumers += 1;
    }
    assert!(consumers > 0 && consumers < 10, "{consumers} were made for one subscriber");
    system.finish().await;
}

/// Uploads many large events, and waits until they can be read; their sequences.
async fn upload_many(client: &Client) -> BTreeSet<u64> {
    let tags: Vec<String> = (0..64).map(|n| format!("{n:0>64}")).collect();
    let source = json!({ "kind": "url", "url": format!("http://host/{}", "x".repeat(1_900)) });
    let uploading: Vec<_> = (0..8)
        .map(|part| {
            let (client, tags, source) = (client.clone(), tags.clone(), source.clone());
            tokio::spawn(async move {
                let mut sequences = Vec::new();
                for n in (part..MANY).step_by(8) {
                    let body = json!({ "title": format!("title {n}"), "text": "", "tags": tags, "source": source });
                    sequences.push(client.post("/v1/documents", &body).await.expect(201).sequence());
                }
                sequences
            })
        })
        .collect();
    let mut sequences = BTreeSet::new();
    for part in uploading {
        sequences.extend(part.await.expect("no panic"));
    }
    let last = sequences.last().expect("many");
    client.get(&format!("/v1/statistics?min_sequence={last}")).await.expect(200);
    sequences
}

/// How many messages were handed out to subscribers.
async fn handed_out(system: &System) -> f64 {
    system.metric("query_url", "syncboard_query_messages_total").await.expect("it is counted")
}

/// Waits until more was handed out than before a subscriber came, and then nothing for longer than it may take.
async fn until_stuck(system: &System, before: f64) {
    let (mut count, mut since) = (before, Instant::now());
    wait_for("the subscriber is stuck", async || {
        let now = handed_out(system).await;
        if now > count {
            (count, since) = (now, Instant::now());
        }
        count > before && since.elapsed() > STUCK
    })
    .await;
}

/// Asks for the stream, unframed as HTTP/1.0 has it, with as little room for it as the system gives.
async fn asked(system: &System, client: &Client, query: &str) -> TcpStream {
    let connection = TcpSocket::new_v4().expect("a socket");
    connection.set_recv_buffer_size(4_096).expect("its size can be set");
    let address = query_address(system).parse().expect("an address");
    let mut connection = connection.connect(address).await.expect("the service listens");
    let request =
        format!("GET /v1/events{query} HTTP/1.0\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", client.token);
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    connection
}

/// Reads a stream to its end, which must be told as that of a slow consumer, and resumes it where it says.
async fn assert_nothing_is_lost(client: &Client, mut slow: TcpStream, sequences: &BTreeSet<u64>) {
    let mut text = String::new();
    timeout(PATIENCE, slow.read_to_string(&mut text)).await.expect("the stream ends").expect("it is text");
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok());
    let came: BTreeSet<u64> = ids.filter(|id| sequences.contains(id)).collect();
    let closed = text.split("event: closed\n").nth(1).expect("it is told why").trim_start_matches("data: ");
    let closed = event(closed.lines().next().expect("a line"));
    assert_eq!(closed["code"], "too_slow");
    let (resume, last) = (closed["resume"].as_u64().expect("a sequence"), *sequences.last().expect("many"));
    assert!(resume < last, "it was not slow");
    let rest = Subscriber::resume(client, resume).await.up_to(last).await;
    let rest: BTreeSet<u64> = rest.iter().map(|message| message.id).collect();
    assert_eq!(came.union(&rest).copied().collect::<BTreeSet<_>>(), *sequences, "nothing is lost");
    assert!(came.is_disjoint(&rest), "nothing is repeated");
}

#[tokio::test]
async fn who_falls_too_far_behind_is_told_where_to_resume() {
    let settings =
        [("SYNCBOARD_SUBSCRIBER_TIMEOUT", "5m"), ("SYNCBOARD_RECENT_EVENTS", "5"), ("SYNCBOARD_SUBSCRIBER_LAG", "20")];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let slow = asked(&system, &ada, "").await;
    // It is live before anything happens.
    slow.readable().await.expect("it is answered");
    let sequences = upload_many(&ada).await;
    assert_nothing_is_lost(&ada, slow, &sequences).await;
    system.finish().await;
}

#[tokio::test]
async fn a_slow_consumer_is_told_where_to_resume() {
    // The first holds for those who resume here too, the second from when one is stuck until it reads again.
    let settings = [("SYNCBOARD_SUBSCRIBER_TIMEOUT", "2s"), ("SYNCBOARD_WRITE_TIMEOUT", "30s")];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let sequences = upload_many(&ada).await;
    let last = *sequences.last().expect("many");

    let before = handed_out(&system).await;
    let slow = asked(&system, &ada, "?after=0").await;
    until_stuck(&system, before).await;
    assert_nothing_is_lost(&ada, slow, &sequences).await;

    let before = handed_out(&system).await;
    let mut slow = Program::socket(&system, "?after=0", &ada.token, &["--wait"]);
    assert_eq!(slow.line().await.as_deref(), Some("open"));
    until_stuck(&system, before).await;
    slow.tell("go on\n").await;
    let mut came = BTreeSet::new();
    let closed = loop {
        let line = slow.message().await;
        match line.strip_prefix("closed 4408 ") {
            Some(reason) => break event(reason),
            None => assert!(came.insert(event(&line)["sequence"].as_u64().expect("a sequence"))),
        }
    };
    assert_eq!((&closed["code"], closed["resume"].as_u64()), (&json!("too_slow"), came.last().copied()));
    let rest = Subscriber::resume(&ada, *came.last().expect("some")).await.up_to(last).await;
    assert_eq!(came.len() + rest.len(), MANY);
    system.finish().await;
}

#[tokio::test]
async fn a_consumer_that_never_reads_is_cut_off() {
    let settings = [("SYNCBOARD_SUBSCRIBER_TIMEOUT", "300ms"), ("SYNCBOARD_WRITE_TIMEOUT", "1s")];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    upload_many(&ada).await;
    let dead = asked(&system, &ada, "?after=0").await;
    wait_for("it is served", async || system.metric("query_url", "syncboard_query_messages_total").await > Some(0.0))
        .await;
    wait_for("its place is free", async || {
        system.metric("query_url", "syncboard_query_subscribers").await == Some(0.0)
    })
    .await;
    drop(dead);
    system.finish().await;
}

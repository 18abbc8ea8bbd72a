//! Commands that race or are sent again, and parts of the system that are away.

use futures_util::{FutureExt, StreamExt};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;
use tests::client::send;
use tests::system::wait_for;
use tests::{Answer, Client, Subscriber, System};
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

async fn with_key(client: &Client, method: Method, path: &str, key: &str, body: Value) -> Answer {
    send(client.command(method, path).header("Idempotency-Key", key).json(&body)).await
}

#[tokio::test]
async fn racing_commands_all_count_or_are_told() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let id = ada.upload("start", "text").await.id();

    // Without conditions each is decided again until it finds its place.
    let retitle = |n: usize| {
        let (ada, path) = (ada.clone(), format!("/v1/documents/{id}/title"));
        async move { ada.put(&path, &json!({ "title": format!("title {n}") })).await }
    };
    let answers = futures_util::future::join_all((0..32).map(retitle)).await;
    let accepted: Vec<u64> = answers.iter().filter(|answer| answer.status == 200).map(Answer::sequence).collect();
    for refused in answers.into_iter().filter(|answer| answer.status != 200) {
        refused.expect_problem(409, "conflict");
    }
    let last = *accepted.iter().max().expect("one wins");
    let document = ada.document(&id, last).await;
    assert_eq!(document["sequence"], last);
    let history = ada.get(&format!("/v1/documents/{id}/history?kind=retitled&limit=200")).await.expect(200).json();
    assert_eq!(history["changes"].as_array().map(Vec::len), Some(accepted.len()), "each accepted command once");

    // With the same If-Match exactly one wins.
    let conditional = |n: usize| {
        let request = ada.command(Method::PUT, &format!("/v1/documents/{id}/title"));
        send(request.header("If-Match", format!("\"{last}\"")).json(&json!({ "title": format!("only {n}") })))
    };
    let answers = futures_util::future::join_all((0..16).map(conditional)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.into_iter().filter(|answer| answer.status != 200) {
        refused.expect_problem(412, "stale_if_match");
    }

    // The same new id at the same time: one document, one answer.
    let path = "/v1/documents/11111111-1111-7111-8111-111111111111";
    let body = json!({ "title": "t", "text": "t" });
    let answers = futures_util::future::join_all((0..16).map(|_| ada.put(path, &body))).await;
    let sequences: Vec<u64> = answers.into_iter().map(|answer| answer.expect(201).sequence()).collect();
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]), "{sequences:?}");
    system.finish().await;
}

#[tokio::test]
async fn a_retried_command_returns_its_first_answer() {
    // The list of duplicates comes if it comes in time: without it answers are the same to the letter.
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_DUPLICATES_TIMEOUT", "0s")]).await;
    let ada = system.client("ada").await;
    let body = json!({ "title": "t", "text": "t" });
    let first = with_key(&ada, Method::POST, "/v1/documents", "create", body.clone()).await.expect(201);
    let id = first.id();
    let title = format!("/v1/documents/{id}/title");
    let edit = with_key(&ada, Method::PUT, &title, "edit", json!({ "title": "new" })).await.expect(200);
    for n in 0..30 {
        // Thirty more edits: the creation is remembered for ever, the first edit no longer.
        let again = with_key(&ada, Method::POST, "/v1/documents", "create", body.clone()).await.expect(201);
        assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (first.text.as_str(), Some("true")));
        if n < 20 {
            let again = with_key(&ada, Method::PUT, &title, "edit", json!({ "title": "new" })).await.expect(200);
            assert_eq!(again.text, edit.text);
        }
        ada.put(&title, &json!({ "title": format!("title {n}") })).await.expect(200);
    }
    // A service that was started anew knows it from the log.
    let before = system.pid("command-service");
    system.signal("command-service", Signal::KILL);
    wait_for("the command-service was restarted", async || system.pid("command-service") != before).await;
    wait_for("it is ready", async || system.is_ready("command_url").await).await;
    let again = with_key(&ada, Method::POST, "/v1/documents", "create", body).await.expect(201);
    assert_eq!(again.text, first.text);
    let other = json!({ "title": "other", "text": "t" });
    with_key(&ada, Method::POST, "/v1/documents", "create", other.clone())
        .await
        .expect_problem(422, "idempotency_key_reused");

    let (path, body) = ("/v1/documents/22222222-2222-7222-8222-222222222222", json!({ "title": "t", "text": "t" }));
    let created = ada.put(path, &body).await.expect(201);
    assert_eq!(ada.put(path, &body).await.expect(201).text, created.text);
    ada.put(path, &other).await.expect_problem(409, "document_exists");
    system.finish().await;
}

#[tokio::test]
async fn what_can_go_on_goes_on_while_a_part_is_away() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("before", "text").await;
    let (id, path) = (uploaded.id(), format!("/v1/documents/{}", uploaded.id()));
    ada.document(&id, uploaded.sequence()).await;

    // Without Redis everything goes on.
    system.signal("redis-server", Signal::STOP);
    let edited = ada.put(&format!("{path}/title"), &json!({ "title": "without redis" })).await.expect(200);
    assert_eq!(ada.document(&id, edited.sequence()).await["title"], "without redis");
    wait_for("both are ready", async || system.is_ready("command_url").await && system.is_ready("query_url").await)
        .await;
    system.signal("redis-server", Signal::CONT);

    // Without PostgreSQL commands go on and reads say that they cannot.
    system.signal("postgres", Signal::STOP);
    for backend in children(system.pid("postgres")) {
        tests::system::send(backend, Signal::STOP);
    }
    let edited = ada.put(&format!("{path}/title"), &json!({ "title": "without postgres" })).await.expect(200);
    wait_for("the command-service is ready", async || system.is_ready("command_url").await).await;
    wait_for("the query-service is not ready", async || !system.is_ready("query_url").await).await;
    ada.get(&format!("{path}?min_sequence={}", edited.sequence())).await.expect_problem(503, "unavailable");
    for backend in children(system.pid("postgres")) {
        tests::system::send(backend, Signal::CONT);
    }
    system.signal("postgres", Signal::CONT);
    wait_for("the query-service is ready", async || system.is_ready("query_url").await).await;
    assert_eq!(ada.document(&id, edited.sequence()).await["title"], "without postgres");

    // Without NATS reads go on and commands say that they cannot.
    system.signal("nats-server", Signal::STOP);
    wait_for("the command-service is not ready", async || !system.is_ready("command_url").await).await;
    let refused =
        ada.put(&format!("{path}/title"), &json!({ "title": "without nats" })).await.expect_problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    wait_for("the query-service is ready", async || system.is_ready("query_url").await).await;
    assert_eq!(ada.get(&path).await.expect(200).json()["title"], "without postgres");
    system.signal("nats-server", Signal::CONT);
    wait_for("the command-service is ready", async || system.is_ready("command_url").await).await;
    ada.put(&format!("{path}/title"), &json!({ "title": "with all" })).await.expect(200);
    system.finish_after_faults().await;
}

#[tokio::test]
async fn who_waits_for_a_turn_at_the_log_hears_heartbeats() {
    let settings = [
        ("SYNCBOARD_HEARTBEAT", "300ms"),
        ("SYNCBOARD_RECENT_EVENTS", "1"),
        ("SYNCBOARD_BACKLOG_READERS", "1"),
        ("SYNCBOARD_NATS_TIMEOUT", "5m"),
    ];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    ada.upload("no longer in memory", "text").await;
    let last = ada.upload("in memory", "text").await.sequence();
    Subscriber::open(&ada, "?after=0").await.up_to(last).await;
    system.signal("nats-server", Signal::STOP);
    let (mut one, mut other) = (Subscriber::open(&ada, "?after=0").await, Subscriber::open(&ada, "?after=0").await);
    let beats = async |subscriber: &mut Subscriber| {
        for _ in 0..4 {
            subscriber.heartbeat().await;
        }
    };
    // One of them has the turn and waits for the log, the other waits for the turn.
    tokio::select! {
        () = beats(&mut one) => {}
        () = beats(&mut other) => {}
    }
    system.signal("nats-server", Signal::CONT);
    for subscriber in [&mut one, &mut other] {
        assert_eq!(subscriber.up_to(last).await.len(), 2);
    }
    drop((one, other));
    system.finish_after_faults().await;
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

#[tokio::test]
async fn a_command_is_known_again_after_more_than_its_stream_remembers() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let path = format!("/v1/documents/{}/title", ada.upload("title", "text").await.id());
    let keyed = || with_key(&ada, Method::PUT, &path, "k", json!({ "title": "keyed" }));
    let first = keyed().await.expect(200);
    for n in 0..26 {
        ada.put(&path, &json!({ "title": format!("title {n}") })).await.expect(200);
    }
    let again = keyed().await.expect(200);
    assert_eq!((again.sequence(), again.header("idempotency-replayed")), (first.sequence(), Some("true")));
    let other = with_key(&ada, Method::PUT, &path, "k", json!({ "title": "another" })).await;
    other.expect_problem(422, "idempotency_key_reused");
    system.finish().await;
}

#[tokio::test]
async fn a_no_is_the_leaders_to_say() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let id = ada.upload("title", "text").await.id();
    // Another process changes the document; to this one it is new.
    system.replaced("command-service", Signal::TERM).await;
    let administrator = system.administrator().await;
    let asked = format!("$JS.API.STREAM.MSG.GET.{}", runtime::event_log::STREAM);
    let mut asked = administrator.client().subscribe(asked).await.expect("a subscription");
    administrator.client().flush().await.expect("it stands");

    // Whoever accepts asks nobody else: the append finds out.
    ada.put(&format!("/v1/documents/{id}/title"), &json!({ "title": "other" })).await.expect(200);
    // What it asked on the way is here before the answer to what is asked now.
    administrator.get_stream(runtime::event_log::STREAM).await.expect("the log answers");
    assert!(asked.next().now_or_never().is_none(), "the leader is asked for nothing");
    let same = ada.put(&format!("/v1/documents/{id}/title"), &json!({ "title": "other" })).await.expect(200);
    assert_eq!(same.json()["changed"], false);
    timeout(Duration::from_secs(60), asked.next()).await.expect("the leader is asked").expect("a request");
    system.finish().await;
}

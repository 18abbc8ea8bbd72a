//! What there is room for, and what happens where there is none: requests, large bodies, long states, waiting reads.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use tests::client::send;
use tests::system::wait_for;
use tests::{Client, System};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const IN_PROGRESS: &str = "syncboard_http_requests_in_progress";
const ABORTED: &str = "syncboard_http_requests_aborted_total";

/// A request to a service, and the beginning of its body.
async fn begun(system: &System, service: &str, client: &Client, head: &str, body: &str) -> TcpStream {
    let address = system.fact(service).trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.expect("the service listens");
    let request = format!("{head} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{body}", client.token);
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    connection
}

/// Waits until so many requests are in progress, that for the metrics among them.
async fn in_progress(system: &System, service: &str, wanted: f64) {
    wait_for("they are in progress", async || system.metric(service, IN_PROGRESS).await == Some(wanted)).await;
}

#[tokio::test]
async fn a_full_service_says_so_and_is_not_taken_for_dead() {
    let settings = [("SYNCBOARD_MAX_REQUESTS", "1"), ("SYNCBOARD_WAIT_TIMEOUT", "5min")];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let waiting = begun(&system, "query_url", &ada, "GET /v1/documents?min_sequence=99", "\r\n").await;
    in_progress(&system, "query_url", 2.0).await;
    let refused = ada.get("/v1/documents").await.expect_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(system.is_ready("query_url").await);

    assert_eq!(system.metric("query_url", ABORTED).await, Some(0.0));
    drop(waiting);
    in_progress(&system, "query_url", 1.0).await;
    assert_eq!(system.metric("query_url", ABORTED).await, Some(1.0));
    ada.get("/v1/documents").await.expect(200);
    system.finish().await;
}

#[tokio::test]
async fn large_bodies_wait_until_there_is_room() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_BODIES_LIMIT", "1MiB")]).await;
    let ada = system.client("ada").await;
    let announced = "content-type: application/json\r\ncontent-length: 1048576\r\n\r\n{";
    let slow = begun(&system, "command_url", &ada, "POST /v1/documents", announced).await;
    in_progress(&system, "command_url", 2.0).await;
    let large = tokio::spawn({
        let (ada, text) = (ada.clone(), "large ".repeat(50_000));
        async move { ada.upload("large", &text).await }
    });
    in_progress(&system, "command_url", 3.0).await;
    ada.upload("small", "text").await;
    assert!(!large.is_finished(), "there is no room for it yet");
    drop(slow);
    large.await.expect("no panic");
    // And for one that is larger than all the room there is.
    ada.upload("larger", &"larger ".repeat(200_000)).await;
    system.finish().await;
}

#[tokio::test]
async fn a_state_too_long_for_headers_is_no_hindrance() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let id = ada.upload("title", "text").await.id();
    let long = "🦀".repeat(2_000);
    let described = json!({ "source": { "kind": "url", "name": long, "url": long, "author": long } });
    let path = format!("/v1/documents/{id}/description");
    let describe =
        || async { send(ada.command(Method::PUT, &path).header("Idempotency-Key", "k").json(&described)).await };
    let first = describe().await.expect(200);
    assert_eq!(first.json()["changed"], true);
    assert_eq!(describe().await.expect(200).header("idempotency-replayed"), Some("true"));

    // Nobody has the state in memory now.
    system.replaced("command-service", Signal::TERM).await;
    let again = describe().await.expect(200);
    assert_eq!((again.sequence(), again.header("idempotency-replayed")), (first.sequence(), Some("true")));
    let last = ada.put(&format!("/v1/documents/{id}/title"), &json!({ "title": "other" })).await.expect(200).sequence();
    let document = ada.document(&id, last).await;
    assert_eq!((&document["title"], &document["source"]["author"]), (&json!("other"), &json!(long)));
    system.finish().await;
}

#[tokio::test]
async fn who_waits_for_the_read_models_asks_the_database_together() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_WAIT_TIMEOUT", "2s")]).await;
    let ada = system.client("ada").await;
    let (id, first) = {
        let uploaded = ada.upload("title", "text").await;
        (uploaded.id(), uploaded.sequence())
    };
    ada.document(&id, first).await;
    let database = system.database().await;
    let commits = async || -> i64 {
        let asked = "select xact_commit from pg_stat_database where datname = current_database()";
        sqlx::query_scalar(asked).fetch_one(&database).await.expect("a number")
    };
    system.signal("projector", Signal::STOP);
    let before = commits().await;
    let path = format!("/v1/documents/{id}?min_sequence={}", first + 1);
    let waiting = futures_util::future::join_all((0..100).map(|_| send(ada.query(Method::GET, &path)))).await;
    for answer in waiting {
        answer.expect_problem(503, "not_yet_visible");
    }
    let asked = commits().await - before;
    assert!(asked < 1_000, "{asked} transactions");
    system.signal("projector", Signal::CONT);
    system.finish_after_faults().await;
}

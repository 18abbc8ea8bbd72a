//! Subscribers over Server-Sent Events, on whole systems: what they are sent, when, and where they go on.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::client::send;
use tests::subscriber::Message;
use tests::system::{PATIENT_REDIS, wait_for};
use tests::{Client, Subscriber, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

fn ids(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.id).collect()
}

async fn retitle(client: &Client, id: &str, title: &str) -> u64 {
    client.put(&format!("/v1/documents/{id}/title"), &json!({ "title": title })).await.expect(200).sequence()
}

#[tokio::test]
async fn messages_come_in_order_and_only_once_visible() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut all = Subscriber::open(&ada, "?after=0").await;
    let uploaded = ada.upload("Containers", "share a kernel").await;
    let id = uploaded.id();
    for n in 0..30 {
        retitle(&ada, &id, &format!("title {n}")).await;
    }
    let first = all.event().await;
    assert_eq!((first.id, first.event.as_str()), (uploaded.sequence(), "document.uploaded"));
    let data = &first.data;
    assert_eq!((&data["specversion"], &data["type"]), (&json!("1.0"), &json!("syncboard.document.uploaded.v1")));
    assert_eq!(data["subject"], format!("document/{id}"));
    assert_eq!(data["source"], format!("/workspaces/{}", ada.workspace));
    assert_eq!(data["data"]["title"], "Containers");
    assert_eq!(data["data"]["content"]["bytes"], 14);
    assert_eq!(data["data"]["content"].get("text"), None, "texts are asked for, not sent");
    let mut last = first.id;
    for n in 0..30 {
        let message = all.event().await;
        assert!(message.id > last, "the order is that of the log");
        last = message.id;
        // No min_sequence: who was told must see it.
        let document = ada.get(&format!("/v1/documents/{id}")).await.expect(200).json();
        assert!(document["sequence"].as_u64() >= Some(message.id), "{document} is older than {}", message.id);
        assert_eq!(message.data["data"]["title"], format!("title {n}"));
    }
    drop(all);
    system.finish().await;
}

#[tokio::test]
async fn resuming_anywhere_gives_exactly_the_rest() {
    // So few events in memory that some subscribers begin in the log and end in memory, and some change over more than once.
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_RECENT_EVENTS", "20")]).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let id = ada.upload("a", "b").await.id();
    let mut whole = Subscriber::open(&ada, "?after=0").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (ada, eve, is_over, id) = (ada.clone(), eve.clone(), is_over.clone(), id.clone());
        async move {
            let mut last = 0;
            for n in 0.. {
                last = retitle(&ada, &id, &format!("title {n}")).await;
                eve.upload(&format!("noise {n}"), "of another workspace").await;
                if n >= 150 && is_over.load(Ordering::SeqCst) {
                    break;
                }
            }
            last
        }
    });
    let begun = whole.up_to(whole.last_event_id.unwrap_or(0) + 120).await;
    let cuts: BTreeSet<u64> =
        [0, 1].into_iter().chain(begun.iter().step_by(9).flat_map(|m| [m.id, m.id + 1])).collect();
    let resumed: Vec<_> = cuts
        .into_iter()
        .map(|cut| {
            let ada = ada.clone();
            tokio::spawn(async move { (cut, Subscriber::resume(&ada, cut).await) })
        })
        .collect();
    let mut subscribers = Vec::new();
    for subscriber in resumed {
        subscribers.push(subscriber.await.expect("no panic"));
    }
    is_over.store(true, Ordering::SeqCst);
    let last = writing.await.expect("no panic");
    let mut expected = begun;
    expected.extend(whole.up_to(last).await);
    let sequences = ids(&expected);
    assert!(sequences.windows(2).all(|two| two[0] < two[1]));
    let history =
        ada.get(&format!("/v1/documents/{id}/history?limit=200&min_sequence={last}")).await.expect(200).json();
    let known: Vec<u64> = history["changes"].as_array().expect("changes").iter().rev().map(sequence).collect();
    assert!(sequences.ends_with(&known), "every event of the document was sent");
    for (cut, mut subscriber) in subscribers {
        let rest = subscriber.up_to(last).await;
        let wanted: Vec<_> = expected.iter().filter(|message| message.id > cut).cloned().collect();
        assert_eq!(rest, wanted, "after {cut}");
    }
    system.finish().await;
}

fn sequence(change: &Value) -> u64 {
    change["sequence"].as_u64().expect("a sequence")
}

#[tokio::test]
async fn a_filter_leaves_out_the_rest_and_ids_move_on() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_HEARTBEAT", "200ms")]).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let tagged = json!({ "title": "one", "text": "1", "tags": ["ops"] });
    let one = ada.post("/v1/documents", &tagged).await.expect(201);
    let two = ada.upload("two", "2").await;
    let cluster = ada.post("/v1/clusters", &json!({ "name": "mine" })).await.expect(201);
    let path = |rest: &str| format!("/v1/documents/{}{rest}", two.id());
    let moved = ada.put(&path("/cluster"), &json!({ "cluster_id": cluster.id() })).await.expect(200).sequence();
    let added = ada.put(&path("/tags/ops"), &json!({})).await.expect(200).sequence();
    let removed = ada.delete(&path("/tags/ops")).await.expect(200).sequence();
    let retitled = retitle(&ada, &one.id(), "uno").await;
    let renamed = ada.put(&format!("/v1/clusters/{}/name", cluster.id()), &json!({ "name": "ours" })).await.expect(200);
    let suppressed = ada.put("/v1/concepts/meaning/suppression", &json!({})).await.expect(200).sequence();
    let others = eve.upload("three", "3").await.sequence();
    let (one_at, two_at) = (one.sequence(), two.sequence());
    let (made, renamed) = (cluster.sequence(), renamed.sequence());
    for (query, expected) in [
        ("aggregate=document".to_owned(), vec![one_at, two_at, moved, added, removed, retitled]),
        ("aggregate=concept".to_owned(), vec![suppressed]),
        (format!("id={}", one.id()), vec![one_at, retitled]),
        ("type=document.retitled&type=cluster.renamed".to_owned(), vec![retitled, renamed]),
        ("tag=Ops".to_owned(), vec![one_at, added, removed, retitled]),
        (format!("cluster={}", cluster.id()), vec![two_at, made, moved, added, removed, renamed]),
        ("type=document.uploaded&tag=none".to_owned(), vec![]),
    ] {
        let mut subscriber = Subscriber::open(&ada, &format!("?after=0&{query}")).await;
        let mut came = Vec::new();
        while came.len() < expected.len() {
            came.push(subscriber.event().await.id);
        }
        assert_eq!(came, expected, "{query}");
        assert_eq!(subscriber.until_id(others).await, Vec::<String>::new(), "{query}: nothing but heartbeats follows");
    }
    for query in ["after=-1", "aggregate=account", "id=7", "type=document.flown", "tag=%00", "cluster=x"] {
        ada.get(&format!("/v1/events?{query}")).await.expect_problem(400, "invalid_parameter");
    }
    let malformed = ada.query(Method::GET, "/v1/events").header("Last-Event-ID", "x");
    send(malformed).await.expect_problem(400, "invalid_parameter");
    system.finish().await;
}

#[tokio::test]
async fn another_users_workspace_is_never_seen() {
    let system =
        System::start_with(PROGRAM, &[("SYNCBOARD_HEARTBEAT", "200ms"), ("SYNCBOARD_RECENT_EVENTS", "3")]).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let mut live = Subscriber::open(&eve, "").await;
    let secret = ada.upload("secret", "of ada").await;
    for n in 0..10 {
        retitle(&ada, &secret.id(), &format!("secret {n}")).await;
    }
    let hers = eve.upload("plain", "of eve").await;
    assert_eq!(live.event().await.id, hers.sequence());
    for query in ["?after=0".to_owned(), format!("?after=0&id={}", secret.id()), "?after=0&tag=secret".to_owned()] {
        let mut subscriber = Subscriber::open(&eve, &query).await;
        if query == "?after=0" {
            assert_eq!(subscriber.event().await.data["source"], format!("/workspaces/{}", eve.workspace));
        }
        assert_eq!(subscriber.until_id(hers.sequence()).await, Vec::<String>::new(), "{query}");
    }
    let nobody = tests::client::http().get(format!("{}/v1/events", system.fact("query_url")));
    send(nobody).await.expect_problem(401, "unauthorized");
    system.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_TOKEN_LIFETIME", "10s")]).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("a", "b").await.sequence();
    let mut subscriber = Subscriber::open(&ada, "?after=0").await;
    assert_eq!(subscriber.event().await.id, uploaded);
    let last = subscriber.next().await.expect("a last word");
    assert_eq!((last.event.as_str(), &last.data["code"]), ("closed", &json!("token_expired")));
    assert!(last.data["resume"].as_u64() >= Some(uploaded));
    assert_eq!(subscriber.next().await, None);
    send(ada.query(Method::GET, "/v1/events")).await.expect_problem(401, "unauthorized");
    system.finish().await;
}

#[tokio::test]
async fn a_ticket_admits_once_and_its_store_may_be_away() {
    let system = System::start_with(PROGRAM, &[PATIENT_REDIS]).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let hers = eve.upload("of eve", "text").await.sequence();
    let uploaded = ada.upload("a", "b").await.sequence();
    let ticket = |client: Client| async move { send(client.query(Method::POST, "/v1/tickets")).await };
    let given = ticket(ada.clone()).await.expect(201);
    assert_eq!(given.header("cache-control"), Some("no-store"));
    let ticket_text = given.json()["ticket"].as_str().expect("a ticket").to_owned();
    let url = |rest: &str| format!("{}/v1/{rest}", system.fact("query_url"));
    let plain = tests::client::http();
    let with = |ticket: &str| plain.get(url(&format!("events?after=0&ticket={ticket}")));
    send(plain.get(url(&format!("documents?ticket={ticket_text}")))).await.expect_problem(401, "unauthorized");
    let mut subscriber = Subscriber::of(with(&ticket_text)).await;
    assert!(uploaded > hers);
    assert_eq!(subscriber.event().await.id, uploaded, "it stands for its workspace");
    send(with(&ticket_text)).await.expect_problem(401, "invalid_ticket");
    send(with("nonsense")).await.expect_problem(401, "invalid_ticket");

    system.signal("redis-server", Signal::STOP);
    ticket(ada.clone()).await.expect_problem(503, "unavailable");
    send(with(&ticket_text)).await.expect_problem(503, "unavailable");
    system.signal("redis-server", Signal::CONT);
    wait_for("tickets are given again", async || ticket(ada.clone()).await.status == 201).await;
    let log = std::fs::read_to_string(system.data.join("logs/query-service.log")).expect("a log");
    assert!(log.contains("/v1/events") && !log.contains(&ticket_text), "a ticket is in no log");
    system.finish().await;
}

#[tokio::test]
async fn there_are_only_so_many_subscribers() {
    let settings = [("SYNCBOARD_SUBSCRIBERS", "3"), ("SYNCBOARD_WORKSPACE_SUBSCRIBERS", "2")];
    let system = System::start_with(PROGRAM, &settings).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let mut hers = vec![Subscriber::open(&ada, "").await, Subscriber::open(&ada, "").await];
    ada.get("/v1/events").await.expect_problem(429, "too_many_subscribers");
    let _third = Subscriber::open(&eve, "").await;
    eve.get("/v1/events").await.expect_problem(503, "too_many_subscribers");
    hers.pop();
    wait_for("the place is free again", async || {
        let request = ada.query(Method::GET, "/v1/events").timeout(std::time::Duration::from_secs(600));
        request.send().await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    system.finish().await;
}

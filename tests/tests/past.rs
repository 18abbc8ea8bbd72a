//! The past: a document as it was, its revisions, and what changed between them.

use async_nats::jetstream::stream::{Config, DirectGetErrorKind, Source};
use runtime::event_log::STREAM;
use serde_json::{Value, json};
use tests::System;
use tests::knowledge::{get, texts};
use tests::system::wait_for;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_document_is_shown_as_it_was_after_each_change() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = "Sourdough starters need flour.\nFeed the sourdough starter daily.\n";
    let body = json!({ "title": "Bread", "text": first, "tags": ["baking"] });
    let uploaded = ada.post("/v1/documents", &body).await.expect(201);
    let id = uploaded.id();
    let path = format!("/v1/documents/{id}");
    let mut shown = vec![(uploaded.sequence(), ada.document(&id, uploaded.sequence()).await)];
    let long = format!("{first}{}", "One more line about container orchestration with Kubernetes.\n".repeat(6_000));
    let edits = [
        ("PUT", "/title", json!({ "title": "Loaves" })),
        ("PUT", "/tags/yeast", json!({})),
        ("PUT", "/concepts/House%20rules", json!({})),
        ("PUT", "/content", json!({ "text": long })),
        ("DELETE", "/concepts/Kubernetes", json!({})),
        ("DELETE", "/tags/baking", json!({})),
        ("PUT", "/description", json!({ "skill_level": "advanced" })),
        ("DELETE", "", json!({})),
        ("POST", "/restore", json!({})),
        ("PUT", "/content", json!({ "text": "Short again.\n" })),
    ];
    for (method, route, body) in edits {
        let method = method.parse().expect("a method");
        let answer = tests::client::send(ada.command(method, &format!("{path}{route}")).json(&body)).await.expect(200);
        shown.push((answer.sequence(), ada.document(&id, answer.sequence()).await));
    }
    let last = shown.last().expect("there are some").0;

    for (sequence, document) in &shown {
        let past = get(&ada, &format!("{path}/past?sequence={sequence}"), last).await;
        assert_eq!(&past["document"], document, "as it was at {sequence}");
        let at = document["updated_at"].as_str().expect("a time").replace('+', "%2B");
        let by_time = get(&ada, &format!("{path}/past?time={at}"), last).await;
        assert!(by_time["document"]["sequence"].as_u64() >= Some(*sequence), "{by_time}");
    }
    let concepts = async |sequence: u64| {
        let past = get(&ada, &format!("{path}/past?sequence={sequence}"), last).await;
        texts(&past["concepts"], "name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let has = |names: &[String], name: &str| names.iter().any(|had| had.to_lowercase().starts_with(name));
    let (early, middle, late) = (concepts(shown[0].0).await, concepts(shown[4].0).await, concepts(shown[5].0).await);
    assert!(has(&early, "sourdough") && !has(&early, "kubernetes") && !has(&early, "house rules"), "{early:?}");
    assert!(has(&middle, "kubernetes") && has(&middle, "house rules"), "{middle:?}");
    assert!(!has(&late, "kubernetes") && has(&late, "house rules"), "it was removed: {late:?}");
    let before = shown[0].0 - 1;
    let nothing = ada.get(&format!("{path}/past?sequence={before}&min_sequence={last}")).await;
    nothing.expect_problem(404, "document_not_found");

    let list = get(&ada, &format!("{path}/revisions?limit=2"), last).await;
    let numbers = |list: &Value| list["revisions"].as_array().expect("revisions").clone();
    assert_eq!(numbers(&list).iter().map(|revision| &revision["revision"]).collect::<Vec<_>>(), [3, 2]);
    let cursor = list["next_cursor"].as_str().expect("there is another page");
    let rest = get(&ada, &format!("{path}/revisions?limit=2&cursor={cursor}"), last).await;
    assert_eq!((numbers(&rest).len(), &rest["revisions"][0]["revision"]), (1, &json!(1)));
    for (number, text) in [(1, first), (2, long.as_str()), (3, "Short again.\n")] {
        let found = ada.get(&format!("{path}/revisions/{number}?min_sequence={last}")).await.expect(200);
        assert_eq!(found.text, text, "revision {number}");
    }
    let diff = get(&ada, &format!("{path}/revisions/3/diff?from=1"), last).await;
    assert_eq!((&diff["added"], &diff["removed"]), (&json!(1), &json!(2)));
    assert!(diff["diff"].as_str().is_some_and(|diff| diff.contains("+Short again.")), "{diff}");
    let before = get(&ada, &format!("{path}/revisions/2/diff"), last).await;
    assert_eq!((&before["from"], &before["added"], &before["removed"]), (&json!(1), &json!(6_000), &json!(0)));
    for nowhere in ["/revisions/4", "/revisions/0", "/revisions/1/diff", "/revisions/2/diff?from=9"] {
        ada.get(&format!("{path}{nowhere}")).await.expect_problem(404, "revision_not_found");
    }
    let eve = system.client("eve").await;
    for route in ["/past", "/revisions"] {
        eve.get(&format!("{path}{route}")).await.expect_problem(404, "document_not_found");
    }
    eve.get(&format!("{path}/revisions/1")).await.expect_problem(404, "revision_not_found");
    system.finish().await;
}

#[tokio::test]
async fn a_replica_that_lags_is_not_believed() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("Bread", "needs flour").await;
    let path = format!("/v1/documents/{}/revisions/1?min_sequence={}", uploaded.id(), uploaded.sequence());
    // It answers for the log, as replicas do, and does not have what came before.
    let lagging = Config {
        name: "LAGGING".to_owned(),
        mirror: Some(Source {
            name: STREAM.to_owned(),
            start_sequence: Some(uploaded.sequence() + 1),
            ..Source::default()
        }),
        mirror_direct: true,
        allow_direct: true,
        ..Config::default()
    };
    let log = system.administrator().await;
    log.create_stream(lagging).await.expect("a mirror can be made");
    let stream = log.get_stream(STREAM).await.expect("the log is there");
    ada.upload("Another", "that it has").await;
    let denies = async || {
        let answer = stream.direct_get(uploaded.sequence()).await;
        answer.is_err_and(|error| error.kind() == DirectGetErrorKind::NotFound)
    };
    wait_for("the replica answers", denies).await;
    for _ in 0..40 {
        assert_eq!(ada.get(&path).await.expect(200).text, "needs flour");
    }
    wait_for("the replica still answers", denies).await;
    log.delete_stream("LAGGING").await.expect("it can be taken away");
    system.finish().await;
}

#[tokio::test]
async fn what_would_cost_too_much_is_refused() {
    let limits = [("SYNCBOARD_PAST_CHANGES", "3"), ("SYNCBOARD_PAST_TEXT", "100B")];
    let system = System::start_with(PROGRAM, &limits).await;
    let ada = system.client("ada").await;
    let long = "Sourdough starters need flour. ".repeat(10);
    let uploaded = ada.upload("Bread", &long).await;
    let path = format!("/v1/documents/{}", uploaded.id());
    let at = |sequence: u64| format!("{path}/past?sequence={sequence}&min_sequence={sequence}");
    ada.get(&format!("/v1/concepts?min_sequence={}", uploaded.sequence())).await.expect(200);
    let remembered = ada.get(&at(uploaded.sequence())).await.expect(200).json();
    assert!(texts(&remembered["concepts"], "concept").iter().any(|key| key.contains("sourdough")), "{remembered}");

    system.execute("delete from analysis.memo").await;
    let refused = ada.get(&at(uploaded.sequence())).await.expect_problem(422, "text_too_long").json();
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("SYNCBOARD_PAST_TEXT")), "{refused}");
    let revised = ada.put(&format!("{path}/content"), &json!({ "text": "Kubernetes" })).await.expect(200).sequence();
    let retitled = ada.put(&format!("{path}/title"), &json!({ "title": "Pods" })).await.expect(200).sequence();
    ada.get(&format!("/v1/concepts?min_sequence={retitled}")).await.expect(200);
    system.execute("delete from analysis.memo").await;
    let analysed = ada.get(&at(retitled)).await.expect(200).json();
    assert!(texts(&analysed["concepts"], "concept").iter().any(|key| key.contains("kubernete")), "{analysed}");

    let fourth = ada.put(&format!("{path}/title"), &json!({ "title": "Loaves" })).await.expect(200).sequence();
    let refused = ada.get(&at(fourth)).await.expect_problem(422, "too_many_changes").json();
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("SYNCBOARD_PAST_CHANGES")), "{refused}");
    ada.get(&at(revised)).await.expect(200);
    system.finish().await;
}

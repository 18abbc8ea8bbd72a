//! Monitoring on the running system: a real Prometheus finds every series that a rule or a dashboard asks for, with the labels
//! that it groups by; and when parts are taken away, the alerts that say so fire, and end.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::client::{http, send};
use tests::model::Model;
use tests::monitoring::{Monitor, dashboards, expressions, groupings, selectors};
use tests::parked::failures;
use tests::system::wait_for;
use tests::{Client, Subscriber, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// What counters appear with must be there before anything has happened.
const AT_THE_START: [(&str, &str); 15] = [
    ("command_url", r#"syncboard_command_conflicts_total 0"#),
    ("command_url", r#"syncboard_command_appends_total{aggregate="cluster"} 0"#),
    ("command_url", r#"syncboard_command_appends_failed_total 0"#),
    ("command_url", r#"syncboard_http_requests_total{operation="upload_document",status="5xx"} 0"#),
    ("command_url", r#"syncboard_dependency_up{dependency="nats",required="true"} 1"#),
    ("command_url", r#"syncboard_dependency_up{dependency="postgres",required="false"} 1"#),
    ("command_url", r#"syncboard_log_has_leader 1"#),
    ("query_url", r#"syncboard_ready 1"#),
    ("query_url", r#"syncboard_query_subscriptions_closed_total{code="too_slow"} 0"#),
    ("query_url", r#"syncboard_query_wait_timeouts_total 0"#),
    ("query_url", r#"syncboard_query_wait_duration_seconds_count 0"#),
    ("query_url", r#"syncboard_dependency_up{dependency="nats",required="false"} 1"#),
    ("projector_url", r#"syncboard_projector_failures_total{projection="knowledge"} 0"#),
    ("projector_url", r#"syncboard_projector_analyses_broken_total 0"#),
    ("projector_url", r#"syncboard_log_disconnections_total 0"#),
];

/// What the assistant said when it was up.
async fn assistant(system: &System) -> String {
    let path = system.data.join("logs/assistant.log");
    let said = || {
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find_map(|line| line["listen"].as_str().map(|address| format!("http://{address}")))
    };
    wait_for("the assistant says where it listens", async || said().is_some()).await;
    said().expect("it has just said so")
}

/// A little of everything: uploads, edits, a conflict, refusals, reads, and a subscriber, who stays.
async fn exercise(system: &System, ada: &Client) -> Subscriber {
    let uploaded = ada.upload("Containers", "A container shares the kernel of its host, says Docker.").await;
    let (id, first) = (uploaded.id(), uploaded.sequence());
    let mut subscriber = Subscriber::open(ada, "?after=0").await;
    subscriber.up_to(first).await;
    let path = format!("/v1/documents/{id}/title");
    let stale = ada.command(Method::PUT, &path).header("If-Match", "\"1\"").json(&json!({ "title": "Stale" }));
    send(stale).await.expect(412);
    let edit = |n: usize| {
        let (ada, path) = (ada.clone(), path.clone());
        async move { ada.put(&path, &json!({ "title": format!("Title {n}") })).await.status }
    };
    let edits = futures_util::future::join_all((0..8).map(edit)).await;
    assert!(edits.contains(&200.try_into().expect("a status")), "{edits:?}");
    let last = ada.put(&path, &json!({ "title": "Pods" })).await.expect(200).sequence();
    assert_eq!(ada.document(&id, last).await["title"], "Pods");
    ada.get(&format!("/v1/documents/{}", uuid::Uuid::nil())).await.expect(404);
    ada.get(&format!("/v1/documents?min_sequence={last}")).await.expect(200);
    ada.get("/v1/nothing").await.expect(404);
    system.caught_up().await;
    subscriber
}

#[tokio::test]
async fn everything_asked_for_is_there_and_alerts_fire_when_parts_are_away() {
    let model = Model::start().await;
    // Far from what is taken: without a limit nothing would be left of it.
    let system = model.system(PROGRAM, &[("SYNCBOARD_MEMORY_LIMIT", "64GiB")]).await;
    for (service, line) in AT_THE_START {
        let metrics = format!("{}/metrics", system.fact(service));
        let says = async || send(http().get(&metrics)).await.text.lines().any(|one| one == line);
        wait_for(&format!("{service} says {line}"), says).await;
        let health = system.health(service).await.expect("health");
        assert!(health["version"].is_string() && health["commit"].is_string(), "{health}");
    }
    let ada = system.client("ada").await;
    let _subscriber = exercise(&system, &ada).await;
    let monitor = Monitor::start(&system, &assistant(&system).await).await;
    wait_for("everything is scraped", async || monitor.unread().await.is_some_and(|unread| unread.is_empty())).await;

    let asked: Vec<_> =
        expressions().into_iter().chain(dashboards().iter().flat_map(|one| one.expressions())).collect();
    assert_all_there(&monitor, &asked).await;
    let rules = monitor.ask("rules", &[]).await.expect("an answer");
    let rules =
        rules["groups"].as_array().expect("groups").iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    let unwell: Vec<_> = rules.filter(|rule| rule["health"] != "ok").collect();
    assert!(unwell.is_empty(), "rules that cannot be evaluated: {unwell:#?}");

    parts_are_away(&system, &monitor).await;
    an_event_is_parked(&system, &monitor, &ada).await;
    drop(monitor);
    system.finish_after_faults().await;
}

/// Every selector gives series, and every label that is grouped by is one of theirs.
async fn assert_all_there(monitor: &Monitor, asked: &[(String, String)]) {
    // Alerts are series of Prometheus itself, while they fire.
    let is_asked = |selector: &String| !selector.starts_with("ALERTS");
    let wanted: BTreeSet<_> = asked.iter().flat_map(|(_, asked)| selectors(asked)).filter(is_asked).collect();
    assert!(wanted.len() > 100, "{wanted:?}");
    let mut found = BTreeMap::new();
    wait_for_all(&wanted, monitor, &mut found).await;
    for (name, expression) in asked {
        let of_expression: Vec<_> = selectors(expression).into_iter().filter(is_asked).collect();
        for label in groupings(expression) {
            let has = |selector: &String| found[selector].contains(&label);
            assert!(of_expression.iter().any(has), "{name}: no series has {label}: {expression}");
        }
    }
}

/// Waits until every selector has series, and says which labels they have.
async fn wait_for_all(wanted: &BTreeSet<String>, monitor: &Monitor, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let begun = std::time::Instant::now();
    loop {
        for selector in wanted {
            if !found.contains_key(selector) {
                let series = monitor.series(selector).await;
                if !series.is_empty() {
                    found.insert(selector.clone(), series.into_iter().flat_map(BTreeMap::into_keys).collect());
                }
            }
        }
        let missing: Vec<_> = wanted.iter().filter(|selector| !found.contains_key(*selector)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(begun.elapsed().as_secs() < 60, "nobody exports: {missing:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}

/// A part that hangs is said so by these alerts, and by none of them before and after.
async fn parts_are_away(system: &System, monitor: &Monitor) {
    let parts: [(&str, &[&str]); 3] = [
        ("nats-server", &["LogUnreachable", "LogWithoutLeader", "ServiceNotReady"]),
        ("redis-server", &["CacheUnreachable"]),
        ("query-service", &["ServiceDown", "NoInstance"]),
    ];
    for (part, alerts) in parts {
        for alert in alerts {
            wait_for(&format!("{alert} is silent before"), async || !monitor.fires(alert).await).await;
        }
        system.signal(part, Signal::STOP);
        for alert in alerts {
            wait_for(&format!("{alert} fires without {part}"), async || monitor.fires(alert).await).await;
        }
        system.signal(part, Signal::CONT);
        for alert in alerts {
            wait_for(&format!("{alert} ends with {part}"), async || !monitor.fires(alert).await).await;
        }
    }
}

/// An event that the tables refuse is parked, and said to be until it is applied.
async fn an_event_is_parked(system: &System, monitor: &Monitor, ada: &Client) {
    let id = ada.upload("First", "one").await.id();
    assert!(!monitor.fires("EventsParked").await);
    system.execute("alter table read_model.document add constraint refused check (title <> 'refused')").await;
    ada.put(&format!("/v1/documents/{id}/title"), &json!({ "title": "refused" })).await.expect(200);
    wait_for("EventsParked fires", async || monitor.fires("EventsParked").await).await;
    system.execute("alter table read_model.document drop constraint refused").await;
    assert!(failures(system, &["retry"]).await.1);
    wait_for("EventsParked ends", async || !monitor.fires("EventsParked").await).await;
}

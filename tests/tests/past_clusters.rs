//! In which clusters documents stood: at each sequence what was shown live then, whatever moved them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::System;
use tests::client::{Answer, Client, send};
use tests::knowledge::get;
use tests::parked::failures;
use tests::texts::SUBJECTS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// Makes the tables of memberships in a generation that was filled before there were any.
const MIGRATED: &str = concat!(
    "begin; set local search_path = knowledge; drop table cluster_membership, cluster_history;",
    include_str!("../../schema/migrations/knowledge/0005_membership.sql"),
    "commit;"
);

/// What was shown after an event: its sequence, its time where a document changed, and each document with its cluster.
struct Shown {
    sequence: u64,
    time: Option<String>,
    clusters: Vec<(String, Value)>,
}

#[tokio::test]
async fn documents_stood_where_they_were_shown_live() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut shown = uploaded(&ada, 0..4).await;
    let ids: Vec<String> = shown.last().expect("some").clusters.iter().map(|(id, _)| id.clone()).collect();
    let moved_by_others = shown.windows(2).flat_map(|pair| pair[0].clusters.iter().zip(&pair[1].clusters));
    assert!(moved_by_others.filter(|(before, after)| before.1 != after.1).count() > 0, "an epoch moved documents");

    let cluster = |of: usize| shown.last().expect("some").clusters[of].1["id"].as_str().expect("a cluster").to_owned();
    let (containers, baking) = (cluster(0), cluster(1));
    assert_ne!(containers, baking);
    let document = |at: usize| format!("/v1/documents/{}", ids[at]);
    let edits = [
        (Method::PUT, format!("{}/cluster", document(0)), json!({ "cluster_id": baking })),
        (Method::PUT, format!("/v1/clusters/{baking}/name"), json!({ "name": "Our bakery" })),
        (Method::DELETE, document(0), json!({})),
        (Method::POST, format!("{}/restore", document(0)), json!({})),
        (Method::DELETE, document(4), json!({})),
        (Method::DELETE, format!("{}/cluster", document(0)), json!({})),
        (Method::PUT, format!("{}/content", document(3)), json!({ "text": SUBJECTS[2].document(9).1 })),
        (Method::POST, format!("{}/restore", document(4)), json!({})),
        (Method::POST, format!("/v1/clusters/{baking}/merge"), json!({ "into": containers })),
        (Method::PUT, format!("/v1/clusters/{containers}/name"), json!({ "name": "Everything" })),
        (Method::DELETE, format!("/v1/clusters/{containers}"), json!({})),
    ];
    for (method, path, body) in edits {
        let is_of_document = path.starts_with("/v1/documents");
        let answer = send(ada.command(method, &path).json(&body)).await.expect(200);
        let of = path.split('/').nth(3).filter(|_| is_of_document);
        shown.push(look(&ada, &ids, &answer, of).await);
    }
    let last = shown.last().expect("some").sequence;
    let rebuilt = system.projector(&["rebuild", "--projection", "knowledge"]).await;
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    for then in &shown {
        then.assert_shown(&ada, last).await;
    }
    system.finish().await;
}

#[tokio::test]
async fn what_the_tables_do_not_remember_is_said_and_a_rebuild_knows_it() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut shown = uploaded(&ada, 0..3).await;
    // By time what is remembered begins when the tables were made.
    let time = shown[8].time.take();
    let (then, now) = (&shown[7], &shown[8]);
    system.caught_up().await;
    system.execute(MIGRATED).await;
    now.assert_shown(&ada, now.sequence).await;
    for (id, _) in &then.clusters {
        let past = get(&ada, &format!("/v1/documents/{id}/past?sequence={}", then.sequence), now.sequence).await;
        assert_eq!((&past["is_cluster_known"], &past["cluster"]), (&json!(false), &Value::Null), "{past}");
    }
    let later = ada.delete(&format!("/v1/documents/{}", now.clusters[0].0)).await.expect(200);
    let ids: Vec<String> = now.clusters.iter().map(|(id, _)| id.clone()).collect();
    let later = look(&ada, &ids, &later, None).await;
    now.assert_shown(&ada, later.sequence).await;
    later.assert_shown(&ada, later.sequence).await;

    let rebuilt = system.projector(&["rebuild", "--projection", "knowledge"]).await;
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    shown[8].time = time;
    for shown in shown.iter().chain([&later]) {
        shown.assert_shown(&ada, later.sequence).await;
    }
    system.finish().await;
}

#[tokio::test]
async fn what_waited_takes_back_what_was_told_of_later() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = ada.upload("First", &SUBJECTS[0].document(0).1).await;
    system.execute("alter table knowledge.document_knowledge add constraint refused check (title <> 'refused')").await;
    let path = format!("/v1/documents/{}", first.id());
    ada.put(&format!("{path}/title"), &json!({ "title": "refused" })).await.expect(200);
    ada.delete(&path).await.expect(200);
    let unseen = ada.upload("refused", "of this knowledge has nothing").await;
    // For knowledge it is in use meanwhile, and an epoch finds a cluster for it.
    let last = uploaded(&ada, 1..3).await.last().expect("some").sequence;
    let past = async |path: &str| get(&ada, &format!("{path}/past"), last).await;
    let meanwhile = past(&path).await;
    assert!(meanwhile["cluster"].is_object(), "{meanwhile}");
    let unknown = past(&format!("/v1/documents/{}", unseen.id())).await;
    assert_eq!((&unknown["is_cluster_known"], &unknown["cluster"]), (&json!(false), &Value::Null), "{unknown}");
    system.execute("alter table knowledge.document_knowledge drop constraint refused").await;
    let (outcome, is_well) = failures(&system, &["retry"]).await;
    assert!(is_well && outcome.len() == 2, "{outcome:?}");
    let past = past(&path).await;
    assert_eq!((&past["is_cluster_known"], &past["cluster"]), (&json!(true), &Value::Null), "it has been in the trash");
    // What came late may have made other clusters than a rebuild.
    let rebuilt = system.projector(&["rebuild", "--projection", "knowledge"]).await;
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    system.finish_after_faults().await;
}

/// Uploads documents of all subjects in turn, and looks at all after each.
async fn uploaded(client: &Client, numbers: std::ops::Range<usize>) -> Vec<Shown> {
    let (mut ids, mut shown) = (Vec::new(), Vec::new());
    for (number, subject) in numbers.flat_map(|number| SUBJECTS.iter().map(move |subject| (number, subject))) {
        let (title, text) = subject.document(number);
        let answer = client.upload(&title, &text).await;
        ids.push(answer.id());
        shown.push(look(client, &ids, &answer, ids.last().map(String::as_str)).await);
    }
    shown
}

/// Looks at all documents after an event, which changed one of them or none.
async fn look(client: &Client, ids: &[String], answer: &Answer, changed: Option<&str>) -> Shown {
    let sequence = answer.sequence();
    let mut clusters = Vec::with_capacity(ids.len());
    for id in ids {
        let mut cluster = get(client, &format!("/v1/documents/{id}/knowledge"), sequence).await["cluster"].take();
        cluster.as_object_mut().and_then(|cluster| cluster.remove("similarity"));
        clusters.push((id.clone(), cluster));
    }
    let time = match changed {
        Some(id) => client.document(id, sequence).await["updated_at"].as_str().map(|at| at.replace('+', "%2B")),
        None => None,
    };
    Shown { sequence, time, clusters }
}

impl Shown {
    /// Panics unless the past at its sequence, and at its time, is what was shown.
    async fn assert_shown(&self, client: &Client, min_sequence: u64) {
        let sequence = Some(format!("sequence={}", self.sequence));
        let time = self.time.as_ref().map(|time| format!("time={time}"));
        for moment in sequence.into_iter().chain(time) {
            for (id, cluster) in &self.clusters {
                let past = get(client, &format!("/v1/documents/{id}/past?{moment}"), min_sequence).await;
                let known = (&past["is_cluster_known"], &past["cluster"]);
                assert_eq!(known, (&json!(true), cluster), "{id} at {moment}, event {}", self.sequence);
            }
        }
    }
}

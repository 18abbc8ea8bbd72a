//! What the system makes of documents, and what users make of that.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::client::send;
use tests::texts::SUBJECTS;
use tests::{Client, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

/// Uploads documents of every subject in turn; their ids by subject, and the last sequence.
async fn upload_subjects(client: &Client, each: std::ops::Range<usize>) -> (Vec<Vec<String>>, u64) {
    let mut ids = vec![Vec::new(); SUBJECTS.len()];
    let mut last = 0;
    for n in each {
        for (subject, ids) in SUBJECTS.iter().zip(&mut ids) {
            let (title, text) = subject.document(n);
            let uploaded = client.upload(&title, &text).await;
            last = uploaded.sequence();
            ids.push(uploaded.id());
        }
    }
    (ids, last)
}

async fn get(client: &Client, path: &str, min_sequence: u64) -> Value {
    let and = if path.contains('?') { '&' } else { '?' };
    client.get(&format!("{path}{and}min_sequence={min_sequence}")).await.expect(200).json()
}

fn texts<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|item| item[name].as_str().unwrap_or_default()).collect()
}

/// Every document stands in at most one cluster, and the numbers of the clusters are those of their members.
async fn assert_valid_clusters(client: &Client, documents: usize, sequence: u64) -> Vec<BTreeSet<String>> {
    let list = get(client, "/v1/clusters?limit=200", sequence).await;
    let mut all = BTreeSet::new();
    let mut clusters = Vec::new();
    for cluster in list["clusters"].as_array().expect("clusters") {
        let id = cluster["id"].as_str().expect("an id");
        let members = get(client, &format!("/v1/clusters/{id}/documents?limit=200"), sequence).await;
        let members: BTreeSet<String> = texts(&members["documents"], "id").into_iter().map(str::to_owned).collect();
        assert_eq!(Some(members.len() as u64), cluster["documents"].as_u64(), "{cluster}");
        for member in &members {
            assert!(all.insert(member.clone()), "{member} stands in two clusters");
        }
        assert!(!cluster["name"].as_str().expect("a name").is_empty());
        clusters.push(members);
    }
    assert_eq!(all.len() as u64 + list["unclustered"].as_u64().expect("a number"), documents as u64);
    clusters
}

#[tokio::test]
async fn documents_of_one_subject_meet_in_a_cluster_whatever_their_order() {
    let system = System::start(PROGRAM).await;
    for (name, step) in [("ada", 1), ("ben", 7), ("cem", 11)] {
        let client = system.client(name).await;
        let (mut ids, mut last) = (vec![BTreeSet::new(); SUBJECTS.len()], 0);
        let count = SUBJECTS.len() * 10;
        for at in 0..count {
            let at = at * step % count;
            let (title, text) = SUBJECTS[at % SUBJECTS.len()].document(at / SUBJECTS.len());
            let uploaded = client.upload(&title, &text).await;
            last = uploaded.sequence();
            ids[at % SUBJECTS.len()].insert(uploaded.id());
        }
        let clusters = assert_valid_clusters(&client, count, last).await;
        for cluster in &clusters {
            let subjects = ids.iter().filter(|ids| !ids.is_disjoint(cluster)).count();
            assert_eq!(subjects, 1, "a cluster has documents of more than one subject");
        }
        for ids in &ids {
            let most = clusters.iter().map(|cluster| cluster.intersection(ids).count()).max().unwrap_or(0);
            assert!(most * 2 > ids.len(), "no cluster has most documents of a subject");
        }
    }
    system.finish().await;
}

#[tokio::test]
async fn clusters_follow_users_and_documents() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (ids, last) = upload_subjects(&ada, 0..10).await;
    assert_valid_clusters(&ada, 30, last).await;
    let cluster_of = async |id: &str, sequence: u64| -> Value {
        get(&ada, &format!("/v1/documents/{id}/knowledge"), sequence).await["cluster"].clone()
    };
    let [containers, baking] = [cluster_of(&ids[0][3], last).await, cluster_of(&ids[1][3], last).await];
    let (containers, baking) =
        (containers["id"].as_str().expect("a cluster"), baking["id"].as_str().expect("a cluster"));

    let renamed =
        ada.put(&format!("/v1/clusters/{containers}/name"), &json!({ "name": "Our platform" })).await.expect(200);
    ada.put(&format!("/v1/clusters/{containers}/skill_level"), &json!({ "skill_level": "advanced" })).await.expect(200);
    let moved = ada
        .put(&format!("/v1/documents/{}/cluster", ids[2][0]), &json!({ "cluster_id": containers }))
        .await
        .expect(200);
    assert!(moved.sequence() > renamed.sequence());
    // Enough arrives for everything to be clustered anew: names and pins stay.
    let (_, last) = upload_subjects(&ada, 10..20).await;
    let cluster = get(&ada, &format!("/v1/clusters/{containers}"), last).await;
    assert_eq!((&cluster["name"], &cluster["skill_level"]), (&json!("Our platform"), &json!("advanced")));
    assert_eq!(cluster["name_origin"], "user");
    assert_eq!(cluster_of(&ids[2][0], last).await["id"], containers);
    assert_valid_clusters(&ada, 60, last).await;

    let trashed = ada.delete(&format!("/v1/documents/{}", ids[0][3])).await.expect(200).sequence();
    assert_valid_clusters(&ada, 59, trashed).await;
    let restored = ada.post(&format!("/v1/documents/{}/restore", ids[0][3]), &json!({})).await.expect(200).sequence();
    assert_eq!(cluster_of(&ids[0][3], restored).await["id"], containers);

    let merged = ada.post(&format!("/v1/clusters/{baking}/merge"), &json!({ "into": containers })).await.expect(200);
    assert_eq!(cluster_of(&ids[1][3], merged.sequence()).await["id"], containers);
    ada.get(&format!("/v1/clusters/{baking}?min_sequence={}", merged.sequence()))
        .await
        .expect_problem(410, "cluster_merged");
    let dissolved = ada.delete(&format!("/v1/clusters/{containers}")).await.expect(200).sequence();
    assert_eq!(cluster_of(&ids[1][3], dissolved).await, Value::Null);
    assert_valid_clusters(&ada, 60, dissolved).await;

    let made = ada.post("/v1/clusters", &json!({ "name": "Reading list" })).await.expect(201);
    let put = ada.put(&format!("/v1/documents/{}/cluster", ids[1][3]), &json!({ "cluster_id": made.id() })).await;
    let put = put.expect(200).sequence();
    assert_eq!(cluster_of(&ids[1][3], put).await["name"], "Reading list");
    let released = ada.delete(&format!("/v1/documents/{}/cluster", ids[1][3])).await.expect(200).sequence();
    assert_eq!(cluster_of(&ids[1][3], released).await, Value::Null, "its cluster was dissolved");

    let nobody_s = uuid::Uuid::from_u128(7);
    ada.put(&format!("/v1/clusters/{nobody_s}/name"), &json!({ "name": "x" }))
        .await
        .expect_problem(404, "cluster_not_found");
    let ben = system.client("ben").await;
    ben.get(&format!("/v1/clusters/{containers}")).await.expect_problem(404, "cluster_not_found");
    ben.put(&format!("/v1/clusters/{containers}/name"), &json!({ "name": "x" }))
        .await
        .expect_problem(404, "cluster_not_found");
    system.finish().await;
}

#[tokio::test]
async fn concepts_are_found_and_corrected() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = ada.upload("Event sourcing", "Event sourcing keeps every change as an event. PostgreSQL holds the read models of an event-sourced system.").await;
    let second = ada
        .upload("Notes", "We moved to Postgres for the event store. Event-sourcing made the audit trail simple.")
        .await;
    let (first, second, last) = (first.id(), second.id(), second.sequence());
    let concepts = async |id: &str, sequence: u64| -> Vec<String> {
        let knowledge = get(&ada, &format!("/v1/documents/{id}/knowledge"), sequence).await;
        texts(&knowledge["concepts"], "concept").into_iter().map(str::to_owned).collect()
    };
    let list = get(&ada, "/v1/concepts?prefix=event%20s", last).await;
    let event_sourcing = list["concepts"][0].clone();
    let key = event_sourcing["concept"].as_str().expect("a key").to_owned();
    assert_eq!(event_sourcing["documents"], 2, "hyphen and case make no difference: {list}");
    let database = get(&ada, "/v1/concepts/postgres", last).await;
    assert_eq!(
        (&database["documents"], &database["category"]),
        (&json!(2), &json!("database")),
        "an alias: {database}"
    );
    let with = get(&ada, &format!("/v1/concepts/{key}/documents"), last).await;
    assert_eq!(texts(&with["documents"], "id").len(), 2);

    let removed = ada.delete(&format!("/v1/documents/{second}/concepts/{key}")).await.expect(200).sequence();
    assert!(!concepts(&second, removed).await.contains(&key));
    assert_eq!(get(&ada, &format!("/v1/concepts/{key}"), removed).await["documents"], 1);
    let added = ada
        .put(&format!("/v1/documents/{second}/concepts/House%20rules"), &json!({ "category": "capability" }))
        .await
        .expect(200)
        .sequence();
    let knowledge = get(&ada, &format!("/v1/documents/{second}/knowledge"), added).await;
    let rules =
        knowledge["concepts"].as_array().expect("concepts").iter().find(|concept| concept["name"] == "House rules");
    let rules = rules.unwrap_or_else(|| panic!("it was added: {knowledge}")).clone();
    assert_eq!((&rules["origin"], &rules["category"]), (&json!("user"), &json!("capability")));

    let renamed = ada
        .put(&format!("/v1/concepts/{key}/name"), &json!({ "name": "Sourcing of events" }))
        .await
        .expect(200)
        .sequence();
    assert_eq!(get(&ada, &format!("/v1/concepts/{key}"), renamed).await["name"], "Sourcing of events");
    let rules = rules["concept"].as_str().expect("a key");
    let merged = ada.post(&format!("/v1/concepts/{rules}/merge"), &json!({ "into": key })).await.expect(200).sequence();
    assert!(concepts(&second, merged).await.contains(&key));
    assert_eq!(get(&ada, &format!("/v1/concepts/{rules}"), merged).await["concept"], key.as_str());
    let separated = ada.delete(&format!("/v1/concepts/{rules}/merge")).await.expect(200).sequence();
    assert!(concepts(&second, separated).await.contains(&rules.to_owned()));

    let suppressed = ada.put(&format!("/v1/concepts/{key}/suppression"), &json!({})).await.expect(200).sequence();
    assert!(!concepts(&first, suppressed).await.contains(&key));
    // Never again, in later documents neither.
    let third = ada.upload("More", "Event sourcing again, and event sourcing once more.").await;
    assert!(!concepts(&third.id(), third.sequence()).await.contains(&key));
    let allowed = ada.delete(&format!("/v1/concepts/{key}/suppression")).await.expect(200).sequence();
    assert!(concepts(&third.id(), allowed).await.contains(&key));
    let ben = system.client("ben").await;
    ben.get(&format!("/v1/concepts/{key}")).await.expect_problem(404, "concept_not_found");
    ben.get(&format!("/v1/documents/{first}/knowledge")).await.expect_problem(404, "document_not_found");
    system.finish().await;
}

#[tokio::test]
async fn duplicates_are_told_found_compared_and_merged() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (_, text) = SUBJECTS[0].document(1);
    let (_, other) = SUBJECTS[1].document(1);
    let text = format!("{text} {text} {other}");
    let first = ada.upload("First", &text).await;
    let again = ada.upload("Again", &text).await;
    assert_eq!(again.json()["duplicates"], json!([first.id()]), "the answer says so");
    let near = ada.upload("Near", &format!("{text} One sentence more.")).await;
    let (_, far) = SUBJECTS[2].document(1);
    let far = ada.upload("Far", &far).await;
    let last = far.sequence();
    let exact = get(&ada, "/v1/duplicates?kind=exact", last).await;
    assert_eq!(exact["groups"].as_array().map(Vec::len), Some(1), "{exact}");
    let group = get(&ada, "/v1/duplicates?kind=near", last).await["groups"][0].clone();
    let members: BTreeSet<_> = texts(&group["documents"], "id").into_iter().map(str::to_owned).collect();
    assert_eq!(members, BTreeSet::from([first.id(), again.id(), near.id()]), "{group}");
    let compared = get(&ada, &format!("/v1/documents/{}/compare/{}", first.id(), near.id()), last).await;
    assert!(compared["resemblance"].as_f64().is_some_and(|share| share > 0.8 && share < 1.0), "{compared}");

    ada.put(&format!("/v1/documents/{}/tags/keep", again.id()), &json!({})).await.expect(200);
    let link = format!("/v1/documents/{}/links/prerequisite/{}", again.id(), far.id());
    ada.put(&link, &json!({})).await.expect(200);
    let merge = format!("/v1/documents/{}/merge", first.id());
    let merged = ada.post(&merge, &json!({ "from": again.id() })).await.expect(200).sequence();
    let document = ada.document(&first.id(), merged).await;
    assert_eq!(document["tags"], json!(["keep"]));
    let links = get(&ada, &format!("/v1/documents/{}/links", first.id()), merged).await;
    assert_eq!(links["outgoing"][0]["id"], far.id().as_str(), "{links}");
    let gone = ada.document(&again.id(), merged).await;
    assert_eq!((&gone["state"], &gone["merged_into"]), (&json!("trashed"), &json!(first.id())));
    let repeated = ada.post(&merge, &json!({ "from": again.id() })).await.expect(200);
    assert_eq!(repeated.sequence(), merged, "the first answer again");
    let exact = get(&ada, "/v1/duplicates?kind=exact", merged).await;
    assert_eq!(exact["groups"], json!([]));
    system.finish().await;
}

#[tokio::test]
async fn links_lead_on_and_never_in_a_circle() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(ada.upload(&format!("Part {n}"), &format!("text {n}")).await.id());
    }
    let link = |from: usize, relation: &str, to: &str| format!("/v1/documents/{}/links/{relation}/{to}", ids[from]);
    ada.put(&link(0, "prerequisite", &ids[1]), &json!({})).await.expect(200);
    ada.put(&link(1, "prerequisite", &ids[2]), &json!({})).await.expect(200);
    ada.put(&link(2, "prerequisite", &ids[0]), &json!({})).await.expect_problem(409, "link_cycle");
    ada.put(&link(0, "related", &ids[0]), &json!({})).await.expect_problem(422, "link_to_itself");
    let nobody_s = uuid::Uuid::from_u128(7).to_string();
    ada.put(&link(0, "related", &nobody_s), &json!({})).await.expect_problem(422, "link_target_not_found");
    let last = ada.put(&link(2, "alternative", &ids[0]), &json!({})).await.expect(200).sequence();
    let links = get(&ada, &format!("/v1/documents/{}/links", ids[0]), last).await;
    assert_eq!(links["outgoing"].as_array().map(Vec::len), Some(1));
    assert_eq!(links["incoming"][0]["relation"], "alternative");
    let gone = send(ada.command(Method::DELETE, &link(0, "prerequisite", &ids[1]))).await.expect(200).sequence();
    let links = get(&ada, &format!("/v1/documents/{}/links", ids[0]), gone).await;
    assert_eq!(links["outgoing"], json!([]));
    system.finish().await;
}

#[tokio::test]
async fn the_workspace_is_shown_as_a_whole() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let little = ada.get("/v1/suggestions").await.expect(200).json();
    assert_eq!(little["suggestions"], json!([]));
    assert!(
        little["missing"].as_array().is_some_and(|missing| !missing.is_empty()),
        "it says what is missing: {little}"
    );
    let (ids, last) = upload_subjects(&ada, 0..10).await;
    let graph = get(&ada, "/v1/concepts/graph?nodes=20&edges=30", last).await;
    let nodes: BTreeSet<_> = texts(&graph["nodes"], "concept").into_iter().collect();
    assert!((5..=20).contains(&nodes.len()), "{graph}");
    for edge in graph["edges"].as_array().expect("edges") {
        assert!(
            nodes.contains(edge["source"].as_str().expect("a key"))
                && nodes.contains(edge["target"].as_str().expect("a key"))
        );
    }
    let related = get(&ada, &format!("/v1/documents/{}/related", ids[0][0]), last).await;
    let related = related["documents"].as_array().expect("documents");
    assert!(!related.is_empty() && related.iter().all(|related| related["shared_concepts"] != json!([])));
    assert!(related.iter().all(|related| ids[0].iter().any(|id| related["id"] == id.as_str())), "of the same subject");
    let analytics = get(&ada, "/v1/analytics", last).await;
    assert_eq!(analytics["totals"]["documents"], 30, "{analytics}");
    let key = *nodes.iter().next().expect("a node");
    let growth = get(&ada, &format!("/v1/concepts/{}/growth?interval=day", key.replace(' ', "%20")), last).await;
    assert!(growth["intervals"].as_array().is_some_and(|intervals| !intervals.is_empty()), "{growth}");
    let neighbours = get(&ada, &format!("/v1/concepts/{}/neighbours", key.replace(' ', "%20")), last).await;
    assert!(neighbours["neighbours"].is_array(), "{neighbours}");
    get(&ada, "/v1/suggestions", last).await;
    system.finish().await;
}

#[tokio::test]
async fn another_analysis_is_compared_before_anybody_switches() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    upload_subjects(&ada, 0..5).await;
    system.caught_up().await;
    let compared = system.projector(&["compare", "--json"]).await;
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stderr));
    let report: Value = serde_json::from_slice(&compared.stdout).expect("a report");
    assert_eq!((&report["documents"], &report["documents_with_other_concepts"]), (&json!(15), &json!(0)));
    assert_eq!(report["analyzers"][0], report["analyzers"][1]);
    assert_eq!(report["clusters"][0], report["clusters"][1]);
    system.finish().await;
}

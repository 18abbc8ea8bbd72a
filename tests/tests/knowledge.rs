//! What the system makes of documents, and what users make of that.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::client::send;
use tests::knowledge::{check, encoded, get, texts, valid_clusters};
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

#[tokio::test]
async fn clusters_follow_users_and_documents() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (ids, last) = upload_subjects(&ada, 0..10).await;
    valid_clusters(&ada, 30, last).await;
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
    valid_clusters(&ada, 60, last).await;

    let trashed = ada.delete(&format!("/v1/documents/{}", ids[0][3])).await.expect(200).sequence();
    valid_clusters(&ada, 59, trashed).await;
    let restored = ada.post(&format!("/v1/documents/{}/restore", ids[0][3]), &json!({})).await.expect(200).sequence();
    assert_eq!(cluster_of(&ids[0][3], restored).await["id"], containers);

    let merged = ada.post(&format!("/v1/clusters/{baking}/merge"), &json!({ "into": containers })).await.expect(200);
    assert_eq!(cluster_of(&ids[1][3], merged.sequence()).await["id"], containers);
    ada.get(&format!("/v1/clusters/{baking}?min_sequence={}", merged.sequence()))
        .await
        .expect_problem(410, "cluster_merged");
    let dissolved = ada.delete(&format!("/v1/clusters/{containers}")).await.expect(200).sequence();
    assert_eq!(cluster_of(&ids[1][3], dissolved).await, Value::Null);
    valid_clusters(&ada, 60, dissolved).await;

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
async fn a_decision_about_a_concept_changes_its_numbers() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut ids = Vec::new();
    for (n, names) in
        [["Red moss", "Red moss"], ["Red moss", "Blue fern"], ["Blue fern", "Blue fern"]].iter().enumerate()
    {
        let uploaded = ada.upload(&format!("{n}"), &format!("{n}")).await;
        for name in names {
            ada.put(&format!("/v1/documents/{}/concepts/{}", uploaded.id(), encoded(name)), &json!({}))
                .await
                .expect(200);
        }
        ids.push(uploaded.id());
    }
    // What was found rather than added is suppressed: no document has "kubernetes" by a user's word.
    for n in 0..4 {
        ids.push(ada.upload(&format!("Kubernetes {n}"), "Kubernetes and again Kubernetes.").await.id());
    }
    let last = ada.put(&format!("/v1/documents/{}/title", ids[0]), &json!({ "title": "last" })).await.expect(200);
    let number = async |concept: &str, sequence: u64| -> Value {
        get(&ada, &format!("/v1/concepts/{concept}"), sequence).await["documents"].clone()
    };
    assert_eq!([number("redmoss", last.sequence()).await, number("bluefern", last.sequence()).await], [2, 2]);

    let merged = ada.post("/v1/concepts/Red%20moss/merge", &json!({ "into": "Blue fern" })).await.expect(200);
    assert_eq!(number("bluefern", merged.sequence()).await, 3, "one document had both");
    check(&ada, &ids, merged.sequence()).await;
    let separated = ada.delete("/v1/concepts/redmoss/merge").await.expect(200).sequence();
    assert_eq!([number("redmoss", separated).await, number("bluefern", separated).await], [2, 2]);
    check(&ada, &ids, separated).await;

    assert_eq!(number("kubernetes", separated).await, 4);
    let suppressed = ada.put("/v1/concepts/kubernetes/suppression", &json!({})).await.expect(200).sequence();
    assert_eq!(number("kubernetes", suppressed).await, 0);
    check(&ada, &ids, suppressed).await;
    let allowed = ada.delete("/v1/concepts/kubernetes/suppression").await.expect(200).sequence();
    assert_eq!(number("kubernetes", allowed).await, 4);
    check(&ada, &ids, allowed).await;
    system.finish().await;
}

#[tokio::test]
async fn a_concept_is_the_same_by_its_name_and_by_its_key() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let id = ada.upload("Notes", "Containers hold it. The containers are many.").await.id();
    let (name, key) =
        (format!("/v1/documents/{id}/concepts/Containers"), format!("/v1/documents/{id}/concepts/container"));
    let has = async |sequence: u64| -> bool {
        let knowledge = get(&ada, &format!("/v1/documents/{id}/knowledge"), sequence).await;
        texts(&knowledge["concepts"], "concept").contains(&"container")
    };
    // As a client does who adds what a reader wrote, and removes what an answer shows.
    for _ in 0..2 {
        let added = ada.put(&name, &json!({})).await.expect(200).sequence();
        assert!(has(added).await, "it was added");
        let removed = ada.delete(&key).await.expect(200).sequence();
        assert!(!has(removed).await, "it was removed");
    }
    let added = ada.put(&name, &json!({})).await.expect(200).sequence();
    assert!(has(added).await, "it comes back");

    let found = ada.upload("More", "Containers and containers, once more containers.").await;
    let suppression = |concept: &str| format!("/v1/concepts/{concept}/suppression");
    for _ in 0..2 {
        let suppressed = ada.put(&suppression("Containers"), &json!({})).await.expect(200).sequence();
        let list = get(&ada, "/v1/concepts/suppressed", suppressed).await;
        assert_eq!(texts(&list["concepts"], "concept"), ["container"]);
        let allowed = ada.delete(&suppression("container")).await.expect(200).sequence();
        assert_eq!(get(&ada, "/v1/concepts/suppressed", allowed).await["concepts"], json!([]));
        let knowledge = get(&ada, &format!("/v1/documents/{}/knowledge", found.id()), allowed).await;
        assert!(texts(&knowledge["concepts"], "concept").contains(&"container"), "it is suggested again: {knowledge}");
    }
    system.finish().await;
}

#[tokio::test]
async fn what_no_database_can_hold_is_refused_in_every_parameter() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("Notes", "Containers.").await;
    let history = format!("/v1/documents/{}/history?kind=", uploaded.id());
    let rests = ["", "/documents", "/neighbours", "/growth"];
    let concepts = rests.map(|rest| format!("/v1/concepts/a%00b{rest}"));
    let of_documents = ["tag", "concept", "language", "sha256"].map(|name| format!("/v1/documents?{name}=a%00b"));
    for path in
        concepts.into_iter().chain(of_documents).chain([format!("{history}%00"), "/v1/concepts?prefix=%00".into()])
    {
        let answer = ada.get(&path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        answer.expect_problem(400, "invalid_parameter");
    }
    // The same, hidden in a cursor.
    for list in ["/v1/concepts/suppressed?", "/v1/concepts/aliases?", "/v1/duplicates?kind=exact&"] {
        ada.get(&format!("{list}cursor=Ilx1MDAwMCI")).await.expect(400);
    }
    system.finish().await;
}

#[tokio::test]
async fn duplicates_are_told_found_compared_and_merged() {
    // However slow the machine, the look-up ends in time.
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_DUPLICATES_TIMEOUT", "30s")]).await;
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

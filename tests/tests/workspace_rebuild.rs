//! One workspace rebuilt where it serves: what is wrong becomes right, nobody else's rows are touched, and whoever writes
//! meanwhile notices nothing.

use reqwest::Method;
use serde_json::{Value, json};
use std::process::Output;
use tests::System;
use tests::client::{Client, shown};
use tests::rebuilding::{Running, sequence};
use tests::system::wait_for;
use tests::texts::SUBJECTS;
use tests::user::User;
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

/// Tables with rows of workspaces.
const TABLES: [&str; 20] = [
    "read_model.document",
    "read_model.document_content",
    "read_model.document_history",
    "read_model.workspace_statistics",
    "read_model.workspace_facet",
    "read_model.parked_event",
    "knowledge.document_knowledge",
    "knowledge.document_concept",
    "knowledge.concept",
    "knowledge.concept_alias",
    "knowledge.concept_decision",
    "knowledge.cluster",
    "knowledge.cluster_concept",
    "knowledge.cluster_membership",
    "knowledge.cluster_history",
    "knowledge.clustering",
    "knowledge.document_link",
    "knowledge.near_band",
    "knowledge.near_duplicate",
    "knowledge.parked_event",
];

#[tokio::test]
async fn wrong_rows_become_right_and_those_of_others_are_not_touched() {
    let system = System::start(PROGRAM).await;
    let (ada, ben) = (system.client("ada").await, system.client("ben").await);
    let ids = upload(&ada, 0..8).await;
    upload(&ben, 0..8).await;
    system.caught_up().await;
    let of_ben = rows(&system, ben.workspace).await;
    let nothing = rebuild(&system, ada.workspace, &[]).await;
    assert!(nothing.iter().all(|report| report["differences"] == json!([]) && report["replaced"] == false));

    break_rows(&system, ada.workspace, &ids).await;
    // A projector that begins now remembers what is wrong.
    let before = system.pid("projector");
    system.signal("projector", rustix::process::Signal::KILL);
    wait_for("another projector works", async || system.pid("projector") != before).await;
    let (title, text) = SUBJECTS[1].document(8);
    let added = ada.upload(&title, &text).await.sequence();
    system.caught_up().await;
    let of_ada = rows(&system, ada.workspace).await;
    let listed = ada.get(&format!("/v1/documents?min_sequence={added}")).await.expect(200);
    let etags = [etag(&ada, "/v1/documents").await, etag(&ada, "/v1/concepts").await];

    let check = system.projector(&["rebuild", "--workspace", &ada.workspace.to_string(), "--check"]).await;
    assert_eq!(check.status.code(), Some(1), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(rows(&system, ada.workspace).await, of_ada, "a check changes nothing");
    let reports = rebuild(&system, ada.workspace, &[]).await;
    let of = |table: &str| {
        let mut all = reports.iter().flat_map(|report| report["differences"].as_array().expect("differences"));
        all.find(|difference| difference[0] == table).map(|difference| (difference[1].clone(), difference[2].clone()))
    };
    assert!(reports.iter().all(|report| report["replaced"] == true), "{reports:?}");
    assert_eq!(of("document"), Some((json!(2), json!(2))), "one wrong, one invented, one lost: {reports:?}");
    assert_eq!(of("document_history"), Some((json!(0), json!(1))));
    assert_eq!(of("workspace_facet"), None, "what was right is not replaced");
    assert!(of("concept").is_some() && of("concept_alias").is_some() && of("cluster").is_some(), "{reports:?}");
    assert_eq!(rows(&system, ben.workspace).await, of_ben, "not even written again");

    wait_for("every read shows it", async || {
        let answer = ada.get(&format!("/v1/documents/{}", ids[0])).await.expect(200);
        answer.json()["title"] == SUBJECTS[0].document(0).0
    })
    .await;
    for (path, etag) in ["/v1/documents", "/v1/concepts"].into_iter().zip(etags) {
        let request = ada.query(Method::GET, &format!("{path}?min_sequence={added}"));
        let answer = shown(request.header("if-none-match", etag)).await.expect(200);
        assert_eq!(answer.header("syncboard-sequence"), listed.header("syncboard-sequence"), "nothing has happened");
    }
    // What the projector had remembered of the workspace is forgotten.
    let again = ada.upload("More sourdough", "A sourdough starter, whole wheat flour and the oven temperature.").await;
    ada.document(&again.id(), again.sequence()).await;
    let nobody_s = system.projector(&["rebuild", "--workspace", &Uuid::from_u128(7).to_string()]).await;
    assert!(String::from_utf8_lossy(&nobody_s.stderr).contains("has no workspace"));
    system.finish_after_faults().await;
}

#[tokio::test]
async fn who_writes_meanwhile_loses_nothing() {
    let system = System::start(PROGRAM).await;
    let (ada, ben) = (system.client("ada").await, system.client("ben").await);
    let ids = upload(&ada, 0..4).await;
    system.caught_up().await;
    let users = [User::begin(&ada).await, User::begin(&ada).await, User::begin(&ben).await];
    let database = system.database().await;
    for round in 0..4 {
        for (statement, of) in [
            ("update read_model.document set title = 'by hand' where document_id = $1", 0),
            ("update knowledge.document_knowledge set language = 'xx' where document_id = $1", 1),
        ] {
            let id: Uuid = ids[round + of].parse().expect("an id");
            let touched = sqlx::query(statement).bind(id).execute(&database).await.expect("the tables are there");
            assert_eq!(touched.rows_affected(), 1);
        }
        let reports = rebuild(&system, ada.workspace, &[]).await;
        assert_eq!(reports[0]["differences"], json!([["document", 1, 1]]), "{reports:?}");
        assert_eq!(reports[1]["differences"], json!([["document_knowledge", 1, 1]]), "{reports:?}");
    }
    for user in users {
        user.end().await;
    }
    system.finish().await;
}

#[tokio::test]
async fn one_that_is_killed_goes_on_and_reads_its_own_events_alone() {
    let system = System::start(PROGRAM).await;
    let (ada, ben) = (system.client("ada").await, system.client("ben").await);
    upload(&ben, 0..10).await;
    let ids = upload(&ada, 0..4).await;
    for n in 0..200 {
        let path = format!("/v1/documents/{}/title", ids[n % ids.len()]);
        ada.put(&path, &json!({ "title": format!("title {n}") })).await.expect(200);
    }
    system.caught_up().await;
    let workspace = ada.workspace.to_string();
    let throttled = ["--workspace", &workspace, "--projection", "documents", "--max-events-per-second", "40"];
    let mut killed = Running::start(&system, &throttled);
    let stopped_at = killed.until(|line| line["events"].as_u64() > Some(0)).await;
    killed.child.kill().await.expect("it can be killed");
    let events = |report: &Value| report["events"].as_u64().expect("a number");
    let report = &rebuild(&system, ada.workspace, &["--projection", "documents"]).await[0];
    assert!(report["resumed_at"].as_u64() >= Some(stopped_at) && sequence(report) > stopped_at, "{report}");
    assert!(events(report) > 0 && events(report) < 212, "{report}");
    let report = &rebuild(&system, ada.workspace, &["--projection", "documents"]).await[0];
    assert_eq!((events(report), &report["resumed_at"]), (212, &json!(0)), "none of ben's: {report}");
    system.finish().await;
}

/// Makes rows of a workspace wrong by hand: some changed, some lost, some invented.
async fn break_rows(system: &System, workspace: Uuid, ids: &[String]) {
    let database = system.database().await;
    let id = |n: usize| ids[n].parse::<Uuid>().expect("an id");
    for (statement, document) in [
        ("update read_model.document set title = 'by hand' where workspace_id = $1 and document_id = $2", id(0)),
        ("delete from read_model.document_history where workspace_id = $1 and document_id = $2", id(1)),
        ("delete from read_model.document where workspace_id = $1 and document_id = $2", id(2)),
        (
            "insert into read_model.document
             select (jsonb_populate_record(d, jsonb_build_object('document_id', gen_random_uuid()))).*
             from read_model.document d where workspace_id = $1 and document_id = $2",
            id(3),
        ),
        ("delete from knowledge.document_concept where workspace_id = $1 and document_id = $2", id(4)),
        (
            "insert into knowledge.concept_alias
             select $1, concept, 'kubernete', 'user' from knowledge.document_concept
             where workspace_id = $1 and document_id = $2 and concept <> 'kubernete'",
            id(1),
        ),
        (
            "update knowledge.cluster set name = 'by hand', found_name = 'by hand' where workspace_id = $1 and $2 is not null",
            id(0),
        ),
        ("update knowledge.concept set documents = documents + 7 where workspace_id = $1 and $2 is not null", id(0)),
    ] {
        let done = sqlx::query(statement).bind(workspace).bind(document).execute(&database).await.expect(statement);
        assert!(done.rows_affected() > 0, "{statement}");
    }
}

/// All rows of a workspace, and where each lies and who wrote it: written again it would be another.
async fn rows(system: &System, workspace: Uuid) -> Vec<String> {
    let database = system.database().await;
    let mut all = Vec::new();
    for table in TABLES {
        let query = format!("select concat(tableoid, ctid, xmin, t) from {table} t where workspace_id = $1 order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(workspace).fetch_all(&database).await.expect(table);
        all.extend(rows);
    }
    all
}

async fn upload(client: &Client, each: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for n in each {
        for subject in &SUBJECTS {
            let (title, text) = subject.document(n);
            ids.push(client.upload(&title, &text).await.id());
        }
    }
    ids
}

async fn rebuild(system: &System, workspace: Uuid, further: &[&str]) -> Vec<Value> {
    let workspace = workspace.to_string();
    lines(&system.projector(&[&["rebuild", "--json", "--workspace", &workspace], further].concat()).await)
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out} {error}");
    out.lines().map(|line| serde_json::from_str(line).expect("reports are JSON")).collect()
}

async fn etag(client: &Client, path: &str) -> String {
    client.get(path).await.expect(200).header("etag").expect("an entity tag").to_owned()
}

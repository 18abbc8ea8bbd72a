//! What is wrong is found, and a document whose rows are wrong can be repaired where it serves.

use serde_json::{Value, json};
use std::process::Output;
use tests::System;
use tests::system::wait_for;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_changed_row_a_lost_row_and_a_lost_text_are_found() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let long = "long text ".repeat(40_000);
    let with_blob = ada.upload("long", &long).await;
    let changed = ada.upload("changed", "text").await;
    let lost = ada.upload("lost", "text of another").await;
    ada.put(&format!("/v1/documents/{}/title", changed.id()), &json!({ "title": "retitled" })).await.expect(200);
    system.caught_up().await;

    let healthy = system.projector(&["verify", "--json"]).await;
    assert!(healthy.status.success(), "{}", String::from_utf8_lossy(&healthy.stdout));
    let found = lines(&healthy);
    let log = &found[0];
    assert_eq!((&log["check"], &log["events"], &log["streams"]), (&json!("streams"), &json!(5), &json!(4)), "{log}");
    assert_eq!((&found[1]["check"], &found[1]["texts"]), (&json!("texts"), &json!(1)));
    assert_eq!(found.len(), 2 + 7 + 16, "the log, its texts and each table");
    assert!(found.iter().all(|line| line["serving"] == line["replayed"]));

    let database = system.database().await;
    for (statement, id) in [
        ("update read_model.document set title = 'by hand' where document_id = $1", changed.id()),
        ("delete from read_model.document_history where document_id = $1", lost.id()),
        ("update knowledge.document_knowledge set language = 'xx' where document_id = $1", lost.id()),
    ] {
        let id: uuid::Uuid = id.parse().expect("an id");
        let touched = sqlx::query(statement).bind(id).execute(&database).await.expect("the tables are there");
        assert_eq!(touched.rows_affected(), 1);
    }
    let store = system.administrator().await;
    let store = store.get_object_store("SYNCBOARD_BLOBS").await.expect("the blob store is there");
    let sha256 = ada.get(&format!("/v1/documents/{}", with_blob.id())).await.expect(200).json()["sha256"].clone();
    let sha256 = sha256.as_str().expect("an address");
    store.delete(sha256).await.expect("it can be deleted");

    let wrong = system.projector(&["verify", "--json"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    let found = lines(&wrong);
    let fault = &found[1]["shown"][0];
    assert_eq!((&fault["sha256"], &fault["sequence"]), (&json!(sha256), &json!(with_blob.sequence())), "{}", found[1]);
    let different: Vec<&Value> = found.iter().filter(|line| line["serving"] != line["replayed"]).collect();
    let tables: Vec<&str> = different.iter().filter_map(|line| line["table"].as_str()).collect();
    assert_eq!(tables, ["document", "document_history", "document_knowledge"]);
    let rows: Vec<&Value> = different.iter().map(|line| &line["rows"][0]).collect();
    assert_eq!(rows[0]["key"]["document_id"], changed.id());
    assert_eq!(rows[0]["serving"], json!({ "title": "by hand" }), "only what differs is shown");
    assert_eq!(rows[0]["replayed"], json!({ "title": "retitled" }));
    assert_eq!((&rows[1]["key"]["document_id"], &rows[1]["serving"]), (&json!(lost.id()), &json!(null)));
    assert_eq!(rows[2]["serving"], json!({ "language": "xx" }));
    let said = system.projector(&["verify", "--projection", "documents"]).await;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("by hand") && said.contains("no row") && said.contains(sha256), "{said}");

    // The same text again puts the blob back; a rebuild puts the rows right.
    ada.upload("long again", &long).await;
    assert!(system.projector(&["rebuild"]).await.status.success());
    assert!(system.projector(&["verify"]).await.status.success());
    assert!(system.projector(&["verify", "--log-only"]).await.status.success());
    system.finish().await;
}

#[tokio::test]
async fn an_event_that_was_taken_out_of_the_log_is_missed() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    let path = format!("/v1/documents/{}/title", uploaded.id());
    let first = ada.put(&path, &json!({ "title": "first" })).await.expect(200).sequence();
    let second = ada.put(&path, &json!({ "title": "second" })).await.expect(200).sequence();
    ada.upload("other", "text").await;
    system.caught_up().await;
    // Only the administrator can do so, and only by purging all of a stream up to a sequence.
    let admin = system.administrator().await;
    let log = admin.get_stream("SYNCBOARD_EVENTS").await.expect("the log is there");
    let subject = format!("syncboard.events.*.*.document.{}", uploaded.id());
    log.purge().filter(subject).sequence(second).await.expect("it can be purged");

    let found = system.projector(&["verify", "--json", "--log-only"]).await;
    assert_eq!(found.status.code(), Some(1));
    let log = &lines(&found)[0];
    assert_eq!(log["faults"], 2, "{log}");
    assert_eq!(log["shown"][0], json!({ "fault": "missing", "after": uploaded.sequence() - 1, "before": second }));
    let gap = &log["shown"][1];
    assert_eq!(
        (&gap["fault"], &gap["sequence"], &gap["follows"], &gap["last"]),
        (&json!("gap"), &json!(second), &json!(first), &json!(0))
    );
    system.assert_no_errors();
}

#[tokio::test]
async fn a_document_is_repaired_where_it_serves() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let other = ada.post("/v1/documents", &json!({ "title": "other", "text": "text", "tags": ["kept"] })).await;
    let body = json!({ "title": "title", "text": "the text", "tags": ["right"] });
    let id = ada.post("/v1/documents", &body).await.expect(201).id();
    let path = format!("/v1/documents/{id}");
    let retitled = ada.put(&format!("{path}/title"), &json!({ "title": "right" })).await.expect(200).sequence();
    let before = (ada.document(&id, retitled).await, ada.get("/v1/statistics").await.expect(200).json());

    let database = system.database().await;
    for statement in [
        "update read_model.document set title = 'wrong', tags = '{wrong}', bytes = 7, owner_id = gen_random_uuid(),
                created_at = now(), is_trashed = true where document_id = $1",
        "delete from read_model.document_content where document_id = $1",
        "update read_model.document_history set kind = 'wrong' where document_id = $1",
        "update read_model.workspace_statistics set documents = 99, bytes = 5 where $1 is not null",
        "update read_model.workspace_facet set value = 'wrong' where value = 'right' and $1 is not null",
    ] {
        let id: uuid::Uuid = id.parse().expect("an id");
        sqlx::query(statement).bind(id).execute(&database).await.expect("the tables are there");
    }
    assert!(!system.projector(&["verify", "--projection", "documents"]).await.status.success());
    let output = system.projector(&["rebuild", "--document", &id, "--json"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = &lines(&output)[0];
    assert_eq!((&report["document"], &report["events"]), (&json!(id), &json!(2)));
    let tables = ["document", "document_content", "document_history", "workspace_statistics", "workspace_facet"];
    assert_eq!(report["repaired"], json!(tables));
    // What was cached of the wrong rows is gone when the command ends, but for a second's memory.
    wait_for("the right row is shown", async || ada.get(&path).await.expect(200).json() == before.0).await;
    assert_eq!(ada.get("/v1/statistics").await.expect(200).json(), before.1);
    assert_eq!(ada.get(&format!("{path}/content")).await.expect(200).text, "the text");
    let verified = system.projector(&["verify", "--projection", "documents"]).await;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    // Rows that are gone altogether come back, and nothing is done where nothing is wrong.
    sqlx::query("delete from read_model.document").execute(&database).await.expect("the table is there");
    for document in [&id, &other.id()] {
        let output = system.projector(&["rebuild", "--document", document]).await;
        assert!(String::from_utf8_lossy(&output.stdout).contains("repaired document"), "{output:?}");
    }
    let again = system.projector(&["rebuild", "--document", &id]).await;
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing was wrong"), "{again:?}");
    let unknown = system.projector(&["rebuild", "--document", "11111111-1111-7111-8111-111111111111"]).await;
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("no document"));
    let edited = ada.put(&format!("{path}/title"), &json!({ "title": "goes on" })).await.expect(200).sequence();
    assert_eq!(ada.document(&id, edited).await["title"], "goes on");
    system.finish().await;
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    text.lines().map(line).collect()
}

//! Rebuilding, going back, and repairing, while users write and read.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Output;
use tests::System;
use tests::client::Client;
use tests::rebuilding::{Running, sequence};
use tests::system::wait_for;
use tests::user::User;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_rebuild_that_is_killed_goes_on_where_it_stopped() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    fill(&ada, 600).await;
    let user = User::begin(&ada).await;

    let mut stopped_at = BTreeMap::new();
    for projection in ["documents", "knowledge", "documents", "knowledge"] {
        let mut rebuild = Running::start(&system, &["--projection", projection, "--max-events-per-second", "60"]);
        let first = rebuild.progress().await;
        let before = stopped_at.get(projection).copied().unwrap_or(0);
        assert!(sequence(&first) >= before, "it begins where the last one was seen, {before}: {first}");
        stopped_at.insert(projection, rebuild.until(|line| line["events"].as_u64() > Some(0)).await);
        rebuild.child.kill().await.expect("it can be killed");
        let generations = generations(&system, projection).await;
        assert!(generations.contains(&("filling".to_owned(), true)), "{generations:?}");
    }
    // As if it had been killed while it made indexes.
    let database = system.database().await;
    let first: String = sqlx::query_scalar("select indexes[1] from read_model_replay.rebuild")
        .fetch_one(&database)
        .await
        .expect("indexes are left to be made");
    sqlx::raw_sql(sqlx::AssertSqlSafe(first)).execute(&database).await.expect("an index can be made");

    let resumed = reports(&system.projector(&["rebuild", "--json"]).await);
    assert_eq!(resumed.len(), 2, "one report for each projection: {resumed:?}");
    for report in &resumed {
        let number = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no {name} in {report}"));
        let stopped_at = stopped_at[report["projection"].as_str().expect("a name")];
        assert!(stopped_at > 0 && number("resumed_at") >= stopped_at, "{stopped_at} {report}");
        assert!(number("resumed_at") + number("events") <= number("sequence"), "no event is applied twice: {report}");
        assert_eq!((&report["switched"], &report["differences"]), (&json!(true), &json!([])));
    }
    for (serving, previous) in [("read_model", "read_model_previous"), ("knowledge", "knowledge_previous")] {
        let made = indexes(&system, serving).await;
        assert!(made.len() > 5, "{made:?}");
        assert_eq!(made, indexes(&system, previous).await, "whatever was killed, every index is there");
    }
    user.end().await;
    system.finish().await;
}

/// Few events are written with statements, many are copied in.
#[tokio::test]
async fn many_events_make_the_rows_that_few_have_made() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let source =
        json!({ "kind": "url", "name": "a \"page\"", "url": "https://example.org/", "author": "Ada \\ Łukasz" });
    let mut ids = Vec::new();
    for (n, text) in ["short".to_owned(), "long enough for the blob store ".repeat(20_000), "短い \\. \n".to_owned()]
        .into_iter()
        .enumerate()
    {
        let body =
            json!({ "title": format!("document {n}"), "text": text, "source": source, "tags": ["a b", "{c,d}"] });
        ids.push(ada.post("/v1/documents", &body).await.expect(201).id());
    }
    ada.post(&format!("/v1/documents/{}/merge", ids[0]), &json!({ "from": ids[2] })).await.expect(200);
    ada.delete(&format!("/v1/documents/{}", ids[1])).await.expect(200);
    fill(&ada, 2_000).await;

    let query = "select count(*) from read_model.document_content";
    let database = system.database().await;
    let texts = || async { sqlx::query_scalar::<_, i64>(query).fetch_one(&database).await.expect("it answers") };
    let before = texts().await;
    let reports = reports(&system.projector(&["rebuild", "--json", "--projection", "documents"]).await);
    assert_eq!((&reports[0]["switched"], &reports[0]["differences"]), (&json!(true), &json!([])));
    assert!(reports[0]["events"].as_u64() > Some(2_000) && texts().await == before, "{reports:?}");
    system.finish().await;
}

#[tokio::test]
async fn what_another_program_has_half_filled_is_thrown_away() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    fill(&ada, 120).await;
    let database = system.database().await;
    let throttled = ["--projection", "documents", "--max-events-per-second", "20"];
    let changes = [
        Some("update read_model_replay.rebuild set filler = 'program of another day'"),
        Some("update read_model_replay.checkpoint set sequence = 1000000"),
        None,
    ];
    for change in changes {
        let mut rebuild = Running::start(&system, &throttled);
        rebuild.until(|line| line["events"].as_u64() > Some(0)).await;
        rebuild.child.kill().await.expect("it can be killed");
        let mut again = vec!["rebuild", "--json", "--projection", "documents"];
        match change {
            Some(change) => drop(sqlx::query(change).execute(&database).await.expect("the tables are there")),
            None => again.push("--from-scratch"),
        }
        let output = system.projector(&again).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(reports(&output)[0]["resumed_at"], 0, "{said}");
        assert!(said.contains("thrown away"), "it says so: {said}");
    }
    system.finish().await;
}

#[tokio::test]
async fn a_throttled_rebuild_takes_its_time_and_says_how_far_it_is() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    fill(&ada, 200).await;
    let mut rebuild = Running::start(&system, &["--projection", "documents", "--max-events-per-second", "40"]);
    let (mut between, mut last) = (0, json!(null));
    while let Some(line) = rebuild.next().await {
        let (events, head) = (line["events"].as_u64().expect("events"), line["head"].as_u64().expect("a head"));
        between += u32::from(events > 0 && events < 200);
        assert!(sequence(&line) <= head, "{line}");
        last = line;
    }
    assert!(between >= 2, "two hundred events take five seconds, and each second has its line");
    assert_eq!((&last["phase"], &last["eta_seconds"]), (&json!("done"), &json!(0.0)));
    let output = rebuild.child.wait_with_output().await.expect("it ends");
    let report = &reports(&output)[0];
    assert!(report["events_per_second"].as_f64().is_some_and(|rate| rate < 45.0), "{report}");
    system.finish().await;
}

#[tokio::test]
async fn a_rollback_serves_the_old_tables_and_another_one_the_new() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let marked = ada.upload("new tables", "text").await;
    let path = format!("/v1/documents/{}", marked.id());
    let none = system.projector(&["rollback"]).await;
    assert!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("no previous generation"));

    let user = User::begin(&ada).await;
    assert!(system.projector(&["rebuild"]).await.status.success());
    let mark = "update read_model_previous.document set title = 'old tables' where title = 'new tables'";
    let database = system.database().await;
    assert_eq!(sqlx::query(mark).execute(&database).await.expect("they are there").rows_affected(), 1);
    for shown in ["old tables", "new tables", "old tables", "new tables"] {
        // Whatever was written since must be there too, before anything is served.
        let uploaded = ada.upload(shown, "another").await;
        ada.document(&uploaded.id(), uploaded.sequence()).await;
        let report = &reports(&system.projector(&["rollback", "--json", "--projection", "documents"]).await)[0];
        assert!(report["sequence"].as_u64() >= report["stopped_at"].as_u64(), "{report}");
        assert!(report["sequence"].as_u64() >= Some(uploaded.sequence()), "no read goes back: {report}");
        wait_for("the other tables serve", async || ada.get(&path).await.expect(200).json()["title"] == shown).await;
        assert_eq!(ada.document(&uploaded.id(), uploaded.sequence()).await["title"], shown);
    }
    user.end().await;
    for projection in ["documents", "knowledge"] {
        assert_eq!(
            generations(&system, projection).await,
            [("serving".to_owned(), true), ("previous".to_owned(), true)]
        );
    }
    system.finish().await;
}

#[tokio::test]
async fn tables_that_this_program_cannot_go_on_with_are_not_gone_back_to() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    assert!(system.projector(&["rebuild"]).await.status.success());
    let database = system.database().await;
    let served = "select tableoid::bigint from read_model.checkpoint";
    let before: i64 = sqlx::query_scalar(served).fetch_one(&database).await.expect("tables serve");
    for (breaks, mends, reason) in [
        (
            "update knowledge_previous.analyzer set version = version - 1",
            "update knowledge_previous.analyzer set version = version + 1",
            "analysis",
        ),
        (
            r"update knowledge_previous._sqlx_migrations set checksum = '\x00'::bytea || checksum",
            "update knowledge_previous._sqlx_migrations set checksum = substring(checksum from 2)",
            "other tables",
        ),
    ] {
        sqlx::query(breaks).execute(&database).await.expect("the previous tables are there");
        let refused = system.projector(&["rollback"]).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(reason), "{said}");
        let now: i64 = sqlx::query_scalar(served).fetch_one(&database).await.expect("tables serve");
        assert_eq!(now, before, "not even the other projection was switched");
        sqlx::query(mends).execute(&database).await.expect("the previous tables are there");
    }
    assert!(system.projector(&["rollback"]).await.status.success());
    ada.document(&uploaded.id(), uploaded.sequence()).await;
    system.finish().await;
}

#[tokio::test]
async fn no_answer_is_read_from_two_generations() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    ada.document(&uploaded.id(), uploaded.sequence()).await;
    assert!(system.projector(&["rebuild"]).await.status.success());
    let database = system.database().await;
    let other = "update read_model_previous.workspace_statistics set documents = 7;
                 update read_model_previous.workspace_facet set documents = 7";
    sqlx::raw_sql(other).execute(&database).await.expect("the previous tables are there");
    let is_waiting = async |who: &str, mode: &str| {
        let query = "select exists (select from pg_locks join pg_stat_activity using (pid)
                                    where application_name = $1 and mode = $2 and not granted
                                          and relation = 'read_model.checkpoint'::regclass)";
        sqlx::query_scalar(query).bind(who).bind(mode).fetch_one(&database).await.expect("the database answers")
    };

    // A switch waits for who reads.
    let mut reading = database.begin().await.expect("a transaction");
    let lock = "lock table read_model.checkpoint in access share mode";
    sqlx::query(lock).execute(&mut *reading).await.expect("it can be had");
    let rollback = system.projector(&["rollback", "--projection", "documents"]);
    let look_on = async {
        let switch = "projector-rebuild-documents";
        wait_for("the switch waits", async || is_waiting(switch, "AccessExclusiveLock").await).await;
        let read = "select documents from read_model.workspace_statistics";
        let documents: i64 = sqlx::query_scalar(read).fetch_one(&mut *reading).await.expect("a row");
        assert_eq!(documents, 1, "its tables are where they were");
        reading.rollback().await.expect("it ends");
    };
    let (rolled_back, ()) = tokio::join!(rollback, look_on);
    assert!(rolled_back.status.success(), "{}", String::from_utf8_lossy(&rolled_back.stderr));

    // Who begins to read while tables change places waits, and then sees one generation.
    let mut switching = database.begin().await.expect("a transaction");
    let lock = "lock table read_model.checkpoint in access exclusive mode";
    sqlx::query(lock).execute(&mut *switching).await.expect("it can be had");
    let reader = tokio::spawn(async move { ada.get("/v1/statistics").await.expect(200).json() });
    wait_for("the reader waits", async || is_waiting("query-service", "AccessShareLock").await).await;
    let swap = "alter schema read_model rename to read_model_aside;
                alter schema read_model_previous rename to read_model;
                alter schema read_model_aside rename to read_model_previous";
    sqlx::raw_sql(swap).execute(&mut *switching).await.expect("they can change places");
    switching.commit().await.expect("they do");
    let statistics = reader.await.expect("it is answered");
    assert_eq!((&statistics["documents"], &statistics["by_source"]["text"]), (&json!(1), &json!(1)), "{statistics}");
    system.finish().await;
}

/// Uploads some documents and edits them, until there are so many events.
async fn fill(client: &Client, events: usize) {
    let (mut ids, mut last) = (Vec::new(), 0);
    for n in 0..events.div_ceil(10) {
        ids.push(client.upload(&format!("document {n}"), &format!("text of {n}")).await.id());
    }
    for n in 0..events - ids.len() {
        let path = format!("/v1/documents/{}/title", ids[n % ids.len()]);
        last = client.put(&path, &json!({ "title": format!("title {n}") })).await.expect(200).sequence();
    }
    client.get(&format!("/v1/statistics?min_sequence={last}")).await.expect(200);
}

#[track_caller]
fn reports(output: &Output) -> Vec<Value> {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out} {error}");
    out.lines().map(|line| serde_json::from_str(line).expect("reports are JSON")).collect()
}

/// The generations that there are, and whether each stands somewhere.
async fn generations(system: &System, projection: &str) -> Vec<(String, bool)> {
    let status = &reports(&system.projector(&["status", "--json"]).await)[0];
    let of = |report: &&Value| report["projection"] == projection;
    let report = status.as_array().expect("projections").iter().find(of).expect("it is there");
    let generations = report["generations"].as_array().expect("generations").iter();
    let name = |generation: &Value| generation["generation"].as_str().expect("a name").to_owned();
    generations.map(|generation| (name(generation), generation["checkpoint"].as_u64() > Some(0))).collect()
}

async fn indexes(system: &System, schema: &str) -> Vec<String> {
    let query = "select indexname::text from pg_indexes where schemaname = $1 order by 1";
    sqlx::query_scalar(query).bind(schema).fetch_all(&system.database().await).await.expect("the database answers")
}

//! Read models of the past: made beside the serving ones, answered as it was, and never written again.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use std::process::Output;
use tests::System;
use tests::client::Client;
use tests::past::PastReader;
use tests::rebuilding::{Running, sequence};
use tests::texts::SUBJECTS;
use tests::user::User;
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_past_answers_as_it_was_whatever_has_happened_since() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let long = ada.upload("long", &"a long text about sourdough bread\n".repeat(10_000)).await.id();
    let (ids, last) = upload(&ada).await;
    let clusters = ada.get(&format!("/v1/clusters?min_sequence={last}")).await.expect(200).json();
    let cluster = clusters["clusters"][0]["id"].as_str().expect("there is a cluster").to_owned();
    let concepts = ada.get(&format!("/v1/concepts?min_sequence={last}")).await.expect(200).json();
    let concept = concepts["concepts"][0]["concept"].as_str().expect("there is a concept").to_owned();
    let document = format!("/v1/documents/{}", ids[0]);
    let paths = [
        document.clone(),
        format!("{document}/history"),
        format!("{document}/knowledge"),
        format!("{document}/past"),
        format!("/v1/documents/{long}/content"),
        format!("/v1/documents?cluster={cluster}"),
        format!("/v1/documents?concept={concept}"),
        format!("/v1/clusters/{cluster}"),
        format!("/v1/concepts/{concept}"),
        "/v1/documents?limit=200".to_owned(),
        "/v1/clusters".to_owned(),
        "/v1/concepts?limit=200".to_owned(),
        "/v1/statistics".to_owned(),
    ];
    let when = ada.document(&ids[ids.len() - 1], last).await["updated_at"].as_str().expect("a time").to_owned();
    let mut then = Vec::new();
    for path in &paths {
        then.push(ada.get(path).await.expect(200).text);
    }

    ada.put(&format!("{document}/title"), &json!({ "title": "retitled since" })).await.expect(200);
    ada.put(&format!("{document}/concepts/since"), &json!({})).await.expect(200);
    ada.delete(&format!("/v1/documents/{long}")).await.expect(200);
    let dissolved = ada.delete(&format!("/v1/clusters/{cluster}")).await.expect(200).sequence();
    ada.document(&ids[0], dissolved).await;

    for (as_of, into) in [(last.to_string(), "before"), (when, "by_time")] {
        let made = lines(&system.projector(&["rebuild", "--json", "--as-of", &as_of, "--into", into]).await);
        assert_eq!(made.iter().map(sequence).collect::<Vec<_>>(), [last, last], "one report for each projection");
        let again = lines(&system.projector(&["rebuild", "--json", "--as-of", &as_of, "--into", into]).await);
        assert!(again.iter().all(|report| report["was_made"] == true), "{again:?}");
    }
    let reader = PastReader::start(&system, "before").await;
    let past = reader.client(&ada);
    assert_shown(&past, &paths, &then).await;
    let shown = reader.health().await["past"].clone();
    assert_eq!((&shown["name"], &shown["sequence"]), (&json!("before"), &json!(last)), "{shown}");
    let answer = past.get(&format!("/v1/clusters?min_sequence={last}")).await.expect(200);
    assert_eq!(answer.header("syncboard-sequence"), Some(&*last.to_string()));
    for path in [document.as_str(), "/v1/clusters", "/v1/documents"] {
        let beyond = past.get(&format!("{path}?min_sequence={}", last + 1)).await;
        beyond.expect_problem(400, "after_this_past");
    }
    past.get("/v1/events").await.expect_problem(404, "not_found");

    // What is done to the serving tables leaves a past alone.
    for done in [&["rebuild"][..], &["rollback"], &["verify"], &["migrate"]] {
        let mut command = system.projector_command(done);
        let done = command.env("NATS_ADMIN_URL", system.fact("nats_admin_url")).output().await.expect("it starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_shown(&past, &paths, &then).await;
    assert!(system.projector(&["past", "drop", "before"]).await.status.success());
    assert_eq!(reader.health().await["status"], "down", "there is nothing to show any more");
    drop(reader);
    ada.get(&document).await.expect(200);
    system.finish().await;
}

#[tokio::test]
async fn a_past_is_not_written_and_what_cannot_be_read_is_said() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (_, last) = upload(&ada).await;
    let make = ["rebuild", "--as-of", &last.to_string(), "--into", "kept"];
    let first = system.projector(&[&make[..], &["--projection", "documents"]].concat()).await;
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    refused(PastReader::command(&system, "kept").output().await, "has no knowledge");
    assert!(system.projector(&make).await.status.success());

    let database = system.database().await;
    for statement in [
        "update past_kept_documents.document set title = 'by hand'",
        "delete from past_kept_knowledge.concept",
        "truncate past_kept_documents.document_history",
        "insert into past_kept_knowledge.analyzer values (7)",
        "update past_kept_documents.checkpoint set sequence = 1",
    ] {
        let error = sqlx::query(statement).execute(&database).await.expect_err(statement);
        let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("25006"), "an administrator is refused too: {error}");
    }

    let head = last + 1_000;
    for (args, reason) in [
        (["--as-of", &head.to_string(), "--into", "later"], "the log ends at"),
        (["--as-of", "2999-01-01T00:00:00Z", "--into", "later"], "not come yet"),
        (["--as-of", "1999-01-01T00:00:00Z", "--into", "later"], "no event that old"),
        (["--as-of", "1", "--into", "kept"], "there is a past kept already"),
    ] {
        let output = system.projector(&[&["rebuild"][..], &args].concat()).await;
        refused(Ok(output), reason);
    }
    for name in ["", "Kept", "2kept", "kept;", "kept-1", &"k".repeat(41)] {
        let output = system.projector(&["rebuild", "--as-of", "1", "--into", name]).await;
        assert_eq!(output.status.code(), Some(2), "{name:?} is no name");
    }

    let listed = lines(&system.projector(&["past", "list", "--json"]).await);
    assert_eq!(listed.len(), 2, "what was refused left nothing: {listed:?}");
    for record in &listed {
        assert_eq!((&record["name"], &record["sequence"]), (&json!("kept"), &json!(last)), "{record}");
        assert!(record["made_at"].is_string() && record["bytes"].as_u64() > Some(0), "{record}");
        assert!(record["program"].as_str().is_some_and(|program| program.contains("analysis")), "{record}");
    }
    let other = r"update past_kept_knowledge._sqlx_migrations set checksum = '\x00'::bytea || checksum";
    sqlx::query(other).execute(&database).await.expect("the tables are there");
    refused(PastReader::command(&system, "kept").output().await, "made with other tables");
    refused(PastReader::command(&system, "nobody_s").output().await, "has no documents");

    assert!(system.projector(&["past", "drop", "kept"]).await.status.success());
    let left: i64 = sqlx::query_scalar("select count(*) from pg_namespace where nspname like 'past%'")
        .fetch_one(&database)
        .await
        .expect("the database answers");
    assert_eq!(left, 0);
    refused(Ok(system.projector(&["past", "drop", "kept"]).await), "there is no past kept");
    system.finish().await;
}

#[tokio::test]
async fn a_past_that_was_killed_while_it_was_filled_goes_on_and_ends_where_it_was_to() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (ids, mut last) = upload(&ada).await;
    for n in 0..200 {
        let path = format!("/v1/documents/{}/title", ids[n % ids.len()]);
        last = ada.put(&path, &json!({ "title": format!("title {n}") })).await.expect(200).sequence();
    }
    let user = User::begin(&ada).await;
    let wanted = last.to_string();
    let make = ["--as-of", &wanted, "--into", "halfway"];
    let mut filling = Running::start(&system, &[&make[..], &["--max-events-per-second", "40"]].concat());
    let stopped_at = filling.until(|line| line["events"].as_u64() > Some(0)).await;
    filling.child.kill().await.expect("it can be killed");
    refused(PastReader::command(&system, "halfway").output().await, "not to its end");

    let made = lines(&system.projector(&[&["rebuild", "--json"][..], &make].concat()).await);
    let resumed_at = made[0]["resumed_at"].as_u64().expect("a number");
    assert!(resumed_at >= stopped_at && resumed_at < last, "{made:?}");
    assert_eq!(made.iter().map(sequence).collect::<Vec<_>>(), [last, last]);
    let past = PastReader::start(&system, "halfway").await;
    let statistics = past.client(&ada).get("/v1/statistics").await.expect(200).json();
    assert_eq!(statistics["documents"], ids.len(), "what the user does is of the present: {statistics}");
    drop(past);
    user.end().await;
    system.finish().await;
}

#[tokio::test]
async fn the_order_of_the_log_decides_what_had_happened_by_a_time() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    let path = format!("/v1/documents/{}/title", uploaded.id());
    let retitled = ada.put(&path, &json!({ "title": "another" })).await.expect(200).sequence();
    let now = ada.document(&uploaded.id(), retitled).await["updated_at"].as_str().map(DateTime::parse_from_rfc3339);
    let now = now.expect("a time").expect("as RFC 3339 has it").to_utc();
    // As if a service whose clock is slow had retitled it once more.
    let slow = append_as_of(&system, retitled, now - TimeDelta::seconds(30)).await;
    ada.document(&uploaded.id(), slow).await;
    let after = ada.upload("later", "another text").await.sequence();
    for (seconds, into, sequences) in [
        (-40, "before_everything", None),
        (-20, "with_the_slow_one", Some([slow, slow])),
        (0, "all_but_the_last", Some([slow, slow])),
    ] {
        let as_of = (now + TimeDelta::seconds(seconds)).to_rfc3339();
        let output = system.projector(&["rebuild", "--json", "--as-of", &as_of, "--into", into]).await;
        match sequences {
            Some(sequences) => assert_eq!(lines(&output).iter().map(sequence).collect::<Vec<_>>(), sequences),
            None => refused(Ok(output), "no event that old"),
        }
    }
    ada.get(&format!("/v1/documents?min_sequence={after}")).await.expect(200);
    system.finish().await;
}

/// Appends an event of the log once more, as if it had happened at another time; says where it stands.
async fn append_as_of(system: &System, sequence: u64, time: DateTime<Utc>) -> u64 {
    let url: reqwest::Url = system.fact("nats_admin_url").parse().expect("an address");
    let (user, password) = (url.username().to_owned(), url.password().expect("a password").to_owned());
    let options = async_nats::ConnectOptions::with_user_and_password(user, password);
    let context = async_nats::jetstream::new(options.connect(url.as_str()).await.expect("NATS is there"));
    let stream = context.get_stream(runtime::event_log::STREAM).await.expect("the stream");
    let message = stream.direct_get(sequence).await.expect("the event");
    let mut headers = async_nats::HeaderMap::new();
    for (name, values) in message.headers.iter().filter(|(name, _)| !name.to_string().starts_with("Nats-")) {
        values.iter().for_each(|value| headers.append(name.clone(), value.clone()));
    }
    headers.insert("ce-time", time.to_rfc3339_opts(SecondsFormat::Micros, true));
    headers.insert("ce-id", Uuid::from_u128(7).to_string());
    let sent = context.publish_with_headers(message.subject, headers, message.payload).await.expect("it is sent");
    sent.await.expect("it is stored").sequence
}

/// Uploads documents about a few subjects, enough to be clustered.
async fn upload(client: &Client) -> (Vec<String>, u64) {
    let (mut ids, mut last) = (Vec::new(), 0);
    for n in 0..10 {
        for subject in &SUBJECTS {
            let (title, text) = subject.document(n);
            let uploaded = client.upload(&title, &text).await;
            last = uploaded.sequence();
            ids.push(uploaded.id());
        }
    }
    (ids, last)
}

async fn assert_shown(past: &Client, paths: &[String], then: &[String]) {
    for (path, then) in paths.iter().zip(then) {
        let now = past.get(path).await.expect(200).text;
        assert!(now == *then, "{path} is {now:.400}, and was {then:.400}");
    }
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out} {error}");
    out.lines().map(|line| serde_json::from_str(line).expect("reports are JSON")).collect()
}

#[track_caller]
fn refused(output: std::io::Result<Output>, reason: &str) {
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains(reason), "{said}");
}

//! *An upgrade cannot read what was written years ago, or reads it as something else.*
//!
//! Each version keeps a log in `schema/logs/`, with events of every type, made through the API by the program of that
//! version, and a part of what the read models showed of it: what does not depend on the analysis. Every later program
//! must fold each of these logs, and show at least that. `bash .ci/contracts --update` keeps the log of a new version;
//! `.ci/kept-logs` refuses a change of an older one.

use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tests::client::send;
use tests::kept::{self, Message, Shown};
use tests::knowledge::encoded;
use tests::model::Model;
use tests::system::wait_for;
use tests::texts::SUBJECTS;
use tests::{Client, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const USERS: [&str; 2] = ["ada", "ben"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/logs")
}

fn log_of(version: &str) -> PathBuf {
    folder().join(format!("{version}.jsonl"))
}

fn shown_of(version: &str) -> PathBuf {
    folder().join(format!("{version}.shown.jsonl"))
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but this")]
fn is_updating() -> bool {
    std::env::var("SYNCBOARD_UPDATE_CONTRACTS").is_ok()
}

#[tokio::test]
async fn versioning() {
    // Only what is missing is written: to change a kept log one would have to delete it, knowing why.
    if is_updating() && !log_of(VERSION).exists() {
        keep().await;
    }
    let mut versions = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("logs are kept") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        versions.extend(name.strip_suffix(".jsonl").filter(|name| !name.ends_with(".shown")).map(str::to_owned));
    }
    assert!(versions.contains(VERSION), "version {VERSION} keeps no log; run: bash .ci/contracts --update");
    for version in versions {
        let (log, shown): (Vec<Message>, Vec<Shown>) = (kept::read(&log_of(&version)), kept::read(&shown_of(&version)));
        println!("version {version}: {} messages, {} answers", log.len(), shown.len());
        let system = System::start(PROGRAM).await;
        kept::write_log(&system, &log).await;
        system.caught_up().await;
        for user in USERS {
            let client = system.signed_in(user);
            for shown in shown.iter().filter(|shown| shown.user == user) {
                shown.check(&client, log.len() as u64).await;
            }
        }
        let numbers = system.statistics().await;
        assert_eq!((&numbers["documents_parked"], &numbers["knowledge_parked"]), (&json!(0), &json!(0)));
        // Its end rebuilds, so that the log is read as well by those who begin anew.
        system.finish().await;
    }
}

/// Keeps the log of this version.
async fn keep() {
    let model = Model::start().await;
    let system = model.system(PROGRAM, &[("SYNCBOARD_LLM_CLUSTERS_EVERY", "200ms")]).await;
    let [ada, ben] = [system.client(USERS[0]).await, system.client(USERS[1]).await];
    let mut documents = Vec::new();
    for n in 0..10 {
        for subject in &SUBJECTS {
            let (title, text) = subject.document(n);
            documents.push(ada.upload(&title, &text).await.id());
        }
    }
    let (bens, clusters) = work(&ben).await;
    let wanted: BTreeSet<String> = events::schema::all().map(|(name, _)| name).collect();
    wait_for("the assistant has said its part", async || {
        let log = kept::read_log(&system).await;
        let assessed = log.iter().filter(|message| message.event_type() == "syncboard.document.assessed.v1").count();
        let types: BTreeSet<String> = log.iter().map(|message| message.event_type().to_owned()).collect();
        assessed >= documents.len() && types == wanted
    })
    .await;
    system.caught_up().await;

    let mut shown = Vec::new();
    for (user, client, ids) in [(USERS[0], &ada, &documents), (USERS[1], &ben, &bens)] {
        shown.push(Shown::ask(client, user, "/v1/statistics".to_owned(), &[]).await);
        for id in ids {
            let path = format!("/v1/documents/{id}");
            shown.push(Shown::ask(client, user, format!("{path}/history?limit=200"), &[]).await);
            let known = ["stated_level", "summary", "links"];
            shown.push(Shown::ask(client, user, format!("{path}/knowledge"), &known).await);
            shown.push(Shown::ask(client, user, path, &[]).await);
        }
    }
    let made = ["id", "name", "name_origin", "skill_level", "documents", "is_made"];
    for id in clusters {
        shown.push(Shown::ask(&ben, USERS[1], format!("/v1/clusters/{id}"), &made).await);
    }
    let named = format!("/v1/concepts/{}", encoded("House rules"));
    shown.push(Shown::ask(&ben, USERS[1], named, &["concept", "name", "documents"]).await);
    shown.push(Shown::ask(&ben, USERS[1], "/v1/concepts/suppressed".to_owned(), &[]).await);
    kept::write(&log_of(VERSION), &kept::read_log(&system).await);
    kept::write(&shown_of(VERSION), &shown);
    system.finish().await;
}

/// Everything that a user can do, but for what needs no user; ids of the documents, and of the clusters that are left.
async fn work(ben: &Client) -> (Vec<String>, Vec<String>) {
    let mut ids = Vec::new();
    for n in 0..6 {
        let body = json!({
            "title": format!("Note {n}"), "text": format!("# Note {n}\n\nOf what stands in the {n}th drawer.\n"),
            "media_type": "text/markdown", "tags": ["notes", format!("drawer {n}")], "skill_level": "beginner",
            "source": { "kind": "url", "url": format!("https://notes.example/{n}"), "author": "Ben" },
        });
        ids.push(ben.post("/v1/documents", &body).await.expect(201).id());
    }
    let does = async |method: Method, path: String, body| {
        let request = ben.command(method.clone(), &path);
        let answer = send(if method == Method::DELETE { request } else { request.json(&body) }).await;
        assert!([200, 201].contains(&answer.status), "{method} {path}: {}", answer.text);
        answer
    };
    let (put, post, delete) = (Method::PUT, Method::POST, Method::DELETE);
    let nothing = json!({});
    let mut clusters = Vec::new();
    for n in 0..3 {
        let cluster = does(post.clone(), "/v1/clusters".to_owned(), json!({ "name": format!("Drawer {n}") })).await;
        clusters.push(cluster.id());
    }
    for (n, id) in ids.iter().enumerate() {
        let at = |rest: &str| format!("/v1/documents/{id}{rest}");
        let next = &ids[(n + 1) % ids.len()];
        for (method, path, body) in [
            (&put, at("/title"), json!({ "title": format!("Drawer {n}") })),
            (&put, at("/content"), json!({ "text": format!("Revised: the {n}th drawer is empty.\n") })),
            (&put, at("/description"), json!({ "skill_level": "advanced", "source": { "kind": "text" } })),
            (&put, at("/tags/second"), nothing.clone()),
            (&delete, at(&format!("/tags/{}", encoded(&format!("drawer {n}")))), nothing.clone()),
            (&put, at("/concepts/House%20rules"), json!({ "category": "methodology" })),
            (&put, at("/concepts/Mistake"), nothing.clone()),
            (&delete, at("/concepts/Mistake"), nothing.clone()),
            (&put, at(&format!("/links/related/{next}")), nothing.clone()),
            (&put, at(&format!("/links/alternative/{next}")), nothing.clone()),
            (&delete, at(&format!("/links/related/{next}")), nothing.clone()),
            (&put, at("/cluster"), json!({ "cluster_id": clusters[n % 3] })),
        ] {
            does(method.clone(), path, body).await;
        }
    }
    let document = |n: usize, rest: &str| format!("/v1/documents/{}{rest}", ids[n]);
    let cluster = |n: usize, rest: &str| format!("/v1/clusters/{}{rest}", clusters[n]);
    for (method, path, body) in [
        (&delete, document(0, "/cluster"), nothing.clone()),
        (&delete, document(1, ""), nothing.clone()),
        (&post, document(1, "/restore"), nothing.clone()),
        (&delete, document(2, ""), nothing.clone()),
        (&post, document(3, "/merge"), json!({ "from": ids[4] })),
        (&put, cluster(0, "/name"), json!({ "name": "Upper drawer" })),
        (&put, cluster(0, "/skill_level"), json!({ "skill_level": "intermediate" })),
        (&post, cluster(1, "/merge"), json!({ "into": clusters[0] })),
        (&delete, cluster(2, ""), nothing.clone()),
        (&put, "/v1/concepts/House%20rules/name".to_owned(), json!({ "name": "Rules of the house" })),
        (&post, "/v1/concepts/Drawers/merge".to_owned(), json!({ "into": "Chests" })),
        (&post, "/v1/concepts/Boxes/merge".to_owned(), json!({ "into": "Chests" })),
        (&delete, "/v1/concepts/Boxes/merge".to_owned(), nothing.clone()),
        (&put, "/v1/concepts/Revised/suppression".to_owned(), nothing.clone()),
        (&put, "/v1/concepts/Empty/suppression".to_owned(), nothing.clone()),
        (&delete, "/v1/concepts/Empty/suppression".to_owned(), nothing.clone()),
    ] {
        does(method.clone(), path, body).await;
    }
    (ids, clusters.drain(..1).collect())
}

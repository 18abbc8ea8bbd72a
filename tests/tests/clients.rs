//! Clients in other languages, generated from the committed OpenAPI documents and nothing else: each must be generated whole,
//! fit the program that uses it by its language's own type checker, and do on a real system what that program asks of it.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::{Client, Subscriber, System};
use tokio::process::Command;
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// How long a step may take: the first on a fresh machine installs what it needs.
const PATIENCE: Duration = Duration::from_secs(600);

/// The folder of a language.
fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients").join(language)
}

/// Runs a program of a folder to its end, which must be a good one; what it said.
async fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    let mut command = Command::new(folder.join(program));
    let output = command.args(args).current_dir(folder).kill_on_drop(true).output();
    let output = timeout(PATIENCE, output).await.expect("it ends in time").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Holds what an example said against what the system says to the same account.
async fn assert_true(system: &System, said: &str) {
    let said: Value = serde_json::from_str(said).unwrap_or_else(|error| panic!("{error} in {said}"));
    let ada = Client::register_or_log_in(system.fact("command_url"), system.fact("query_url"), "ada").await;
    let retitled = said["retitled"].as_u64().expect("a sequence");
    let id = said["id"].as_str().expect("an id");
    let document = ada.document(id, retitled).await;
    assert_eq!((&document["title"], &document["sequence"]), (&json!("Pods"), &json!(retitled)), "it edited, once");
    assert_eq!(said["title"], "Containers", "it read what it wrote before it edited");
    assert_eq!(said["text"], ada.get(&format!("/v1/documents/{id}/content")).await.expect(200).text);
    assert_eq!(said["refused"], "stale_if_match", "it knows an error by its code");
    assert_eq!(said["listed"], json!(["Pods"]));
    let events = Subscriber::open(&ada, "?after=0").await.up_to(retitled).await;
    let events: Vec<_> = events.iter().map(|event| json!([event.data["type"], event.id])).collect();
    assert_eq!(said["heard"], json!(events), "it heard what happened");
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_generated_python_client_is_of_use() {
    let folder = folder("python");
    run(&folder, "generate", &[]).await;
    run(&folder, ".venv/bin/mypy", &[]).await;
    let system = System::start(PROGRAM).await;
    let facts = system.data.join("run.json");
    let said = run(&folder, ".venv/bin/python", &["example.py", facts.to_str().expect("a path is text")]).await;
    assert_true(&system, &said).await;
    system.finish().await;
}

#[tokio::test]
async fn a_generated_typescript_client_is_of_use() {
    let folder = folder("typescript");
    for step in [&["ci"][..], &["run", "generate"], &["run", "check"]] {
        run(&folder, "npm", step).await;
    }
    let system = System::start(PROGRAM).await;
    let facts = system.data.join("run.json");
    let said = run(&folder, "npm", &["--silent", "start", "--", facts.to_str().expect("a path is text")]).await;
    assert_true(&system, &said).await;
    system.finish().await;
}

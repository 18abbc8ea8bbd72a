//! The runner and the upload command, as a newcomer meets them.

use rustix::process::Signal;
use std::path::Path;
use std::process::Output;
use tests::System;
use tests::client::PASSWORD;
use tests::system::{is_alive, send, wait_for};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

async fn upload(system: &System, paths: &[&Path]) -> Output {
    Command::new(PROGRAM)
        .arg("upload")
        .arg("--data")
        .arg(&system.data)
        .args(paths)
        .envs([("SYNCBOARD_USERNAME", "ada"), ("SYNCBOARD_PASSWORD", PASSWORD)])
        .output()
        .await
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn files_are_uploaded_once_and_revised_when_they_change() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let folder = system.data.join("files");
    std::fs::create_dir_all(folder.join("inner/.hidden")).expect("folders");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a file");
    write("notes.md", b"# Notes\n\ntext");
    write("inner/plain.txt", "größe".as_bytes());
    write("picture.png", &[0x89, b'P', b'N', b'G']);
    write("inner/.hidden/secret.txt", b"hidden");

    let first = upload(&system, &[&folder]).await;
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(
        text(&first.stdout).starts_with("2 uploaded, 0 revised, 0 unchanged, 0 failed, 1 skipped"),
        "{}",
        text(&first.stdout)
    );
    let second = upload(&system, &[&folder]).await;
    assert!(
        text(&second.stdout).starts_with("0 uploaded, 0 revised, 2 unchanged, 0 failed"),
        "{}",
        text(&second.stdout)
    );

    write("notes.md", b"# Notes\n\nother text");
    write("broken.txt", &[0xff, 0xfe, 0x00]);
    let third = upload(&system, &[&folder, Path::new("/nowhere/at/all.txt")]).await;
    assert_eq!(third.status.code(), Some(1), "a file that failed is a failure");
    assert!(text(&third.stdout).starts_with("0 uploaded, 1 revised, 1 unchanged, 2 failed"), "{}", text(&third.stdout));
    assert!(text(&third.stderr).contains("broken.txt: not UTF-8"), "{}", text(&third.stderr));
    assert!(text(&third.stderr).contains("/nowhere/at/all.txt"), "{}", text(&third.stderr));

    // Back to what it was uploaded with.
    write("notes.md", b"# Notes\n\ntext");
    let fourth = upload(&system, &[&folder]).await;
    assert!(
        text(&fourth.stdout).starts_with("0 uploaded, 1 revised, 1 unchanged, 1 failed"),
        "{}",
        text(&fourth.stdout)
    );

    // What was thrown away stays away.
    system.caught_up().await;
    let documents = ada.get("/v1/documents?limit=200").await.expect(200).json();
    let documents = documents["documents"].as_array().expect("a list");
    let notes = documents.iter().find(|document| document["title"] == "Notes").expect("it is there");
    ada.delete(&format!("/v1/documents/{}", notes["id"].as_str().expect("an id"))).await.expect(200);
    let fifth = upload(&system, &[&folder]).await;
    assert!(text(&fifth.stdout).starts_with("0 uploaded, 0 revised, 2 unchanged, 1 failed"), "{}", text(&fifth.stdout));
    system.finish().await;
}

#[tokio::test]
async fn a_killed_runner_leaves_no_process_behind_and_its_data_in_place() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    ada.document(&uploaded.id(), uploaded.sequence()).await;
    let parts = ["postgres", "nats-server", "redis-server", "command-service", "query-service", "projector"];
    let pids: Vec<u32> = parts.iter().map(|part| system.pid(part)).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    send(system.pid("runner"), Signal::KILL);
    wait_for("every process has gone", async || !pids.iter().any(|pid| is_alive(*pid))).await;

    let system = system.start_again().await;
    let ada = ada.moved(&system);
    assert_eq!(ada.document(&uploaded.id(), uploaded.sequence()).await["title"], "title");
    system.finish().await;
}

#[tokio::test]
async fn a_second_runner_on_the_same_folder_is_refused() {
    let system = System::start(PROGRAM).await;
    let second = Command::new(PROGRAM).arg("--data").arg(&system.data).output().await.expect("the command starts");
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("is in use by another runner"), "{}", text(&second.stderr));
    system.finish().await;
}

#[tokio::test]
async fn wrong_configuration_ends_before_anything_starts() {
    for (args, complaint) in [
        (vec!["command-service"], "--database-url"),
        (vec!["query-service", "--database-url", "postgres://x", "--secret-key", "short"], "shorter than 32"),
        (vec!["projector", "--database-url", "postgres://x", "--batch-bytes", "many"], "batch-bytes"),
        (vec!["--nonsense"], "--nonsense"),
    ] {
        let mut command = Command::new(PROGRAM);
        for name in ["DATABASE_URL", "NATS_URL", "REDIS_URL", "SYNCBOARD_SECRET_KEY"] {
            command.env_remove(name);
        }
        let output = command.args(&args).output().await.expect("the command starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(complaint), "{args:?}: {}", text(&output.stderr));
    }
}

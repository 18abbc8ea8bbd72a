//! Contracts that are committed files: what the running system says of itself must be what the repository says of it.
//! `bash .ci/contracts --update` writes them anew.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tests::System;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// Files longer than this are split, not excused.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but this")]
fn is_updating() -> bool {
    std::env::var("SYNCBOARD_UPDATE_CONTRACTS").is_ok()
}

#[track_caller]
fn assert_committed(path: &str, text: &str) {
    let file = root().join(path);
    if is_updating() {
        fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(&file, text).expect("the contract can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{path} is not what the code says; run: bash .ci/contracts --update");
}

#[tokio::test]
async fn openapi_documents_are_as_committed() {
    let system = System::start(PROGRAM).await;
    for (service, url) in [("command-service", "command_url"), ("query-service", "query_url")] {
        let answer =
            tests::client::http().get(format!("{}/openapi.json", system.fact(url))).send().await.expect("an answer");
        let mut spec: Value = answer.json().await.expect("a spec is JSON");
        spec.as_object_mut().expect("a spec is an object").remove("servers");
        assert_committed(&format!("schema/openapi/{service}.json"), &format!("{spec:#}\n"));
    }
    system.finish().await;
}

#[test]
fn settings_are_as_committed() {
    assert_committed(".env.example", &settings());
}

/// Every setting that can come from the environment, with its default, as the programs' own help says it.
fn settings() -> String {
    let mut text = String::from("# Every setting, with its default. Made from the programs' own --help.\n");
    let mut seen = std::collections::BTreeSet::new();
    for program in compose::commands() {
        let mut commands = vec![&program];
        commands.extend(program.get_subcommands());
        let mut section = String::new();
        for argument in commands.iter().flat_map(|command| command.get_arguments()) {
            let Some(name) = argument.get_env().and_then(|name| name.to_str()) else { continue };
            if !seen.insert(name.to_owned()) {
                continue;
            }
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{name} is not documented");
            let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            section.push_str(&format!("\n# {help}\n#{name}={}\n", default.join(",")));
        }
        if !section.is_empty() {
            text.push_str(&format!("\n# --- {} ---\n{section}", program.get_name()));
        }
    }
    text
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut pending = vec![root()];
    let mut read = 0;
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                pending.push(path);
            } else if name.ends_with(".rs") {
                let lines = fs::read_to_string(&path).expect("a source file").lines().count();
                assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 50);
}

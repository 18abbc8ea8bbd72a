//! Contracts that are committed files: what the running system says of itself must be what the repository says of it.
//! `bash .ci/contracts --update` writes them anew.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{System, settings};

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

/// The committed OpenAPI documents, of which clients are generated.
fn documents() -> [Value; 2] {
    ["command-service", "query-service"].map(|service| {
        let text = fs::read_to_string(root().join(format!("schema/openapi/{service}.json"))).expect("it is committed");
        serde_json::from_str(&text).expect("it is JSON")
    })
}

/// The operations of a document.
fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().expect("paths").values();
    paths.flat_map(|path| path.as_object().expect("operations").values())
}

fn text<'a>(part: &'a Value, name: &str) -> &'a str {
    part[name].as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("no {name} in {part:#}"))
}

fn list<'a>(part: &'a Value, name: &str) -> &'a [Value] {
    part[name].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_operation_reads_well_as_a_function() {
    let mut ids = BTreeSet::new();
    let documents = documents();
    for document in &documents {
        let tags: BTreeSet<_> =
            list(document, "tags").iter().map(|tag| (text(tag, "name"), text(tag, "description"))).collect();
        for operation in operations(document) {
            let id = text(operation, "operationId");
            assert!(id.split('_').all(|word| word.bytes().all(|letter| letter.is_ascii_lowercase())), "{id}");
            assert!(id.contains('_') && ids.insert(id), "{id} says too little, or names two operations");
            assert!(!text(operation, "summary").ends_with('.'), "{id} has more than a title as its summary");
            let [tag] = list(operation, "tags") else { panic!("{id} stands in no section, or in several") };
            assert!(tags.iter().any(|(name, _)| tag == name), "{id} stands in a section that is not described");
            let is_open = ["register_account", "issue_token"].contains(&id);
            assert_eq!(list(operation, "security").is_empty(), is_open, "{id} says how to be let in, if one must be");
            for parameter in list(operation, "parameters") {
                text(parameter, "description");
            }
        }
    }
    assert!(ids.len() > 50);
}

#[test]
fn every_error_is_a_problem() {
    let [commands, queries] = documents();
    assert_eq!(commands["components"]["schemas"]["Problem"], queries["components"]["schemas"]["Problem"]);
    let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    for operation in operations(&commands).chain(operations(&queries)) {
        let id = text(operation, "operationId");
        let answers = operation["responses"].as_object().expect("answers");
        let errors: Vec<_> = answers.iter().filter(|(status, _)| status.as_str() >= "400").collect();
        assert!(errors.iter().any(|(status, _)| *status == "default"), "{id} has an answer to what nobody thought of");
        for (status, answer) in errors {
            assert_eq!(answer["content"], problem, "{status} of {id}");
            text(answer, "description");
        }
    }
}

/// What validates against a schema of a document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&root).expect("a valid schema")
}

/// The schemas of what an operation takes, and of what it answers when all is well; of a stream, that of its parts.
fn bodies<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    let answers = operation["responses"].as_object().expect("answers").iter();
    let good = answers.filter(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer);
    let bodies = good.chain([&operation["requestBody"]]).filter_map(|body| body["content"].as_object());
    bodies.flat_map(|content| content.values()).map(|body| {
        let schema = if body["schema"]["type"] == "array" { &body["schema"]["items"] } else { &body["schema"] };
        schema["$ref"].as_str().map_or(schema, |name| document.pointer(name.trim_start_matches('#')).expect("a schema"))
    })
}

#[test]
fn examples_are_there_and_valid() {
    let mut seen = 0;
    for document in documents() {
        let problem = &document["components"]["schemas"]["Problem"];
        for operation in operations(&document) {
            let id = text(operation, "operationId");
            for schema in bodies(&document, operation).chain([problem]) {
                let example =
                    schema.get("example").unwrap_or_else(|| panic!("no example of a body of {id}: {schema:#}"));
                if let Err(error) = validator(&document, schema).validate(example) {
                    panic!("the example of a body of {id}: {error}");
                }
                seen += 1;
            }
            for parameter in list(operation, "parameters").iter().filter(|parameter| parameter["in"] == "path") {
                // An id or a number shows its form by its type.
                assert_ne!(
                    parameter["schema"],
                    json!({ "type": "string" }),
                    "{id}: {} has an example",
                    parameter["name"]
                );
            }
        }
    }
    assert!(seen > 100);
}

#[test]
fn settings_are_as_committed() {
    assert_committed(".env.example", &settings::example());
    assert_committed("docs/settings.md", &settings::page());
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

//! The committed schemas and samples of every event type. A schema that is committed never changes: what it describes
//! stands in logs. A changed event is a new version, with an upcaster and a sample, and the old samples stay.

use events::{
    AnyEvent, ClusterId, CommandId, ConceptId, DocumentId, EventType, Stream, TraceContext, WorkspaceId, codec,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use uuid::Uuid;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/events")
}

fn json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of the files in a folder that end in an ending, without it.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let entries =
        fs::read_dir(folder).expect("the folder is committed").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> =
        entries.filter_map(|name| name.to_string_lossy().strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but this")]
fn is_updating() -> bool {
    std::env::var("SYNCBOARD_UPDATE_CONTRACTS").is_ok()
}

#[test]
fn schemas_are_as_committed() {
    for (name, schema) in events::schema::all() {
        let path = folder().join(format!("{name}.json"));
        let text = format!("{:#}\n", schema.as_value());
        // Only what is missing is written: to change a committed schema one would have to delete it, knowing why.
        if !path.exists() && is_updating() {
            fs::write(&path, text).expect("the schema can be written");
        }
        assert_eq!(json(&path), *schema.as_value(), "{name} changed: give it a new version instead");
    }
}

#[test]
fn every_sample_ever_committed_still_reads() {
    let samples = folder().join("samples");
    let mut sampled: BTreeMap<String, u32> = BTreeMap::new();
    for name in names(&samples, ".expected.json") {
        let (old, expected) =
            (json(&samples.join(format!("{name}.json"))), json(&samples.join(format!("{name}.expected.json"))));
        let schema = jsonschema::validator_for(&json(&folder().join(format!("{name}.json")))).expect("a valid schema");
        assert!(schema.is_valid(&old), "sample {name} does not fit its schema");
        let (kind, body) = read(&name, &old);
        assert_eq!(body, expected, "{name} reads as something else");
        *sampled.entry(kind).or_default() += 1;
    }
    for (name, _) in events::schema::all() {
        assert!(samples.join(format!("{name}.expected.json")).exists(), "{name} has no sample");
    }
    assert!(sampled.len() >= 29);
}

/// Reads a body of a type through the codec, and writes it in its newest version.
fn read(type_name: &str, body: &Value) -> (String, Value) {
    let id = Uuid::from_u128(1);
    let stream = match type_name.split('.').nth(1) {
        Some("document") => Stream::document(WorkspaceId(id), DocumentId(id)),
        Some("cluster") => Stream::cluster(WorkspaceId(id), ClusterId(id)),
        Some("concept") => Stream::concept(WorkspaceId(id), ConceptId(id)),
        _ => Stream::account(events::AccountId(id)),
    };
    let id = CommandId(id).to_string();
    let header = |name| match name {
        codec::header::TYPE => Some(type_name),
        codec::header::TIME => Some("2026-01-02T03:04:05.678901Z"),
        codec::header::ID | codec::header::ACTOR | codec::header::CORRELATION => Some(id.as_str()),
        _ => None,
    };
    let envelope = codec::decode_any(stream, header, body.to_string().as_bytes()).expect("a sample reads");
    let (kind, body) = match envelope.event {
        AnyEvent::Document(event) => (event.type_name(), event.body()),
        AnyEvent::Cluster(event) => (event.type_name(), event.body()),
        AnyEvent::Concept(event) => (event.type_name(), event.body()),
        AnyEvent::Account(event) => (event.type_name(), event.body()),
    };
    (kind, serde_json::from_slice(&body).expect("a body is JSON"))
}

#[test]
fn an_envelope_reads_back_as_it_was_written() {
    let id = Uuid::from_u128(7);
    let envelope = events::Envelope {
        id: CommandId(id),
        stream: Stream::document(WorkspaceId(id), DocumentId(id)),
        time: "2026-01-02T03:04:05.678901Z".parse().expect("a time"),
        actor: events::AccountId(id),
        correlation: id,
        causation: Some(id),
        trace: TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some("vendor=1")),
        event: events::document::Event::Trashed(events::document::Trashed {}),
    };
    let encoded = codec::encode(&envelope);
    let header = |name| encoded.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str());
    assert_eq!(header(codec::header::TYPE), Some("syncboard.document.trashed.v1"));
    assert_eq!(header(codec::header::TRACESTATE), Some("vendor=1"));
    assert_eq!(codec::decode(envelope.stream, header, &encoded.body).expect("it reads"), envelope);
}

#[test]
fn what_is_newer_or_unknown_is_said_to_be() {
    let event = |kind, version| events::document::Event::from_version(kind, version, b"{}").expect_err("it is refused");
    assert!(matches!(event("trashed", 2), codec::Error::UnknownVersion { version: 2, newest: 1, .. }));
    assert!(matches!(event("exploded", 1), codec::Error::UnknownType(_)));
    assert!(matches!(event("retitled", 1), codec::Error::Body(_)));
}

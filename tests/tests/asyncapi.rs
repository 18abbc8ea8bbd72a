//! The description of what subscribers receive, held against the code and against real messages.

use async_nats::jetstream::{self, consumer};
use async_nats::{ConnectOptions, HeaderMap, Message, Subject};
use events::stream::{LIVE_PREFIX, PARTITIONS};
use events::{Aggregate, Stream, WorkspaceId};
use futures_util::StreamExt;
use jsonschema::Validator;
use reqwest::Method;
use runtime::announcement;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::client::send;
use tests::{Client, Subscriber, System};
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const PATIENCE: Duration = Duration::from_secs(30);

fn schema(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema").join(path)
}

/// The description.
struct Described(Value);

impl Described {
    fn read() -> Self {
        let text = fs::read_to_string(schema("asyncapi.yaml")).expect("the description is committed");
        Self(serde_yaml_ng::from_str(&text).expect("it is YAML"))
    }

    fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"))
    }

    fn words(&self, pointer: &str) -> BTreeSet<String> {
        let words = self.at(pointer).as_array().expect("a list");
        words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    }

    fn validator(&self, name: &str) -> Validator {
        let mut root = self.0.clone();
        root["$ref"] = json!(format!("#/components/schemas/{name}"));
        jsonschema::options().should_validate_formats(true).build(&root).expect("a valid schema")
    }
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value) {
    if let Err(error) = validator.validate(value) {
        panic!("{error} in {value}");
    }
}

#[test]
fn the_description_names_what_the_code_publishes() {
    let described = Described::read();
    let types: BTreeSet<String> = events::schema::all().map(|(name, _)| name.clone()).collect();
    assert_eq!(described.words("/components/schemas/Type/enum"), types);
    let aggregates = Aggregate::ALL.iter().map(|aggregate| aggregate.name().to_owned()).collect();
    assert_eq!(described.words("/channels/live/parameters/aggregate/enum"), aggregates);
    let live = format!("{LIVE_PREFIX}.{{workspace}}.{{aggregate}}.{{id}}.{{partition}}");
    assert_eq!(described.at("/channels/live/address"), &json!(live));
    assert!(described.at("/channels/live/parameters/partition/description").to_string().contains("0 to 15"));
    assert_eq!(PARTITIONS, 16);
    assert_eq!(described.at("/channels/visible/address"), &json!(announcement::visible_subject("{projection}")));
    let projections = [announcement::DOCUMENTS, announcement::KNOWLEDGE].map(str::to_owned);
    assert_eq!(described.words("/channels/visible/parameters/projection/enum"), projections.into());
    let workspace = WorkspaceId(uuid::Uuid::from_u128(7));
    let changed = announcement::changed_subject(workspace).replace(&workspace.to_string(), "{workspace}");
    assert_eq!(described.at("/channels/changed/address"), &json!(changed));
    assert_eq!(described.at("/components/schemas/Changed/properties/documents/maxItems"), announcement::MOST_DOCUMENTS);
    let paths: Value =
        serde_json::from_str(&fs::read_to_string(schema("openapi/query-service.json")).expect("committed"))
            .expect("it is JSON");
    for channel in ["stream", "socket"] {
        let address = described.at(&format!("/channels/{channel}/address")).as_str().expect("a path");
        assert!(paths["paths"][address]["get"].is_object(), "{address} is a route");
    }
}

/// The trace that a client's upload belongs to.
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Commands of every sort of stream that a user has.
async fn write(ada: &Client) -> u64 {
    let upload =
        ada.command(Method::POST, "/v1/documents").json(&json!({ "title": "Containers", "text": "share a kernel" }));
    let uploaded = send(upload.header("traceparent", TRACEPARENT).header("tracestate", "vendor=1")).await.expect(201);
    // Of a document whose beginning is applied together with its changes no change is announced: nobody has seen it before.
    ada.document(&uploaded.id(), uploaded.sequence()).await;
    ada.put(&format!("/v1/documents/{}/tags/ops", uploaded.id()), &json!({})).await.expect(200);
    ada.put(&format!("/v1/documents/{}/content", uploaded.id()), &json!({ "text": "revised" })).await.expect(200);
    ada.post("/v1/clusters", &json!({ "name": "mine" })).await.expect(201);
    ada.put("/v1/concepts/meaning/suppression", &json!({})).await.expect(200).sequence()
}

fn headers(headers: &HeaderMap) -> Value {
    let named = headers.iter().filter_map(|(name, values)| Some((name.to_string(), json!(values.first()?.as_str()))));
    Value::Object(named.collect::<Map<_, _>>())
}

async fn next(messages: &mut (impl futures_util::Stream<Item = Message> + Unpin)) -> (Subject, Value, Value) {
    let message = timeout(PATIENCE, messages.next()).await.expect("it comes in time").expect("the connection stands");
    let body = serde_json::from_slice(&message.payload).expect("a body is JSON");
    (message.subject, headers(&message.headers.unwrap_or_default()), body)
}

#[tokio::test]
async fn real_messages_are_as_described() {
    let system = System::start(PROGRAM).await;
    let described = Described::read();
    let nats = connect(system.fact("nats_url")).await;
    let mut live = nats.subscribe("syncboard.live.>").await.expect("subscribers may");
    let mut projected = nats.subscribe("syncboard.projected.>").await.expect("subscribers may");
    nats.flush().await.expect("the server listens");
    let ada = system.client("ada").await;
    let last = write(&ada).await;

    let valid_headers = described.validator("Headers");
    let mut sequence = 0;
    while sequence < last {
        let (subject, headers, body) = next(&mut live).await;
        assert_valid(&valid_headers, &headers);
        // Where nothing is traced, what the client says of its trace is passed on.
        let is_of_upload = headers["ce-type"] == "syncboard.document.uploaded.v1";
        let trace = is_of_upload.then_some((TRACEPARENT, "vendor=1"));
        assert_eq!(headers["traceparent"].as_str().zip(headers["tracestate"].as_str()), trace, "{headers}");
        sequence = headers["Nats-Sequence"].as_str().and_then(|text| text.parse().ok()).expect("a sequence");
        let kind = headers["ce-type"].as_str().expect("a type");
        let of_kind = fs::read_to_string(schema(&format!("events/{kind}.json"))).expect("every type has a schema");
        let of_kind: Value = serde_json::from_str(&of_kind).expect("it is JSON");
        assert_valid(&jsonschema::validator_for(&of_kind).expect("a valid schema"), &body);
        let tokens: Vec<_> = subject.strip_prefix("syncboard.live.").expect("the prefix").split('.').collect();
        let original = format!("syncboard.events.{}.{}.{}.{}", tokens[3], tokens[0], tokens[1], tokens[2]);
        assert!(Stream::parse(&original).is_some(), "{subject}");
    }

    let (visible, changed) = (described.validator("Visible"), described.validator("Changed"));
    let mut seen = BTreeSet::new();
    while seen.len() < 2 || !seen.contains("visible") {
        let (subject, headers, body) = next(&mut projected).await;
        assert_eq!(headers, json!({}), "services send no traces here");
        let is_visible = announcement::projection(&subject).is_some();
        assert!(is_visible || announcement::workspace(&subject) == Some(WorkspaceId(ada.workspace)), "{subject}");
        assert_valid(if is_visible { &visible } else { &changed }, &body);
        seen.insert(if is_visible { "visible" } else { "changed" });
    }

    let event = described.validator("Event");
    for message in Subscriber::open(&ada, "?after=0").await.up_to(last).await {
        assert_valid(&event, &message.data);
    }
    assert!(!event.is_valid(&json!({ "specversion": "1.0" })), "not everything is an event");
    system.finish().await;
}

/// Connects with the credentials of an address.
async fn connect(url: &str) -> async_nats::Client {
    let (credentials, host) = url.strip_prefix("nats://").and_then(|rest| rest.split_once('@')).expect("credentials");
    let (user, password) = credentials.split_once(':').expect("a password");
    let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    options.connect(host).await.expect("the server listens")
}

#[tokio::test]
async fn a_durable_consumer_goes_on_where_it_was() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let last = write(&ada).await;
    let mut sequences = Vec::new();
    while sequences.last() < Some(&last) {
        // Each round is a program that was started anew.
        let context = jetstream::new(connect(system.fact("nats_services_url")).await);
        let stream = context.get_stream("SYNCBOARD_EVENTS").await.expect("the log is there");
        let config = consumer::pull::Config {
            durable_name: Some("audit".to_owned()),
            filter_subject: format!("syncboard.events.*.{}.*.*", ada.workspace),
            ack_policy: consumer::AckPolicy::Explicit,
            ..consumer::pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer("audit", config).await.expect("a consumer can be made");
        let batch = consumer.fetch().max_messages(2).messages().await.expect("messages are there");
        for message in batch.collect::<Vec<_>>().await {
            let message = message.expect("a message");
            sequences.push(message.info().expect("it says where it stands").stream_sequence);
            message.double_ack().await.expect("the server hears it");
        }
    }
    let expected: Vec<u64> =
        Subscriber::open(&ada, "?after=0").await.up_to(last).await.iter().map(|message| message.id).collect();
    assert_eq!(sequences, expected);
    system.finish().await;
}

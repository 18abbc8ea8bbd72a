//! Traces and slow statements of the running system, before a real receiver of OTLP.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::client::send;
use tests::collector::{Collector, HEADERS, Seen};
use tests::system::wait_for;
use tests::{Answer, Client, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// A trace of a client, and its span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
/// Kinds of spans, as OTLP numbers them.
const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;
/// What the client's trace is made of, when its upload was read.
const OF_AN_UPLOAD: [&str; 7] = [
    "command-service: POST /v1/documents",
    "command-service: append document",
    "projector: apply documents",
    "projector: apply knowledge",
    "query-service: GET /v1/documents/{id}",
    "query-service: hear documents",
    "query-service: hear knowledge",
];

fn traceparent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{SPAN}-{flags}")
}

/// Uploads a document in a trace.
async fn upload(ada: &Client, title: &str, traceparent: &str) -> Answer {
    let request = ada.command(Method::POST, "/v1/documents").json(&json!({ "title": title, "text": "A traced text." }));
    send(request.header("traceparent", traceparent).header("tracestate", "vendor=1")).await.expect(201)
}

/// A counter of a service.
async fn counted(system: &System, service: &str, name: &str) -> u64 {
    system.metric(service, name).await.unwrap_or_else(|| panic!("{service} has no {name}")) as u64
}

fn one<'a>(spans: &'a [Seen], title: &str) -> &'a Seen {
    let titles: Vec<_> = spans.iter().map(Seen::title).collect();
    let mut found = spans.iter().filter(|seen| seen.title() == title);
    let one = found.next().unwrap_or_else(|| panic!("no {title} in {titles:?}"));
    assert!(found.next().is_none(), "{title} is there twice: {titles:?}");
    one
}

#[tokio::test]
async fn an_upload_is_one_trace_from_its_request_to_its_reader() {
    let collector = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", HEADERS),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("SYNCBOARD_SLOW_STATEMENT", "100ms"),
    ];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    // The upload is to be a batch of its own.
    system.caught_up().await;
    let uploaded = upload(&ada, "Traced", &traceparent(TRACE, "01")).await;
    let (id, sequence) = (uploaded.id(), uploaded.sequence());
    system.caught_up().await;
    let read = ada.query(Method::GET, &format!("/v1/documents/{id}?min_sequence={sequence}"));
    send(read.header("traceparent", traceparent(TRACE, "01"))).await.expect(200);
    let wanted: BTreeSet<_> = OF_AN_UPLOAD.map(str::to_owned).into();
    let titles = || collector.of_trace(TRACE).iter().map(Seen::title).collect::<BTreeSet<_>>();
    wait_for("the trace is complete", async || titles().is_superset(&wanted)).await;

    let spans = collector.of_trace(TRACE);
    assert_family(&spans, sequence);
    assert_described(&system, &spans, &id, sequence).await;
    assert_own_traces(&collector.seen());
    a_slow_statement(&system, &ada).await;
    let says_so = |seen: &Seen| {
        seen.title() == "query-service: GET /v1/documents"
            && seen.events.iter().any(|event| event["target"] == "sqlx::query")
    };
    wait_for("its request says so in its trace", async || collector.seen().iter().any(says_so)).await;
    for service in ["command_url", "query_url", "projector_url"] {
        assert!(counted(&system, service, "syncboard_trace_spans_sent_total").await > 0, "{service}");
        for reason in ["queue_full", "not_taken"] {
            let name = format!("syncboard_trace_spans_dropped_total{{reason=\"{reason}\"}}");
            assert_eq!(counted(&system, service, &name).await, 0, "{service}");
        }
    }
    system.finish().await;
}

/// Who is whose child.
fn assert_family(spans: &[Seen], sequence: u64) {
    let [request, append, documents, knowledge, read, heard, learnt] = OF_AN_UPLOAD.map(|title| one(spans, title));
    let family = [
        (request, SPAN, SERVER),
        (append, &request.id, PRODUCER),
        (documents, &append.id, CONSUMER),
        (knowledge, &append.id, CONSUMER),
        (heard, &documents.id, CONSUMER),
        (learnt, &knowledge.id, CONSUMER),
        (read, SPAN, SERVER),
    ];
    for (span, parent, kind) in family {
        assert_eq!((span.parent.as_str(), span.kind, span.is_error), (parent, kind, false), "{span:?}");
    }
    for span in [append, documents, knowledge, heard, learnt] {
        assert_eq!(span.attribute("syncboard.sequence"), sequence.to_string(), "{span:?}");
    }
    for span in [request, append, documents] {
        assert_eq!(span.state, "vendor=1", "{span:?}");
    }
}

/// What spans say, and what the log and the lines say of them.
async fn assert_described(system: &System, spans: &[Seen], id: &str, sequence: u64) {
    let (request, append) = (one(spans, OF_AN_UPLOAD[0]), one(spans, OF_AN_UPLOAD[1]));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/documents"),
        ("http.response.status_code", "201"),
        ("url.path", "/v1/documents"),
        ("syncboard.operation", "upload_document"),
    ] {
        assert_eq!(request.attribute(name), value, "{request:?}");
    }
    assert_eq!(append.attribute("messaging.system"), "nats");
    assert_eq!(append.attribute("syncboard.event.type"), "syncboard.document.uploaded.v1");
    assert_eq!(one(spans, OF_AN_UPLOAD[4]).attribute("url.path"), format!("/v1/documents/{id}"));
    assert_eq!(one(spans, OF_AN_UPLOAD[2]).attribute("messaging.batch.message_count"), "1");
    for span in spans {
        for (name, value) in [
            ("service.namespace", "syncboard"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("deployment.environment.name", "test"),
            ("telemetry.sdk.language", "rust"),
        ] {
            assert_eq!(span.resource[name], value, "{span:?}");
        }
    }
    let stream = system.administrator().await.get_stream("SYNCBOARD_EVENTS").await.expect("the log is there");
    let message = stream.get_raw_message(sequence).await.expect("the event is there");
    let header = |name| message.headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!(header("traceparent"), Some(format!("00-{TRACE}-{}-01", append.id)));
    assert_eq!(header("tracestate").as_deref(), Some("vendor=1"));
    let access = line(system, "command-service", |line| line["request.operation"] == "upload_document").await;
    assert_eq!(access["trace.id"], TRACE, "{access}");
}

/// Who brings no trace has one made; what probes ask is none.
fn assert_own_traces(spans: &[Seen]) {
    let registering = one(spans, "command-service: POST /v1/accounts");
    assert!(registering.parent.is_empty() && registering.trace != TRACE, "{registering:?}");
    let probed = spans
        .iter()
        .find(|seen| ["/health", "/metrics"].iter().any(|path| seen.attribute("url.path").starts_with(path)));
    assert!(probed.is_none(), "{probed:?}");
}

/// The first line of a service's log of which something is true.
async fn line(system: &System, service: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let path = system.data.join(format!("logs/{service}.log"));
    let find = || {
        let log = std::fs::read_to_string(&path).expect("a service has a log");
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|line| is_wanted(line))
    };
    wait_for("the line is written", async || find().is_some()).await;
    find().expect("it was there")
}

/// A query whose statement waits for 200 ms, for a lock.
async fn wait_in_the_database(system: &System, ada: &Client) {
    let database = system.database().await;
    let mut holding = database.begin().await.expect("the database is there");
    sqlx::raw_sql("lock table read_model.document in access exclusive mode")
        .execute(&mut *holding)
        .await
        .expect("nobody holds it for long");
    let reader = ada.clone();
    let reading = tokio::spawn(async move { reader.get("/v1/documents?tag=private").await });
    wait_for("a statement waits", async || {
        let waiting = "select count(*) from pg_stat_activity where application_name = 'query-service' and wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&database).await.expect("an answer") > 0
    })
    .await;
    sqlx::raw_sql("select pg_sleep(0.2)").execute(&mut *holding).await.expect("it sleeps");
    holding.rollback().await.expect("the lock is given back");
    reading.await.expect("it does not panic").expect(200);
    database.close().await;
}

/// A slow statement is logged, without its parameters, and counted.
async fn a_slow_statement(system: &System, ada: &Client) {
    let before = counted(system, "query_url", "syncboard_database_slow_statements_total").await;
    wait_in_the_database(system, ada).await;
    // Others may have been slow before it, for less long.
    let is_of_list = |line: &Value| {
        line["target"] == "sqlx::query"
            && line["db.statement"].as_str().is_some_and(|text| text.contains("document"))
            && line["elapsed_secs"].as_f64().is_some_and(|seconds| seconds >= 0.2)
    };
    let slow = line(system, "query-service", is_of_list).await;
    assert_eq!(slow["level"], "WARN", "{slow}");
    assert!(slow["rows_returned"].is_u64() && !slow.to_string().contains("private"), "{slow}");
    assert!(counted(system, "query_url", "syncboard_database_slow_statements_total").await > before);
}

#[tokio::test]
async fn what_a_caller_does_not_record_is_not_recorded_and_the_last_spans_are_sent_at_the_end() {
    let collector = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", HEADERS),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
        ("OTEL_SERVICE_NAME", "all-of-it"),
        // Only the end of a service sends them.
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let unsampled = TRACE.replace("0af7", "1af7");
    upload(&ada, "Not recorded", &traceparent(&unsampled, "00")).await;
    upload(&ada, "Recorded", &traceparent(TRACE, "01")).await;
    let alone = ada.upload("Without a caller's trace", "text").await.sequence();
    let stream = system.administrator().await.get_stream("SYNCBOARD_EVENTS").await.expect("the log is there");
    for (sequence, is_of_caller) in [(alone - 2, true), (alone, false)] {
        let message = stream.get_raw_message(sequence).await.expect("the event is there");
        let parent = message.headers.get("traceparent").map(|parent| parent.as_str().to_owned()).expect("it has one");
        assert_eq!((parent.contains(&unsampled), parent.ends_with("-00")), (is_of_caller, true), "{parent}");
    }
    system.caught_up().await;
    assert!(collector.seen().is_empty(), "nothing is sent yet");
    system.finish().await;
    let spans = collector.seen();
    assert!(spans.iter().all(|seen| seen.trace == TRACE && seen.service() == "all-of-it"), "{spans:?}");
    let names: BTreeSet<_> = spans.iter().map(|seen| seen.name.as_str()).collect();
    let wanted = ["POST /v1/documents", "append document", "apply documents", "apply knowledge"];
    assert!(wanted.iter().all(|name| names.contains(name)), "{names:?}");
}

#[tokio::test]
async fn a_collector_that_never_answers_harms_nothing() {
    let silent = Collector::silent().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", silent.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("SYNCBOARD_SLOW_STATEMENT", "0s"),
    ];
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let dropped = r#"syncboard_trace_spans_dropped_total{reason="not_taken"}"#;
    let mut rounds = 0;
    // For the 5 s in which the first batch is waited for, and given up: requests that waited as long would be fewer.
    while counted(&system, "command_url", dropped).await == 0 {
        let uploaded = upload(&ada, "Harmless", &traceparent(TRACE, "01")).await;
        ada.document(&uploaded.id(), uploaded.sequence()).await;
        rounds += 1;
    }
    assert!(rounds > 2, "{rounds} rounds, as if requests waited for the collector");
    let warned = line(&system, "command-service", |line| {
        line["message"].as_str().is_some_and(|text| text.starts_with("the collector does not take traces"))
    });
    assert_eq!(warned.await["level"], "WARN");
    assert_eq!(counted(&system, "command_url", "syncboard_trace_spans_sent_total").await, 0);

    wait_in_the_database(&system, &ada).await;
    assert_eq!(counted(&system, "query_url", "syncboard_database_slow_statements_total").await, 0, "none is slow");
    let begun = Instant::now();
    system.replaced("command-service", Signal::TERM).await;
    assert!(begun.elapsed() < Duration::from_secs(60), "its end took {:?}", begun.elapsed());
    system.finish().await;
}

//! Bad input: the right problem with a stable code, nothing appended, the process untouched.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tests::client::send;
use tests::{Client, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Posts bytes as they are.
async fn post_raw(client: &Client, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> tests::Answer {
    send(client.command(Method::POST, path).header("content-type", media_type).body(body)).await
}

#[tokio::test]
async fn bad_input_is_refused_and_nothing_is_appended() {
    let system = System::start(PROGRAM).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let mine = ada.upload("mine", "text").await;
    let (id, sequence) = (mine.id(), mine.sequence());
    let before = system.pid("command-service");

    let upload = "/v1/documents";
    let json_type = "application/json";
    let documents = [
        ("not json at all", 400, "malformed_json"),
        (r#"{"title":"t","text":"t""#, 400, "malformed_json"),
        ("", 400, "malformed_json"),
        ("[]", 422, "invalid_body"),
        ("null", 422, "invalid_body"),
        (r#"{"title":"t"}"#, 422, "invalid_body"),
        (r#"{"title":1,"text":"t"}"#, 422, "invalid_body"),
        (r#"{"title":"t","text":"t","colour":"red"}"#, 422, "unknown_field"),
        (r#"{"title":"t","text":"t","source":{"kind":"file","size":3}}"#, 422, "unknown_field"),
        (r#"{"title":"t","text":"t","source":{"kind":"telepathy"}}"#, 422, "invalid_body"),
        (r#"{"title":"","text":"t"}"#, 422, "invalid_title"),
        (r#"{"title":"a\u0000b","text":"t"}"#, 422, "invalid_title"),
        (r#"{"title":"t","text":"a\u0000b"}"#, 422, "invalid_text"),
        (r#"{"title":"t","text":"\ud800"}"#, 400, "malformed_json"),
        (r#"{"title":"t","text":"t","media_type":"text/html"}"#, 422, "invalid_media_type"),
        (r#"{"title":"t","text":"t","tags":["ok"," "]}"#, 422, "invalid_tags"),
        (r#"{"title":"t","text":"t","source":{"kind":"url","url":"a\nb"}}"#, 422, "invalid_source"),
    ];
    for (body, status, code) in documents {
        post_raw(&ada, upload, json_type, body).await.expect_problem(status, code);
    }
    let long_title = json!({ "title": "x".repeat(301), "text": "t" });
    ada.post(upload, &long_title).await.expect_problem(422, "invalid_title");
    let many_tags: Vec<_> = (0..65).map(|n| format!("tag{n}")).collect();
    ada.post(upload, &json!({ "title": "t", "text": "t", "tags": many_tags }))
        .await
        .expect_problem(422, "too_many_tags");
    post_raw(&ada, upload, json_type, b"{\"title\":\"t\",\"text\":\"\xff\xfe\"}".to_vec())
        .await
        .expect_problem(400, "invalid_utf8");
    post_raw(&ada, upload, "text/csv", "a,b").await.expect_problem(415, "unsupported_media_type");
    ada.post(upload, &json!({ "title": "t", "text": "x".repeat((10 << 20) + 1) }))
        .await
        .expect_problem(413, "text_too_large");
    let path = format!("/v1/documents/{id}/title");
    ada.put(&path, &json!({ "title": "x".repeat(70_000) })).await.expect_problem(413, "body_too_large");
    // Without an announced length the bytes are counted as they come.
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let streamed =
        ada.command(Method::POST, upload).header("content-type", json_type).body(reqwest::Body::wrap_stream(chunks));
    send(streamed).await.expect_problem(413, "body_too_large");

    for key in ["", "with space", &"k".repeat(256)] {
        let request = ada
            .command(Method::POST, upload)
            .header("Idempotency-Key", key)
            .json(&json!({ "title": "t", "text": "t" }));
        send(request).await.expect_problem(400, "invalid_parameter");
    }
    let stale = ada.command(Method::PUT, &path).header("If-Match", "\"999999\"").json(&json!({ "title": "new" }));
    send(stale).await.expect_problem(412, "stale_if_match");
    let malformed = ada.command(Method::PUT, &path).header("If-Match", "999").json(&json!({ "title": "new" }));
    send(malformed).await.expect_problem(400, "invalid_parameter");

    // An unknown document and somebody else's look the same.
    for (client, document) in [(&ada, NOBODY), (&eve, id.as_str())] {
        let at = |rest: &str| format!("/v1/documents/{document}{rest}");
        client.put(&at("/title"), &json!({ "title": "t" })).await.expect_problem(404, "document_not_found");
        client.put(&at("/content"), &json!({ "text": "t" })).await.expect_problem(404, "document_not_found");
        client.put(&at("/description"), &json!({})).await.expect_problem(404, "document_not_found");
        client.put(&at("/tags/t"), &json!({})).await.expect_problem(404, "document_not_found");
        client.delete(&at("/tags/t")).await.expect_problem(404, "document_not_found");
        client.delete(&at("")).await.expect_problem(404, "document_not_found");
        client.post(&at("/restore"), &json!({})).await.expect_problem(404, "document_not_found");
        for read in ["", "/content", "/history"] {
            client
                .get(&format!("{}?min_sequence={sequence}", at(read)))
                .await
                .expect_problem(404, "document_not_found");
        }
    }
    assert_eq!(eve.get("/v1/documents").await.expect(200).json()["documents"], json!([]));
    assert_eq!(eve.get("/v1/statistics").await.expect(200).json()["documents"], 0);

    ada.put("/v1/documents/not-a-uuid/title", &json!({ "title": "t" })).await.expect_problem(400, "invalid_parameter");
    ada.get("/v1/documents/not-a-uuid").await.expect_problem(400, "invalid_parameter");
    ada.get("/v1/documents?sort=colour").await.expect_problem(400, "invalid_parameter");
    ada.get("/v1/nowhere").await.expect_problem(404, "not_found");
    ada.post("/v1/nowhere", &json!({})).await.expect_problem(404, "not_found");
    let patched = send(ada.command(Method::PATCH, upload)).await.expect_problem(405, "method_not_allowed");
    assert_eq!(patched.header("allow"), Some("POST"));
    let early = send(ada.query(Method::GET, &format!("/v1/documents/{id}?min_sequence=999999999")));
    let early = early.await.expect_problem(503, "not_yet_visible");
    assert!(early.header("retry-after").is_some());

    assert_eq!(system.statistics().await["head"], sequence, "nothing was appended");
    assert_eq!(system.pid("command-service"), before, "the process is untouched");
    system.finish().await;
}

#[tokio::test]
async fn what_is_not_understood_is_not_passed_over() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (id, json_type) = ("0199c2d0-0000-7000-8000-000000000001", "application/json");
    let (path, title) = (format!("/v1/documents/{id}"), format!("/v1/documents/{id}/title"));
    let first = ada.put(&path, &json!({ "title": "t", "text": "t" })).await.expect(201).sequence();
    let retitle = |name: &str, lines: &[&str]| {
        let body = json!({ "title": format!("{name} {}", lines.join(" ")) });
        send(lines.iter().fold(ada.command(Method::PUT, &title).json(&body), |request, line| {
            let line = HeaderValue::from_bytes(line.as_bytes()).expect("bytes of a header");
            request.header(name, line)
        }))
    };
    for (name, lines) in [
        ("If-Match", &["“1”"] as &[&str]),
        ("Idempotency-Key", &["bestellung-größe-7"]),
        ("Idempotency-Key", &["one", "two"]),
    ] {
        retitle(name, lines).await.expect_problem(400, "invalid_parameter");
    }
    let wanted = format!("\"{first}\"");
    retitle("If-Match", &["\"99\"", &wanted]).await.expect(200);
    retitle("Idempotency-Key", &["put"]).await.expect(200);

    for (path, body) in [
        ("/v1/documents".to_owned(), r#"["title","text",null,null,null,[]]"#),
        ("/v1/documents".to_owned(), r#"{"title":"t","text":"t","source":["file","x.md",null,null]}"#),
        ("/v1/accounts".to_owned(), r#"["carol","correct horse battery"]"#),
    ] {
        post_raw(&ada, &path, json_type, body).await.expect_problem(422, "invalid_body");
    }
    let long = format!(r#"{{"{}":1}}"#, "k".repeat(1 << 20));
    let told = post_raw(&ada, "/v1/documents", json_type, long).await.expect_problem(422, "unknown_field");
    assert!(told.text.len() < 2_000, "{} bytes", told.text.len());

    let form = "grant_type=password&username=ada&password=correct+horse+battery";
    let token =
        post_raw(&ada, "/v1/tokens", "application/x-www-form-urlencoded; charset=UTF-8", form).await.expect(200);
    assert_eq!(token.header("cache-control"), Some("no-store"));

    ada.get(&format!("{path}?min_sequence={first}")).await.expect(200);
    ada.put(&format!("{path}/content"), &json!({ "text": "other" })).await.expect(200);
    let last = ada.put(&format!("{path}/content"), &json!({ "text": "another" })).await.expect(200).sequence();
    let page = ada.get(&format!("{path}/history?limit=1&min_sequence={last}")).await.expect(200).json();
    let cursor = page["next_cursor"].as_str().expect("there is more");
    ada.get(&format!("{path}/history?cursor={cursor}")).await.expect(200);
    ada.get(&format!("{path}/revisions?cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    for wrong in [
        format!("{path}/history?kind=nonsense"),
        format!("{path}/revisions/1/diff?from=2"),
        "/v1/analytics?from=%2B200000-01-01T00:00:00Z".to_owned(),
        format!("/v1/events?after={}", last + 1_000),
    ] {
        ada.get(&wrong).await.expect_problem(400, "invalid_parameter");
    }
    system.finish().await;
}

#[tokio::test]
async fn accounts_are_guarded() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let taken = json!({ "username": "ADA", "password": "another password" });
    ada.post("/v1/accounts", &taken).await.expect_problem(409, "username_taken");
    ada.post("/v1/accounts", &json!({ "username": "a b", "password": "long enough" }))
        .await
        .expect_problem(422, "invalid_username");
    ada.post("/v1/accounts", &json!({ "username": "bob", "password": "short" }))
        .await
        .expect_problem(422, "invalid_password");
    for (name, password) in [("ada", "wrong password"), ("nobody", "correct horse battery"), ("ada", "")] {
        let login = json!({ "username": name, "password": password });
        ada.post("/v1/tokens", &login).await.expect_problem(401, "wrong_credentials");
    }
    let form = ada
        .command(Method::POST, "/v1/tokens")
        .form_body("grant_type=password&username=Ada&password=correct+horse+battery");
    assert_eq!(send(form).await.expect(200).json()["token_type"], "bearer");

    let register = |key: &'static str, password: &'static str| {
        let body = json!({ "username": "carol", "password": password });
        send(ada.command(Method::POST, "/v1/accounts").header("Idempotency-Key", key).json(&body))
    };
    let first = register("k", "carol's password").await.expect(201);
    let again = register("k", "carol's password").await.expect(201);
    assert_eq!(first.text, again.text, "a retried registration gets its first answer");
    register("k", "another password").await.expect_problem(422, "idempotency_key_reused");
    let kept = async || -> i64 {
        let count = "select count(*) from identity.credential";
        sqlx::query_scalar(count).fetch_one(&system.database().await).await.expect("a number")
    };
    let before = kept().await;
    register("other", "carol's password").await.expect_problem(409, "username_taken");
    assert_eq!(kept().await, before, "who is refused leaves nothing behind");
    system.finish().await;
}

#[tokio::test]
async fn no_route_is_open_by_accident() {
    let system = System::start(PROGRAM).await;
    let http = tests::client::http();
    let open = ["/v1/accounts", "/v1/tokens"];
    let mut closed = 0;
    for service in ["command_url", "query_url"] {
        let url = system.fact(service);
        let spec: Value =
            http.get(format!("{url}/openapi.json")).send().await.expect("a spec").json().await.expect("JSON");
        for (path, methods) in spec["paths"].as_object().expect("paths") {
            if open.contains(&path.as_str()) {
                continue;
            }
            for method in methods.as_object().expect("methods").keys() {
                let path = path.replace("{id}", NOBODY).replace("{tag}", "t");
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                for token in [None, Some("nonsense"), Some("eyJhbGciOiJub25lIn0.e30.")] {
                    let mut request = http.request(method.clone(), format!("{url}{path}")).json(&json!({}));
                    if let Some(token) = token {
                        request = request.bearer_auth(token);
                    }
                    let answer = send(request).await.expect_problem(401, "unauthorized");
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                }
                closed += 1;
            }
        }
    }
    assert!(closed >= 13, "only {closed} operations were tried");
    system.finish().await;
}

/// A form body, which reqwest sends only with a feature that nothing else here needs.
trait FormBody {
    fn form_body(self, form: &'static str) -> Self;
}

impl FormBody for reqwest::RequestBuilder {
    fn form_body(self, form: &'static str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(form)
    }
}

//! A browser's own EventSource, in a headless Chromium: tickets, named events, and going on after the service was away.

use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::{Data, Html, Json};
use poem::{EndpointExt, Route, Server, get, handler, post};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tests::client::send;
use tests::tools::installed;
use tests::{Client, System};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const PATIENCE: Duration = Duration::from_secs(60);
/// What Chromium is called, here and there.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What the page needs of the test.
#[derive(Clone)]
struct Desk {
    ada: Client,
    query_url: String,
    reports: mpsc::UnboundedSender<Value>,
}

#[handler]
fn page() -> Html<&'static str> {
    Html(include_str!("../clients/eventsource.html"))
}

/// A ticket, as an application's own server would fetch one; an error while the service is away.
#[handler]
async fn ticket(desk: Data<&Desk>) -> poem::Result<Json<Value>> {
    let answer = desk.ada.query(Method::POST, "/v1/tickets").send().await.map_err(poem::error::ServiceUnavailable)?;
    let ticket: Value = answer.json().await.map_err(poem::error::ServiceUnavailable)?;
    let ticket = ticket["ticket"].as_str().unwrap_or_default();
    Ok(Json(json!({ "url": format!("{}/v1/events?ticket={ticket}", desk.query_url) })))
}

#[handler]
fn report(desk: Data<&Desk>, body: Json<Value>) {
    // A report after the test's end is of no interest.
    let _ = desk.reports.send(body.0);
}

/// Chromium at an address.
fn chromium(url: &str, profile: &std::path::Path) -> Child {
    Command::new(installed(&NAMES, "chromium"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-web-security"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Chromium starts")
}

#[tokio::test]
async fn a_browser_goes_on_where_it_was() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (reports, mut reported) = mpsc::unbounded_channel();
    let desk = Desk { ada: ada.clone(), query_url: system.fact("query_url").to_owned(), reports };
    let routes = Route::new().at("/", get(page)).at("/ticket", get(ticket)).at("/report", post(report)).data(desk);
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port is free");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("an address");
    let serving = tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));

    let uploaded = ada.upload("Containers", "share a kernel").await;
    let mut expected = vec![("document.uploaded", uploaded.sequence())];
    let profile = system.data.join("chromium");
    let mut browser = chromium(&format!("http://{address}/"), &profile);
    let mut next = async || timeout(PATIENCE, reported.recv()).await.expect("in time").expect("the page reports");
    let first = next().await;
    assert_eq!((&first["type"], first["id"].as_u64()), (&json!("document.uploaded"), Some(uploaded.sequence())));
    assert_eq!(first["data"]["data"]["title"], "Containers");

    let before = system.pid("query-service");
    system.signal("query-service", Signal::TERM);
    let closed = next().await;
    assert_eq!((&closed["type"], &closed["data"]["code"]), (&json!("closed"), &json!("stopping")));
    let mut came = vec![uploaded.sequence()];
    for n in 0..5 {
        let body = json!({ "title": format!("title {n}") });
        let path = format!("/v1/documents/{}/title", uploaded.id());
        expected.push(("document.retitled", send(ada.command(Method::PUT, &path).json(&body)).await.sequence()));
    }
    while came.len() < expected.len() {
        let message = next().await;
        assert_eq!(message["type"], "document.retitled");
        came.push(message["id"].as_u64().expect("an id"));
    }
    assert_eq!(came, expected.iter().map(|(_, sequence)| *sequence).collect::<Vec<_>>());
    assert_ne!(system.pid("query-service"), before, "the service was away");
    browser.kill().await.expect("the browser ends");
    serving.abort();
    system.finish_after_faults().await;
}

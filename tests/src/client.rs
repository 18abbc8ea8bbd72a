//! A client of both services, as a program over HTTP would be.

use crate::system::PATIENCE;
use events::AccountId;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use runtime::auth::{Caller, Tokens};
use runtime::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A logged-in client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    command: String,
    /// Address of the query-service.
    pub(crate) query: String,
    /// Its access token.
    pub token: String,
    /// Its workspace.
    pub workspace: Uuid,
}

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// Reads an answer.
    pub async fn of(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers are text"))
    }

    /// The body's `sequence`.
    pub fn sequence(&self) -> u64 {
        self.json()["sequence"].as_u64().unwrap_or_else(|| panic!("no sequence in {}", self.text))
    }

    /// The body's `id`.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }

    /// A number of the metrics that it shows, by its name and labels, of which the last may be left out.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.text.lines().find_map(|line| {
            let (others, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
            if others.is_empty() || others.starts_with(',') { value.parse().ok() } else { None }
        })
    }

    /// Panics unless it is this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Panics unless it is a problem of this status and code, well formed.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:syncboard:problem:{code}"));
        assert!(problem["title"].is_string());
        self
    }
}

impl Client {
    /// Logs in, after registering the account if it does not exist.
    pub async fn register_or_log_in(command: &str, query: &str, username: &str) -> Self {
        let mut client = Self::new(command, query);
        client.post("/v1/accounts", &credentials(username)).await;
        client.log_in(username).await;
        client
    }

    /// Registers an account and logs in.
    pub async fn register(command: &str, query: &str, username: &str) -> Self {
        let mut client = Self::new(command, query);
        client.post("/v1/accounts", &credentials(username)).await.expect(201);
        client.log_in(username).await;
        client
    }

    /// Stands for an account without asking for its password.
    pub fn signed_in(command: &str, query: &str, username: &str, tokens: &Tokens) -> Self {
        let account = AccountId::of_username(username);
        let workspace = account.personal_workspace();
        let now = SystemClock.now();
        let token = tokens.issue(Caller { account, workspace }, now, Duration::from_secs(3_600));
        Self { token, workspace: workspace.0, ..Self::new(command, query) }
    }

    fn new(command: &str, query: &str) -> Self {
        let (command, query) = (command.to_owned(), query.to_owned());
        Self { http: http(), command, query, token: String::new(), workspace: Uuid::nil() }
    }

    async fn log_in(&mut self, username: &str) {
        let token = self.post("/v1/tokens", &credentials(username)).await.expect(200).json();
        token["access_token"].as_str().expect("a token").clone_into(&mut self.token);
        self.workspace = token["workspace_id"].as_str().and_then(|id| id.parse().ok()).expect("a workspace");
    }

    /// The same client of a system that was restarted elsewhere.
    pub fn moved(mut self, system: &crate::System) -> Self {
        system.fact("command_url").clone_into(&mut self.command);
        system.fact("query_url").clone_into(&mut self.query);
        self
    }

    /// The same client, who asks another query-service.
    pub(crate) fn reading_at(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// A request to the command-service.
    pub fn command(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.command)).bearer_auth(&self.token)
    }

    /// A request to the query-service.
    pub fn query(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.query)).bearer_auth(&self.token)
    }

    /// Posts JSON to the command-service.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.command(Method::POST, path).json(body)).await
    }

    /// Puts JSON to the command-service.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.command(Method::PUT, path).json(body)).await
    }

    /// Deletes at the command-service.
    pub async fn delete(&self, path: &str) -> Answer {
        send(self.command(Method::DELETE, path)).await
    }

    /// Gets from the query-service, when it shows what the path asks for.
    pub async fn get(&self, path: &str) -> Answer {
        shown(self.query(Method::GET, path)).await
    }

    /// Uploads a text.
    pub async fn upload(&self, title: &str, text: &str) -> Answer {
        self.post("/v1/documents", &json!({ "title": title, "text": text })).await.expect(201)
    }

    /// A document as it is at a sequence or later.
    pub async fn document(&self, id: &str, min_sequence: u64) -> Value {
        self.get(&format!("/v1/documents/{id}?min_sequence={min_sequence}")).await.expect(200).json()
    }
}

/// Sends a request that must be answered.
pub async fn send(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.expect("the service answers")).await.expect("the answer can be read")
}

/// Sends a read, and again while it is told that its sequence is not shown yet, as a client of a busy system does.
pub async fn shown(request: RequestBuilder) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = send(request.try_clone().expect("a read has no body that streams")).await;
        let is_early = answer.status == 503 && answer.json()["code"] == "not_yet_visible";
        if !is_early || begun.elapsed() > PATIENCE {
            return answer;
        }
    }
}

/// An HTTP client that waits long, but not for ever.
pub fn http() -> reqwest::Client {
    runtime::service::use_ring();
    reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client can be built")
}

/// The password of every account.
pub const PASSWORD: &str = "correct horse battery";

/// Name and password of an account.
pub(crate) fn credentials(username: &str) -> Value {
    json!({ "username": username, "password": PASSWORD })
}

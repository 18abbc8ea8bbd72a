//! A language model for tests: it speaks the protocol, writes down what it is asked, and misbehaves when told to.

use crate::system::System;
use poem::endpoint::make;
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::{Request, Response, Route, Server, post};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::net::TcpListener;

/// The key without which the model does not answer.
const KEY: &str = "key-of-the-model";
/// What each answer of the model costs.
pub const TOKENS: u64 = 100;

/// What the model makes of a question and its number; never anything, if it is nothing.
pub type Behaviour = fn(&str, usize) -> Option<Response>;

struct State {
    behaviour: Behaviour,
    /// When it was asked what.
    questions: Vec<(Instant, String)>,
}

/// The model, and where it is.
pub struct Model {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Model {
    /// Starts one, which is helpful.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { behaviour: helpful, questions: Vec::new() }));
        let kept = state.clone();
        let route = post(make(move |request: Request| answer(kept.clone(), request)));
        let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
        tokio::spawn(Server::new_with_acceptor(acceptor).run(Route::new().at("/v1/chat/completions", route)));
        Self { url, state }
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state.lock().expect("nothing panics with it").behaviour = behaviour;
    }

    /// When it was asked what.
    pub fn questions(&self) -> Vec<(Instant, String)> {
        self.state.lock().expect("nothing panics with it").questions.clone()
    }

    /// A system that asks this model.
    pub async fn system(&self, program: impl AsRef<Path>, more: &[(&str, &str)]) -> System {
        let mut settings = vec![
            ("SYNCBOARD_LLM_URL", self.url.as_str()),
            ("SYNCBOARD_LLM_KEY", KEY),
            ("SYNCBOARD_LLM_MODEL", "small"),
            ("SYNCBOARD_LLM_PER_MINUTE", "60000"),
            ("SYNCBOARD_LLM_CLUSTER_DOCUMENTS", "3"),
            ("SYNCBOARD_LLM_CLUSTERS_EVERY", "1h"),
            ("SYNCBOARD_ASSISTANT_LISTEN", "127.0.0.1:0"),
        ];
        settings.extend_from_slice(more);
        System::start_with(program, &settings).await
    }
}

async fn answer(state: Arc<Mutex<State>>, mut request: Request) -> Response {
    let is_allowed = request.header("authorization") == Some(format!("Bearer {KEY}").as_str());
    let body: Value = request.take_body().into_json().await.unwrap_or_default();
    if !is_allowed || body["model"] != "small" || body["messages"][0]["role"] != "system" {
        return status(401);
    }
    let text = body["messages"][1]["content"].as_str().unwrap_or_default();
    let answer = {
        let mut state = state.lock().expect("nothing panics with it");
        state.questions.push((Instant::now(), text.to_owned()));
        (state.behaviour)(text, state.questions.len())
    };
    match answer {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

/// An answer of this status.
#[must_use]
pub fn status(code: u16) -> Response {
    Response::builder().status(StatusCode::from_u16(code).expect("a status")).finish()
}

/// An answer as the protocol has it, among other words.
#[must_use]
pub fn completion(answer: &Value) -> Response {
    let message = json!({ "role": "assistant", "content": format!("Here it is:\n```json\n{answer}\n```") });
    let body = json!({ "choices": [{ "message": message }], "usage": { "total_tokens": TOKENS } });
    Response::builder().content_type("application/json").body(body.to_string())
}

/// As it is asked to. The number makes every answer another, so that asking again would show.
#[must_use]
pub fn helpful(text: &str, number: usize) -> Option<Response> {
    if text.starts_with("Titles:") {
        return Some(completion(&json!({ "name": format!("Group {number}"), "summary": format!("Of {number}") })));
    }
    let concept = json!({ "name": "Zymurgy", "category": "methodology", "confidence": 0.9 });
    let summary = format!("Answer {number}");
    Some(completion(&json!({ "summary": summary, "skill_level": "advanced", "concepts": [concept] })))
}

//! One question and its answer, over OpenAI's chat completions protocol, which most servers of language models speak.

use super::budget::Budget;
use super::config::Model;
use super::metrics::{ANSWERS, AWAY, FAILURES, SECONDS, TOKENS};
use metrics::{counter, gauge, histogram};
use reqwest::StatusCode;
use runtime::service::chain;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest answer that is read.
const MOST_BYTES: usize = 256 * 1024;
/// Shortest and longest pause before a question is asked again, whoever asks for it.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// Every reason for which a question has no answer, as [`Error::reason`] says them.
pub(super) const REASONS: [&str; 4] = ["unreachable", "refused", "foreign", "unusable"];
/// A question that has nothing hard about it.
const EASY: &str = "Answer with the empty JSON object {} and nothing else.";

/// A language model.
pub(super) struct Chat {
    http: reqwest::Client,
    config: Model,
    budget: Budget,
    /// Whether the last question had a usable answer.
    is_answering: Arc<AtomicBool>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The endpoint cannot be reached, or not in time.
    #[error("the language model cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    /// The endpoint refused.
    #[error("the language model answered {status}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// What answers does not speak the protocol, as where something else stands in for the endpoint.
    #[error("what answers is no language model: {0}")]
    Foreign(serde_json::Error),
    /// The answer is not what was asked for.
    #[error("the language model's answer cannot be used: {0}")]
    Unusable(String),
}

/// Whose fault it is that there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The question's, whenever it is asked.
    Question,
    /// The answer's: the next one may be better.
    Answer,
    /// The endpoint's, unless it answers other questions meanwhile.
    Endpoint,
    /// That of neither: a wrong key or address, or too many questions. No other question would get further.
    Access,
}

impl Error {
    fn fault(&self) -> Fault {
        match self {
            Self::Unusable(_) => Fault::Answer,
            Self::Unreachable(_) | Self::Foreign(_) => Fault::Endpoint,
            Self::Refused { status, .. } => match *status {
                StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                    Fault::Question
                }
                status if status.is_server_error() => Fault::Endpoint,
                _ => Fault::Access,
            },
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Foreign(_) => "foreign",
            Self::Unusable(_) => "unusable",
        }
    }

    /// How long the endpoint asks to wait.
    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Foreign(_) | Self::Unusable(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    /// Absent where the model refused, or was cut off before it said anything.
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: u64,
}

impl Chat {
    pub(super) fn new(config: Model, budget: Budget) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(config.llm_timeout).build()?;
        Ok(Self { http, config, budget, is_answering: Arc::new(AtomicBool::new(true)) })
    }

    /// Whether the last question had a usable answer, now and later.
    pub(super) fn is_answering(&self) -> Arc<AtomicBool> {
        self.is_answering.clone()
    }

    /// Asks until there is a usable answer, within the budget, however long the endpoint is away. Only a question that is
    /// at fault itself is given up: it is refused as such, its answers are of no use as often as is configured, or it has
    /// failed as often and fails once more where another was answered just before.
    pub(super) async fn ask<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
        let answer = self.ask_patiently(instruction, text).await;
        gauge!(AWAY).set(0.0);
        answer
    }

    async fn ask_patiently<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
        let (mut unusable, mut failed, mut is_other_answered) = (0, 0, false);
        let mut pause = PAUSES.0;
        loop {
            let error = match self.attempt(instruction, text).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.fault() {
                Fault::Question => return Err(error),
                Fault::Answer => unusable += 1,
                Fault::Endpoint if is_other_answered => return Err(error),
                Fault::Endpoint => failed += 1,
                Fault::Access => {}
            }
            if unusable >= self.config.llm_attempts.max(1) {
                return Err(error);
            }
            let is_away = [Fault::Endpoint, Fault::Access].contains(&error.fault());
            gauge!(AWAY).set(if is_away { 1.0 } else { 0.0 });
            let pausing = error.retry_after().unwrap_or(pause).clamp(PAUSES.0, PAUSES.1);
            tracing::warn!(error = chain(&error), seconds = pausing.as_secs(), "there is no answer, asking again");
            sleep(pausing).await;
            pause = (pause * 2).min(PAUSES.1);
            is_other_answered = failed >= self.config.llm_attempts.max(1) && self.answers_another().await;
        }
    }

    /// Asks once, and lets it be seen what comes of it.
    async fn attempt<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
        self.budget.wait().await;
        let begun = Instant::now();
        let answer = self.ask_once(instruction, text).await;
        histogram!(SECONDS).record(begun.elapsed().as_secs_f64());
        self.is_answering.store(answer.is_ok(), Ordering::Relaxed);
        match &answer {
            Ok(_) => counter!(ANSWERS).increment(1),
            Err(error) => counter!(FAILURES, "reason" => error.reason()).increment(1),
        }
        answer
    }

    /// Whether the endpoint answers a question that is not to blame for anything.
    async fn answers_another(&mut self) -> bool {
        self.budget.wait().await;
        self.send(EASY, "{}").await.is_ok()
    }

    async fn ask_once<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
        let content = self.send(instruction, text).await?;
        serde_json::from_str(object(&content)).map_err(|error| Error::Unusable(error.to_string()))
    }

    /// Sends a question; what the model says, whatever that is.
    async fn send(&mut self, instruction: &str, text: &str) -> Result<String, Error> {
        let body = json!({
            "model": self.config.llm_model,
            "temperature": 0,
            "response_format": { "type": "json_object" },
            "messages": [
                { "role": "system", "content": instruction },
                { "role": "user", "content": text },
            ],
        });
        let url = format!("{}/chat/completions", self.config.llm_url.trim_end_matches('/'));
        let mut request = self.http.post(url).json(&body);
        if let Some(key) = &self.config.llm_key {
            request = request.bearer_auth(key.expose());
        }
        let mut response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let retry_after = header.and_then(|value| value.parse().ok()).map(Duration::from_secs);
            return Err(Error::Refused { status, retry_after });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                return Err(Error::Unusable(format!("it is longer than {MOST_BYTES} bytes")));
            }
        }
        let completion: Completion = serde_json::from_slice(&bytes).map_err(Error::Foreign)?;
        // Counted before the answer is judged: a useless one has cost as much.
        let tokens = completion.usage.map_or(0, |usage| usage.total_tokens);
        counter!(TOKENS).increment(tokens);
        self.budget.spend(tokens);
        let said = completion.choices.into_iter().next().and_then(|choice| choice.message.content);
        Ok(said.unwrap_or_default())
    }
}

/// The JSON object in an answer: models like to put it into a fence, or a sentence before it.
fn object(content: &str) -> &str {
    match (content.find('{'), content.rfind('}')) {
        (Some(start), Some(end)) if start < end => &content[start..=end],
        _ => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_at_fault_only_where_it_is_refused_as_such() {
        let fault = |status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            Error::Refused { status, retry_after: None }.fault()
        };
        assert!([400, 413, 422].into_iter().all(|status| fault(status) == Fault::Question));
        assert!([401, 402, 403, 404, 429].into_iter().all(|status| fault(status) == Fault::Access));
        assert!([500, 502, 503, 504, 529].into_iter().all(|status| fault(status) == Fault::Endpoint));
    }

    #[test]
    fn the_object_is_found_in_a_fence() {
        assert_eq!(object("Here it is:\n```json\n{\"a\": {}}\n```"), "{\"a\": {}}");
        assert_eq!(object("no object"), "no object");
        assert_eq!(object("} {"), "} {");
    }

    #[test]
    fn what_a_useless_answer_cost_can_be_read() {
        let text = r#"{"choices": [{"message": {"content": null}}], "usage": {"total_tokens": 7}}"#;
        let completion: Completion = serde_json::from_str(text).expect("a completion");
        assert_eq!(completion.usage.map(|usage| usage.total_tokens), Some(7));
        let text = r#"{"choices": [{"message": {"content": "{}"}}], "usage": null}"#;
        assert!(serde_json::from_str::<Completion>(text).is_ok_and(|completion| completion.usage.is_none()));
    }
}

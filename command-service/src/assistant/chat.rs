//! One question and its answer, over OpenAI's chat completions protocol, which most servers of language models speak.

use super::budget::Budget;
use super::config::Model;
use super::metrics::{ANSWERS, FAILURES, SECONDS, TOKENS};
use metrics::{counter, histogram};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longest answer that is read.
const MOST_BYTES: usize = 256 * 1024;
/// Longest pause before a question is asked again, whoever asks for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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
    /// The answer is not what was asked for.
    #[error("the language model's answer cannot be used: {0}")]
    Unusable(String),
}

impl Error {
    /// Whether asking again can help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Unusable(_) => true,
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// Whether it is this question that has no answer, rather than every one.
    pub(super) fn is_of_question(&self) -> bool {
        match self {
            Self::Unusable(_) => true,
            Self::Unreachable(_) => false,
            Self::Refused { status, .. } => {
                [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY]
                    .contains(status)
            }
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Unusable(_) => "unusable",
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

    /// Asks until there is a usable answer, as often as is configured, within the budget.
    pub(super) async fn ask<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
        let mut pause = Duration::from_secs(1);
        let mut attempt = 1;
        loop {
            self.budget.wait().await;
            let begun = Instant::now();
            let answer = self.ask_once(instruction, text).await;
            histogram!(SECONDS).record(begun.elapsed().as_secs_f64());
            self.is_answering.store(answer.is_ok(), Ordering::Relaxed);
            let error = match answer {
                Ok(answer) => {
                    counter!(ANSWERS).increment(1);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            counter!(FAILURES, "reason" => error.reason()).increment(1);
            if attempt >= self.config.llm_attempts || !error.is_passing() {
                return Err(error);
            }
            let asked = if let Error::Refused { retry_after, .. } = &error { *retry_after } else { None };
            sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            attempt += 1;
        }
    }

    async fn ask_once<T: DeserializeOwned>(&mut self, instruction: &str, text: &str) -> Result<T, Error> {
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
        let completion: Completion =
            serde_json::from_slice(&bytes).map_err(|error| Error::Unusable(error.to_string()))?;
        // Counted before the answer is judged: a useless one has cost as much.
        let tokens = completion.usage.map_or(0, |usage| usage.total_tokens);
        counter!(TOKENS).increment(tokens);
        self.budget.spend(tokens);
        let content = completion.choices.first().and_then(|choice| choice.message.content.as_deref()).unwrap_or("");
        serde_json::from_str(object(content)).map_err(|error| Error::Unusable(error.to_string()))
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

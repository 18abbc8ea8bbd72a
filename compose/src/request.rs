//! Sending a request until it is answered, and reading a refusal.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;

/// How often a request is sent when the service is busy or away.
const TRIES: u32 = 6;
/// How often when nobody listens at all: only as long as a service takes to be restarted.
const CONNECTION_TRIES: u32 = 3;
/// Longest pause between two tries, whatever the service wishes.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a request did not get what it asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code of the service's problem, if it answered with one.
    pub(crate) code: Option<String>,
    reason: String,
}

/// A problem (RFC 9457) of the service.
#[derive(Deserialize)]
struct Problem {
    title: String,
    code: String,
    detail: Option<String>,
}

impl Refusal {
    /// A refusal of our own.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { code: None, reason: reason.into() }
    }

    /// Whether the service's problem has this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    async fn of(response: Response) -> Self {
        let status = response.status();
        match response.json::<Problem>().await {
            Ok(Problem { title, code, detail }) => {
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                Self { reason: format!("{title}{detail}"), code: Some(code) }
            }
            Err(_) => Self::new(format!("the service answered {status}")),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

impl std::error::Error for Refusal {}

/// Sends a request, again while the service is busy or away.
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, Refusal> {
    let mut refusal = Refusal::default();
    for attempt in 1..=TRIES {
        let request = request.try_clone().ok_or_else(|| Refusal::new("the request cannot be sent"))?;
        let pause = match request.send().await {
            Ok(response) if response.status().is_success() => return Ok(response),
            Ok(response) => {
                let is_passing =
                    matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                let wish = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                refusal = Refusal::of(response).await;
                if !is_passing {
                    return Err(refusal);
                }
                Duration::from_secs(wish.unwrap_or(1)).min(LONGEST_PAUSE)
            }
            Err(error) if error.is_connect() && attempt >= CONNECTION_TRIES => {
                return Err(Refusal::new(
                    "nobody answers there; is the system running? Start it with: cargo run --release",
                ));
            }
            Err(error) => {
                refusal = Refusal::new(error.to_string());
                Duration::from_millis(500)
            }
        };
        if attempt < TRIES {
            sleep(pause).await;
        }
    }
    Err(refusal)
}

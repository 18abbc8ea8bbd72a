//! Talking to the command-service.

use super::files::{self, File};
use crate::config::Upload;
use crate::data::{random, read_json, write_json};
use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How often a request is sent again when the service is busy or away.
const TRIES: u32 = 6;

/// A logged-in client.
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
    token: Token,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Uploaded,
    Revised,
    Unchanged,
}

/// This machine's account, made for a data folder.
#[derive(Serialize, Deserialize)]
struct Account {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    workspace_id: Uuid,
}

#[derive(Deserialize)]
struct Accepted {
    changed: bool,
}

/// A problem (RFC 9457) of the service.
#[derive(Deserialize)]
struct Problem {
    title: String,
    code: String,
    detail: Option<String>,
}

impl Client {
    /// Logs in: as the given user, or with the account of the data folder, which is made on first use.
    pub(super) async fn log_in(address: &str, config: &Upload) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let account = match (&config.username, &config.password) {
            (Some(username), Some(password)) => Account { username: username.clone(), password: password.clone() },
            _ => own_account(&http, address, config).await?,
        };
        let request = http.post(format!("{address}/v1/tokens")).json(&account);
        let response = send(request).await.map_err(|reason| anyhow::anyhow!("cannot log in at {address}: {reason}"))?;
        let token = response.json().await.context("the service's answer to the login cannot be read")?;
        Ok(Self { http, address: address.to_owned(), token })
    }

    /// Uploads a file, or revises its document if the file has changed since.
    pub(super) async fn upload(&self, file: &File, tags: &[String]) -> Result<Fate, String> {
        let bytes = tokio::fs::read(&file.absolute).await.map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text (invalid_utf8)".to_owned())?;
        let media_type = files::media_type(&file.absolute);
        // The same file is the same document, from whichever folder it is named.
        let id = Uuid::new_v5(&self.token.workspace_id, file.absolute.as_os_str().as_encoded_bytes());
        let name: String = file.shown.to_string_lossy().chars().filter(|c| !c.is_control()).take(2_000).collect();
        let body = json!({
            "title": files::title(&file.absolute, &text),
            "text": text,
            "media_type": media_type,
            "source": { "kind": "file", "name": name },
            "tags": tags,
        });
        let put = self.request(Method::PUT, &format!("/v1/documents/{id}")).json(&body);
        match send(put).await {
            Ok(response) if response.headers().get("idempotency-replayed").is_some_and(|value| value == "true") => {
                Ok(Fate::Unchanged)
            }
            Ok(_) => Ok(Fate::Uploaded),
            Err(reason) if reason.ends_with("(document_exists)") => self.revise(id, &body["text"], media_type).await,
            Err(reason) => Err(reason),
        }
    }

    async fn revise(&self, id: Uuid, text: &Value, media_type: &str) -> Result<Fate, String> {
        let body = json!({ "text": text, "media_type": media_type });
        let response = send(self.request(Method::PUT, &format!("/v1/documents/{id}/content")).json(&body)).await?;
        let accepted: Accepted = response.json().await.map_err(|error| error.to_string())?;
        Ok(if accepted.changed { Fate::Revised } else { Fate::Unchanged })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).bearer_auth(&self.token.access_token)
    }
}

/// The account of the data folder. Its password is kept before it is registered, so that no answer that is lost on the way
/// costs the account.
async fn own_account(http: &reqwest::Client, address: &str, config: &Upload) -> anyhow::Result<Account> {
    let path = config.data.join("account.json");
    let account = match read_json(&path)? {
        Some(account) => account,
        None => {
            std::fs::create_dir_all(&config.data)?;
            let account = Account { username: format!("local-{}", &random()[..8]), password: random() };
            write_json(&path, &account)?;
            account
        }
    };
    match send(http.post(format!("{address}/v1/accounts")).json(&account)).await {
        Ok(_) => Ok(account),
        Err(reason) if reason.ends_with("(username_taken)") => Ok(account),
        Err(reason) => anyhow::bail!("cannot register at {address}: {reason}"),
    }
}

/// Sends a request, again while the service is busy or away; a refusal becomes one line that ends with its code.
async fn send(request: RequestBuilder) -> Result<Response, String> {
    let mut reason = String::new();
    for attempt in 1..=TRIES {
        let request = request.try_clone().ok_or("the request cannot be sent again")?;
        let pause = match request.send().await {
            Ok(response) if response.status().is_success() => return Ok(response),
            Ok(response) => {
                let status = response.status();
                let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                reason = refusal(response).await;
                if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                    return Err(reason);
                }
                Duration::from_secs(wait.unwrap_or(1).min(30))
            }
            Err(error) if error.is_connect() && attempt > 2 => {
                return Err(
                    "nobody answers there; is the system running? Start it with: cargo run --release".to_owned()
                );
            }
            Err(error) => {
                reason = error.to_string();
                Duration::from_millis(500)
            }
        };
        tokio::time::sleep(pause).await;
    }
    Err(reason)
}

async fn refusal(response: Response) -> String {
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(Problem { title, code, detail: Some(detail) }) => format!("{title}: {detail} ({code})"),
        Ok(Problem { title, code, detail: None }) => format!("{title} ({code})"),
        Err(_) => format!("the service answered {status}"),
    }
}

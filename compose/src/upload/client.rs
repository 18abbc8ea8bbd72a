//! Talking to the command-service.

use super::files::{self, File};
use super::request::{Refusal, send};
use crate::config::Upload;
use crate::data::{random, read_json, write_json};
use anyhow::Context;
use reqwest::{Method, RequestBuilder, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;
use uuid::Uuid;

/// Files larger than this are not even read: the service takes 10 MiB unless configured otherwise.
const MOST_BYTES: u64 = 64 << 20;

/// A logged-in client.
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
    account: Account,
    token: RefCell<Token>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Uploaded,
    Revised,
    Unchanged,
}

/// A user name and its password.
#[derive(Clone, Serialize, Deserialize)]
struct Account {
    username: String,
    password: String,
}

#[derive(Clone, Deserialize)]
struct Token {
    access_token: String,
    workspace_id: Uuid,
}

#[derive(Deserialize)]
struct Accepted {
    changed: bool,
}

impl Client {
    /// Logs in: as the given user, or with the account of the data folder, which is made on first use.
    pub(super) async fn log_in(address: &str, config: &Upload) -> anyhow::Result<Self> {
        let address = address.trim_end_matches('/');
        let is_http = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        anyhow::ensure!(is_http, "{address:?} is not an address such as http://127.0.0.1:8080");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let account = match (&config.username, &config.password) {
            (Some(username), Some(password)) => Account { username: username.clone(), password: password.clone() },
            _ => own_account(&http, address, config).await?,
        };
        let token = token(&http, address, &account).await.with_context(|| format!("cannot log in at {address}"))?;
        Ok(Self { http, address: address.to_owned(), account, token: RefCell::new(token) })
    }

    /// Uploads a file, or revises its document if the file has changed since; logs in again if the token has expired.
    pub(super) async fn upload(&self, file: &File, tags: &[String]) -> Result<Fate, Refusal> {
        match self.try_upload(file, tags).await {
            Err(refusal) if refusal.is("unauthorized") => {
                let token = token(&self.http, &self.address, &self.account).await?;
                self.token.replace(token);
                self.try_upload(file, tags).await
            }
            outcome => outcome,
        }
    }

    async fn try_upload(&self, file: &File, tags: &[String]) -> Result<Fate, Refusal> {
        let text = read(file).await?;
        let media_type = files::media_type(&file.absolute);
        // The same file is the same document, from whichever folder it is named.
        let id = Uuid::new_v5(&self.token.borrow().workspace_id, file.absolute.as_os_str().as_encoded_bytes());
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
            Err(refusal) if refusal.is("document_exists") => self.revise(id, &body["text"], media_type).await,
            Err(refusal) => Err(refusal),
        }
    }

    async fn revise(&self, id: Uuid, text: &Value, media_type: &str) -> Result<Fate, Refusal> {
        let body = json!({ "text": text, "media_type": media_type });
        // With a key, a retry after a lost answer is told of the change too.
        let revise = self.request(Method::PUT, &format!("/v1/documents/{id}/content"));
        let response = send(revise.header("idempotency-key", random()).json(&body)).await?;
        let accepted: Accepted = response.json().await.map_err(|error| Refusal::new(error.to_string()))?;
        Ok(if accepted.changed { Fate::Revised } else { Fate::Unchanged })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).bearer_auth(&self.token.borrow().access_token)
    }
}

async fn token(http: &reqwest::Client, address: &str, account: &Account) -> Result<Token, Refusal> {
    let response = send(http.post(format!("{address}/v1/tokens")).json(account)).await?;
    response.json().await.map_err(|error| Refusal::new(format!("the answer cannot be read: {error}")))
}

async fn read(file: &File) -> Result<String, Refusal> {
    let failed = |error: std::io::Error| Refusal::new(error.to_string());
    let size = tokio::fs::metadata(&file.absolute).await.map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(Refusal::new(format!("too large: {} MiB", size >> 20)));
    }
    let bytes = tokio::fs::read(&file.absolute).await.map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::new("not UTF-8 text"))?;
    if text.contains('\0') { Err(Refusal::new("not text: it contains a NUL character")) } else { Ok(text) }
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
        Err(refusal) if refusal.is("username_taken") => Ok(account),
        Err(refusal) => Err(refusal).with_context(|| format!("cannot register at {address}")),
    }
}

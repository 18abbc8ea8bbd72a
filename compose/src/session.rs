//! A logged-in user of a running system, on the command line.

use crate::config::Access;
use crate::data::{random, read_json, write_json};
use crate::request::{Refusal, send};
use anyhow::Context;
use reqwest::{Method, RequestBuilder, Url};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::time::Duration;
use uuid::Uuid;

/// A session with the command-service.
pub(crate) struct Session {
    http: reqwest::Client,
    address: String,
    account: Account,
    token: RefCell<Token>,
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

impl Session {
    /// Logs in: as the given user, or with the account of the data folder, which is made on first use.
    pub(crate) async fn log_in(address: &str, access: &Access) -> anyhow::Result<Self> {
        let address = checked(address)?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let account = match (&access.username, &access.password) {
            (Some(username), Some(password)) => {
                Account { username: username.clone(), password: password.expose().to_owned() }
            }
            (Some(_), None) => anyhow::bail!("a user name needs a password"),
            (None, _) => own_account(&http, address, access).await?,
        };
        let token = token(&http, address, &account).await.with_context(|| format!("cannot log in at {address}"))?;
        Ok(Self { http, address: address.to_owned(), account, token: RefCell::new(token) })
    }

    /// Logs in again, as the token has expired.
    pub(crate) async fn renew(&self) -> Result<(), Refusal> {
        let token = token(&self.http, &self.address, &self.account).await?;
        self.token.replace(token);
        Ok(())
    }

    /// The user's workspace.
    pub(crate) fn workspace(&self) -> Uuid {
        self.token.borrow().workspace_id
    }

    /// A request to the command-service.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_at(&self.address, method, path)
    }

    /// A request to another service of the same system.
    pub(crate) fn request_at(&self, address: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{address}{path}")).bearer_auth(&self.token.borrow().access_token)
    }
}

/// An address without a slash at its end, if it is one.
pub(crate) fn checked(address: &str) -> anyhow::Result<&str> {
    let address = address.trim_end_matches('/');
    let is_http = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    anyhow::ensure!(is_http, "{address:?} is not an address such as http://127.0.0.1:8080");
    Ok(address)
}

async fn token(http: &reqwest::Client, address: &str, account: &Account) -> Result<Token, Refusal> {
    let response = send(http.post(format!("{address}/v1/tokens")).json(account)).await?;
    response.json().await.map_err(|error| Refusal::new(format!("the answer cannot be read: {error}")))
}

/// The account of the data folder. Its password is kept before it is registered, so that no answer that is lost on the way
/// costs the account.
async fn own_account(http: &reqwest::Client, address: &str, access: &Access) -> anyhow::Result<Account> {
    let path = access.data.join("account.json");
    let account = match read_json(&path)? {
        Some(account) => account,
        None => {
            std::fs::create_dir_all(&access.data)?;
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

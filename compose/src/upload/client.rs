//! Talking to the command-service.

use super::files::{self, File};
use crate::config::Access;
use crate::data::random;
use crate::request::{Refusal, send};
use crate::session::Session;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Files larger than this are not even read: the service takes 10 MiB unless configured otherwise.
const MOST_BYTES: u64 = 64 << 20;

/// A client that uploads.
pub(super) struct Client {
    session: Session,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Uploaded,
    Revised,
    Unchanged,
}

#[derive(Deserialize)]
struct Accepted {
    changed: bool,
}

impl Client {
    /// Logs in.
    pub(super) async fn log_in(address: &str, access: &Access) -> anyhow::Result<Self> {
        Ok(Self { session: Session::log_in(address, access).await? })
    }

    /// Uploads a file, or revises its document if the file has changed since; logs in again if the token has expired.
    pub(super) async fn upload(&self, file: &File, tags: &[String]) -> Result<Fate, Refusal> {
        match self.try_upload(file, tags).await {
            Err(refusal) if refusal.is("unauthorized") => {
                self.session.renew().await?;
                self.try_upload(file, tags).await
            }
            outcome => outcome,
        }
    }

    async fn try_upload(&self, file: &File, tags: &[String]) -> Result<Fate, Refusal> {
        let text = read(file).await?;
        let media_type = files::media_type(&file.absolute);
        // The same file is the same document, from whichever folder it is named.
        let id = Uuid::new_v5(&self.session.workspace(), file.absolute.as_os_str().as_encoded_bytes());
        let name: String = file.shown.to_string_lossy().chars().filter(|c| !c.is_control()).take(2_000).collect();
        let body = json!({
            "title": files::title(&file.absolute, &text),
            "text": text,
            "media_type": media_type,
            "source": { "kind": "file", "name": name },
            "tags": tags,
        });
        let put = self.session.request(Method::PUT, &format!("/v1/documents/{id}")).json(&body);
        let is_replayed = match send(put).await {
            Ok(response) => response.headers().get("idempotency-replayed").is_some_and(|value| value == "true"),
            Err(refusal) if refusal.is("document_exists") => {
                return self.revise(id, &body["text"], media_type).await;
            }
            Err(refusal) => return Err(refusal),
        };
        if !is_replayed {
            return Ok(Fate::Uploaded);
        }
        // What began with this text may have another by now; what was thrown away since stays away.
        match self.revise(id, &body["text"], media_type).await {
            Err(refusal) if refusal.is("document_trashed") => Ok(Fate::Unchanged),
            fate => fate,
        }
    }

    async fn revise(&self, id: Uuid, text: &Value, media_type: &str) -> Result<Fate, Refusal> {
        let body = json!({ "text": text, "media_type": media_type });
        // With a key, a retry after a lost answer is told of the change too.
        let revise = self.session.request(Method::PUT, &format!("/v1/documents/{id}/content"));
        let response = send(revise.header("idempotency-key", random()).json(&body)).await?;
        let accepted: Accepted = response.json().await.map_err(|error| Refusal::new(error.to_string()))?;
        Ok(if accepted.changed { Fate::Revised } else { Fate::Unchanged })
    }
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

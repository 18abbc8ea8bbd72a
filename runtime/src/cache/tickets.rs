//! Tickets: stand for a caller once and briefly, where a client can send no header. Any process that shares the Redis takes
//! what another gave; a ticket is removed in the same step in which it is read.

use super::Cache;
use crate::auth::Admitted;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Redis is away, and with it every ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of tickets is away")]
pub struct Away;

/// A ticket; it is a secret until it is taken.
pub type Ticket = String;

impl Cache {
    /// Gives a ticket that stands for a caller until it is taken or its time is over.
    ///
    /// # Errors
    /// [`Away`].
    #[expect(clippy::disallowed_methods, reason = "a ticket must not be guessed: 244 random bits")]
    pub async fn give_ticket(&self, admitted: &Admitted, lifetime: Duration) -> Result<Ticket, Away> {
        let ticket = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut command = redis::cmd("SET");
        let value = serde_json::to_string(admitted).expect("ids and a number are plain JSON");
        command.arg(key(&ticket)).arg(value).arg("NX").arg("PX").arg(lifetime.as_millis() as u64);
        let mut connection = self.connection();
        match timeout(self.timeout, command.query_async::<Option<String>>(&mut connection)).await {
            Ok(Ok(Some(_))) => Ok(ticket),
            _ => Err(Away),
        }
    }

    /// Takes a ticket: says whom it stands for, once.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn take_ticket(&self, ticket: &str) -> Result<Option<Admitted>, Away> {
        let mut both = redis::pipe();
        both.atomic().cmd("GET").arg(key(ticket)).cmd("DEL").arg(key(ticket)).ignore();
        let mut connection = self.connection();
        match timeout(self.timeout, both.query_async::<(Option<String>,)>(&mut connection)).await {
            Ok(Ok((found,))) => Ok(found.and_then(|value| serde_json::from_str(&value).ok())),
            _ => Err(Away),
        }
    }
}

fn key(ticket: &str) -> String {
    format!("syncboard:ticket:{ticket}")
}

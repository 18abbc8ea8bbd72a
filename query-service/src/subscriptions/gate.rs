//! The gate before the guard: exchanges a ticket for the caller whom it stands for, where subscriptions begin and nowhere
//! else. A ticket stands in a query string, which no log line shows.

use poem::http::StatusCode;
use poem::{Endpoint, Request, Result};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::ApiKey;
use runtime::auth::Admitted;
use runtime::cache::Cache;
use runtime::http::{Authorized, Problem};

/// Where tickets are taken.
const PATHS: [&str; 2] = ["/v1/events", "/v1/events/socket"];

/// Wraps the guarded routes.
pub(crate) fn gate<E: Endpoint>(routes: E, cache: Cache) -> impl Endpoint<Output = E::Output> {
    Gate { routes, cache }
}

struct Gate<E> {
    routes: E,
    cache: Cache,
}

impl<E: Endpoint> Endpoint for Gate<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        if let Some(ticket) = ticket(&request) {
            let taken = self.cache.take_ticket(ticket).await.map_err(|away| Problem::unavailable(&away.to_string()))?;
            request.set_data(taken.ok_or_else(invalid_ticket)?);
        }
        self.routes.call(request).await
    }
}

/// The ticket of a request that has no better credential.
fn ticket(request: &Request) -> Option<&str> {
    let uri = request.original_uri();
    if !PATHS.contains(&uri.path()) || request.header("authorization").is_some() {
        return None;
    }
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("ticket="))
}

fn invalid_ticket() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_ticket", "the ticket was used, is over, or never was")
}

/// A ticket from `POST /v1/tickets`, good for one subscription.
#[derive(SecurityScheme)]
#[oai(rename = "ticket", ty = "api_key", key_name = "ticket", key_in = "query", checker = "admitted")]
pub(crate) struct Ticket(#[expect(dead_code, reason = "the guard has put it where every route looks")] Admitted);

/// Whom the gate has let through.
async fn admitted(request: &Request, _ticket: ApiKey) -> Option<Admitted> {
    request.data::<Admitted>().copied()
}

/// An access token or a ticket.
#[derive(SecurityScheme)]
pub(crate) enum Subscriber {
    /// The token in the header.
    Token(#[expect(dead_code, reason = "the guard has put it where every route looks")] Authorized),
    /// The ticket in the address.
    Ticket(#[expect(dead_code, reason = "the guard has put it where every route looks")] Ticket),
}

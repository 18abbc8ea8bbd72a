//! The guard before `/v1`: closed by default. A route is open only if it is named here as open.

use super::problem::Problem;
use crate::auth::{Admitted, Caller, Tokens};
use crate::clock::{Clock, SystemClock};
use poem::{Endpoint, IntoEndpoint, Request, Result};
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;

/// Lets only requests with a valid access token through, but for the paths in `open`, and for requests that a layer before
/// it has admitted by another credential.
pub fn guard<R: IntoEndpoint>(
    routes: R,
    tokens: Tokens,
    open: &'static [&'static str],
) -> impl Endpoint<Output = <R::Endpoint as Endpoint>::Output> {
    Guard { routes: routes.into_endpoint(), tokens, open }
}

struct Guard<E> {
    routes: E,
    tokens: Tokens,
    open: &'static [&'static str],
}

impl<E: Endpoint> Endpoint for Guard<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        if !self.open.contains(&request.original_uri().path()) {
            let by_token = request.header("authorization").map(|value| self.tokens.verify(value, SystemClock.now()));
            let admitted = by_token.unwrap_or_else(|| request.data::<Admitted>().copied());
            let admitted = admitted.ok_or_else(Problem::unauthorized)?;
            request.set_data(admitted);
            request.set_data(admitted.caller);
        }
        self.routes.call(request).await
    }
}

/// An access token, from `POST /v1/tokens` of the command-service.
#[derive(SecurityScheme)]
#[oai(rename = "access_token", ty = "oauth2", flows(password(token_url = "/v1/tokens")), checker = "caller")]
pub struct Authorized(pub Caller);

/// The caller whom the guard has let through.
async fn caller(request: &Request, _token: Bearer) -> Option<Caller> {
    request.data::<Caller>().copied()
}

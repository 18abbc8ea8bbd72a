//! Commands are refused before the log, the database or a disk is full: what is left then is for those who make room.

use super::problem::{Problem, code};
use crate::watermarks::Watermark;
use poem::http::StatusCode;
use poem::{Endpoint, IntoEndpoint, Request, Result};

/// How long until trying again may help: somebody has to make room.
const RETRY_AFTER: u64 = 30;

/// Lets requests that write through only while these have room; paths in `open` write nothing.
pub fn room<R: IntoEndpoint, const N: usize>(
    routes: R,
    watermarks: [Watermark; N],
    open: &'static [&'static str],
) -> impl Endpoint<Output = <R::Endpoint as Endpoint>::Output> {
    Room { routes: routes.into_endpoint(), watermarks, open }
}

struct Room<E, const N: usize> {
    routes: E,
    watermarks: [Watermark; N],
    open: &'static [&'static str],
}

impl<E: Endpoint, const N: usize> Endpoint for Room<E, N> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> Result<E::Output> {
        let writes = !request.method().is_safe() && !self.open.contains(&request.original_uri().path());
        if writes && let Some(shortage) = self.watermarks.iter().find_map(Watermark::shortage) {
            return Err(out_of_space(&shortage).into());
        }
        self.routes.call(request).await
    }
}

fn out_of_space(shortage: &str) -> Problem {
    tracing::debug!(shortage, "a command was refused");
    let title = "there is too little space left for more events";
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code::OUT_OF_SPACE, title);
    problem.retry_after = Some(RETRY_AFTER);
    problem
}

//! The bare handler: poem alone, served and asked in the same way as a service, in a process of its own.

use crate::http::{Request, Sample};
use crate::stack::{Stack, child};
use crate::{load, runtime_of};
use anyhow::Context;
use bytes::Bytes;
use poem::endpoint::make;
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use poem::{Endpoint, Response, Route};
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// Headers that the server writes by itself.
const SERVERS_OWN: [&str; 2] = ["content-length", "date"];
/// How long its start may take.
const START: Duration = Duration::from_secs(10);

#[derive(clap::Parser)]
struct Config {
    /// Port on the loopback address; 0 for any
    port: u16,
    #[command(flatten)]
    http: runtime::config::Http,
}

/// `bench bare-http PORT`: reads bodies and gives the answer that stands, as JSON, on its standard input. Prints where
/// it listens.
pub(crate) fn serve(args: Vec<OsString>) -> anyhow::Result<()> {
    let config = <Config as clap::Parser>::try_parse_from(args)?;
    let answer: Sample = serde_json::from_reader(std::io::stdin())?;
    let endpoint = endpoint(answer)?;
    runtime_of(async {
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
        println!("{}", listener.local_addr()?);
        Ok(runtime::http::serve(listener, endpoint, &config.http, runtime::service::told_to_stop()).await?)
    })
}

fn endpoint(answer: Sample) -> anyhow::Result<impl Endpoint + 'static> {
    let status = StatusCode::from_u16(answer.status)?;
    let body = Bytes::from(answer.body);
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers.iter().filter(|(name, _)| !SERVERS_OWN.contains(&name.as_str())) {
        headers.append(name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
    }
    let answer = make(move |mut request: poem::Request| {
        let (headers, body) = (headers.clone(), body.clone());
        async move {
            request.take_body().into_bytes().await?;
            let mut response = Response::builder().status(status).body(body);
            *response.headers_mut() = headers;
            Ok::<_, poem::Error>(response)
        }
    });
    Ok(Route::new().at("/*path", answer))
}

/// Requests a second of the bare handler that gives this answer.
pub(crate) async fn handler(
    stack: &Stack,
    answer: &Sample,
    requests: Vec<Vec<Request>>,
    time: Duration,
) -> anyhow::Result<f64> {
    let mut bare = child()?.args(["bare-http", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = bare.stdin.take().context("the bare handler has no input")?;
    input.write_all(&serde_json::to_vec(answer)?).await?;
    drop(input);
    let mut output = BufReader::new(bare.stdout.take().context("the bare handler has no output")?).lines();
    let line = tokio::time::timeout(START, output.next_line()).await.context("the bare handler does not start")??;
    let address = line.context("the bare handler did not start")?;
    let load = load::run(stack, &address, requests, time).await;
    bare.kill().await?;
    Ok(load?.rate)
}

//! What the parts alone reach: a bare handler that answers the same bytes, a bare acknowledged append of the same bytes.

use crate::http::{self, Answer};
use crate::stack::Stack;
use anyhow::Context;
use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, EndpointExt, Response, Route, endpoint::make};
use std::ffi::OsString;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Headers of a bare answer.
type Headers = Vec<(HeaderName, HeaderValue)>;

/// `bench bare-http ADDRESS HEAD BODY`: a bare poem handler that reads the body and answers these bytes.
pub(crate) fn serve(args: &[OsString]) -> ExitCode {
    let text = |n: usize| args.get(n).map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
    let (address, head, body) = (text(0), text(1), text(2));
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let config = <HttpConfig as clap::Parser>::parse_from(["bare-http"]).http;
        runtime::http::serve(listener, bare(headers(&head), body), &config, runtime::service::told_to_stop()).await
    });
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(clap::Parser)]
struct HttpConfig {
    #[command(flatten)]
    http: runtime::config::Http,
}

/// The headers of an answer that the server does not write by itself.
fn headers(head: &str) -> Headers {
    let of_ours = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        let is_own = ["content-length", "date"].contains(&name);
        if is_own { None } else { Some((name.parse().ok()?, value.trim().parse().ok()?)) }
    };
    head.lines().filter_map(of_ours).collect()
}

fn bare(headers: Headers, body: String) -> impl Endpoint {
    let body = bytes::Bytes::from(body);
    let answer = make(move |mut request: poem::Request| {
        let (headers, body) = (headers.clone(), body.clone());
        async move {
            request.take_body().into_bytes().await?;
            let mut response = Response::builder().body(body);
            response.headers_mut().extend(headers);
            Ok::<_, poem::Error>(response)
        }
    });
    Route::new().at("/*path", answer).boxed()
}

/// Requests a second of the bare handler, asked and answering as in a sample.
pub(crate) async fn http(
    sample: &Answer,
    connections: usize,
    time: Duration,
    request: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> anyhow::Result<f64> {
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let body = String::from_utf8_lossy(&sample.body).into_owned();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(std::env::current_exe()?);
    command.args(["bare-http", &address, &sample.head, &body]).stdin(Stdio::null()).stderr(Stdio::null());
    let _bare = Ends(command.spawn()?);
    let begun = Instant::now();
    while http::Connection::open(&address).await.is_err() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "the bare handler does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(http::load(&address, connections, time, request).await?.rate)
}

struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Acknowledged appends a second of messages with so many bytes, so many in flight, to a stream like the log's.
pub(crate) async fn append(stack: &Stack, bytes: usize, in_flight: usize, time: Duration) -> anyhow::Result<f64> {
    let url: async_nats::ServerAddr = stack.fact("nats_admin_url").parse()?;
    let (user, password) = url.username().zip(url.password()).context("no credentials")?;
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    let context = async_nats::jetstream::new(options.connect(url.clone()).await?);
    drop(context.delete_stream("BENCH").await);
    let subjects = vec!["bench.>".to_owned()];
    let config = Config { name: "BENCH".to_owned(), subjects, storage: StorageType::File, ..Config::default() };
    context.create_stream(config).await?;
    let payload = bytes::Bytes::from(vec![b'x'; bytes]);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|n| {
            let (context, payload) = (context.clone(), payload.clone());
            tokio::spawn(async move {
                let mut count = 0_u64;
                while begun.elapsed() < time {
                    let message = PublishMessage::build()
                        .headers(HeaderMap::new())
                        .payload(payload.clone())
                        .expected_last_subject_sequence(0);
                    context.send_publish(format!("bench.{n}.{count}"), message).await?.await?;
                    count += 1;
                }
                Ok::<_, anyhow::Error>(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    context.delete_stream("BENCH").await?;
    Ok(rate)
}

/// The limit of two parts that a request passes one after the other on the same cores.
pub(crate) fn combined(first: f64, second: f64) -> f64 {
    1.0 / (1.0 / first + 1.0 / second)
}

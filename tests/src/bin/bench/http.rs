//! A lean HTTP client: it must not cost more than what it measures.

use anyhow::Context;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (end, length) = loop {
            anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break (end + 4, content_length(&self.buffer[..end + 4]));
            }
        };
        while self.buffer.len() < end + length {
            anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        }
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        Ok(Answer { status, head, body: self.buffer[end..end + length].to_vec() })
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

/// A request with a JSON body.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What a load of requests came to.
pub(crate) struct Load {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Latencies in microseconds, ascending.
    pub(crate) latencies: Vec<u32>,
    /// The last answer.
    pub(crate) sample: Answer,
}

/// Sends requests over connections, each waiting for its answer, for a time. `make` makes the n-th request of a connection.
pub(crate) async fn load(
    address: &str,
    connections: usize,
    time: Duration,
    make: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> anyhow::Result<Load> {
    let make = Arc::new(make);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let (make, address) = (make.clone(), address.to_owned());
            tokio::spawn(async move {
                let mut http = Connection::open(&address).await?;
                let mut latencies = Vec::with_capacity(100_000);
                let mut n = 0;
                loop {
                    let request = make(connection, n);
                    let sent = Instant::now();
                    let answer = http.send(&request).await?;
                    latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                    anyhow::ensure!(answer.status < 300, "{} {}", answer.head, String::from_utf8_lossy(&answer.body));
                    n += 1;
                    if begun.elapsed() > time {
                        return Ok((latencies, answer));
                    }
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    let mut sample = None;
    for task in tasks {
        let (some, answer) = task.await??;
        latencies.extend(some);
        sample = Some(answer);
    }
    let rate = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Load { rate, latencies, sample: sample.context("no connection")? })
}

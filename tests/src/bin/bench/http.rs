//! A lean HTTP client: it must not cost more than what it measures.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Stands in a request where its number is written, in as many digits.
pub(crate) const NUMBER: &str = "NUMBERNUMBER";

/// A request made beforehand, of which each sending writes a number in its places alone.
#[derive(Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Request {
    /// A request of a caller; without a body if that is empty.
    pub(crate) fn new(method: &str, path: &str, token: &str, body: &str) -> Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        if !token.is_empty() {
            text += &format!("authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body;
        let places = text.match_indices(NUMBER).map(|(place, _)| place).collect();
        Self { bytes: text.into_bytes(), places }
    }

    /// The bytes with a number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        for place in &self.places {
            let mut rest = number;
            for digit in self.bytes[*place..*place + NUMBER.len()].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        &self.bytes
    }
}

/// An answer, in the connection's buffer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The same answer, if it is one of success.
    pub(crate) fn success(self) -> anyhow::Result<Self> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        anyhow::ensure!((200..300).contains(&self.status), "{}{}", text(self.head), text(self.body));
        Ok(self)
    }
}

/// An answer to keep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut searched = 0;
        let end = loop {
            self.read().await?;
            if let Some(place) = self.buffer[searched..].windows(4).position(|window| window == b"\r\n\r\n") {
                break searched + place + 4;
            }
            searched = self.buffer.len().saturating_sub(3);
        };
        let status = std::str::from_utf8(&self.buffer[..end])?.get(9..12).and_then(|status| status.parse().ok());
        let length = content_length(&self.buffer[..end]).context("an answer without its length")?;
        while self.buffer.len() < end + length {
            self.read().await?;
        }
        let (head, body) = self.buffer.split_at(end);
        Ok(Answer { status: status.context("an answer without a status")?, head, body: &body[..length] })
    }

    /// Sends a request and keeps its answer, which must be one of success.
    pub(crate) async fn sample(&mut self, request: &[u8]) -> anyhow::Result<Sample> {
        let answer = self.send(request).await?.success()?;
        let head = std::str::from_utf8(answer.head)?;
        let of_line = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = String::from_utf8(answer.body.to_vec())?;
        Ok(Sample { status: answer.status, headers: head.lines().filter_map(of_line).collect(), body })
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        Ok(())
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)))?;
    std::str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok()
}

//! A subscriber that costs as little as can be, as it shares the processors with what it measures: a socket, and where it
//! is in what it receives.

use crate::load::microseconds;
use anyhow::Context as _;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What stands before the sequence of an event and of nothing else: heartbeats have no time.
const MARK: &[u8] = b"Z\",\"sequence\":";
/// A masked pong without a body (RFC 6455, section 5.5.3): says that the client is there.
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];
/// Bytes that are read at once.
const ROOM: usize = 16 * 1024;
/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Server-Sent Events.
    Stream,
    /// WebSocket.
    Socket,
}

/// When an event was acknowledged, or came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) sequence: u64,
    /// In microseconds since the measurement began.
    pub(crate) at: u32,
}

/// An open connection that events come over.
pub(crate) struct Listener {
    socket: TcpStream,
    scanner: Scanner,
    kind: Kind,
}

impl Listener {
    /// Connects to one that sends without being asked.
    pub(crate) async fn bare(address: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        Ok(Self { socket, scanner: Scanner::default(), kind: Kind::Stream })
    }

    /// Subscribes to a workspace from now on.
    pub(crate) async fn open(address: &str, token: &str, kind: Kind) -> anyhow::Result<Self> {
        let mut listener = Self { kind, ..Self::bare(address).await? };
        let (path, upgrade, status) = match kind {
            Kind::Stream => ("/v1/events", "", "200"),
            Kind::Socket => (
                "/v1/events/socket",
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
                "101",
            ),
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{upgrade}\r\n");
        listener.socket.write_all(request.as_bytes()).await?;
        let head = listener.read_until(b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&head);
        anyhow::ensure!(head.get(9..12) == Some(status), "{path} is answered {head}");
        Ok(listener)
    }

    /// The bytes that an event is sent as over Server-Sent Events.
    pub(crate) async fn message(mut self, sequence: u64) -> anyhow::Result<Vec<u8>> {
        let mark = format!("\"sequence\":{sequence},");
        loop {
            let block = self.read_until(b"\n\n").await?;
            if String::from_utf8_lossy(&block).contains(&mark) {
                return Ok(block);
            }
        }
    }

    /// Receives so many events, and tells of each.
    pub(crate) async fn receive(
        mut self,
        count: usize,
        begin: Instant,
        tell: impl Fn(),
    ) -> anyhow::Result<(Self, Vec<Moment>)> {
        if self.kind == Kind::Socket {
            self.socket.write_all(&PONG).await?;
        }
        let mut arrivals = Vec::with_capacity(count);
        while arrivals.len() < count {
            let came = |sequence| {
                arrivals.push(Moment { sequence, at: microseconds(begin) });
                tell();
            };
            self.read(came).await?;
        }
        Ok((self, arrivals))
    }

    async fn read(&mut self, mut came: impl FnMut(u64)) -> anyhow::Result<()> {
        poll_fn(|cx| self.poll_read(cx, &mut came)).await
    }

    /// Reads once; the room for it is no part of any task.
    fn poll_read(&mut self, cx: &mut Context<'_>, came: &mut impl FnMut(u64)) -> Poll<anyhow::Result<()>> {
        let mut room = [const { MaybeUninit::uninit() }; ROOM];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut room))?;
        if room.filled().is_empty() {
            return Poll::Ready(Err(anyhow::anyhow!("the connection was closed")));
        }
        self.scanner.scan(room.filled(), came);
        Poll::Ready(Ok(()))
    }

    /// Reads to the end of a text, byte by byte: what follows stays.
    async fn read_until(&mut self, end: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = async {
            while !bytes.ends_with(end) {
                bytes.push(self.socket.read_u8().await?);
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, read).await.context("an answer does not come")??;
        Ok(bytes)
    }
}

/// Finds sequences in bytes that come in pieces.
#[derive(Default)]
struct Scanner {
    /// How much of the mark was seen last.
    seen: usize,
    sequence: u64,
}

impl Scanner {
    fn scan(&mut self, bytes: &[u8], came: &mut impl FnMut(u64)) {
        for byte in bytes {
            if self.seen == MARK.len() {
                if byte.is_ascii_digit() {
                    self.sequence = self.sequence * 10 + u64::from(byte - b'0');
                    continue;
                }
                came(std::mem::take(&mut self.sequence));
                self.seen = 0;
            }
            // The mark's first byte stands in it once, so nothing else can begin anew in the middle of it.
            self.seen = if *byte == MARK[self.seen] { self.seen + 1 } else { usize::from(*byte == MARK[0]) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_found_however_the_bytes_are_cut() {
        let text = br#"id: 7 {"time":"ZZ","sequence":42,"actor":1} {"type":"position","sequence":9} Z","sequence":7,"#;
        for cut in 0..text.len() {
            let (mut scanner, mut found) = (Scanner::default(), Vec::new());
            for piece in [&text[..cut], &text[cut..]] {
                scanner.scan(piece, &mut |sequence| found.push(sequence));
            }
            assert_eq!(found, [42, 7], "cut at {cut}");
        }
    }
}

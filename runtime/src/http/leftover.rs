//! What a request's body still holds when it is answered. Who closes a connection on bytes that are still coming takes the
//! answer from its client; so a little is read, and a connection that has more coming is left as RFC 9112 (section 9.6) says:
//! the answer ends it, and what comes is thrown away until the client has gone.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::Body;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};

/// Most bytes that are read to keep a connection.
const LITTLE: usize = 64 << 10;
/// How long that may take.
const SOON: Duration = Duration::from_millis(100);

/// A body that whoever reads it may let go of before its end.
#[derive(Clone)]
pub(super) struct Leftover(Arc<Mutex<Reading>>);

struct Reading {
    body: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    is_over: bool,
}

impl Leftover {
    pub(super) fn of(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Reading { body: Box::pin(body.into_bytes_stream()), is_over: false })))
    }

    /// The body, for whoever is to read it.
    pub(super) fn body(&self) -> Body {
        Body::from_bytes_stream(self.clone())
    }

    /// Reads the rest if it is little, and says whether nothing more comes.
    pub(super) async fn finish(mut self) -> bool {
        let rest = async {
            let mut read = 0;
            while read <= LITTLE {
                match self.next().await {
                    Some(Ok(bytes)) => read += bytes.len(),
                    end => return end.is_none(),
                }
            }
            false
        };
        timeout(SOON, rest).await.unwrap_or(false)
    }
}

impl Stream for Leftover {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // One reads after the other; a panic in between has left a stream that says itself how it is.
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.is_over {
            return Poll::Ready(None);
        }
        let next = ready!(reading.body.poll_next_unpin(cx));
        reading.is_over = next.is_none();
        Poll::Ready(next)
    }
}

/// A connection that lingers at its end while its client still sends.
pub(super) struct Lingering<S> {
    stream: S,
    is_sending: Arc<AtomicBool>,
    patience: Duration,
    /// Runs from the end of what is sent.
    running_out: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    /// Lingers for so long at most if, at its end, the client is said to be sending.
    pub(super) fn new(stream: S, is_sending: Arc<AtomicBool>, patience: Duration) -> Self {
        Self { stream, is_sending, patience, running_out: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.running_out.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.is_sending.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let patience = this.patience;
        let running_out = this.running_out.get_or_insert_with(|| Box::pin(sleep(patience)));
        if running_out.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut thrown_away = [0; 8 << 10];
        loop {
            let mut buf = ReadBuf::new(&mut thrown_away);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                // Nothing more comes.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn what_is_little_is_read_and_what_is_large_is_not() {
        for (parts, is_over) in [(0, true), (64, true), (66, false)] {
            let parts =
                futures_util::stream::iter((0..parts).map(|_| Ok::<_, io::Error>(Bytes::from_static(&[0; 1 << 10]))));
            let leftover = Leftover::of(Body::from_bytes_stream(parts));
            let mut read = leftover.body().into_bytes_stream();
            drop(read.next().await);
            drop(read);
            assert_eq!(leftover.finish().await, is_over);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_not_waited_for() {
        let silent = futures_util::stream::pending::<io::Result<Bytes>>();
        assert!(!Leftover::of(Body::from_bytes_stream(silent)).finish().await);
    }

    #[tokio::test]
    async fn the_end_waits_for_a_client_that_sends_and_for_no_other() {
        for is_sending in [false, true] {
            let (ours, mut theirs) = duplex(64);
            let mut ours = Lingering::new(ours, Arc::new(AtomicBool::new(is_sending)), Duration::from_secs(3_600));
            let ending = tokio::spawn(async move { ours.shutdown().await });
            let mut answer = Vec::new();
            if is_sending {
                theirs.write_all(&[0; 1 << 20]).await.expect("it is taken");
            }
            theirs.read_to_end(&mut answer).await.expect("the end is seen");
            drop(theirs);
            ending.await.expect("it ends").expect("in order");
        }
    }
}

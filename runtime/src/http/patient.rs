//! A connection that is patient with its client, for a while: with one that takes nothing of what it is sent, before that is cut
//! off and holds no memory; and, at the end, with one that still sends, so that it comes to read why nobody listened.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep, timeout};

/// How long it is patient.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// While nothing is taken.
    pub(super) taking: Duration,
    /// At the end, while something comes.
    pub(super) sending: Duration,
}

/// What a connection is made of.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for S {}

/// A connection with bounded patience.
pub(super) struct Patient<S: Transport> {
    /// There until it is dropped.
    stream: Option<S>,
    patience: Patience,
    /// Runs while nothing is taken.
    running_out: Option<Pin<Box<Sleep>>>,
    is_sending: Arc<AtomicBool>,
}

impl<S: Transport> Patient<S> {
    /// A connection that is dropped while `is_sending` says that its client still sends goes on to take that, and throws it
    /// away.
    pub(super) fn new(stream: S, patience: Patience, is_sending: Arc<AtomicBool>) -> Self {
        Self { stream: Some(stream), patience, running_out: None, is_sending }
    }

    fn stream(&mut self) -> Pin<&mut S> {
        Pin::new(self.stream.as_mut().expect("it is not dropped yet"))
    }

    fn bounded<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.running_out = None;
            return outcome;
        }
        let patience = self.patience.taking;
        let running_out = self.running_out.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(running_out.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: Transport> Drop for Patient<S> {
    fn drop(&mut self) {
        if self.is_sending.load(Ordering::Relaxed)
            && let Some(stream) = self.stream.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(self.patience.sending, let_out(stream)));
        }
    }
}

/// Ends what is sent, and takes what comes until the other end has gone: however that is, there is nothing to do then.
async fn let_out(mut stream: impl Transport) {
    drop(stream.shutdown().await);
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
}

impl<S: Transport> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buf)
    }
}

impl<S: Transport> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = self.stream().poll_write(cx, buf);
        self.bounded(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.stream().poll_write_vectored(cx, bufs);
        self.bounded(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(S::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    fn patient(stream: DuplexStream, is_sending: bool) -> Patient<DuplexStream> {
        let patience = Patience { taking: Duration::from_millis(20), sending: Duration::from_secs(30) };
        Patient::new(stream, patience, Arc::new(AtomicBool::new(is_sending)))
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off() {
        let (ours, mut theirs) = duplex(4);
        let mut ours = patient(ours, false);
        ours.write_all(b"four").await.expect("there is room");
        let error = ours.write_all(b"more").await.expect_err("nobody takes it");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut taken = [0; 4];
        theirs.read_exact(&mut taken).await.expect("what was sent is there");
        assert_eq!(&taken, b"four");
    }

    #[tokio::test(start_paused = true)]
    async fn who_still_sends_is_let_out_and_nobody_waits_for_others() {
        let (ours, mut theirs) = duplex(4);
        drop(patient(ours, false));
        theirs.write_all(b"more").await.expect_err("nobody is there");

        let (ours, mut theirs) = duplex(4);
        drop(patient(ours, true));
        theirs.write_all(&[0; 1 << 10]).await.expect("it is taken");
        assert_eq!(theirs.read(&mut [0]).await.expect("the end is seen"), 0);
        sleep(Duration::from_secs(31)).await;
        theirs.write_all(b"more").await.expect_err("not for ever");
    }
}

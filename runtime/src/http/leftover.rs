//! What a request's body still holds when it is answered. Who closes a connection on bytes that are still coming takes the
//! answer from its client; so what is little is read, and else the connection ends as RFC 9112 (section 9.6) says.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::Body;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;

/// Most bytes that are read to keep a connection.
const LITTLE: usize = 64 << 10;
/// How long that may take.
const SOON: Duration = Duration::from_millis(100);

/// A body that whoever reads it may let go of before its end.
#[derive(Clone)]
pub(super) struct Leftover(Arc<Mutex<Reading>>);

struct Reading {
    body: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Its client sends nothing of it before somebody reads (`Expect: 100-continue`).
    HeldBack,
    Coming,
    Broken,
    Over,
}

impl Leftover {
    pub(super) fn of(body: Body, is_held_back: bool) -> Self {
        let rest = if is_held_back { Rest::HeldBack } else { Rest::Coming };
        Self(Arc::new(Mutex::new(Reading { body: Box::pin(body.into_bytes_stream()), rest })))
    }

    /// The body, for whoever is to read it.
    pub(super) fn body(&self) -> Body {
        Body::from_bytes_stream(self.clone())
    }

    /// Reads the rest if it is little and on its way, and says whether nothing more comes.
    pub(super) async fn finish(mut self) -> bool {
        let little = async {
            let mut read = 0;
            while self.reading().rest == Rest::Coming && read <= LITTLE {
                if let Some(Ok(bytes)) = self.next().await {
                    read += bytes.len();
                }
            }
        };
        drop(timeout(SOON, little).await);
        self.reading().rest == Rest::Over
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // One reads after the other; a panic in between has left a stream that says itself how it is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Leftover {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = self.reading();
        if matches!(reading.rest, Rest::Broken | Rest::Over) {
            return Poll::Ready(None);
        }
        reading.rest = Rest::Coming;
        let next = ready!(reading.body.poll_next_unpin(cx));
        match &next {
            Some(Ok(_)) => {}
            Some(Err(_)) => reading.rest = Rest::Broken,
            None => reading.rest = Rest::Over,
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn parts(sizes: impl IntoIterator<Item = io::Result<usize>, IntoIter: Send + 'static>) -> Body {
        Body::from_bytes_stream(stream::iter(sizes).map(|size| size.map(|size| Bytes::from(vec![0; size]))))
    }

    #[tokio::test]
    async fn what_is_little_is_read_and_what_is_large_is_not() {
        for (count, is_over) in [(0, true), (64, true), (66, false)] {
            let leftover = Leftover::of(parts((0..count).map(|_| Ok(1 << 10))), false);
            let mut read = leftover.body().into_bytes_stream();
            drop(read.next().await);
            drop(read);
            assert_eq!(leftover.finish().await, is_over);
        }
    }

    #[tokio::test]
    async fn what_breaks_is_not_over() {
        let broken = || parts([Ok(1), Err(io::ErrorKind::UnexpectedEof.into())]);
        assert!(!Leftover::of(broken(), false).finish().await);
        let leftover = Leftover::of(broken(), false);
        assert!(leftover.body().into_bytes().await.is_err());
        assert!(!leftover.finish().await, "though its reader has had the error");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_not_waited_for() {
        let silent = stream::pending::<io::Result<Bytes>>();
        assert!(!Leftover::of(Body::from_bytes_stream(silent), false).finish().await);
    }

    #[tokio::test]
    async fn what_is_held_back_is_not_asked_for() {
        let asked = stream::poll_fn(|_| -> Poll<Option<io::Result<Bytes>>> { panic!("it is asked for") });
        assert!(!Leftover::of(Body::from_bytes_stream(asked), true).finish().await);
        let read = Leftover::of(parts([Ok(1)]), true);
        drop(read.body().into_bytes().await.expect("its reader asks for it"));
        assert!(read.finish().await);
    }
}

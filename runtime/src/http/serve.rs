//! Serving until told to stop: TCP without delay, clients that take their answers, silence that ends, and a bounded drain.
//! hyper directly, as poem's own server adds to each connection some 10 KB and a task that every write wakes: little to a
//! request, much to a subscriber. HTTP/1.1 alone; browsers speak HTTP/2 to what stands in front.

use super::leftover::Leftover;
use super::patient::{Patience, Patient};
use crate::config;
use crate::service::chain;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Request};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long nobody is let in after nobody could be, as when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves on a listener until `stop` is done, then lets requests in progress finish for as long as is configured.
///
/// # Errors
/// What the listener says.
pub async fn serve<E: Endpoint + 'static>(
    listener: TcpListener,
    endpoint: E,
    config: &config::Http,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut http = http1::Builder::new();
    // Of a kept connection, the silence between two requests counts as well.
    http.timer(TokioTimer::new()).header_read_timeout(config.idle_timeout);
    let address = LocalAddr(listener.local_addr()?.into());
    let patience = Patience { taking: config.write_timeout, sending: config.body_timeout };
    let server = Arc::new(Server { endpoint, http, address, patience });
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(server.clone().connection(stream, peer, stopped.clone()))),
            Err(error) => {
                tracing::warn!(error = chain(&error), "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
    drop((listener, stopped));
    stopping.send_replace(());
    drop(timeout(config.drain_timeout, stopping.closed()).await);
    Ok(())
}

/// What all connections share.
struct Server<E> {
    endpoint: E,
    http: http1::Builder,
    address: LocalAddr,
    patience: Patience,
}

impl<E: Endpoint + 'static> Server<E> {
    /// Serves a connection to its end. When the server stops it ends after the request in progress.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, mut stopped: watch::Receiver<()>) {
        // Nagle's algorithm would hold small answers back. A stream that is gone by now says so when it is read.
        drop(stream.set_nodelay(true));
        let is_sending = Arc::new(AtomicBool::new(false));
        let stream = TokioIo::new(Patient::new(stream, self.patience, is_sending.clone()));
        let server = self.clone();
        let service = service_fn(move |request| {
            // In a box, as hyper keeps room for it as long as the connection stands.
            Box::pin(server.clone().answer(request, peer, is_sending.clone()))
        });
        // In a box, as the room for it would be taken three times: here, and where it is polled.
        let mut connection = Box::pin(self.http.serve_connection(stream, service).with_upgrades());
        let outcome = tokio::select! {
            outcome = &mut connection => outcome,
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(error = chain(&error), "a connection ended early");
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
        is_sending: Arc<AtomicBool>,
    ) -> Result<hyper::Response<impl Body<Data = bytes::Bytes, Error = io::Error>>, Infallible> {
        let has_body = !request.body().is_end_stream();
        let mut request = Request::from((request, self.address.clone(), RemoteAddr(peer.into()), Scheme::HTTP));
        if !has_body {
            return Ok(self.endpoint.get_response(request).await.into());
        }
        let is_held_back = request.headers().contains_key(header::EXPECT);
        let body = Leftover::of(request.take_body(), is_held_back);
        request.set_body(body.body());
        let mut response = self.endpoint.get_response(request).await;
        if !body.finish().await {
            is_sending.store(true, Ordering::Relaxed);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use poem::endpoint::make;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    #[derive(Parser)]
    struct Config {
        #[command(flatten)]
        http: config::Http,
    }

    fn config(args: &[&str]) -> config::Http {
        Config::parse_from([&["test"], args].concat()).http
    }

    async fn read(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let reading = timeout(Duration::from_secs(30), stream.read_to_string(&mut text)).await;
        reading.expect("the connection ends").expect("it ends in order");
        text
    }

    #[tokio::test]
    async fn silence_before_a_request_ends_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let answer = make(|_| async { "here" });
        let config = config(&["--idle-timeout", "20ms"]);
        let serving = tokio::spawn(async move { serve(listener, answer, &config, std::future::pending()).await });
        assert_eq!(read(TcpStream::connect(address).await.expect("it listens")).await, "");
        let mut kept = TcpStream::connect(address).await.expect("it listens");
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is sent");
        assert!(read(kept).await.ends_with("here"), "the answer comes, then the end");
        serving.abort();
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_takes_no_answer_from_its_client() {
        const LENGTH: usize = 32 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let config = config(&[]);
        let refusal = make(|_| async { "refused" });
        let serving = tokio::spawn(async move { serve(listener, refusal, &config, std::future::pending()).await });
        let little = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nlittle";
        let large = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n");
        for (headers, sent) in
            [("", LENGTH), ("connection: upgrade\r\nupgrade: h2c\r\n", LENGTH), ("expect: 100-continue\r\n", 0)]
        {
            let mut client = TcpStream::connect(address).await.expect("it listens");
            client.write_all(little.as_bytes()).await.expect("it is sent");
            let head = format!("{large}{headers}\r\n");
            client.write_all(head.as_bytes()).await.expect("the connection stays after a little");
            client.write_all(&vec![b' '; sent]).await.expect("it is taken, though nobody reads it");
            let answers = read(client).await;
            assert_eq!(answers.matches("refused").count(), 2, "{answers}");
            assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
            assert!(!answers.contains("100 Continue"), "{answers}");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn a_request_in_progress_is_answered_before_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let (asked, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, goes_on) = (asked.clone(), stopped.clone());
        let answer = make(move |_| {
            begun.notify_one();
            let goes_on = goes_on.clone();
            async move {
                goes_on.notified().await;
                "done"
            }
        });
        let config = config(&[]);
        let told_to_stop = async {
            asked.notified().await;
            stopped.notify_one();
        };
        let client = async {
            let mut client = TcpStream::connect(address).await.expect("it listens");
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("it is sent");
            read(client).await
        };
        let (served, answer) = tokio::join!(serve(listener, answer, &config, told_to_stop), client);
        served.expect("the listener worked");
        assert!(answer.ends_with("done"), "{answer}");
    }
}

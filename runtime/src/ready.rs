//! Asking a service whether it is ready, as those who start it do: a runner, or a container's health check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take: the service asks its dependencies for up to a second each.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longest answer that is read.
const LONGEST: u64 = 16 * 1024;

const REQUEST: &[u8] = b"GET /health/started HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Why a service counts as not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Nobody listens, or the connection broke.
    #[error("{address} cannot be asked")]
    Away {
        /// Who was asked.
        address: SocketAddr,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// No answer came in time.
    #[error("{0} does not answer")]
    Silent(SocketAddr),
    /// It said that it is not.
    #[error("{address} is not ready: {said}")]
    Unready {
        /// Who was asked.
        address: SocketAddr,
        /// Its status line, and its reasons.
        said: String,
    },
}

/// Asks `/health/started` of the service that listens on an address, on this machine where that is every address.
///
/// # Errors
/// [`NotReady`] unless it answers 200.
pub async fn ask(listen: SocketAddr) -> Result<(), NotReady> {
    let address = reachable(listen);
    let answer = timeout(PATIENCE, answer(address)).await.map_err(|_| NotReady::Silent(address))?;
    let answer = answer.map_err(|source| NotReady::Away { address, source })?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let said = format!("{} {}", head.lines().next().unwrap_or_default(), body.trim());
    Err(NotReady::Unready { address, said: said.trim().to_owned() })
}

/// The address at which a client on this machine finds who listens there.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}

async fn answer(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpSocket};

    /// What asking a server says that answers so.
    async fn asked(answer: &'static str) -> Result<(), NotReady> {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("it is asked");
            let mut request = [0; REQUEST.len()];
            stream.read_exact(&mut request).await.expect("a request");
            assert_eq!(request, REQUEST);
            stream.write_all(answer.as_bytes()).await.expect("it takes the answer");
        });
        let result = ask(address).await;
        server.await.expect("the server does not break");
        result
    }

    #[tokio::test]
    async fn ready_is_what_answers_200() {
        asked("HTTP/1.1 200 OK\r\n\r\n{}").await.expect("it is ready");
    }

    #[tokio::test]
    async fn the_reasons_of_a_refusal_are_told() {
        let error = asked("HTTP/1.1 503 Service Unavailable\r\n\r\nnats is down").await.expect_err("it is not ready");
        assert!(error.to_string().ends_with("not ready: HTTP/1.1 503 Service Unavailable nats is down"), "{error}");
    }

    #[tokio::test]
    async fn nobody_listening_is_not_ready() {
        // Nobody else can come to listen there, as it is taken.
        let taken = TcpSocket::new_v4().expect("a socket");
        taken.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = taken.local_addr().expect("it has an address");
        assert!(matches!(ask(address).await, Err(NotReady::Away { .. })));
    }
}

//! Waiting until something is there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const POLL: Duration = Duration::from_millis(50);

/// Done when something listens on a loopback port.
pub(crate) async fn listening(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        sleep(POLL).await;
    }
}

/// Done when a service says that it is ready.
pub(crate) async fn ready(address: SocketAddr) {
    while !timeout(Duration::from_secs(2), is_ready(address)).await.is_ok_and(|answer| answer.unwrap_or(false)) {
        sleep(POLL).await;
    }
}

async fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"HTTP/1.1 200")
}

//! Waiting until something is there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(50);

/// Done when something listens on a loopback port.
pub(crate) async fn listening(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        sleep(POLL).await;
    }
}

/// Done when a service says that it is ready.
pub(crate) async fn ready(address: SocketAddr) {
    while runtime::ready::ask(address).await.is_err() {
        sleep(POLL).await;
    }
}

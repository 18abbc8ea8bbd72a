//! Serving until told to stop: TCP without delay, clients that take their answers, and a bounded drain at the end.

use super::patient::Patient;
use crate::config;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Server};
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

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
    let address = LocalAddr(listener.local_addr()?.into());
    Server::new_with_acceptor(NoDelay { listener, address, patience: config.write_timeout })
        .idle_timeout(config.idle_timeout)
        .run_with_graceful_shutdown(endpoint, stop, Some(config.drain_timeout))
        .await
}

/// A TCP acceptor that answers at once: Nagle's algorithm would hold small answers back.
struct NoDelay {
    listener: TcpListener,
    address: LocalAddr,
    patience: Duration,
}

impl Acceptor for NoDelay {
    type Io = Patient<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.address.clone()]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((Patient::new(stream, self.patience), self.address.clone(), RemoteAddr(peer.into()), Scheme::HTTP))
    }
}

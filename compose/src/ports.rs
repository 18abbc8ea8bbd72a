//! Free ports outside the range from which the kernel gives ports to outgoing connections, each held for the one program
//! that is to listen there: a server that is restarted must find its port free, and other runners must not.

use crate::data::random_number;
use anyhow::Context;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tokio::net::TcpSocket;

const FIRST: u16 = 15_000;
const COUNT: u16 = 16_000;

/// A loopback port that is ours for as long as this lives. Programs that set `SO_REUSEADDR`, as servers do, can listen
/// there; nobody else takes it for free.
pub struct Port {
    /// Its number.
    pub number: u16,
    _held: TcpSocket,
}

impl Port {
    /// Holds a port that is free now.
    ///
    /// # Errors
    /// No port is free.
    pub fn free() -> anyhow::Result<Self> {
        for _ in 0..200 {
            let number = FIRST + (random_number() % u128::from(COUNT)) as u16;
            // Bound without the option it conflicts with whoever has the port, even if they do not listen yet; with
            // the option set afterwards it lets the listener in, being no listener itself (socket(7)).
            let held = TcpSocket::new_v4().context("no socket")?;
            if held.bind((Ipv4Addr::LOCALHOST, number).into()).is_ok() {
                held.set_reuseaddr(true).context("a port cannot be held")?;
                return Ok(Self { number, _held: held });
            }
        }
        anyhow::bail!("no free port between {FIRST} and {}", FIRST + COUNT)
    }
}

impl fmt::Display for Port {
    /// As an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Ipv4Addr::LOCALHOST, self.number)
    }
}

/// An error if somebody listens on an address.
pub(crate) fn check(address: SocketAddr, flag: &str) -> anyhow::Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => anyhow::bail!("cannot listen on {address}: {error}; choose another address with {flag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_port_is_free_for_its_listener_only() {
        let port = Port::free().expect("a port");
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, port.number));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _inside = runtime.enter();
        let other = TcpSocket::new_v4().expect("a socket");
        assert!(other.bind((Ipv4Addr::LOCALHOST, port.number).into()).is_err(), "another runner looks for a free one");
        let listener = listen().expect("a server listens");
        assert!(listen().is_err(), "one at a time");
        drop(listener);
        assert!(listen().is_ok(), "and again after a restart");
    }
}

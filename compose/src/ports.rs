//! Free ports outside the range from which the kernel gives ports to outgoing connections: a server that is restarted
//! must find its port free.

use crate::data::random_number;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

const FIRST: u16 = 15_000;
const COUNT: u16 = 16_000;

/// A loopback port that is free now.
pub(crate) fn free() -> anyhow::Result<u16> {
    for _ in 0..200 {
        let port = FIRST + (random_number() % u128::from(COUNT)) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no free port between {FIRST} and {}", FIRST + COUNT)
}

/// The address itself, with a free port instead of 0; an error if somebody listens there.
pub(crate) fn resolve(address: SocketAddr, flag: &str) -> anyhow::Result<SocketAddr> {
    if address.port() == 0 {
        return Ok(SocketAddr::new(address.ip(), free()?));
    }
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) => anyhow::bail!("cannot listen on {address}: {error}; choose another address with {flag}"),
    }
}

//! The bare fan-out: a thread of a process of its own that writes the same bytes to one socket after the other.

use crate::listener::Listener;
use crate::stack::child;
use anyhow::Context;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long it may take altogether.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Parser)]
struct Config {
    /// Sockets to wait for
    sockets: usize,
    /// Messages to send to each
    messages: usize,
}

/// `bench bare-fanout SOCKETS MESSAGES`: sends what stands on its standard input. Prints where it listens.
pub(crate) fn serve(args: Vec<OsString>) -> anyhow::Result<()> {
    let config = <Config as clap::Parser>::try_parse_from(args)?;
    runtime::service::use_all_file_descriptors();
    let mut message = Vec::new();
    std::io::stdin().read_to_end(&mut message)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut sockets = Vec::new();
    for socket in listener.incoming().take(config.sockets) {
        let socket = socket?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    for _ in 0..config.messages {
        for socket in &mut sockets {
            socket.write_all(&message)?;
        }
    }
    Ok(())
}

/// Messages a second that so many subscribers receive of it together.
pub(crate) async fn rate(message: &[u8], sockets: usize, messages: usize) -> anyhow::Result<f64> {
    let counts = [sockets.to_string(), messages.to_string()];
    let mut bare = child()?.arg("bare-fanout").args(counts).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = bare.stdin.take().context("the bare fan-out has no input")?;
    input.write_all(message).await?;
    drop(input);
    let mut output = BufReader::new(bare.stdout.take().context("the bare fan-out has no output")?).lines();
    let measured = async {
        let address = output.next_line().await?.context("the bare fan-out did not start")?;
        let mut receiving = JoinSet::new();
        let mut begun = Instant::now();
        for _ in 0..sockets {
            let listener = Listener::bare(&address).await?;
            // It sends when the last one is there.
            begun = Instant::now();
            receiving.spawn(listener.receive(messages, begun, || {}));
        }
        while let Some(received) = receiving.join_next().await {
            received??;
        }
        anyhow::Ok((sockets * messages) as f64 / begun.elapsed().as_secs_f64())
    };
    let rate = timeout(PATIENCE, measured).await.context("the bare fan-out does not come")?;
    bare.kill().await?;
    rate
}

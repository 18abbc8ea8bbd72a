//! A subscriber that stays, and must hear each event of its workspace once.

use super::record::{Sample, Step};
use super::socket::{Event, Socket, TICKETS};
use crate::client::{Client, send};
use anyhow::Context;
use reqwest::Method;
use runtime::clock::{Clock, SystemClock};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;

/// What was written into each account's workspace, once nothing more is.
pub(super) type Written = Arc<BTreeMap<usize, BTreeSet<u64>>>;

/// A listener that hears from now on.
pub(super) struct Listener {
    socket: Socket,
    account: usize,
    heard: BTreeSet<u64>,
    samples: Vec<Sample>,
}

impl Listener {
    /// Subscribes to the workspace of an account.
    pub(super) async fn open(client: &Client, account: usize) -> anyhow::Result<Self> {
        let ticket = send(client.query(Method::POST, TICKETS)).await;
        let socket = Socket::open(client, &ticket.json(), "").await?;
        Ok(Self { socket, account, heard: BTreeSet::new(), samples: Vec::new() })
    }

    /// Listens until it has heard everything that was written. What is missing some time after, or comes twice, failed.
    pub(super) async fn listen(
        mut self,
        begin: Instant,
        mut end: watch::Receiver<Option<Written>>,
        patience: Duration,
    ) -> Vec<Sample> {
        if let Err(error) = self.hear_all(begin, &mut end, patience).await {
            self.samples.push(failure(&error));
        }
        self.samples
    }

    async fn hear_all(
        &mut self,
        begin: Instant,
        end: &mut watch::Receiver<Option<Written>>,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let written = loop {
            tokio::select! {
                event = self.socket.next() => self.hear(event?, begin)?,
                ended = end.wait_for(Option::is_some) => break ended?.clone().unwrap_or_default(),
            }
        };
        let Some(written) = written.get(&self.account) else { return Ok(()) };
        let rest = async {
            while self.heard.last() < written.last() {
                let event = self.socket.next().await?;
                self.hear(event, begin)?;
            }
            anyhow::Ok(())
        };
        timeout(patience, rest).await.context("the last events do not come")??;
        let missing = written.difference(&self.heard).count();
        anyhow::ensure!(missing == 0, "{missing} events did not come");
        Ok(())
    }

    fn hear(&mut self, event: Event, begin: Instant) -> anyhow::Result<()> {
        anyhow::ensure!(self.heard.insert(event.sequence), "event {} came twice", event.sequence);
        let took = (SystemClock.now() - event.time).to_std().unwrap_or_default();
        self.samples.push(Sample { step: Step::Delivery, at: begin.elapsed(), took, failure: None });
        Ok(())
    }
}

/// A subscription that failed.
pub(super) fn failure(error: &anyhow::Error) -> Sample {
    Sample { step: Step::Delivery, at: Duration::ZERO, took: Duration::ZERO, failure: Some(format!("{error:#}")) }
}

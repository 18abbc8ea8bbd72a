//! Texts in the blob store: each that an event names must be there, as long as the event says and with the digest that is
//! its address.

use super::Finding;
use events::document::Event;
use runtime::EventLog;
use runtime::blobs::Blobs;
use runtime::event_log::Error;
use serde::Serialize;
use std::collections::HashSet;
use std::mem::take;
use tokio::task::JoinSet;

/// Texts that are asked for at once.
const AT_ONCE: usize = 32;
/// Addresses that are remembered, so that a text with many documents is asked for once.
const REMEMBERED: usize = 100_000;

/// What was found.
#[derive(Serialize)]
pub(super) struct Texts {
    check: &'static str,
    /// Different texts, or a few more in a large log.
    texts: u64,
    faults: u64,
    /// The first few of them.
    shown: Vec<Fault>,
    #[serde(skip)]
    asking: Asking,
}

struct Asking {
    blobs: Blobs,
    most_shown: usize,
    known: HashSet<String>,
    running: JoinSet<Result<Option<Fault>, Error>>,
}

/// A text that is not as an event says.
#[derive(Debug, Serialize)]
struct Fault {
    sha256: String,
    /// The event that names it.
    sequence: u64,
    fault: String,
}

impl Texts {
    pub(super) fn new(log: &EventLog, most_shown: usize) -> Self {
        let blobs = Blobs::new(log.connection().clone());
        let asking = Asking { blobs, most_shown, known: HashSet::new(), running: JoinSet::new() };
        Self { check: "texts", texts: 0, faults: 0, shown: Vec::new(), asking }
    }

    /// Asks for the text of an event, if it has one that stands in the blob store.
    pub(super) async fn event(&mut self, event: &Event, sequence: u64) -> Result<(), Error> {
        let Some(content) = event.content().filter(|content| content.text.is_none()) else {
            return Ok(());
        };
        if self.asking.known.len() >= REMEMBERED {
            self.asking.known.clear();
        }
        if !self.asking.known.insert(content.sha256.clone()) {
            return Ok(());
        }
        while self.asking.running.len() >= AT_ONCE {
            self.answered().await?;
        }
        self.texts += 1;
        let (blobs, sha256, bytes) = (self.asking.blobs.clone(), content.sha256.clone(), content.bytes);
        self.asking.running.spawn(async move {
            let fault = blobs.fault(&sha256, bytes).await?;
            Ok(fault.map(|fault| Fault { sha256, sequence, fault }))
        });
        Ok(())
    }

    /// Waits for the last answers.
    pub(super) async fn finish(mut self) -> Result<Self, Error> {
        while !self.asking.running.is_empty() {
            self.answered().await?;
        }
        let mut shown = take(&mut self.shown);
        shown.sort_by_key(|fault| fault.sequence);
        Ok(Self { shown, ..self })
    }

    async fn answered(&mut self) -> Result<(), Error> {
        if let Some(Ok(answer)) = self.asking.running.join_next().await
            && let Some(fault) = answer?
        {
            self.faults += 1;
            if self.shown.len() < self.asking.most_shown {
                self.shown.push(fault);
            }
        }
        Ok(())
    }
}

impl Finding for Texts {
    fn is_right(&self) -> bool {
        self.faults == 0
    }

    fn print(&self) {
        println!("texts: {} in the blob store, {} faults", self.texts, self.faults);
        for Fault { sha256, sequence, fault } in &self.shown {
            println!("  {sha256}, of event {sequence}: {fault}");
        }
    }
}

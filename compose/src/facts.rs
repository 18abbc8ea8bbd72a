//! What others need to know of a running system: where everything listens, and which processes it is made of.

use crate::data::{read_json, write_json};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The facts, as `--json` prints them and `run.json` in the data folder keeps them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) command_url: String,
    pub(crate) query_url: String,
    pub(crate) projector_url: String,
    /// With the credential of a subscriber, who can read live events and nothing else.
    pub(crate) nats_url: String,
    pub(crate) nats_subject: String,
    pub(crate) data: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) durability: String,
    /// With the services' credentials.
    pub(crate) nats_services_url: String,
    pub(crate) nats_admin_url: String,
    pub(crate) database_url: String,
    pub(crate) redis_url: String,
    pub(crate) pids: BTreeMap<String, u32>,
}

/// Facts that change as processes come and go, kept in the data folder.
#[derive(Clone)]
pub(crate) struct Board {
    facts: Rc<RefCell<Facts>>,
    path: PathBuf,
}

impl Board {
    pub(crate) fn new(facts: Facts) -> Self {
        let path = path(&facts.data);
        Self { facts: Rc::new(RefCell::new(facts)), path }
    }

    /// A process was started. Written at once: who kills processes must find the new one.
    pub(crate) fn started(&self, name: &str, pid: u32) {
        self.facts.borrow_mut().pids.insert(name.to_owned(), pid);
        if let Err(error) = write_json(&self.path, &*self.facts.borrow()) {
            eprintln!("{}: {error:#}", self.path.display());
        }
    }

    /// The facts now.
    pub(crate) fn facts(&self) -> Facts {
        self.facts.borrow().clone()
    }

    /// Nothing runs any more.
    pub(crate) fn clear(&self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// The facts of the system that runs, or last ran, on a data folder.
pub(crate) fn read(data: &Path) -> anyhow::Result<Option<Facts>> {
    read_json(&path(data))
}

fn path(data: &Path) -> PathBuf {
    data.join("run.json")
}

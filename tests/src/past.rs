//! A query-service over a read model of the past, beside that of the system.

use crate::client::{Client, http};
use crate::system::{System, wait_for};
use compose::Port;
use serde_json::Value;
use tokio::process::{Child, Command};

/// One that runs until it is dropped.
pub struct PastReader {
    url: String,
    _process: Child,
    _port: Port,
}

impl PastReader {
    /// Starts one and waits until it is ready.
    pub async fn start(system: &System, name: &str) -> Self {
        let port = Port::free().expect("a free port");
        let mut command = Self::command(system, name);
        let process = command.args(["--listen", &port.to_string()]).spawn().expect("the query-service starts");
        let url = format!("http://{port}");
        let ready = format!("{url}/health/ready");
        wait_for("the past is shown", async || http().get(&ready).send().await.is_ok_and(|it| it.status() == 200))
            .await;
        Self { url, _process: process, _port: port }
    }

    /// How one is started.
    pub fn command(system: &System, name: &str) -> Command {
        let secrets = std::fs::read(system.data.join("secrets.json")).expect("a system has secrets");
        let secrets: Value = serde_json::from_slice(&secrets).expect("they are JSON");
        let mut command = system.command("query-service", &["--log", "warn", "--read-model", name]);
        command.env("SYNCBOARD_SECRET_KEY", secrets["secret_key"].as_str().expect("a key"));
        command
    }

    /// The same user, who reads the past.
    pub fn client(&self, user: &Client) -> Client {
        user.clone().reading_at(&self.url)
    }

    /// Everything that its health page says.
    pub async fn health(&self) -> Value {
        let answer = http().get(format!("{}/health", self.url)).send().await.expect("it answers");
        answer.json().await.expect("health is JSON")
    }
}

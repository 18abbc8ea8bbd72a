//! A real Prometheus with the committed configuration, over a running system and the packaged exporters.

use super::file;
use crate::client::http;
use crate::system::System;
use crate::tools::installed;
use compose::Port;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Prometheus and exporters; they end with the test.
pub struct Monitor {
    http: reqwest::Client,
    url: String,
    _programs: Vec<Child>,
    _ports: [Port; 4],
}

impl Monitor {
    /// Starts them over a system and its assistant. What takes minutes takes seconds: it scrapes and evaluates every three
    /// seconds, and no alert waits.
    pub async fn start(system: &System, assistant: &str) -> Self {
        let folder = system.data.join("monitoring");
        let ports = [(); 4].map(|()| Port::free().expect("a free port"));
        let [postgres, redis, node, prometheus] = ports.each_ref().map(ToString::to_string);
        let of = |name| system.fact(name).trim_start_matches("http://").to_owned();
        let targets = BTreeMap::from([
            ("syncboard-command", of("command_url")),
            ("syncboard-query", of("query_url")),
            ("syncboard-projector", of("projector_url")),
            ("syncboard-assistant", assistant.trim_start_matches("http://").to_owned()),
            ("postgres", postgres.clone()),
            ("redis", redis.clone()),
            ("node", node.clone()),
        ]);
        let write = |path: &str, text: String| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
            std::fs::write(path, text).expect("it can be written");
        };
        for (job, target) in &targets {
            write(&format!("targets/{job}.yml"), format!("- targets: [\"{target}\"]\n"));
        }
        let configuration = super::text(&file("prometheus.yml"));
        write(
            "prometheus.yml",
            configuration.replace("_interval: 15s", "_interval: 3s").replace("timeout: 10s", "timeout: 3s"),
        );
        for path in super::files("rules") {
            let rules = super::text(&path);
            let is_waiting = |line: &&str| !line.trim_start().starts_with("for: ");
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            write(&format!("rules/{name}"), rules.lines().filter(is_waiting).map(|line| format!("{line}\n")).collect());
        }

        let database = format!("{}?sslmode=disable", system.fact("database_url"));
        let programs = vec![
            program("prometheus-node-exporter", &[&format!("--web.listen-address={node}")], &[]),
            program(
                "prometheus-postgres-exporter",
                &[&format!("--web.listen-address={postgres}")],
                &[("DATA_SOURCE_NAME", &database)],
            ),
            program(
                "prometheus-redis-exporter",
                &["-web.listen-address", &redis, "-redis.addr", system.fact("redis_url")],
                &[],
            ),
            program(
                "prometheus",
                &[
                    &format!("--config.file={}", folder.join("prometheus.yml").display()),
                    &format!("--storage.tsdb.path={}", folder.join("data").display()),
                    &format!("--web.listen-address={prometheus}"),
                ],
                &[],
            ),
        ];
        Self { http: http(), url: format!("http://{prometheus}"), _programs: programs, _ports: ports }
    }

    /// What Prometheus answers at a path of its API; nothing while it does not.
    pub async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/{path}", self.url), query).expect("an address");
        let answer: Value = self.http.get(url).send().await.ok()?.json().await.ok()?;
        assert_eq!(answer["status"], "success", "{path} {query:?}: {answer}");
        Some(answer["data"].clone())
    }

    /// The labels of each series that an expression gives now.
    pub async fn series(&self, expression: &str) -> Vec<BTreeMap<String, String>> {
        let answer = self.ask("query", &[("query", expression)]).await.unwrap_or_default();
        let series = answer["result"].as_array().cloned().unwrap_or_default();
        series.iter().map(|one| serde_json::from_value(one["metric"].clone()).unwrap_or_default()).collect()
    }

    /// Whether an alert fires now.
    pub async fn fires(&self, alert: &str) -> bool {
        !self.series(&format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}")).await.is_empty()
    }

    /// Targets that are not scraped, with the reason.
    pub async fn unread(&self) -> Option<Vec<String>> {
        let targets = self.ask("targets", &[("state", "active")]).await?;
        let targets = targets["activeTargets"].as_array()?.clone();
        let is_unread = |target: &&Value| target["health"] != "up";
        let mut unread: Vec<_> = targets.iter().filter(is_unread).map(Value::to_string).collect();
        if targets.len() != 7 {
            unread.push(format!("{} targets", targets.len()));
        }
        Some(unread)
    }
}

fn program(name: &'static str, args: &[&str], settings: &[(&str, &str)]) -> Child {
    Command::new(installed(&[name], name))
        .args(args)
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

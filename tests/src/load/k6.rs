//! Load from k6, with the scripts of `tests/load`; every measured step comes back over its output.

use super::profiles::Plan;
use super::record::{Record, Sample, Step};
use super::target::Target;
use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// What to do where k6 is missing.
const HOW_TO_GET_IT: &str = "Debian does not carry it. https://grafana.com/docs/k6/latest/set-up/install-k6 has packages \
    and programs; docs/load.md says more. --driver rust runs the same profiles without it";
/// Status of a run that went well and missed a threshold.
const MISSED: i32 = 99;

/// An installed k6.
#[derive(Debug)]
pub struct K6 {
    program: PathBuf,
    /// What it calls itself.
    pub version: String,
}

/// A line of its output, as far as it is looked at.
#[derive(Deserialize)]
struct Line {
    metric: String,
    data: Point,
}

#[derive(Deserialize)]
struct Point {
    time: DateTime<Utc>,
    /// In milliseconds.
    value: f64,
    tags: Tags,
}

#[derive(Deserialize)]
struct Tags {
    step: Option<Step>,
    #[serde(default)]
    failure: String,
}

impl K6 {
    /// Finds it, or says how to get it.
    pub async fn find(program: &Path) -> anyhow::Result<Self> {
        let found = Command::new(program).arg("version").env("K6_NO_USAGE_REPORT", "true").output().await;
        let found = found.with_context(|| format!("there is no {}. {HOW_TO_GET_IT}", program.display()))?;
        anyhow::ensure!(found.status.success(), "{} version: {}", program.display(), found.status);
        let version = String::from_utf8(found.stdout)?;
        let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Ok(Self { program: program.to_owned(), version })
    }

    /// Loads a system as a plan says.
    pub async fn drive(&self, target: &Target, plan: &Plan) -> anyhow::Result<Record> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--quiet", "--no-summary", "--no-usage-report", "--no-color", "--address="]);
        command.args(["--out", "json=-"]).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/load/load.ts"));
        let settings = [
            ("PROFILE", plan.name.as_str()),
            ("FORM", plan.form_name()),
            ("COMMAND_URL", &target.command),
            ("QUERY_URL", &target.query),
            ("RUN", &target.run_of(plan)),
            // Which addresses are allowed was decided before.
            ("ANY_HOST", "1"),
        ];
        for (name, value) in settings {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        // Nothing is fetched, and nobody is told.
        command.env("K6_BINARY_PROVISIONING", "false").env("K6_AUTO_EXTENSION_RESOLUTION", "false");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let mut points = Vec::new();
        while let Some(line) = lines.next_line().await? {
            points.extend(point(&line)?);
        }
        let status = child.wait().await?;
        anyhow::ensure!(status.success() || status.code() == Some(MISSED), "k6 ended with {status}");
        Ok(Record { samples: samples(points), length: plan.form.length() })
    }
}

/// The measured step of a line, if it is one.
fn point(line: &str) -> anyhow::Result<Option<(Step, Point)>> {
    if !line.contains(r#""type":"Point""#) || !line.contains(r#""failure":"#) {
        return Ok(None);
    }
    let Line { metric, data } = serde_json::from_str(line).with_context(|| line.to_owned())?;
    let step = if metric == "delivery" { Some(Step::Delivery) } else { data.tags.step };
    Ok(Some((step.with_context(|| format!("no step in {line}"))?, data)))
}

/// Steps by their times since the first of them.
fn samples(points: Vec<(Step, Point)>) -> Vec<Sample> {
    let took = |point: &Point| Duration::from_secs_f64(point.value.max(0.0) / 1_000.0);
    let begin = points.iter().map(|(_, point)| point.time - took(point)).min();
    let sample = |(step, point): (Step, Point)| {
        let at = begin.and_then(|begin| (point.time - begin).to_std().ok()).unwrap_or_default();
        let failure = Some(point.tags.failure.clone()).filter(|failure| !failure.is_empty());
        Sample { step, at, took: took(&point), failure }
    };
    points.into_iter().map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_steps_are_read_and_everything_else_is_not() {
        let step = r#"{"metric":"request","type":"Point","data":{"time":"2025-01-01T00:00:01.5Z","value":250.5,"tags":{"failure":"","scenario":"users","step":"upload"}}}"#;
        let late = r#"{"metric":"delivery","type":"Point","data":{"time":"2025-01-01T00:00:02.5Z","value":3,"tags":{"failure":"closed"}}}"#;
        let other =
            r#"{"metric":"http_reqs","type":"Point","data":{"time":"2025-01-01T00:00:00Z","value":1,"tags":{}}}"#;
        let metric = r#"{"type":"Metric","data":{"name":"request","type":"trend"},"metric":"request"}"#;
        let read = |line| point(line).expect("it can be read");
        assert!(read(other).is_none() && read(metric).is_none());
        let samples = samples([step, late].into_iter().filter_map(read).collect());
        let seen: Vec<_> = samples.iter().map(|sample| (sample.step, sample.at.as_micros(), &sample.failure)).collect();
        assert_eq!(seen, [(Step::Upload, 250_500, &None), (Step::Delivery, 1_250_500, &Some("closed".to_owned()))]);
        assert!(point(&step.replace("upload", "download")).is_err());
    }
}

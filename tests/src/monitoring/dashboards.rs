//! Dashboards, and what is wrong with them.

use super::{files, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// One dashboard.
pub struct Dashboard {
    /// Its file.
    pub name: String,
    json: Value,
}

/// Every dashboard.
#[must_use]
pub fn dashboards() -> Vec<Dashboard> {
    let read = |path: std::path::PathBuf| {
        let json = serde_json::from_str(&text(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Dashboard { name, json }
    };
    files("grafana/dashboards").into_iter().map(read).collect()
}

impl Dashboard {
    /// What its panels ask, with the dashboard's and the panel's name, and Grafana's variables as they could be.
    #[must_use]
    pub fn expressions(&self) -> Vec<(String, String)> {
        let targets = |panel: &Value| {
            let name = format!("{}: {}", self.name, panel["title"].as_str().unwrap_or_default());
            let targets = panel["targets"].as_array().cloned().unwrap_or_default();
            let expression =
                |target: &Value| target["expr"].as_str().unwrap_or_default().replace("$__rate_interval", "5m");
            targets.iter().map(|target| (name.clone(), expression(target))).collect::<Vec<_>>()
        };
        self.panels().iter().flat_map(targets).collect()
    }

    /// Its address in Grafana.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.json["uid"].as_str().unwrap_or_default()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut wants = |what: &str, is_so: bool| {
            if !is_so {
                faults.push(format!("{}: {what}", self.name));
            }
        };
        let is_said = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        wants("has a title", is_said(&self.json["title"]));
        wants("is called as its file", format!("{}.json", self.uid()) == self.name);
        wants("is of a known schema", self.json["schemaVersion"].as_u64().is_some_and(|version| version >= 30));
        let variables = self.json["templating"]["list"].as_array().cloned().unwrap_or_default();
        let is_source = |variable: &Value| variable["name"] == "datasource" && variable["type"] == "datasource";
        wants("lets its source be chosen", variables.iter().any(is_source));
        wants("has panels", !self.panels().is_empty());
        let (mut ids, mut titles, mut squares) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for panel in self.panels() {
            let title = panel["title"].as_str().unwrap_or_default();
            let mut wants = |what: &str, is_so: bool| wants(&format!("panel {title:?} {what}"), is_so);
            wants("has a title of its own", is_said(&panel["title"]) && titles.insert(title.to_owned()));
            wants("has an id of its own", panel["id"].as_u64().is_some_and(|id| ids.insert(id)));
            wants("has a unit", is_said(&panel["fieldConfig"]["defaults"]["unit"]));
            wants("is of a known type", ["timeseries", "stat"].iter().any(|kind| panel["type"] == *kind));
            wants("has the chosen source", is_chosen(panel));
            let place = |name: &str| panel["gridPos"][name].as_u64().unwrap_or(u64::MAX / 4);
            let (left, top, width, height) = (place("x"), place("y"), place("w"), place("h"));
            wants("is on the board", left + width <= 24 && (1..=24).contains(&height));
            let mut covered =
                (left..(left + width).min(24)).flat_map(|x| (top..top + height.min(24)).map(move |y| (x, y)));
            wants("covers no other", covered.all(|square| squares.insert(square)));
            let (targets, mut refs) = (panel["targets"].as_array().cloned().unwrap_or_default(), BTreeSet::new());
            wants("asks something", !targets.is_empty());
            for target in &targets {
                wants("asks with an expression", is_said(&target["expr"]));
                wants("asks the chosen source", is_chosen(target));
                wants("asks each with a letter", target["refId"].as_str().is_some_and(|id| refs.insert(id.to_owned())));
            }
        }
        faults
    }

    fn panels(&self) -> &[Value] {
        self.json["panels"].as_array().map_or(&[], Vec::as_slice)
    }
}

fn is_chosen(of: &Value) -> bool {
    of["datasource"]["type"] == "prometheus" && of["datasource"]["uid"] == "${datasource}"
}

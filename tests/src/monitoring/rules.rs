//! Alerts and recording rules, and the cases in which they are tried.

use super::{files, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// One alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub expression: String,
    /// How grave it is.
    pub severity: String,
    /// What is said with it.
    pub annotations: BTreeMap<String, String>,
}

/// Every alert.
#[must_use]
pub fn alerts() -> Vec<Alert> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let annotations = |rule: &Value| {
        let said = rule["annotations"].as_object().into_iter().flatten();
        said.map(|(name, text)| (name.clone(), word(text))).collect()
    };
    let rules = rules().into_iter().filter(|rule| rule["alert"].is_string());
    rules
        .map(|rule| Alert {
            name: word(&rule["alert"]),
            expression: word(&rule["expr"]),
            severity: word(&rule["labels"]["severity"]),
            annotations: annotations(&rule),
        })
        .collect()
}

/// What every alert and recording rule asks, with its name.
#[must_use]
pub fn expressions() -> Vec<(String, String)> {
    let name = |rule: &Value| rule["alert"].as_str().or(rule["record"].as_str()).unwrap_or_default().to_owned();
    rules().iter().map(|rule| (name(rule), rule["expr"].as_str().unwrap_or_default().to_owned())).collect()
}

/// How many cases there are in which each alert fires, and in which it does not.
#[must_use]
pub fn tested() -> BTreeMap<String, (usize, usize)> {
    let mut cases = BTreeMap::<String, (usize, usize)>::new();
    for case in files("tests").iter().flat_map(|path| list(&yaml(&text(path))["tests"])) {
        for expected in list(&case["alert_rule_test"]) {
            let (fires, is_silent) =
                cases.entry(expected["alertname"].as_str().unwrap_or_default().to_owned()).or_default();
            match list(&expected["exp_alerts"]).len() {
                0 => *is_silent += 1,
                _ => *fires += 1,
            }
        }
    }
    cases
}

fn rules() -> Vec<Value> {
    let groups = files("rules").into_iter().flat_map(|path| list(&yaml(&text(&path))["groups"]));
    groups.flat_map(|group| list(&group["rules"])).collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).expect("it is YAML")
}

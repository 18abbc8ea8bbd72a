//! The committed monitoring by itself: alerts are complete and tried both ways, dashboards are whole, and Prometheus' own
//! tools accept every file.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::monitoring::{alerts, dashboards, expressions, file, tested};
use tests::tools::installed;

/// Runs a tool of a package; panics with what it says unless it is content.
#[track_caller]
fn is_accepted(tool: &'static str, package: &str, args: &[&str]) {
    let output = Command::new(installed(&[tool], package)).args(args).stdin(Stdio::null()).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{tool} {args:?}: {said}");
}

fn path(name: &str) -> String {
    file(name).to_string_lossy().into_owned()
}

fn runbook() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.md");
    std::fs::read_to_string(path).expect("there is a runbook")
}

#[test]
fn every_alert_is_complete_and_tried_both_ways() {
    let (alerts, tested) = (alerts(), tested());
    assert!(alerts.len() >= 30, "{} alerts", alerts.len());
    let sections: BTreeSet<_> =
        runbook().lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    let mut names = BTreeSet::new();
    for alert in &alerts {
        let name = &alert.name;
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(["critical", "warning", "info"].contains(&alert.severity.as_str()), "{name}: {}", alert.severity);
        for annotation in ["summary", "description"] {
            assert!(
                alert.annotations.get(annotation).is_some_and(|text| text.len() > 10),
                "{name} has no {annotation}"
            );
        }
        let anchor = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(alert.annotations.get("runbook_url"), Some(&anchor), "{name}");
        assert!(sections.contains(name), "the runbook has no section {name}");
        let (fires, is_silent) = tested.get(name).copied().unwrap_or_default();
        assert!(fires > 0, "there is no case in which {name} fires");
        assert!(is_silent > 0, "there is no case in which {name} does not fire");
    }
    assert_eq!(sections, names, "sections of the runbook, and alerts");
    assert_eq!(tested.into_keys().collect::<BTreeSet<_>>(), names, "tested alerts, and alerts");
}

#[test]
fn prometheus_accepts_its_configuration_and_alertmanager_its_own() {
    is_accepted("promtool", "prometheus", &["check", "config", &path("prometheus.yml")]);
    is_accepted("amtool", "prometheus-alertmanager", &["check-config", &path("alertmanager.yml")]);
}

#[test]
fn alerts_fire_and_are_silent_as_their_cases_say() {
    let cases = std::fs::read_dir(file("tests")).expect("there are cases").map(|entry| entry.expect("an entry").path());
    let cases: Vec<_> = cases.map(|path| path.to_string_lossy().into_owned()).collect();
    let args: Vec<_> = ["test", "rules"].into_iter().chain(cases.iter().map(String::as_str)).collect();
    is_accepted("promtool", "prometheus", &args);
}

#[test]
fn dashboards_are_whole_and_ask_in_promql() {
    let dashboards = dashboards();
    let faults: Vec<_> = dashboards.iter().flat_map(|dashboard| dashboard.faults()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let uids: BTreeSet<_> = dashboards.iter().map(|dashboard| dashboard.uid()).collect();
    for uid in ["overview", "commands", "queries", "projections", "log", "stores"] {
        assert!(uids.contains(format!("syncboard-{uid}").as_str()), "there is no dashboard of {uid}");
    }
    // As rules, promtool reads them: a fault is said with its line.
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    for (number, (panel, expression)) in dashboards.iter().flat_map(|dashboard| dashboard.expressions()).enumerate() {
        assert!(!expression.contains('$'), "{panel}: an unknown variable in {expression}");
        let expression = serde_json::to_string(&expression).expect("text is JSON");
        rules.push_str(&format!("      # {panel}\n      - record: panel:{number}\n        expr: {expression}\n"));
    }
    let path = std::env::temp_dir().join(format!("syncboard-panels-{}.yml", std::process::id()));
    std::fs::write(&path, rules).expect("it can be written");
    is_accepted("promtool", "prometheus", &["check", "rules", &path.to_string_lossy()]);
    std::fs::remove_file(path).expect("it was there");
    assert!(expressions().iter().all(|(name, expression)| !name.is_empty() && !expression.is_empty()));
}

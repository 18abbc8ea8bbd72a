//! What the projector has parked, as its operators see it.

use crate::system::System;
use serde_json::Value;

/// What `projector failures` prints, a JSON object a line, and whether it ended well.
pub async fn failures(system: &System, args: &[&str]) -> (Vec<Value>, bool) {
    let output = system.projector(&[&["failures", "--json"], args].concat()).await;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    (lines, output.status.success())
}

/// How many events a projection has parked, as its health page says; null while it says nothing.
pub async fn parked(system: &System, projection: &str) -> Value {
    system
        .health("projector_url")
        .await
        .map_or(Value::Null, |health| health["statistics"][format!("{projection}_parked")].clone())
}

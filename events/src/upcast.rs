//! Old versions of an event to the newest, one step at a time over its JSON, so that a log of any age can be read.

use serde_json::Value;
use std::ops::Range;

/// One step: a body of version `from` becomes one of version `from + 1`.
pub struct Upcaster {
    /// Event kind.
    pub kind: &'static str,
    /// Version that it reads.
    pub from: u32,
    /// The step. It must be total over every body that its schema allowed.
    pub step: fn(Value) -> Value,
}

/// Applies the steps `versions.start`, …, `versions.end - 1` in order. A version without a step has changed only by
/// fields that have defaults, and passes through.
pub(crate) fn to_newest(
    upcasters: &[Upcaster],
    kind: &str,
    versions: Range<u32>,
    body: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let mut value: Value = serde_json::from_slice(body)?;
    for version in versions {
        if let Some(upcaster) = upcasters.iter().find(|step| step.kind == kind && step.from == version) {
            value = (upcaster.step)(value);
        }
    }
    serde_json::to_vec(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_run_in_the_order_of_versions() {
        let steps = [
            Upcaster { kind: "retitled", from: 2, step: |old| json!({ "title": [old["name"], "!"] }) },
            Upcaster { kind: "retitled", from: 1, step: |old| json!({ "name": old["n"] }) },
            Upcaster { kind: "tagged", from: 1, step: |_| json!("not for this kind") },
        ];
        let newest = to_newest(&steps, "retitled", 1..3, br#"{"n":"Docker"}"#).expect("the body is JSON");
        assert_eq!(newest, br#"{"title":["Docker","!"]}"#);
    }
}

//! An API's OpenAPI document as generators of clients understand it: poem-openapi writes some of it in a way that they take
//! for something else, and then leave out, or refuse.

use poem::{Endpoint, Response, endpoint::make_sync};
use serde_json::{Value, json};

/// Serves the document of an API, given as poem-openapi writes it.
///
/// # Panics
/// If it is no JSON.
pub fn description(spec: &str) -> impl Endpoint + use<> {
    let mut document = serde_json::from_str(spec).expect("a description is JSON");
    clarify(&mut document);
    let text = format!("{document:#}");
    make_sync(move |_| Response::builder().content_type("application/json").body(text.clone()))
}

/// What is said of a reference stands beside it alone, and not also as a schema of its own that must hold too: that one has
/// no type. A day has the format that JSON Schema has for it. A way to log in says which scopes it has, also if none.
fn clarify(part: &mut Value) {
    match part {
        Value::Object(object) => {
            if let Some(Value::Array(all)) = object.get_mut("allOf")
                && all.first().is_some_and(|first| first.get("$ref").is_some())
            {
                all.truncate(1);
            }
            if let Some(format) = object.get_mut("format")
                && *format == "naive-date"
            {
                *format = "date".into();
            }
            if object.contains_key("tokenUrl") {
                object.entry("scopes").or_insert_with(|| json!({}));
            }
            object.values_mut().for_each(clarify);
        }
        Value::Array(items) => items.iter_mut().for_each(clarify),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_described_once() {
        let sort = json!({ "$ref": "#/components/schemas/Sort" });
        let said = json!({ "default": "title" });
        let mut schema = json!({ "properties": { "sort": { "allOf": [sort, said], "default": "title" } } });
        clarify(&mut schema);
        assert_eq!(schema, json!({ "properties": { "sort": { "allOf": [sort], "default": "title" } } }));
        let both = json!({ "allOf": [said, sort] });
        let mut schema = both.clone();
        clarify(&mut schema);
        assert_eq!(schema, both, "only what describes a reference is left out");
    }

    #[test]
    fn a_way_to_log_in_has_scopes() {
        let mut flows = json!({ "password": { "tokenUrl": "/v1/tokens" }, "other": { "tokenUrl": "/", "scopes": 1 } });
        clarify(&mut flows);
        assert_eq!(flows["password"]["scopes"], json!({}));
        assert_eq!(flows["other"]["scopes"], 1);
    }

    #[test]
    fn a_day_is_a_date() {
        let mut schema = json!([{ "format": "naive-date", "type": "string" }, { "format": "date-time" }]);
        clarify(&mut schema);
        assert_eq!(schema, json!([{ "format": "date", "type": "string" }, { "format": "date-time" }]));
    }
}

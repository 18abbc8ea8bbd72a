//! Events against their JSON Schemas as they are appended. Compiled only into tests: a schema that the code has outgrown
//! stops them.

use jsonschema::Validator;
use std::collections::HashMap;
use std::sync::LazyLock;

static VALIDATORS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    events::schema::all()
        .map(|(name, schema)| (name, jsonschema::validator_for(schema.as_value()).expect("a derived schema is valid")))
        .collect()
});

pub(super) fn assert_valid(type_name: &str, body: &[u8]) {
    let body = serde_json::from_slice(body).expect("an encoded event is JSON");
    let validator = VALIDATORS.get(type_name).expect("every event type has a schema");
    if let Err(error) = validator.validate(&body) {
        panic!("{type_name} does not fit its schema: {error}");
    }
}

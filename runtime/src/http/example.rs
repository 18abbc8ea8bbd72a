//! Values of the examples in both APIs' descriptions.

use uuid::{Uuid, uuid};

/// Id of a document or a cluster.
pub const ID: Uuid = uuid!("0198c5f0-5a3e-7c1d-9e4b-3f2a1b0c9d8e");

/// A concept.
#[must_use]
pub fn concept() -> String {
    "PostgreSQL".to_owned()
}

/// A tag.
#[must_use]
pub fn tag() -> String {
    "linux".to_owned()
}

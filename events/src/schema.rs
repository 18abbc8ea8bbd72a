//! The event types as data: their names and JSON Schemas, as committed under `schema/events` and checked in CI.

use crate::codec::{EventType, Kind, type_name};
use crate::{account, cluster, concept, document};

/// Every event type in its newest version, with the JSON Schema of its body.
pub fn all() -> impl Iterator<Item = (String, schemars::Schema)> {
    fn of<E: EventType>() -> impl Iterator<Item = (String, schemars::Schema)> {
        E::KINDS.iter().map(|kind: &Kind| (type_name(E::AGGREGATE, kind.name, kind.version), (kind.schema)()))
    }
    of::<document::Event>().chain(of::<cluster::Event>()).chain(of::<concept::Event>()).chain(of::<account::Event>())
}

//! HTTP as every service speaks it: one edge around all routes, problems for everything that goes wrong, bounded bodies.

mod bodies;
mod body;
mod conditional;
mod description;
mod edge;
pub mod example;
mod guard;
mod headers;
mod leftover;
mod off_thread;
mod operations;
mod patient;
mod problem;
mod raw;
mod room;
mod serve;
mod vocabulary;

pub use body::{FormBody, JsonBody, Limited, maybe_object, parse_json};
pub use conditional::{if_match, if_none_match};
pub use description::description;
pub use edge::{RequestContext, edge};
pub use guard::{Authorized, guard};
pub use off_thread::off_thread;
pub use operations::{Described, operations};
pub use problem::{Problem, Refused, Statuses, code};
pub use raw::RawJson;
pub use room::room;
pub use serve::serve;
pub use vocabulary::{Category, Relation, SkillLevel, Source, SourceKind};

//! The language of the log: what can have happened, who did it, and how both are written down. No I/O.

pub mod account;
pub mod cluster;
pub mod codec;
pub mod concept;
pub mod content;
pub mod document;
pub mod envelope;
pub mod ids;
pub mod schema;
pub mod stream;
pub mod trace;
pub mod upcast;

pub use codec::{AnyEvent, Encoded, EventType};
pub use concept::Category;
pub use content::Content;
pub use envelope::Envelope;
pub use ids::{AccountId, ClusterId, CommandId, ConceptId, DocumentId, WorkspaceId};
pub use stream::{Aggregate, PARTITIONS, Stream, partition};
pub use trace::TraceContext;

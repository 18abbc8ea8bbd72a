//! An event with its metadata: CloudEvents 1.0 attributes plus who asked, in which chain of requests.

use crate::ids::{AccountId, CommandId};
use crate::stream::Stream;
use crate::trace::TraceContext;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One event as it stands, or will stand, in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<E> {
    /// The command that led to it; unique in the log.
    pub id: CommandId,
    /// Whose event it is.
    pub stream: Stream,
    /// When the command was decided.
    pub time: DateTime<Utc>,
    /// Who asked.
    pub actor: AccountId,
    /// The chain of requests that it belongs to.
    pub correlation: Uuid,
    /// The command or event that caused it, when it was not asked for directly.
    pub causation: Option<Uuid>,
    /// The trace that it belongs to, if the client has one or services send traces.
    pub trace: Option<TraceContext>,
    /// What happened.
    pub event: E,
}

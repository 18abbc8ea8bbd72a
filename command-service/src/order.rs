//! From a request to an order, the same for every noun: who asks, in which request, under which conditions.

use crate::decider::{Decider, Order};
use crate::idempotency;
use domain::Aggregate;
use events::{CommandId, DocumentId, Stream, WorkspaceId};
use poem::Request;
use poem_openapi::param::Header;
use runtime::auth::Caller;
use runtime::event_log;
use runtime::http::{Authorized, Problem, RequestContext, if_match};
use uuid::Uuid;

/// The `Idempotency-Key` header.
pub(crate) type Key = Header<Option<String>>;

/// The `If-Match` header.
pub(crate) type IfMatch = Header<Option<String>>;

/// What a request says besides its command.
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    /// The idempotency key, checked.
    pub(crate) key: Option<String>,
    context: RequestContext,
    allowed: Option<Vec<u64>>,
}

impl Asked {
    /// Reads what every command may carry.
    ///
    /// # Errors
    /// 400 for a malformed key.
    pub(crate) fn of(request: &Request, Authorized(caller): Authorized, Header(key): Key) -> Result<Self, Problem> {
        Ok(Self { caller, key: idempotency::key(key)?, context: context(request), allowed: None })
    }

    /// Gives it a key of ours. It has a space, which no client's has: it never stands for another command.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Adds the state that the client has seen.
    ///
    /// # Errors
    /// 400 for a malformed entity tag.
    pub(crate) fn only_if(mut self, Header(value): IfMatch) -> Result<Self, Problem> {
        self.allowed = if_match(value.as_deref())?;
        Ok(self)
    }

    /// The workspace that is spoken of.
    pub(crate) fn workspace(&self) -> WorkspaceId {
        self.caller.workspace
    }

    /// The stream of a document.
    pub(crate) fn document(&self, id: Uuid) -> Stream {
        Stream::document(self.caller.workspace, DocumentId(id))
    }

    /// The id of a command on a stream.
    pub(crate) fn command_id(&self, stream: &Stream) -> CommandId {
        idempotency::command_id(self.key.as_deref(), self.caller.account, stream)
    }

    /// Whether this is a retry of a command that was done: it needs no checks, as it gets its first answer.
    pub(crate) async fn is_retry<A>(&self, decider: &Decider<A>, stream: Stream) -> Result<bool, event_log::Error>
    where
        A: Aggregate,
        A::Command: Clone,
    {
        match self.key {
            Some(_) => decider.remembers(stream, self.command_id(&stream)).await,
            // Without a key every command is another.
            None => Ok(false),
        }
    }

    /// The order of a command on a stream that has events, or may have.
    pub(crate) fn order<C>(&self, stream: Stream, command: C) -> Order<C> {
        Order {
            stream,
            id: self.command_id(&stream),
            command,
            actor: self.caller.account,
            context: self.context.clone(),
            allowed: self.allowed.clone(),
            is_creation: false,
        }
    }

    /// The order of a command that begins a stream.
    pub(crate) fn creation<C>(&self, stream: Stream, command: C) -> Order<C> {
        Order { allowed: None, is_creation: true, ..self.order(stream, command) }
    }
}

/// What the edge knows of the request.
pub(crate) fn context(request: &Request) -> RequestContext {
    request.data::<RequestContext>().expect("the edge gives every request its context").clone()
}

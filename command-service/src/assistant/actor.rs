//! Who the assistant is in the log.

use crate::decider::Order;
use events::{AccountId, CommandId, Stream};
use runtime::http::RequestContext;

/// No account can register this name: user names have no colon.
const NAME: &str = "syncboard:assistant";

/// A command of the assistant. What it answers is its key: asked twice, the first answer stands.
pub(super) fn order<C>(stream: Stream, key: &str, command: C) -> Order<C> {
    let actor = AccountId::of_username(NAME);
    let id = CommandId::of_key(actor, &stream, key);
    let context = RequestContext { id: id.0, trace: None };
    Order { stream, id, command, actor, context, allowed: None, is_creation: false }
}

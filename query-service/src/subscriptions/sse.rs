//! Server-Sent Events: a subscription as the body of an answer. The server asks for the next piece when it can send one, so
//! the time between two pieces is the time that the client took.

use super::message::Message;
use super::subscription::{Closed, Next, Subscription};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

const CONTENT_TYPE: &str = "text/event-stream";
/// How long a client waits before it connects again, in milliseconds.
const RETRY: u32 = 1_000;

/// An event stream, documented as `T`.
pub(crate) struct EventStream<T> {
    body: Body,
    documented: PhantomData<T>,
}

/// A stream of blocks.
struct Blocks {
    subscription: Subscription,
    /// When the piece before was handed to the server; `None` before the first.
    handed: Option<Instant>,
    is_closed: bool,
}

impl<T> EventStream<T> {
    /// The stream of a subscription.
    pub(crate) fn of(subscription: Subscription) -> Self {
        let blocks = Blocks { subscription, handed: None, is_closed: false };
        Self { body: Body::from_bytes_stream(stream::unfold(blocks, Blocks::next)), documented: PhantomData }
    }
}

impl Blocks {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if self.is_closed {
            return None;
        }
        let bytes = match self.handed {
            None => Bytes::from(format!("retry: {RETRY}\n{}", self.heartbeat())),
            Some(handed) if handed.elapsed() > self.subscription.patience() => self.closed(Closed::TooSlow),
            Some(_) => match self.subscription.next().await {
                Next::Messages(messages) => joined(&messages),
                Next::Heartbeat => self.heartbeat().into(),
                Next::Closed(closed) => self.closed(closed),
            },
        };
        self.handed = Some(Instant::now());
        Some((Ok(bytes), self))
    }

    /// A block without data: it says nothing, and moves the client's last event id on.
    fn heartbeat(&self) -> String {
        format!(": heartbeat\nid: {}\n\n", self.subscription.position())
    }

    fn closed(&mut self, closed: Closed) -> Bytes {
        self.is_closed = true;
        let resume = self.subscription.position();
        format!("id: {resume}\nevent: closed\ndata: {}\n\n", closed.told(resume)).into()
    }
}

/// One message is sent as it is, shared by all; more are joined, so that one write takes them.
fn joined(messages: &[Arc<Message>]) -> Bytes {
    if let [message] = messages {
        return message.frame().clone();
    }
    let mut bytes = BytesMut::with_capacity(messages.iter().map(|message| message.frame().len()).sum());
    for message in messages {
        bytes.extend_from_slice(message.frame());
    }
    bytes.freeze()
}

impl<T: Send> IntoResponse for EventStream<T> {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(CONTENT_TYPE)
            .header("cache-control", "no-store")
            // Proxies that buffer answers would hold messages back.
            .header("x-accel-buffering", "no")
            .body(self.body)
    }
}

impl<T: Type> ApiResponse for EventStream<T> {
    fn meta() -> MetaResponses {
        let items = Some(Box::new(T::schema_ref()));
        let schema = MetaSchema { items, ..MetaSchema::new_with_format("array", "event-stream") };
        let content =
            vec![MetaMediaType { content_type: CONTENT_TYPE, schema: MetaSchemaRef::Inline(Box::new(schema)) }];
        let description = "The stream; `data` of each block is an event.";
        MetaResponses {
            responses: vec![MetaResponse {
                description,
                status: Some(200),
                status_range: None,
                content,
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

//! What subscribers receive of an event: CloudEvents 1.0 in structured mode, written once and shared by all of them.

use bytes::Bytes;
use chrono::SecondsFormat;
use events::{
    Aggregate, CommandId, Content, DocumentId, Envelope, EventType, Stream, WorkspaceId, cluster, concept, document,
};
use poem_openapi::Object;
use poem_openapi::types::{Any, Example};
use runtime::event_log::{Error, Recorded};
use runtime::http::example;
use serde::Serialize;
use serde_json::Value;
use std::ops::Range;
use uuid::{Uuid, uuid};

/// An event: the same attributes and the same data as on `syncboard.live.>`, as one object, without texts.
#[derive(Serialize, Object)]
#[oai(rename = "Event", skip_serializing_if_is_none, example)]
pub(crate) struct EventView {
    /// Version of CloudEvents, `1.0`.
    specversion: String,
    /// The command that led to it; unique in the log.
    id: Uuid,
    /// What happened, with the version of its data: `syncboard.document.retitled.v1`.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: String,
    /// `/workspaces/<id>`.
    source: String,
    /// Aggregate and id: `document/<id>`.
    subject: String,
    /// When (RFC 3339, UTC).
    time: String,
    /// Where it stands in the log.
    sequence: u64,
    /// Which account asked for it.
    actor: Uuid,
    /// The chain of requests that it belongs to.
    correlation: Uuid,
    /// The command or event that caused it; absent when it was asked for directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<Uuid>,
    /// Media type of `data`.
    datacontenttype: String,
    /// What the event says, as in `schema/events`; texts are left out.
    data: Any<Value>,
}

impl Example for EventView {
    fn example() -> Self {
        let revised = document::Revised {
            media_type: example::MEDIA_TYPE.to_owned(),
            content: Content::of(example::REVISED_TEXT.to_owned()),
        };
        Self::of(
            example::REVISED,
            &Envelope {
                id: CommandId(uuid!("0198c5f6-428f-7e85-b06d-2c8f5a917e34")),
                stream: Stream::document(example::workspace(), DocumentId(example::DOCUMENT)),
                time: example::revised_at(),
                actor: example::account(),
                correlation: uuid!("0198c5f6-428e-7a3b-9d52-e7604b1c8f29"),
                causation: None,
                trace: None,
                event: document::Event::Revised(revised),
            },
        )
    }
}

/// An event on its way to subscribers.
pub(crate) struct Message {
    /// Where it stands in the log.
    pub(crate) sequence: u64,
    /// Whose event it is.
    pub(crate) stream: Stream,
    /// Its kind, such as `retitled`.
    pub(crate) kind: &'static str,
    /// The tag that it puts on or takes off.
    pub(crate) tag: Option<String>,
    /// The cluster that it moves a document to.
    pub(crate) cluster: Option<Uuid>,
    frame: Bytes,
    json: Range<usize>,
}

impl Message {
    /// Reads an event; `None` for one that belongs to no workspace, and for one that only a newer program can read: the
    /// projections have parked it then and told their operator, and go on.
    pub(crate) fn readable(recorded: &Recorded) -> Option<(WorkspaceId, Self)> {
        Self::of(recorded).unwrap_or_else(|error| {
            tracing::warn!(error = runtime::service::chain(&error), "an event cannot be shown to subscribers");
            None
        })
    }

    fn of(recorded: &Recorded) -> Result<Option<(WorkspaceId, Self)>, Error> {
        let Some(workspace) = recorded.stream.workspace else {
            return Ok(None);
        };
        let message = match recorded.stream.aggregate {
            Aggregate::Document => Self::of_document(recorded)?,
            Aggregate::Cluster => Self::written(recorded, &recorded.decode::<cluster::Event>()?),
            Aggregate::Concept => Self::written(recorded, &recorded.decode::<concept::Event>()?),
            Aggregate::Account | Aggregate::Unknown(_) => return Ok(None),
        };
        Ok(Some((workspace, message)))
    }

    fn of_document(recorded: &Recorded) -> Result<Self, Error> {
        let envelope = recorded.decode::<document::Event>()?;
        let mut message = Self::written(recorded, &envelope);
        if let document::Event::Tagged(document::Tagged { tag })
        | document::Event::Untagged(document::Untagged { tag }) = &envelope.event
        {
            message.tag = Some(tag.clone());
        } else if let document::Event::MovedToCluster(moved) = &envelope.event {
            message.cluster = Some(moved.cluster.0);
        }
        Ok(message)
    }

    fn written<E: EventType>(recorded: &Recorded, envelope: &Envelope<E>) -> Self {
        let (stream, sequence, kind) = (recorded.stream, recorded.sequence, envelope.event.kind());
        let json = serde_json::to_vec(&EventView::of(sequence, envelope)).expect("a view is plain JSON");
        let mut frame = format!("id: {sequence}\nevent: {}.{kind}\ndata: ", stream.aggregate.name()).into_bytes();
        let begin = frame.len();
        frame.extend_from_slice(&json);
        let json = begin..frame.len();
        frame.extend_from_slice(b"\n\n");
        Self { sequence, stream, kind, tag: None, cluster: None, frame: frame.into(), json }
    }

    /// A message that says nothing but where it stands.
    #[cfg(test)]
    pub(super) fn at(sequence: u64, stream: Stream) -> Self {
        Self { sequence, stream, kind: "tagged", tag: None, cluster: None, frame: Bytes::new(), json: 0..0 }
    }

    /// As a block of an event stream (HTML standard, section 9.2).
    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// As JSON alone.
    pub(crate) fn json(&self) -> &str {
        std::str::from_utf8(&self.frame[self.json.clone()]).expect("JSON is UTF-8")
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.frame.len() + 256
    }
}

impl EventView {
    fn of<E: EventType>(sequence: u64, envelope: &Envelope<E>) -> Self {
        let stream = &envelope.stream;
        let mut data = serde_json::from_slice(&envelope.event.body()).unwrap_or(Value::Null);
        if let Some(content) = data.get_mut("content").and_then(Value::as_object_mut) {
            content.remove("text");
        }
        Self {
            specversion: "1.0".to_owned(),
            id: envelope.id.0,
            kind: envelope.event.type_name(),
            source: stream
                .workspace
                .map_or_else(|| "/system".to_owned(), |workspace| format!("/workspaces/{workspace}")),
            subject: format!("{}/{}", stream.aggregate.name(), stream.id),
            time: envelope.time.to_rfc3339_opts(SecondsFormat::Micros, true),
            sequence,
            actor: envelope.actor.0,
            correlation: envelope.correlation,
            causation: envelope.causation,
            datacontenttype: "application/json".to_owned(),
            data: Any(data),
        }
    }
}

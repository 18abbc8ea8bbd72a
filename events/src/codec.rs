//! Envelopes to and from NATS messages: CloudEvents 1.0 in binary mode (NATS protocol binding), attributes in headers
//! and the event's JSON alone as the body.

use crate::content::Content;
use crate::envelope::Envelope;
use crate::ids::{AccountId, CommandId};
use crate::stream::{Aggregate, Stream};
use crate::trace::TraceContext;
use crate::{account, cluster, concept, document, upcast};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Header names, all lower case.
pub mod header {
    /// CloudEvents version.
    pub const SPECVERSION: &str = "ce-specversion";
    /// Command id.
    pub const ID: &str = "ce-id";
    /// Event type with its version.
    pub const TYPE: &str = "ce-type";
    /// The workspace as a URI reference.
    pub const SOURCE: &str = "ce-source";
    /// Aggregate and id.
    pub const SUBJECT: &str = "ce-subject";
    /// RFC 3339, UTC, microseconds.
    pub const TIME: &str = "ce-time";
    /// Media type of the body.
    pub const CONTENT_TYPE: &str = "datacontenttype";
    /// W3C trace context: the span that appended it.
    pub const TRACEPARENT: &str = "traceparent";
    /// W3C trace context: what tracing systems add.
    pub const TRACESTATE: &str = "tracestate";
    /// Account that asked.
    pub const ACTOR: &str = "syncboard-actor";
    /// Chain of requests.
    pub const CORRELATION: &str = "syncboard-correlation";
    /// Cause, when it was not asked for directly.
    pub const CAUSATION: &str = "syncboard-causation";
}

/// Why a message cannot be read as an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A header that every event carries is missing or malformed.
    #[error("header {0} is missing or malformed")]
    Header(&'static str),
    /// No such kind of aggregate is known.
    #[error("unknown aggregate {0}")]
    UnknownAggregate(String),
    /// No such event type is known.
    #[error("unknown event type {0}")]
    UnknownType(String),
    /// The version is newer than this program.
    #[error("event type {kind} has version {version}, this program knows up to {newest}")]
    UnknownVersion {
        /// Event kind.
        kind: String,
        /// Version found.
        version: u32,
        /// Newest version known.
        newest: u32,
    },
    /// The body is not what its type promises.
    #[error("body does not fit its event type")]
    Body(#[from] serde_json::Error),
}

/// One kind of event and its newest version.
pub struct Kind {
    /// Past participle in lower case, as in the event type.
    pub name: &'static str,
    /// Newest version, from 1.
    pub version: u32,
    /// JSON Schema (2020-12) of the body in that version.
    pub schema: fn() -> schemars::Schema,
}

impl Kind {
    pub(crate) const fn of<T: JsonSchema>(name: &'static str, version: u32) -> Self {
        Self { name, version, schema: || schemars::schema_for!(T) }
    }
}

/// The events of one aggregate.
pub trait EventType: Sized {
    /// Whose events they are.
    const AGGREGATE: Aggregate;
    /// Every kind, with its newest version.
    const KINDS: &'static [Kind];
    /// How older versions become newer ones.
    const UPCASTERS: &'static [upcast::Upcaster];

    /// The kind of this event.
    fn kind(&self) -> &'static str;
    /// Its JSON.
    fn body(&self) -> Vec<u8>;
    /// Reads a body of the kind's newest version.
    ///
    /// # Errors
    /// [`Error::UnknownType`] and [`Error::Body`].
    fn from_newest(kind: &str, body: &[u8]) -> Result<Self, Error>;

    /// The full type: `syncboard.<aggregate>.<kind>.v<version>`.
    fn type_name(&self) -> String {
        let version = Self::KINDS.iter().find(|kind| kind.name == self.kind()).map_or(1, |kind| kind.version);
        type_name(Self::AGGREGATE, self.kind(), version)
    }

    /// Reads a body of any version, older ones through their upcasters.
    ///
    /// # Errors
    /// Every variant of [`Error`] but [`Error::Header`].
    fn from_version(kind: &str, version: u32, body: &[u8]) -> Result<Self, Error> {
        let known = Self::KINDS.iter().find(|known| known.name == kind);
        let newest = known.ok_or_else(|| Error::UnknownType(kind.to_owned()))?.version;
        match version {
            version if version == newest => Self::from_newest(kind, body),
            0 => Err(Error::UnknownType(format!("{kind}.v0"))),
            version if version < newest => {
                Self::from_newest(kind, &upcast::to_newest(Self::UPCASTERS, kind, version..newest, body)?)
            }
            version => Err(Error::UnknownVersion { kind: kind.to_owned(), version, newest }),
        }
    }
}

/// Declares the events of an aggregate as one enum with its codec, from a table of types, kinds and newest versions.
macro_rules! events {
    (
        $(#[$doc:meta])*
        $aggregate:ident { $($event:ident: $kind:literal $version:literal,)* }
        upcasters: [$($upcaster:expr),*]
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $(
                #[doc = concat!("See [`", stringify!($event), "`].")]
                $event($event),
            )*
        }

        impl crate::codec::EventType for Event {
            const AGGREGATE: crate::stream::Aggregate = crate::stream::Aggregate::$aggregate;
            const KINDS: &'static [crate::codec::Kind] = &[$(crate::codec::Kind::of::<$event>($kind, $version)),*];
            const UPCASTERS: &'static [crate::upcast::Upcaster] = &[$($upcaster),*];

            fn kind(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => $kind,)*
                }
            }

            fn body(&self) -> Vec<u8> {
                match self {
                    $(Self::$event(event) => crate::codec::to_json(event),)*
                }
            }

            fn from_newest(kind: &str, body: &[u8]) -> Result<Self, crate::codec::Error> {
                match kind {
                    $($kind => Ok(Self::$event(serde_json::from_slice(body)?)),)*
                    unknown => Err(crate::codec::Error::UnknownType(unknown.to_owned())),
                }
            }
        }
    };
}
pub(crate) use events;

/// An event of any aggregate, for those who follow the whole log.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyEvent {
    /// Of a document.
    Document(document::Event),
    /// Of a cluster.
    Cluster(cluster::Event),
    /// Of a concept.
    Concept(concept::Event),
    /// Of an account.
    Account(account::Event),
}

impl AnyEvent {
    /// The text that the event brings to a document, if it brings one.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Document(event) => event.content(),
            Self::Cluster(_) | Self::Concept(_) | Self::Account(_) => None,
        }
    }
}

/// A message ready to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The event's JSON.
    pub body: Vec<u8>,
}

/// Writes an envelope as a message.
#[must_use]
pub fn encode<E: EventType>(envelope: &Envelope<E>) -> Encoded {
    let stream = &envelope.stream;
    let source = match stream.workspace {
        Some(workspace) => format!("/workspaces/{workspace}"),
        None => "/system".to_owned(),
    };
    let mut headers = vec![
        (header::SPECVERSION, "1.0".to_owned()),
        (header::ID, envelope.id.to_string()),
        (header::TYPE, envelope.event.type_name()),
        (header::SOURCE, source),
        (header::SUBJECT, format!("{}/{}", stream.aggregate.name(), stream.id)),
        (header::TIME, envelope.time.to_rfc3339_opts(SecondsFormat::Micros, true)),
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ACTOR, envelope.actor.to_string()),
        (header::CORRELATION, envelope.correlation.to_string()),
    ];
    headers.extend(envelope.causation.map(|causation| (header::CAUSATION, causation.to_string())));
    if let Some(trace) = &envelope.trace {
        headers.extend(trace_headers(trace));
    }
    Encoded { headers, body: envelope.event.body() }
}

/// Headers of a trace, on messages of any sort.
pub fn trace_headers(trace: &TraceContext) -> impl Iterator<Item = (&'static str, String)> {
    let state = trace.state().map(|state| (header::TRACESTATE, state.to_owned()));
    [(header::TRACEPARENT, trace.parent().to_owned())].into_iter().chain(state)
}

/// Reads a message of a stream whose aggregate is known.
///
/// # Errors
/// Every variant of [`Error`].
pub fn decode<'a, E: EventType>(
    stream: Stream,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
) -> Result<Envelope<E>, Error> {
    let (kind, version) = header(header::TYPE)
        .and_then(|name| parse_type(E::AGGREGATE, name))
        .ok_or_else(|| Error::UnknownType(header(header::TYPE).unwrap_or_default().to_owned()))?;
    let event = E::from_version(kind, version, body)?;
    let id = |name| header(name).and_then(|id| Uuid::parse_str(id).ok());
    Ok(Envelope {
        id: CommandId(id(header::ID).ok_or(Error::Header(header::ID))?),
        stream,
        time: header(header::TIME)
            .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            .ok_or(Error::Header(header::TIME))?
            .with_timezone(&Utc),
        actor: AccountId(id(header::ACTOR).ok_or(Error::Header(header::ACTOR))?),
        correlation: id(header::CORRELATION).ok_or(Error::Header(header::CORRELATION))?,
        causation: id(header::CAUSATION),
        trace: header(header::TRACEPARENT).and_then(|parent| TraceContext::parse(parent, header(header::TRACESTATE))),
        event,
    })
}

/// Reads a message of any stream.
///
/// # Errors
/// Every variant of [`Error`].
pub fn decode_any<'a>(
    stream: Stream,
    header: impl Fn(&'static str) -> Option<&'a str>,
    body: &[u8],
) -> Result<Envelope<AnyEvent>, Error> {
    match stream.aggregate {
        Aggregate::Document => decode(stream, header, body).map(|envelope| envelope.map(AnyEvent::Document)),
        Aggregate::Cluster => decode(stream, header, body).map(|envelope| envelope.map(AnyEvent::Cluster)),
        Aggregate::Concept => decode(stream, header, body).map(|envelope| envelope.map(AnyEvent::Concept)),
        Aggregate::Account => decode(stream, header, body).map(|envelope| envelope.map(AnyEvent::Account)),
        Aggregate::Unknown(_) => Err(Error::UnknownAggregate(stream.aggregate.name().to_owned())),
    }
}

impl<E> Envelope<E> {
    fn map<T>(self, f: impl FnOnce(E) -> T) -> Envelope<T> {
        Envelope {
            id: self.id,
            stream: self.stream,
            time: self.time,
            actor: self.actor,
            correlation: self.correlation,
            causation: self.causation,
            trace: self.trace,
            event: f(self.event),
        }
    }
}

pub(crate) fn type_name(aggregate: Aggregate, kind: &str, version: u32) -> String {
    format!("syncboard.{}.{kind}.v{version}", aggregate.name())
}

fn parse_type(aggregate: Aggregate, name: &str) -> Option<(&str, u32)> {
    let rest = name.strip_prefix("syncboard.")?.strip_prefix(aggregate.name())?.strip_prefix('.')?;
    let (kind, version) = rest.rsplit_once(".v")?;
    Some((kind, version.parse().ok()?))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("events have string keys and no failing serializer")
}

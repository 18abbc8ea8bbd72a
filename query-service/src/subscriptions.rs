//! Subscriptions: the events of a workspace as they become visible, over Server-Sent Events and WebSocket, resumable at any
//! sequence.

mod filter;
mod gate;
mod hub;
mod message;
mod reader;
mod ring;
mod socket;
mod sse;
mod subscription;

pub(crate) use gate::gate;
pub(crate) use hub::Hub;
pub(crate) use reader::read;

use crate::section::Section;
use chrono::{DateTime, Utc};
use events::{Aggregate, EventType, cluster, concept, document};
use filter::Filter;
use gate::Subscriber;
use hub::subscribe;
use message::EventView;
use poem::web::websocket::{BoxWebSocketUpgraded, WebSocket};
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use runtime::auth::Admitted;
use runtime::cache::Cache;
use runtime::clock::{Clock, SystemClock};
use runtime::http::{Authorized, Problem, Refused, Statuses, example};
use serde::Serialize;
use sse::EventStream;
use std::sync::Arc;
use std::time::Duration;
pub(crate) use subscription::Closed;
use subscription::Subscription;
use uuid::Uuid;

/// The routes of subscriptions.
pub(crate) struct Api {
    pub(crate) hub: Arc<Hub>,
    pub(crate) cache: Cache,
}

/// What events can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum AggregateName {
    /// A document.
    Document,
    /// A cluster, as far as users decide about it.
    Cluster,
    /// A concept, as far as users decide about it.
    Concept,
}

/// A ticket.
#[derive(Serialize, Object)]
#[oai(example)]
struct TicketView {
    /// Give it as the parameter `ticket`.
    ticket: String,
    /// Until when it can be used, once.
    expires_at: DateTime<Utc>,
}

impl Example for TicketView {
    fn example() -> Self {
        Self { ticket: "<64 hexadecimal digits>".to_owned(), expires_at: example::time("2025-08-20T05:32:30.041627Z") }
    }
}

#[derive(ApiResponse)]
enum Given {
    /// The ticket.
    #[oai(status = 201)]
    Ticket(
        Json<TicketView>,
        /// `no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

const MALFORMED: (u16, &str) = (400, "`invalid_parameter`.");
const UNAUTHORIZED: (u16, &str) = (401, "`unauthorized`, or `invalid_ticket`: it was used, is over, or never was.");

/// How giving a ticket can fail.
struct TicketStatuses;

impl Statuses for TicketStatuses {
    const ALL: &'static [(u16, &'static str)] =
        &[(401, "`unauthorized`: no valid access token."), (503, "`unavailable`: the store of tickets is away.")];
}

/// How subscribing can fail.
struct SubscriberStatuses;

impl Statuses for SubscriberStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        MALFORMED,
        UNAUTHORIZED,
        (429, "`too_many_subscribers`: of this workspace."),
        (503, "`too_many_subscribers` of this process, or a needed part is away; retry."),
    ];
}

#[OpenApi(tag = "Section::Subscriptions")]
impl Api {
    /// A ticket for one subscription
    ///
    /// Stands for the access token once, within half a minute, where a client can send no header: `EventSource` and
    /// `WebSocket` of browsers. It ends the subscription when the token would have ended.
    #[oai(path = "/v1/tickets", method = "post", operation_id = "create_ticket")]
    async fn ticket(
        &self,
        Authorized(_caller): Authorized,
        request: &poem::Request,
    ) -> Result<Given, Refused<TicketStatuses>> {
        let (admitted, now) = (admitted(request)?, SystemClock.now());
        let left = Duration::from_secs(u64::try_from(admitted.until - now.timestamp()).unwrap_or(0).max(1));
        let lifetime = self.hub.config.ticket_lifetime.min(left);
        let ticket = self
            .cache
            .give_ticket(&admitted, lifetime)
            .await
            .map_err(|away| Problem::unavailable(&away.to_string()))?;
        let view = TicketView { ticket, expires_at: now + lifetime };
        Ok(Given::Ticket(Json(view), "no-store".to_owned()))
    }

    /// Events as they become visible
    ///
    /// Server-Sent Events. `id` is the event's sequence, `event` its aggregate and kind, such as `document.retitled`, `data`
    /// the event. Without a position it begins with what comes next. A heartbeat moves the last event id on; the event
    /// `closed` says why the stream ends and after which sequence to resume.
    #[oai(path = "/v1/events", method = "get", operation_id = "stream_events")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn stream(
        &self,
        _subscriber: Subscriber,
        /// Events after this sequence; 0 for all.
        after: Query<Option<u64>>,
        /// As `after`, and goes before it: what `EventSource` sends when it connects again.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<String>>,
        /// Only events of this kind of aggregate.
        aggregate: Query<Option<AggregateName>>,
        /// Only events of this document, cluster or concept.
        id: Query<Option<Uuid>>,
        /// Only events of these types, such as `document.retitled`; may be repeated.
        #[oai(default, name = "type")]
        types: Query<Vec<String>>,
        /// Only events of documents that have this tag when they are sent, or that get or lose it.
        tag: Query<Option<String>>,
        /// Only events of this cluster, and of documents that stand in it when they are sent.
        cluster: Query<Option<Uuid>>,
        request: &poem::Request,
    ) -> Result<EventStream<EventView>, Refused<SubscriberStatuses>> {
        let filter = filter(aggregate.0, id.0, &types.0, tag.0, cluster.0)?;
        let after = last_event_id.0.map_or(Ok(after.0), |id| position(&id).map(Some))?;
        Ok(EventStream::of(self.subscribe(request, filter, after).await?))
    }

    /// Events as they become visible, over a WebSocket
    ///
    /// Each text message is an event, or `{"type":"position","sequence":N}`: everything up to N was sent. The connection is
    /// closed with code 4401 (`token_expired`), 4408 (`too_slow`) or 1001 (`stopping`) and a reason in JSON with `code` and
    /// the sequence to `resume` after. What a client sends is not read.
    #[oai(path = "/v1/events/socket", method = "get", operation_id = "socket_events")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn socket(
        &self,
        _subscriber: Subscriber,
        /// Events after this sequence; 0 for all.
        after: Query<Option<u64>>,
        /// Only events of this kind of aggregate.
        aggregate: Query<Option<AggregateName>>,
        /// Only events of this document, cluster or concept.
        id: Query<Option<Uuid>>,
        /// Only events of these types, such as `document.retitled`; may be repeated.
        #[oai(default, name = "type")]
        types: Query<Vec<String>>,
        /// Only events of documents that have this tag when they are sent, or that get or lose it.
        tag: Query<Option<String>>,
        /// Only events of this cluster, and of documents that stand in it when they are sent.
        cluster: Query<Option<Uuid>>,
        socket: WebSocket,
        request: &poem::Request,
    ) -> Result<BoxWebSocketUpgraded, Refused<SubscriberStatuses>> {
        let filter = filter(aggregate.0, id.0, &types.0, tag.0, cluster.0)?;
        let subscription = self.subscribe(request, filter, after.0).await?;
        Ok(socket::upgraded(socket, subscription))
    }
}

impl Api {
    async fn subscribe(
        &self,
        request: &poem::Request,
        filter: Filter,
        after: Option<u64>,
    ) -> Result<Subscription, Problem> {
        subscribe(&self.hub, admitted(request)?, filter, after).await
    }
}

fn admitted(request: &poem::Request) -> Result<Admitted, Problem> {
    request.data::<Admitted>().copied().ok_or_else(Problem::unauthorized)
}

fn position(id: &str) -> Result<u64, Problem> {
    id.trim().parse().map_err(|_| Problem::invalid_parameter("Last-Event-ID is no sequence"))
}

fn filter(
    aggregate: Option<AggregateName>,
    id: Option<Uuid>,
    types: &[String],
    tag: Option<String>,
    cluster: Option<Uuid>,
) -> Result<Filter, Problem> {
    let aggregate = aggregate.map(|name| match name {
        AggregateName::Document => Aggregate::Document,
        AggregateName::Cluster => Aggregate::Cluster,
        AggregateName::Concept => Aggregate::Concept,
    });
    let types = types.iter().map(|name| known_type(name)).collect::<Result<_, _>>()?;
    let tag = tag.map(|tag| tag.trim().to_lowercase());
    if tag.as_ref().is_some_and(|tag| tag.contains('\0')) {
        return Err(Problem::invalid_parameter("a tag has no NUL character"));
    }
    Ok(Filter { aggregate, id, types, tag, cluster })
}

/// Reads a type such as `document.retitled`.
fn known_type(name: &str) -> Result<(Aggregate, &'static str), Problem> {
    let kinds = [
        (Aggregate::Document, document::Event::KINDS),
        (Aggregate::Cluster, cluster::Event::KINDS),
        (Aggregate::Concept, concept::Event::KINDS),
    ];
    let known = || {
        let (aggregate, kind) = name.split_once('.')?;
        let (aggregate, kinds) = kinds.into_iter().find(|(known, _)| known.name() == aggregate)?;
        Some((aggregate, kinds.iter().find(|known| known.name == kind)?.name))
    };
    known().ok_or_else(|| Problem::invalid_parameter(format!("there is no event type {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_an_aggregate_and_a_kind() {
        assert_eq!(known_type("document.retitled"), Ok((Aggregate::Document, "retitled")));
        for unknown in ["retitled", "document.flown", "account.registered", "document.", ""] {
            assert!(known_type(unknown).is_err(), "{unknown:?}");
        }
    }
}

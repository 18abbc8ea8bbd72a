//! One subscription: a position in the log that moves on as messages are handed out.
//!
//! Invariant: everything wanted up to the position was handed out, once. From the ring it goes on by sequence. Behind the
//! ring it pages through the log up to an end that the ring had before the page was asked for, and is then at a position
//! of the ring: there is no moment between the two.

use super::filter::Filter;
use super::hub::Place;
use super::message::Message;
use super::ring::{Channel, Read};
use crate::metrics::{BACKLOG_PAGES, CLOSED};
use metrics::counter;
use runtime::EventLog;
use runtime::clock::{Clock, SystemClock};
use runtime::event_log::Pages;
use runtime::http::Problem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};

/// Most messages that are handed out at once.
const MOST: usize = 64;
/// How long it takes to ask again what could not be answered.
const PAUSE: Duration = Duration::from_millis(500);

/// One subscriber's way through the log.
pub(crate) struct Subscription {
    place: Place,
    channel: Option<Arc<Channel>>,
    woken: watch::Receiver<()>,
    log: EventLog,
    filter: Box<Filter>,
    position: u64,
    pages: Option<Box<Pages>>,
    /// Whether it has been in the ring.
    was_live: bool,
    beat: Instant,
    until: Instant,
    /// Goes off at the earlier of the two. It stays from wait to wait, as most waits end before it.
    alarm: Pin<Box<Sleep>>,
}

/// What happens next to a subscriber.
pub(crate) enum Next {
    /// Messages, at least one.
    Messages(Vec<Arc<Message>>),
    /// Nothing for a while; everything up to the position was handed out.
    Heartbeat,
    /// It is over.
    Closed(Closed),
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The subscriber does not take what it is sent.
    TooSlow,
    /// What admitted the subscriber has ended.
    TokenExpired,
    /// The process stops.
    Stopping,
}

impl Closed {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::TooSlow, Self::TokenExpired, Self::Stopping];

    /// The word for programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::TokenExpired => "token_expired",
            Self::Stopping => "stopping",
        }
    }

    /// What the subscriber is told last: the code, and after which sequence to resume.
    pub(crate) fn told(self, resume: u64) -> String {
        counter!(CLOSED, "code" => self.code()).increment(1);
        format!(r#"{{"code":"{}","resume":{resume}}}"#, self.code())
    }
}

impl Subscription {
    /// A subscription after a position, valid until a second since 1970.
    pub(super) fn new(place: Place, log: EventLog, filter: Filter, position: u64, until: i64) -> Self {
        let channel = place.hub().ring.channel(place.workspace());
        // Valid to the end of that second; and no token of a century is told apart from one for ever.
        let left = until.saturating_add(1).saturating_mul(1_000).saturating_sub(SystemClock.now().timestamp_millis());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0).min(3_000_000_000_000));
        let now = Instant::now();
        let (woken, beat, until) = (channel.woken(), now + place.hub().config.heartbeat, now + left);
        Self {
            channel: Some(channel),
            woken,
            log,
            filter: Box::new(filter),
            position,
            pages: None,
            was_live: false,
            beat,
            until,
            alarm: Box::pin(sleep_until(beat.min(until))),
            place,
        }
    }

    /// Up to where everything was handed out.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How long a subscriber may take nothing.
    pub(crate) fn patience(&self) -> Duration {
        self.place.hub().config.subscriber_timeout
    }

    /// How long silence lasts before a heartbeat.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.place.hub().config.heartbeat
    }

    /// Waits for what happens next. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            let now = Instant::now();
            if self.place.hub().is_stopping() {
                return Next::Closed(Closed::Stopping);
            }
            if now >= self.until {
                return Next::Closed(Closed::TokenExpired);
            }
            if now >= self.beat {
                self.beat = now + self.place.hub().config.heartbeat;
                self.alarm.as_mut().reset(self.beat.min(self.until));
                return Next::Heartbeat;
            }
            self.woken.borrow_and_update();
            match self.advance().await {
                Ok(Some((messages, _))) if !messages.is_empty() => {
                    self.place.hub().messages.increment(messages.len() as u64);
                    return Next::Messages(messages);
                }
                Ok(Some((_, true))) => {}
                Ok(Some((_, false))) => {
                    tokio::select! {
                        _ = self.woken.changed() => {}
                        () = &mut self.alarm => {}
                    }
                }
                Ok(None) => return Next::Closed(Closed::TooSlow),
                Err(problem) => {
                    tracing::debug!(%problem, "a subscriber waits for a part that is away");
                    sleep(PAUSE.min(self.heartbeat())).await;
                }
            }
        }
    }

    /// Moves on: what is wanted of the next messages, and whether there may be more; `None` if it is too far behind.
    async fn advance(&mut self) -> Result<Option<(Vec<Arc<Message>>, bool)>, Problem> {
        let hub = self.place.hub().clone();
        let Some(channel) = &self.channel else { return Ok(None) };
        let (messages, position, pages, has_more) = match hub.ring.read(channel, self.position, MOST) {
            Read::Messages(messages, position) => {
                self.was_live = true;
                let has_more = messages.len() == MOST;
                (messages, position, None, has_more)
            }
            Read::Behind if self.was_live && self.lag() > hub.config.subscriber_lag => return Ok(None),
            Read::Behind => {
                let (messages, position, pages) = Box::pin(self.page()).await?;
                (messages, position, pages, true)
            }
        };
        let messages = self.filter.keep_plainly(messages);
        let wanted = match messages.is_empty() || !self.filter.must_ask() {
            true => messages,
            // Apart, as few need the room that asking takes.
            false => Box::pin(self.filter.keep(&hub.tables, self.place.workspace(), messages)).await?,
        };
        // Nothing is waited for between these: whoever is dropped before them asks for the same again.
        (self.position, self.pages) = (position, pages);
        Ok(Some((wanted, has_more)))
    }

    fn lag(&self) -> u64 {
        self.place.hub().ring.end().saturating_sub(self.position)
    }

    /// The next page of the log, no further than the ring reaches, the position after it, and the pages after that. Nothing
    /// and the same again where the turn does not come before there is something else to do.
    async fn page(&mut self) -> Result<(Vec<Arc<Message>>, u64, Option<Box<Pages>>), Problem> {
        let hub = self.place.hub().clone();
        let turn = timeout_at(self.beat.min(self.until), hub.readers.acquire()).await;
        let Ok(Ok(_reading)) = turn else { return Ok((Vec::new(), self.position, self.pages.take())) };
        let end = hub.ring.end();
        let anew = || Box::new(self.log.pages(self.filter.subject(self.place.workspace()), self.position));
        let mut pages = self.pages.take().unwrap_or_else(anew);
        let page = pages.next(MOST).await?;
        counter!(BACKLOG_PAGES).increment(1);
        let reached = page.events.last().map_or(self.position, |event| event.sequence);
        let mut messages = Vec::with_capacity(page.events.len());
        for recorded in page.events.iter().filter(|recorded| recorded.sequence <= end) {
            messages.extend(Message::readable(recorded).map(|(_, message)| Arc::new(message)));
        }
        let is_through = page.is_last || reached >= end;
        Ok(if is_through { (messages, end, None) } else { (messages, reached, Some(pages)) })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.take() {
            self.place.hub().ring.give_back(self.place.workspace(), channel);
        }
    }
}

//! WebSocket: a subscription as text messages. What a client sends is read only to know that it is there.

use super::subscription::{Closed, Next, Subscription};
use futures_util::{FutureExt, SinkExt, StreamExt};
use poem::web::websocket::{BoxWebSocketUpgraded, CloseCode, Message, WebSocket, WebSocketConfig, WebSocketStream};
use std::pin::pin;
use std::time::Instant;
use tokio::time::timeout;

/// Largest message that a client may send; none needs to.
const MOST_RECEIVED: usize = 4_096;
/// Bytes that are read at once.
const READ_BUFFER: usize = 512;
/// Bytes that are written at once, where more messages than one are there.
const WRITE_BUFFER: usize = 4_096;
/// Heartbeats after which a client that says nothing, not even that it has heard them, is taken for dead.
const SILENT_HEARTBEATS: u32 = 4;

/// Upgrades a request to the socket of a subscription.
pub(crate) fn upgraded(socket: WebSocket, subscription: Subscription) -> BoxWebSocketUpgraded {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(MOST_RECEIVED))
        .max_frame_size(Some(MOST_RECEIVED));
    socket.config(config).on_upgrade(move |socket| run(socket, subscription).boxed()).boxed()
}

/// Serves a subscriber to the end of its subscription or connection, whichever comes first.
async fn run(mut socket: WebSocketStream, mut subscription: Subscription) {
    let mut heard = Instant::now();
    let mut sent = subscription.position();
    let mut next = Next::Heartbeat;
    let why = loop {
        let outcome = match next {
            Next::Messages(messages) => {
                let mut outcome = Sent::Yes;
                for message in &messages {
                    outcome = feed(&mut socket, &subscription, Message::text(message.json())).await;
                    if !matches!(outcome, Sent::Yes) {
                        break;
                    }
                    sent = message.sequence;
                }
                outcome.and(flush(&mut socket, &subscription)).await
            }
            Next::Heartbeat if heard.elapsed() > subscription.heartbeat() * SILENT_HEARTBEATS => return,
            Next::Heartbeat => {
                let position = format!(r#"{{"type":"position","sequence":{}}}"#, subscription.position());
                let outcome = feed(&mut socket, &subscription, Message::text(position)).await;
                if matches!(outcome, Sent::Yes) {
                    sent = subscription.position();
                }
                let outcome = outcome.and(feed(&mut socket, &subscription, Message::ping(Vec::new()))).await;
                outcome.and(flush(&mut socket, &subscription)).await
            }
            Next::Closed(closed) => break closed,
        };
        match outcome {
            Sent::Yes => {}
            Sent::TooSlow => break Closed::TooSlow,
            Sent::Gone => return,
        }
        let comes = {
            // Goes on whatever the client sends: a page of the log that is given up is asked for anew.
            let mut coming = pin!(subscription.next());
            loop {
                tokio::select! {
                    next = &mut coming => break Some(next),
                    received = socket.next() => match received {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {
                            heard = Instant::now();
                        }
                    },
                }
            }
        };
        next = match comes {
            Some(next) => next,
            None => return leave(socket, &subscription).await,
        };
    };
    let code = match why {
        Closed::TooSlow => CloseCode::Reserved(4408),
        Closed::TokenExpired => CloseCode::Reserved(4401),
        Closed::Stopping => CloseCode::Away,
    };
    let last = Message::close_with(code, why.told(sent));
    // A client that reads again hears it after all; one that never does is cut off by the connection's own patience.
    if socket.send(last).await.is_ok() {
        // The client's answer, or its end, lets the connection end without an error.
        let answered = async { while let Some(Ok(_)) = socket.next().await {} };
        drop(timeout(subscription.patience(), answered).await);
    }
}

/// What became of a message.
enum Sent {
    /// It is on its way, before all that follows.
    Yes,
    TooSlow,
    Gone,
}

impl Sent {
    /// What becomes of the next step, if this one went well.
    async fn and(self, next: impl Future<Output = Self>) -> Self {
        match self {
            Self::Yes => next.await,
            Self::TooSlow | Self::Gone => self,
        }
    }

    fn of<E, F>(outcome: Result<Result<(), E>, F>) -> Self {
        match outcome {
            Ok(Ok(())) => Self::Yes,
            Ok(Err(_)) => Self::Gone,
            Err(_) => Self::TooSlow,
        }
    }
}

/// Queues a message as soon as the client has taken those before it.
async fn feed(socket: &mut WebSocketStream, subscription: &Subscription, message: Message) -> Sent {
    Sent::of(timeout(subscription.patience(), socket.feed(message)).await)
}

/// Sends what is queued.
async fn flush(socket: &mut WebSocketStream, subscription: &Subscription) -> Sent {
    Sent::of(timeout(subscription.patience(), socket.flush()).await)
}

/// Answers the client's goodbye.
async fn leave(mut socket: WebSocketStream, subscription: &Subscription) {
    drop(timeout(subscription.patience(), socket.close()).await);
}

//! The connection to NATS, which comes back by itself, and takes another credential when there is another.

use super::Error;
use crate::config::{self, Secret};
use crate::metrics::{LOG_COMPLAINTS, LOG_DISCONNECTIONS};
use crate::rotation::{Refusal, follow};
use async_nats::{Auth, Client, ConnectOptions, Event, ServerAddr};
use metrics::counter;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::{sleep, timeout};

/// How often a new connection is looked for.
const POLL: Duration = Duration::from_millis(5);

/// Held by whoever waits for an answer: the connection is not replaced meanwhile. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Steady(Arc<RwLock<()>>);

impl Steady {
    /// Waits until the connection is not being replaced, and keeps it from being so.
    pub(super) async fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().await
    }
}

/// User and password; clones share them.
#[derive(Clone, Default)]
struct Credential(Arc<std::sync::RwLock<Auth>>);

impl Credential {
    /// The client does not take it from an address by itself.
    fn of(servers: &[ServerAddr]) -> Self {
        let mut auth = Auth::new();
        if let Some((user, password)) = servers.iter().find_map(|server| Some((server.username()?, server.password()?)))
        {
            (auth.username, auth.password) = (Some(user.to_owned()), Some(password.to_owned()));
        }
        Self(Arc::new(std::sync::RwLock::new(auth)))
    }

    fn now(&self) -> Auth {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, with: &Self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = with.now();
    }

    /// Options whose connections log in with what it is then.
    fn options(&self, config: &config::Nats) -> ConnectOptions {
        let credential = self.clone();
        let options = ConnectOptions::with_auth_callback(move |_| {
            let auth = credential.now();
            async move { Ok(auth) }
        });
        options.connection_timeout(config.nats_timeout).request_timeout(Some(config.nats_timeout))
    }
}

/// Connects to NATS and stays connected: it tries again for ever, at most 250 ms apart.
///
/// # Errors
/// [`Error::Unavailable`] when the first connection fails.
pub async fn connect(config: &config::Nats, name: &str) -> Result<Client, Error> {
    connect_steady(config, name, &Steady::default()).await
}

/// As [`connect`], and replaced only when nobody holds it.
pub(super) async fn connect_steady(config: &config::Nats, name: &str, steady: &Steady) -> Result<Client, Error> {
    open(config, name, steady, |options| options).await
}

/// As [`connect`], but the first connection too is made when the server is there; for those who can do without.
///
/// # Errors
/// [`Error::Unavailable`] for an address that is none.
pub async fn connect_in_background(config: &config::Nats, name: &str) -> Result<Client, Error> {
    open(config, name, &Steady::default(), ConnectOptions::retry_on_initial_connect).await
}

/// Whether a connection stands now.
#[must_use]
pub fn is_connected(client: &Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected
}

async fn open(
    config: &config::Nats,
    name: &str,
    steady: &Steady,
    more: fn(ConnectOptions) -> ConnectOptions,
) -> Result<Client, Error> {
    let servers = servers(&config.nats_url).map_err(Error::unavailable)?;
    let credential = Credential::of(&servers);
    let options = more(lasting(credential.options(config), name));
    let client = options.connect(servers).await.map_err(Error::unavailable)?;
    let (followed, config, steady) = (client.clone(), config.clone(), steady.clone());
    follow(&config.nats_url.clone(), "NATS_URL", move |url| {
        let (client, config, credential, steady) =
            (followed.clone(), config.clone(), credential.clone(), steady.clone());
        async move { replace(&client, &config, &url, &credential, &steady).await }
    });
    Ok(client)
}

fn servers(url: &Secret) -> Result<Vec<ServerAddr>, std::io::Error> {
    url.expose().split(',').map(|url| url.trim().parse()).collect()
}

/// Connects anew at another address, once a server there lets somebody in, and when nobody waits for an answer.
async fn replace(
    client: &Client,
    config: &config::Nats,
    url: &Secret,
    credential: &Credential,
    steady: &Steady,
) -> Result<(), Refusal> {
    let servers = servers(url)?;
    let other = Credential::of(&servers);
    drop(other.options(config).connect(servers.clone()).await?);
    client.set_server_pool(servers).await?;
    credential.replace(&other);
    let _nobody = steady.0.write().await;
    let made = || client.statistics().connects.load(Ordering::Relaxed);
    let before = made();
    client.force_reconnect().await?;
    let connected = async {
        while made() == before || !is_connected(client) {
            sleep(POLL).await;
        }
    };
    // Should it take longer, it goes on by itself, as after every other loss of a connection.
    drop(timeout(config.nats_timeout, connected).await);
    Ok(())
}

fn lasting(options: ConnectOptions, name: &str) -> ConnectOptions {
    options
        .name(name)
        .ping_interval(Duration::from_secs(5))
        .client_capacity(4_096)
        .reconnect_delay_callback(|attempts| Duration::from_millis((10 << attempts.min(5)).min(250)))
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("nats connected"),
                Event::Disconnected => {
                    counter!(LOG_DISCONNECTIONS).increment(1);
                    tracing::warn!("nats disconnected");
                }
                Event::LameDuckMode => complaint("lame_duck", &event),
                Event::SlowConsumer(_) => complaint("slow_consumer", &event),
                Event::ServerError(_) => complaint("server", &event),
                Event::ClientError(_) => complaint("client", &event),
                Event::Draining | Event::Closed => tracing::warn!(%event, "nats event"),
            }
        })
}

/// Counts a complaint, of a kind that is in [`crate::metrics::COMPLAINTS`].
fn complaint(kind: &'static str, event: &Event) {
    counter!(LOG_COMPLAINTS, "kind" => kind).increment(1);
    tracing::warn!(%event, "nats event");
}

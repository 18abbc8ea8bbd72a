//! The connection to NATS, which comes back by itself, and takes another credential when there is another.

use super::{Error, provision};
use crate::config::{self, Secret};
use crate::metrics::{LOG_COMPLAINTS, LOG_DISCONNECTIONS};
use crate::rotation::{Following, Refusal, follow};
use async_nats::{Auth, Client, ConnectOptions, Event, ServerAddr, jetstream};
use metrics::counter;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::{sleep, timeout};

/// How often a new connection is looked for.
const POLL: Duration = Duration::from_millis(5);

/// A connection to NATS and JetStream over it, which takes another credential when there is another; clones share it.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    context: jetstream::Context,
    steady: Steady,
    _following: Arc<Following>,
}

/// Held by whoever waits for an answer: the connection is not replaced meanwhile.
type Steady = Arc<RwLock<()>>;

impl Connection {
    /// Connects to NATS and stays connected: it tries again for ever, at most 250 ms apart.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the first connection fails.
    pub async fn open(config: &config::Nats, name: &str) -> Result<Self, Error> {
        Self::begin(config, name, |options| options).await
    }

    /// As [`Connection::open`], but the first connection too is made when the server is there; for those who can do without.
    ///
    /// # Errors
    /// [`Error::Unavailable`] for an address that is none.
    pub async fn open_in_background(config: &config::Nats, name: &str) -> Result<Self, Error> {
        Self::begin(config, name, ConnectOptions::retry_on_initial_connect).await
    }

    async fn begin(
        config: &config::Nats,
        name: &str,
        more: fn(ConnectOptions) -> ConnectOptions,
    ) -> Result<Self, Error> {
        let url = config.nats_url.latest();
        let servers = servers(&url).map_err(Error::unavailable)?;
        let credential = Credential::of(&servers);
        let options = more(lasting(credential.options(config), name));
        let client = options.connect(servers).await.map_err(Error::unavailable)?;
        let steady = Steady::default();
        let (followed, config, patient) = (client.clone(), config.clone(), steady.clone());
        let context = jetstream(&client, config.nats_timeout);
        let following = follow(&url, "NATS_URL", move |url| {
            let (client, config, credential, steady) =
                (followed.clone(), config.clone(), credential.clone(), patient.clone());
            async move { replace(&client, &config, &url, &credential, &steady).await }
        });
        Ok(Self { client, context, steady, _following: Arc::new(following) })
    }

    /// The connection itself, for core subscriptions and announcements.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// JetStream over it.
    #[must_use]
    pub const fn context(&self) -> &jetstream::Context {
        &self.context
    }

    /// Whether it stands now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        is_connected(&self.client)
    }

    /// How often it was made so far: what was on its way when it was made anew may be lost.
    pub(super) fn times_made(&self) -> u64 {
        times_made(&self.client)
    }

    /// Waits until it is not being replaced, and keeps it from being so.
    pub(crate) async fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.steady.read().await
    }
}

fn is_connected(client: &Client) -> bool {
    client.connection_state() == async_nats::connection::State::Connected
}

fn times_made(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}

/// JetStream over a connection, with a patience of its own.
pub(super) fn jetstream(client: &Client, timeout: Duration) -> jetstream::Context {
    jetstream::ContextBuilder::new().timeout(timeout).ack_timeout(timeout).build(client.clone())
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
    let trial = other.options(config).connect(servers.clone()).await?;
    provision::stream(&trial, &jetstream(&trial, config.nats_timeout)).await?;
    // From here on it is what a lost connection comes back with too: who is shut out already waits for nothing else.
    credential.replace(&other);
    // Nobody waits for an answer, or whoever does would wait for longer than they may.
    let _nobody = timeout(config.nats_timeout, steady.write()).await;
    let before = times_made(client);
    let connected = async {
        client.set_server_pool(servers).await?;
        client.force_reconnect().await?;
        while times_made(client) == before || !is_connected(client) {
            sleep(POLL).await;
        }
        Ok::<_, Refusal>(())
    };
    // Should it take longer, it goes on by itself, as after every other loss of a connection.
    timeout(config.nats_timeout, connected).await.unwrap_or(Ok(()))
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

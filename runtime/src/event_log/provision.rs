//! How the stream is made, and what a service refuses to run on. The flags guard against accidents of clients; only an
//! administrator's credential may change or purge the stream at all.

use super::Error;
use super::connection::{Connection, jetstream};
use crate::{blobs, config};
use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, Republish, RetentionPolicy, StorageType, Stream,
};
use events::stream::{LIVE_PREFIX, PREFIX};
use std::time::Duration;

/// The JetStream stream that holds every event.
pub const STREAM: &str = "SYNCBOARD_EVENTS";

/// Makes the stream and the blob store where they are missing and checks them where they are there.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Misconfigured`].
pub async fn provision(config: &config::Nats, replicas: usize) -> Result<(), Error> {
    let connection = Connection::open(config, "syncboard-provision").await?;
    let client = connection.client();
    let context = jetstream(client, config.nats_timeout.max(Duration::from_secs(10)));
    let has_compression = server_version(client) >= (2, 10);
    let stream = context.get_or_create_stream(wanted(replicas, has_compression)).await.map_err(Error::unavailable)?;
    check(client, &stream.cached_info().config)?;
    blobs::provision(&context, replicas).await
}

fn wanted(replicas: usize, has_compression: bool) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some("every event of SyncBoard, for ever".to_owned()),
        subjects: vec![format!("{PREFIX}.*.*.*.*")],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_age: Duration::ZERO,
        duplicate_window: Duration::from_secs(120),
        deny_delete: true,
        allow_direct: true,
        num_replicas: replicas,
        republish: Some(Republish {
            source: format!("{PREFIX}.*.*.*.*"),
            destination: format!(
                "{LIVE_PREFIX}.{{{{wildcard(2)}}}}.{{{{wildcard(3)}}}}.{{{{wildcard(4)}}}}.{{{{wildcard(1)}}}}"
            ),
            headers_only: false,
        }),
        compression: has_compression.then_some(Compression::S2),
        ..Config::default()
    }
}

/// The log's stream over a connection, which it must protect.
pub(super) async fn stream(client: &Client, context: &Context) -> Result<Stream, Error> {
    let stream = context.get_stream(STREAM).await.map_err(Error::unavailable)?;
    check(client, &stream.cached_info().config)?;
    Ok(stream)
}

/// Refuses a stream that could lose events and a server that cannot keep the promises of the log.
fn check(client: &Client, config: &Config) -> Result<(), Error> {
    let version = server_version(client);
    if version < (2, 9) {
        return Err(Error::Misconfigured(format!("nats-server {} is older than 2.9", client.server_info().version)));
    }
    if config.num_replicas > 1 && version < (2, 10) {
        return Err(Error::Misconfigured("replicas need nats-server 2.10 or newer".to_owned()));
    }
    let wanted = wanted(config.num_replicas, false);
    let wrong = [
        ("subjects", config.subjects == wanted.subjects),
        ("storage", config.storage == wanted.storage),
        ("retention", config.retention == wanted.retention),
        ("discard", config.discard == wanted.discard),
        ("max_age", config.max_age == wanted.max_age),
        ("max_msgs", config.max_messages <= 0),
        ("max_bytes", config.max_bytes <= 0),
        ("max_msgs_per_subject", config.max_messages_per_subject <= 0),
        ("deny_delete", config.deny_delete),
        ("allow_direct", config.allow_direct),
        (
            "republish",
            config.republish.as_ref().map(|to| &to.destination) == wanted.republish.as_ref().map(|to| &to.destination),
        ),
    ]
    .into_iter()
    .filter_map(|(name, is_right)| (!is_right).then_some(name))
    .collect::<Vec<_>>();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Misconfigured(format!("stream {STREAM}: {}", wrong.join(", ")))) }
}

/// Major and minor version of the connected server; (0, 0) if it does not say.
fn server_version(client: &Client) -> (u32, u32) {
    let info = client.server_info();
    let mut numbers = info.version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_republished_with_the_partition_last() {
        let republish = wanted(1, true).republish.expect("the stream republishes");
        let to = "syncboard.live.{{wildcard(2)}}.{{wildcard(3)}}.{{wildcard(4)}}.{{wildcard(1)}}";
        assert_eq!(republish.destination, to);
    }
}

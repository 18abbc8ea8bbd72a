//! Texts too long for an event, addressed by their SHA-256 in JetStream's object store. Content never changes, so storing
//! twice is harmless and a blob that no event names (its command was refused) is only waste.

use crate::event_log::{Connection, Error};
use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{Config, GetErrorKind, InfoErrorKind, ObjectStore};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// How long reading one blob may take; one of which a part is missing never ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// The bucket.
const BUCKET: &str = "SYNCBOARD_BLOBS";

/// A handle on the store.
#[derive(Clone)]
pub struct Blobs {
    connection: Connection,
}

/// Makes the bucket where it is missing.
pub(crate) async fn provision(context: &Context, replicas: usize) -> Result<(), Error> {
    if context.get_object_store(BUCKET).await.is_ok() {
        return Ok(());
    }
    let config = Config { bucket: BUCKET.to_owned(), num_replicas: replicas, ..Config::default() };
    context.create_object_store(config).await.map(drop).map_err(Error::unavailable)
}

impl Blobs {
    /// The store on a connection; nothing is sent yet.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Stores bytes under their address, unless they are there.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put(&self, sha256: &str, bytes: &[u8]) -> Result<(), Error> {
        let _steady = self.connection.hold().await;
        let store = self.store().await?;
        if store.info(sha256).await.is_ok_and(|info| !info.deleted && info.size == bytes.len()) {
            return Ok(());
        }
        store.put(sha256, &mut &*bytes).await.map(drop).map_err(Error::unavailable)
    }

    /// The text at an address.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Missing`] when there is none, or another than the address promises.
    pub async fn text(&self, sha256: &str) -> Result<String, Error> {
        let missing = || Error::Missing { sha256: sha256.to_owned() };
        let _steady = self.connection.hold().await;
        let store = self.store().await?;
        let mut object = match store.get(sha256).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(Error::unavailable(error)),
        };
        let mut bytes = Vec::with_capacity(object.info().size);
        let read = timeout(PATIENCE, object.read_to_end(&mut bytes)).await;
        read.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
        if events::content::sha256(&bytes) != sha256 {
            tracing::warn!(sha256, "a blob has other content than its address says");
            return Err(missing());
        }
        String::from_utf8(bytes).map_err(|_| missing())
    }

    /// What is wrong with a blob as the store tells it, without reading it: nothing, mostly.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn fault(&self, sha256: &str, bytes: u64) -> Result<Option<String>, Error> {
        let _steady = self.connection.hold().await;
        let info = match self.store().await?.info(sha256).await {
            Ok(info) if info.deleted => return Ok(Some("it was deleted".to_owned())),
            Ok(info) => info,
            Err(error) if error.kind() == InfoErrorKind::NotFound => return Ok(Some("it is not there".to_owned())),
            Err(error) => return Err(Error::unavailable(error)),
        };
        if info.size as u64 != bytes {
            return Ok(Some(format!("it has {} bytes, and should have {bytes}", info.size)));
        }
        // The store tells a digest as `SHA-256=` and base64.
        let digest = info.digest.as_deref().and_then(|digest| digest.strip_prefix("SHA-256="));
        let digest = digest.and_then(|digest| URL_SAFE.decode(digest).ok());
        let hex = digest.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        Ok(hex.filter(|hex| hex != sha256).map(|hex| format!("its content has the digest {hex}")))
    }

    async fn store(&self) -> Result<ObjectStore, Error> {
        self.connection.context().get_object_store(BUCKET).await.map_err(Error::unavailable)
    }
}

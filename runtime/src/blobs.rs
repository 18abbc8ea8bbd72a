//! Texts too long for an event, addressed by their SHA-256 in JetStream's object store. Content never changes, so storing
//! twice is harmless and a blob that no event names (its command was refused) is only waste.

use crate::event_log::Error;
use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{Config, GetErrorKind, ObjectStore};
use tokio::io::AsyncReadExt;

/// The bucket.
const BUCKET: &str = "SYNCBOARD_BLOBS";

/// A handle on the store.
#[derive(Clone)]
pub struct Blobs {
    context: Context,
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
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// Stores bytes under their address, unless they are there.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put(&self, sha256: &str, bytes: &[u8]) -> Result<(), Error> {
        let store = self.store().await?;
        if store.info(sha256).await.is_ok_and(|info| !info.deleted && info.size == bytes.len()) {
            return Ok(());
        }
        store.put(sha256, &mut &*bytes).await.map(drop).map_err(Error::unavailable)
    }

    /// The bytes at an address; `None` if there are none.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also when what came is not what the address promises.
    pub async fn get(&self, sha256: &str) -> Result<Option<Vec<u8>>, Error> {
        let store = self.store().await?;
        let mut object = match store.get(sha256).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::unavailable(error)),
        };
        let mut bytes = Vec::with_capacity(object.info().size);
        object.read_to_end(&mut bytes).await.map_err(Error::unavailable)?;
        if events::content::sha256(&bytes) != sha256 {
            return Err(Error::unavailable(format!("blob {sha256} has other content than its address says")));
        }
        Ok(Some(bytes))
    }

    async fn store(&self) -> Result<ObjectStore, Error> {
        self.context.get_object_store(BUCKET).await.map_err(Error::unavailable)
    }
}

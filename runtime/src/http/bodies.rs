//! Room in memory for the bodies of requests.

use bytesize::ByteSize;
use std::sync::{Arc, OnceLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for large bodies, of all requests together, and what one request has of it until it is answered.
#[derive(Clone)]
pub(super) struct Room {
    /// In KiB.
    left: Arc<Semaphore>,
    all: u32,
    taken: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl Room {
    pub(super) fn new(limit: ByteSize) -> Self {
        let all = u32::try_from(limit.as_u64() >> 10).unwrap_or(u32::MAX).max(1);
        Self { left: Arc::new(Semaphore::new(all as usize)), all, taken: Arc::default() }
    }

    /// The same room, for another request.
    pub(super) fn shared(&self) -> Self {
        Self { taken: Arc::default(), ..self.clone() }
    }

    /// Waits until there is room for so many bytes; for the largest ones until there is nothing else.
    pub(super) async fn take(&self, bytes: usize) {
        let wanted = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(self.all);
        if let Ok(room) = self.left.clone().acquire_many_owned(wanted).await {
            // A request has one body.
            drop(self.taken.set(room));
        }
    }
}

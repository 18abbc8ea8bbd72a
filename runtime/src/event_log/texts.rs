//! Single events by their place, for those who only look something up and can do without the log otherwise.

use super::load::{Recorded, at};
use super::provision::STREAM;
use super::{Connection, Error};
use events::{AnyEvent, Envelope, Stream};

/// Looks single events up; connects to nothing by itself.
#[derive(Clone)]
pub struct Texts {
    connection: Connection,
}

impl Texts {
    /// Over a connection; nothing is sent yet.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The event of a stream at a sequence; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn at(&self, stream: &Stream, sequence: u64) -> Result<Option<Envelope<AnyEvent>>, Error> {
        let _steady = self.connection.hold().await;
        let log = self.connection.context().get_stream_no_info(STREAM).await.map_err(Error::unavailable)?;
        let recorded = at(&log, sequence).await?.map(Recorded::from).filter(|recorded| recorded.stream == *stream);
        recorded.map(|recorded| recorded.decode_any()).transpose()
    }
}

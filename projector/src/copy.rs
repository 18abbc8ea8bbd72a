//! COPY into a table, in the binary format of PostgreSQL (its manual, "COPY", "Binary Format"): nothing is planned, and the
//! database takes rows in while the next ones are being made.

use sqlx::postgres::{PgArgumentBuffer, PgConnection, PgCopyIn};
use sqlx::{Encode, Error, Postgres, encode::IsNull};

/// Signature, flags, and the length of an extension that is not there.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of the next row's count of columns.
const END: [u8; 2] = (-1_i16).to_be_bytes();
/// In the place of the length of a value that is null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// Bytes that are sent at once.
const CHUNK: usize = 64 * 1024;

/// Rows on their way into a table.
pub(crate) struct Copy<'c> {
    into: PgCopyIn<&'c mut PgConnection>,
    columns: [u8; 2],
    rows: PgArgumentBuffer,
}

impl<'c> Copy<'c> {
    /// Begins: each row is to have a value for each of the columns, in their order.
    pub(crate) async fn begin(connection: &'c mut PgConnection, table: &str, columns: &[&str]) -> Result<Self, Error> {
        let statement = format!("copy {table} ({}) from stdin (format binary)", columns.join(", "));
        let mut rows = PgArgumentBuffer::default();
        rows.extend_from_slice(HEADER);
        let columns = i16::try_from(columns.len()).map_err(|error| Error::Encode(error.into()))?.to_be_bytes();
        Ok(Self { into: connection.copy_in_raw(&statement).await?, columns, rows })
    }

    /// Begins a row, and sends earlier ones if there are enough.
    pub(crate) async fn row(&mut self) -> Result<&mut Self, Error> {
        if self.rows.len() >= CHUNK {
            self.into.send(self.rows.as_slice()).await?;
            self.rows.clear();
        }
        self.rows.extend_from_slice(&self.columns);
        Ok(self)
    }

    /// Adds the row's next value, which must be of its column's very type.
    pub(crate) fn value<'q>(&mut self, value: impl Encode<'q, Postgres>) -> Result<&mut Self, Error> {
        let length_at = self.rows.len();
        self.rows.extend_from_slice(&NULL);
        if let IsNull::No = value.encode(&mut self.rows).map_err(Error::Encode)? {
            let length = self.rows.len() - length_at - NULL.len();
            let length = i32::try_from(length).map_err(|error| Error::Encode(error.into()))?.to_be_bytes();
            self.rows[length_at..length_at + NULL.len()].copy_from_slice(&length);
        }
        Ok(self)
    }

    /// Ends, and waits until the table has all rows.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        self.rows.extend_from_slice(&END);
        self.into.send(self.rows.as_slice()).await?;
        self.into.finish().await.map(drop)
    }
}

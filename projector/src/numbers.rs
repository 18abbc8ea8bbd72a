//! Numbers on their way into the database, which has no unsigned ones, and back.

/// The database has no unsigned numbers; a log of 2^63 events is out of reach.
pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Back from the database.
pub(crate) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A shard as the database has it.
pub(crate) fn to_shard(shard: u64) -> i16 {
    i16::try_from(shard).unwrap_or(i16::MAX)
}

/// Back from the database.
pub(crate) fn from_shard(shard: i16) -> u64 {
    u64::try_from(shard).unwrap_or(u64::MAX)
}

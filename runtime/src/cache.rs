//! Ready-to-send answers in Redis, never older than what the database has committed.
//!
//! Invariant: while the lease stands, no entry is older than the newest committed state of its document. The projector,
//! which holds the lease of the document's shard, fences each changed document *before* it commits: it replaces the entry by its new sequence
//! alone, and from then on no older answer can be filled in. When it cannot reach Redis it waits until the lease has run
//! out, so that readers pass the cache over, and comes back under a new epoch, to which no older entry belongs.

mod tickets;

pub use tickets::{Away, Ticket};

use crate::config::{self, Secret};
use crate::rotation::{Refusal, follow};
use bytes::Bytes;
use events::{DocumentId, WorkspaceId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

/// How long readers trust the cache without a word from the projector.
const LEASE: Duration = Duration::from_millis(1_000);
/// How often the projector renews its word; a third of the lease.
pub const RENEWAL: Duration = Duration::from_millis(300);
/// How long a fence or an answer is kept.
const KEEP: Duration = Duration::from_secs(3_600);

/// A connection that comes back by itself. Clones share it.
#[derive(Clone)]
pub struct Cache {
    connection: Arc<RwLock<ConnectionManager>>,
    timeout: Duration,
    fill: Script,
}

/// An answer from the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The document's last sequence that it shows.
    pub sequence: u64,
    /// The answer's body.
    pub body: Bytes,
}

/// What [`Cache::get`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An answer.
    Entry(Entry),
    /// No answer; one read from the database from now on may be filled in under this epoch.
    Missing {
        /// The projector's epoch.
        epoch: String,
    },
    /// No projector vouches for the cache, or Redis is away.
    Untrusted,
}

impl Cache {
    /// Opens the cache. Nothing is sent before the first use, so Redis may be away. Where the address came from a file,
    /// another connection takes the place of this one when the file holds another.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(config: &config::Redis) -> RedisResult<Self> {
        let connection = connect(&config.redis_url, config.redis_timeout)?;
        let timeout = config.redis_timeout;
        let cache = Self { connection: Arc::new(RwLock::new(connection)), timeout, fill: Script::new(FILL) };
        let followed = cache.clone();
        follow(&config.redis_url, "REDIS_URL", move |url| {
            let cache = followed.clone();
            async move { cache.reopen(&url).await }
        })
        .for_ever();
        Ok(cache)
    }

    /// Goes on with another address, once Redis answers there. What is under way ends where it began.
    async fn reopen(&self, url: &Secret) -> Result<(), Refusal> {
        let mut connection = connect(url, self.timeout)?;
        timeout(self.timeout, redis::cmd("PING").query_async::<String>(&mut connection)).await??;
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
        Ok(())
    }

    /// The connection of now.
    fn connection(&self) -> ConnectionManager {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether Redis answers.
    pub async fn is_up(&self) -> bool {
        let mut connection = self.connection();
        let ping = timeout(self.timeout, redis::cmd("PING").query_async::<String>(&mut connection)).await;
        ping.is_ok_and(|answer| answer.is_ok())
    }

    /// Looks a document's answer up; one round trip.
    pub async fn get(&self, workspace: WorkspaceId, document: DocumentId) -> Found {
        let mut connection = self.connection();
        let mut command = redis::cmd("MGET");
        command.arg(lease_key(events::partition(Some(workspace)))).arg(key(workspace, document));
        let answer =
            timeout(self.timeout, command.query_async::<(Option<String>, Option<Vec<u8>>)>(&mut connection)).await;
        let Ok(Ok((Some(epoch), entry))) = answer else {
            return Found::Untrusted;
        };
        match entry.and_then(|entry| parse(&epoch, entry.into())) {
            Some(entry) => Found::Entry(entry),
            None => Found::Missing { epoch },
        }
    }

    /// Takes a document's answer out, after its row was corrected without a new event. Who read it before may fill it in
    /// once more, for as long as reading and filling take.
    pub async fn forget(&self, workspace: WorkspaceId, document: DocumentId) {
        let mut connection = self.connection();
        let mut command = redis::cmd("DEL");
        command.arg(key(workspace, document));
        if !matches!(timeout(self.timeout, command.query_async::<()>(&mut connection)).await, Ok(Ok(()))) {
            tracing::warn!(document.id = %document, "an answer may be cached that is not right");
        }
    }

    /// Fills in an answer that was read from the database under an epoch, unless a newer one is known. Failing is harmless.
    pub async fn fill(&self, epoch: &str, workspace: WorkspaceId, document: DocumentId, entry: &Entry) {
        let mut connection = self.connection();
        let mut invocation = self.fill.prepare_invoke();
        invocation
            .key(lease_key(events::partition(Some(workspace))))
            .key(key(workspace, document))
            .arg(epoch)
            .arg(entry.sequence)
            .arg(entry.body.as_ref())
            .arg(KEEP.as_millis() as u64);
        let filled = timeout(self.timeout, invocation.invoke_async::<()>(&mut connection)).await;
        if !matches!(filled, Ok(Ok(()))) {
            tracing::debug!(document.id = %document, "an answer was not cached");
        }
    }
}

fn connect(url: &Secret, timeout: Duration) -> RedisResult<ConnectionManager> {
    let manager = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(500))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(Client::open(url.expose())?, manager)
}

/// Sets the entry unless the epoch has passed or what is there is newer, of whichever epoch.
const FILL: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
local there = redis.call('GET', KEYS[2])
if there then
  local sequence = string.match(there, '^[^\n]*\n(%d+)\n')
  if sequence and tonumber(sequence) > tonumber(ARGV[2]) then return end
end
redis.call('SET', KEYS[2], ARGV[1] .. '\n' .. ARGV[2] .. '\n' .. ARGV[3], 'PX', ARGV[4])
";

/// The projector's side: the leases of the shards that it works on, and the fences.
pub struct Fences {
    cache: Cache,
    shards: Vec<u64>,
    epoch: Option<String>,
    /// Until when a reader may still trust entries that this process no longer guards.
    trusted_until: Instant,
}

impl Fences {
    /// Begins without the leases of its shards; an earlier projector's may still stand for [`LEASE`].
    #[must_use]
    pub fn new(cache: Cache, shards: impl IntoIterator<Item = u64>) -> Self {
        Self { cache, shards: shards.into_iter().collect(), epoch: None, trusted_until: Instant::now() + LEASE }
    }

    /// Renews the leases. To be called every [`RENEWAL`].
    pub async fn renew(&mut self) {
        self.send(&[]).await;
    }

    /// Makes it safe to commit changes of these documents, whose entries may be cached: afterwards no reader will see an
    /// older answer. Waits for the lease to run out when Redis is away.
    pub async fn before_commit(&mut self, changed: &[(WorkspaceId, DocumentId, u64)]) {
        if !changed.is_empty() && !self.send(changed).await {
            sleep_until(self.trusted_until).await;
        }
    }

    async fn send(&mut self, changed: &[(WorkspaceId, DocumentId, u64)]) -> bool {
        let is_taking_over = self.epoch.is_none();
        let epoch = self.epoch.take().unwrap_or_else(new_epoch);
        let mut pipeline = redis::pipe();
        let changing: BTreeSet<u64> =
            changed.iter().map(|(workspace, ..)| events::partition(Some(*workspace))).collect();
        for shard in &self.shards {
            // A commit is about the shards that it changes; the word on the others is renewed in time.
            if changing.is_empty() || changing.contains(shard) {
                let length = LEASE.as_millis() as u64;
                pipeline.cmd("SET").arg(lease_key(*shard)).arg(&epoch).arg("PX").arg(length).ignore();
            }
        }
        for (workspace, document, sequence) in changed {
            let fence = format!("{epoch}\n{sequence}\n");
            pipeline
                .cmd("SET")
                .arg(key(*workspace, *document))
                .arg(fence)
                .arg("PX")
                .arg(KEEP.as_millis() as u64)
                .ignore();
        }
        let begun = Instant::now();
        let mut connection = self.cache.connection();
        let patience = self.cache.timeout * 5;
        match timeout(patience, pipeline.query_async::<()>(&mut connection)).await {
            Ok(Ok(())) => {
                self.epoch = Some(epoch);
                self.trusted_until = begun + patience + LEASE;
                true
            }
            outcome => {
                if !is_taking_over {
                    tracing::warn!(?outcome, "redis is away, going on without the cache");
                }
                // The commands may still arrive: no entry is trusted for longer than a lease that begins now.
                self.trusted_until =
                    self.trusted_until.max(Instant::now() + if is_taking_over { Duration::ZERO } else { LEASE });
                false
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an epoch must differ from every other, and no replay makes it again")]
fn new_epoch() -> String {
    Uuid::now_v7().simple().to_string()
}

fn lease_key(shard: u64) -> String {
    format!("syncboard:lease:{shard}")
}

fn key(workspace: WorkspaceId, document: DocumentId) -> String {
    format!("syncboard:document:{workspace}:{document}")
}

/// Reads `epoch \n sequence \n body`; `None` if it is a fence (no body) or of another epoch.
fn parse(epoch: &str, entry: Bytes) -> Option<Entry> {
    let rest = entry.strip_prefix(epoch.as_bytes())?.strip_prefix(b"\n")?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let sequence = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    let body = entry.slice(epoch.len() + end + 2..);
    (!body.is_empty()).then_some(Entry { sequence, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_this_epoch_is_read() {
        let entry = |text: &'static str| parse("e1", Bytes::from_static(text.as_bytes()));
        let answer = Entry { sequence: 7, body: Bytes::from_static(b"{\"a\":1}\n") };
        assert_eq!(entry("e1\n7\n{\"a\":1}\n"), Some(answer));
        for none in ["e1\n7\n", "e2\n7\n{}", "e1\nx\n{}", "e17\n{}", ""] {
            assert_eq!(entry(none), None, "{none:?}");
        }
    }
}

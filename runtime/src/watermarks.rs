//! Watermarks: how much must be left of memory, of a disk, of the log's storage, of the database's for a service to be ready.
//! Each has a lower one beside it, from which on it is ready again, so that nothing changes to and fro.

mod memory;

use crate::metrics::{LEAST, LEFT};
use crate::service::chain;
use crate::{EventLog, config};
use bytesize::ByteSize;
use metrics::gauge;
use sqlx::PgPool;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often is looked.
const LOOK: Duration = Duration::from_secs(1);
/// How often PostgreSQL is asked, which looks at each of its files; and how long its answer is waited for.
const DATABASE_LOOK: Duration = Duration::from_secs(5);

/// How much of something is taken that has a limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

impl Taken {
    /// What is nearest to its limit.
    pub(crate) fn fullest(all: impl Iterator<Item = Self>) -> Option<Self> {
        let share = |taken: &Self| taken.used as f64 / taken.limit as f64;
        all.max_by(|a, b| share(a).total_cmp(&share(b)))
    }
}

/// What is left of something, in bytes, and what must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    left: u64,
    /// Less is too little.
    least: u64,
    /// Once it was too little, this is enough again.
    again: u64,
}

impl Room {
    fn of(Taken { used, limit }: Taken, high: u8, low: u8) -> Self {
        let beyond = |percent: u8| limit / 100 * u64::from(100 - percent.min(100));
        Self { left: limit.saturating_sub(used), least: beyond(high), again: beyond(low) }
    }

    /// Alerts compare the two, so that they come before the service is not ready whatever its watermarks are.
    fn export(self, name: &'static str) {
        gauge!(LEFT, "of" => name).set(self.left as f64);
        gauge!(LEAST, "of" => name).set(self.least as f64);
    }

    fn is_short(self, was_short: bool) -> bool {
        self.left < if was_short { self.again.max(self.least) } else { self.least }
    }
}

/// What a look at something finds: how much room there is, if anything limits it; or why nobody knows. Without a reason it is
/// as it was.
type Found = Result<Option<Room>, Option<String>>;

/// Something that a service may run short of; clones share what is known of it.
#[derive(Clone)]
pub struct Watermark {
    name: &'static str,
    shortage: watch::Receiver<Option<String>>,
}

impl Watermark {
    /// Of this process's memory.
    #[must_use]
    pub fn of_memory(config: &config::Memory) -> Self {
        let limit = config.memory_limit.map(|limit| limit.0);
        Self::of_share("memory", LOOK, (config.memory_watermark, config.memory_low_watermark), move || {
            let measured = memory::measured(limit);
            async move { Ok(measured) }
        })
    }

    /// Of the disks of some folders.
    #[must_use]
    pub fn of_disks(config: &config::Disk) -> Self {
        let config = config.clone();
        Self::begin("disk", LOOK, move || {
            let (least, again) = (config.disk_watermark.0, config.disk_low_watermark.0);
            let room = least_free(&config.disk_paths).map(|left| left.map(|left| Room { left, least, again }));
            async move { room.map_err(Some) }
        })
    }

    /// Of what the log's account may store.
    #[must_use]
    pub fn of_log(config: &config::LogRoom, log: &EventLog) -> Self {
        let log = log.clone();
        Self::of_share("log_storage", LOOK, (config.log_watermark, config.log_low_watermark), move || {
            let log = log.clone();
            async move { Ok(log.storage().await?) }
        })
    }

    /// Of what the database may take of its disk.
    #[must_use]
    pub fn of_database(config: &config::DatabaseRoom, pool: &PgPool) -> Self {
        let (pool, limit) = (pool.clone(), config.database_limit);
        let watermarks = (config.database_watermark, config.database_low_watermark);
        Self::of_share("database_storage", DATABASE_LOOK, watermarks, move || {
            let pool = pool.clone();
            async move {
                let Some(ByteSize(limit)) = limit else { return Ok(None) };
                let size = sqlx::query_scalar("select pg_database_size(current_database())").fetch_one(&pool);
                let used: i64 = timeout(DATABASE_LOOK, size).await??;
                Ok(Some(Taken { used: used.cast_unsigned(), limit }))
            }
        })
    }

    /// Of something that has a limit, by the percent of it that are taken; from 0 percent on it does not matter. What cannot be
    /// measured is as it was.
    fn of_share<F>(
        name: &'static str,
        every: Duration,
        (high, low): (u8, u8),
        mut measure: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Option<Taken>, Box<dyn Error + Send + Sync>>> + Send,
    {
        Self::begin(name, every, move || {
            let measured = (high > 0).then(&mut measure);
            async move {
                let Some(measured) = measured else { return Ok(None) };
                measured.await.map(|taken| taken.map(|taken| Room::of(taken, high, low))).map_err(|error| {
                    tracing::debug!(of = name, error = chain(&*error), "nobody says how much is taken");
                    None
                })
            }
        })
    }

    fn begin<F>(name: &'static str, every: Duration, mut look: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Found> + Send,
    {
        let (sender, shortage) = watch::channel(None);
        tokio::spawn(async move {
            let mut tick = interval(every);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let found = look().await;
                if let Ok(Some(room)) = &found {
                    room.export(name);
                }
                if sender.is_closed() {
                    return;
                }
                sender.send_if_modified(|shortage| note(name, shortage, found));
            }
        });
        Self { name, shortage }
    }

    /// What it is of.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Why there is too little, if there is.
    #[must_use]
    pub fn shortage(&self) -> Option<String> {
        self.shortage.borrow().clone()
    }
}

/// Remembers what was found; whether that is news.
fn note(name: &str, shortage: &mut Option<String>, found: Found) -> bool {
    let was_short = shortage.is_some();
    let now = match found {
        Ok(room) => room.filter(|room| room.is_short(was_short)).map(|room| {
            let wanted = if was_short { room.again.max(room.least) } else { room.least };
            format!("{} are left, {} must be", ByteSize(room.left), ByteSize(wanted))
        }),
        Err(Some(reason)) => Some(reason),
        Err(None) => return false,
    };
    match (&now, was_short) {
        (Some(reason), false) => tracing::warn!(of = name, reason, "running short, not ready"),
        (None, true) => tracing::info!(of = name, "there is enough again"),
        _ => {}
    }
    let is_news = *shortage != now;
    *shortage = now;
    is_news
}

/// Free space of the disk that has least, for those who are not root; nothing where there are no folders.
fn least_free(folders: &[PathBuf]) -> Result<Option<u64>, String> {
    let free = folders.iter().map(|folder| free(folder).map_err(|error| format!("{}: {error}", folder.display())));
    free.collect::<Result<Vec<_>, _>>().map(|free| free.into_iter().min())
}

fn free(folder: &Path) -> rustix::io::Result<u64> {
    rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortages(rooms: impl IntoIterator<Item = Room>) -> Vec<bool> {
        let mut shortage = None;
        let short = |room| {
            note("something", &mut shortage, Ok(Some(room)));
            shortage.is_some()
        };
        rooms.into_iter().map(short).collect()
    }

    #[test]
    fn between_the_watermarks_everything_stays_as_it_is() {
        let rooms = [79, 89, 90, 89, 80, 79, 89, 95].map(|used| Room::of(Taken { used, limit: 100 }, 90, 80));
        assert_eq!(shortages(rooms), [false, false, false, false, false, false, false, true]);
        let rooms = [91, 89, 81, 80, 89, 91].map(|used| Room::of(Taken { used, limit: 100 }, 90, 80));
        assert_eq!(shortages(rooms), [true, true, true, false, false, true]);
    }

    #[test]
    fn a_low_watermark_above_the_other_counts_as_the_other() {
        let rooms = [91, 90, 89].map(|used| Room::of(Taken { used, limit: 100 }, 90, 95));
        assert_eq!(shortages(rooms), [true, false, false]);
    }

    #[test]
    fn what_is_left_is_told_beside_what_must_be() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            Room::of(Taken { used: 700, limit: 1_000 }, 90, 80).export("memory")
        });
        let metrics = recorder.handle().render();
        for line in
            ["syncboard_watermark_left_bytes{of=\"memory\"} 300", "syncboard_watermark_least_bytes{of=\"memory\"} 100"]
        {
            assert!(metrics.lines().any(|one| one == line), "{line} is not in:\n{metrics}");
        }
    }

    #[test]
    fn what_has_no_limit_is_never_short_and_what_nobody_knows_is() {
        let mut shortage = None;
        assert!(!note("something", &mut shortage, Ok(None)));
        assert!(note("something", &mut shortage, Err(Some("nobody knows".to_owned()))));
        assert!(!note("something", &mut shortage, Err(None)), "it stays as it was");
        assert_eq!(shortage.as_deref(), Some("nobody knows"));
        assert!(note("something", &mut shortage, Ok(None)));
        assert_eq!(shortage, None);
    }

    #[test]
    fn a_disk_says_what_is_free() {
        assert_eq!(least_free(&[]), Ok(None));
        assert!(least_free(&["/".into()]).is_ok_and(|free| free.is_some()));
        let error = least_free(&["/".into(), "/nowhere/at/all".into()]).expect_err("there is no such folder");
        assert!(error.starts_with("/nowhere/at/all: "), "{error}");
    }
}

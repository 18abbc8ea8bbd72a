//! Passwords as argon2id hashes (RFC 9106; 19 MiB, 2 passes, 1 lane), computed off the async threads, a few at a time.

use crate::config;
use crate::metrics::PASSWORD_QUEUE;
use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use metrics::gauge;
use poem::http::StatusCode;
use runtime::config::Secret;
use runtime::http::{Problem, off_thread};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shortest password, in characters (NIST SP 800-63B).
const SHORTEST: usize = 8;
/// Longest password, in bytes: more would only cost time.
const LONGEST: usize = 1_024;
/// A hash of no password, so that an unknown user costs the same time as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3luY2JvYXJkbm9ib2R5$RG6JX4y0yHqyR4cO0NqjxTq7cpNvYx1Ejpt6iWGZ3lY";

/// Hashes and verifies passwords.
pub(crate) struct Passwords {
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(config: &config::Passwords) -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(config.password_hashes)),
            waiting: Arc::new(Semaphore::new(config.password_queue + config.password_hashes)),
        }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// 422 for one that is too short or too long, 503 when too many are waiting.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Problem> {
        if password.expose().chars().count() < SHORTEST || password.expose().len() > LONGEST {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_password",
                "the password cannot be used",
            )
            .detail(format!("it must have at least {SHORTEST} characters and at most {LONGEST} bytes")));
        }
        self.run(move || {
            let salt = SaltString::generate(&mut OsRng);
            Argon2::default().hash_password(password.expose().as_bytes(), &salt).map(|hash| hash.to_string()).ok()
        })
        .await?
        .ok_or_else(Problem::internal)
    }

    /// Whether a password fits a hash. Without a hash it takes the same time and does not fit.
    ///
    /// # Errors
    /// 503 when too many are waiting.
    pub(crate) async fn fits(&self, password: Secret, hash: Option<String>) -> Result<bool, Problem> {
        if password.expose().len() > LONGEST {
            return Ok(false);
        }
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let fits = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok());
            fits && known
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let overloaded = || Problem::overloaded(2);
        let place = Place::take(&self.waiting).ok_or_else(overloaded)?;
        let turn = self.hashing.clone().acquire_owned().await.map_err(|_| overloaded())?;
        off_thread((place, turn), work).await
    }
}

/// A place among those who wait or are at work, counted as long as it is held.
struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Place {
    fn take(places: &Arc<Semaphore>) -> Option<Self> {
        let place = places.clone().try_acquire_owned().ok()?;
        gauge!(PASSWORD_QUEUE).increment(1);
        Some(Self(place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        gauge!(PASSWORD_QUEUE).decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[test]
    fn the_hash_of_nobody_is_a_hash() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_no_room_for_more_work() {
        let passwords = Passwords::new(&config::Passwords {
            password_hashes: 1,
            password_queue: 0,
            token_lifetime: Duration::ZERO,
        });
        let (begin, begun) = oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let work = passwords.run(move || {
            begin.send(()).expect("somebody listens");
            ended.recv().expect("somebody says so")
        });
        tokio::select! {
            _ = work => panic!("it was not told to end"),
            begun = begun => begun.expect("it begins"),
        }
        assert!(passwords.run(|| ()).await.is_err(), "the work goes on, and there is room for one");
        end.send(()).expect("it listens");
        let freed = passwords.hashing.acquire().await.expect("a turn");
        drop(freed);
        assert!(passwords.run(|| ()).await.is_ok());
    }
}

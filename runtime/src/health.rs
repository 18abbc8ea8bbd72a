//! What a service says of itself: alive, ready, and in full with its dependencies and numbers.

use crate::build;
use crate::metrics::{DEPENDENCY_UP, READY};
use crate::past::Shown;
use crate::watermarks::Watermark;
use futures_util::future::join_all;
use metrics::gauge;
use poem_openapi::Object;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// State of one dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, poem_openapi::Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum Status {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// One dependency as it is now.
#[derive(Clone, Debug, Serialize, Object)]
pub struct Dependency {
    /// Whether it answers.
    pub status: Status,
    /// Whether the service is of no use without it.
    pub required: bool,
    /// Why it is down, where more is known than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub reason: Option<String>,
}

/// The full answer of `/health`.
#[derive(Clone, Debug, Serialize, Object)]
pub struct Health {
    /// `up` when every required dependency is and the service is not stopping.
    pub status: Status,
    /// Name of the service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, or `unknown`.
    pub commit: String,
    /// The version of the compiler that built it.
    pub rustc: String,
    /// What it was built for.
    pub target: String,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// What it depends on.
    pub dependencies: BTreeMap<String, Dependency>,
    /// Its numbers, such as `documents` or `lag`.
    pub statistics: Numbers,
    /// Numbers of its parts, such as the shards that a projector works on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[oai(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub parts: BTreeMap<String, Numbers>,
    /// Which past it shows; absent where it shows the present.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub past: Option<Shown>,
}

/// Numbers by their names.
pub type Numbers = BTreeMap<String, i64>;

/// Whether a dependency is there, or why not, where that is known.
type Answer = Result<(), Option<String>>;

/// What a service cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// It needs the answer to be of use at all.
    Answer,
    /// It needs room to be of use for long: what it has already been asked to do, it does.
    Room,
    /// It goes on without it.
    Nothing,
}

type Gather<T> = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = T> + Send>> + Send + Sync>;

fn answering<F: Future<Output = bool> + Send + 'static>(
    check: impl Fn() -> F + Send + Sync + 'static,
) -> impl Fn() -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync + 'static {
    move || {
        let asked = check();
        Box::pin(async move { if asked.await { Ok(()) } else { Err(None) } })
    }
}

/// The checks of one service; clones share its state.
#[derive(Clone)]
pub struct Checks {
    service: &'static str,
    started: Instant,
    is_stopping: Arc<AtomicBool>,
    dependencies: Vec<(&'static str, Need, Gather<Answer>)>,
    numbers: Gather<Numbers>,
    parts: Gather<BTreeMap<String, Numbers>>,
    past: Option<Shown>,
}

impl Checks {
    /// A service without dependencies yet.
    #[must_use]
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            started: Instant::now(),
            is_stopping: Arc::default(),
            dependencies: Vec::new(),
            numbers: Arc::new(|| Box::pin(async { BTreeMap::new() })),
            parts: Arc::new(|| Box::pin(async { BTreeMap::new() })),
            past: None,
        }
    }

    /// Adds a dependency with its check.
    #[must_use]
    pub fn needs<F>(self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.with(name, Need::Answer, answering(check))
    }

    /// Adds what the service must not run short of.
    #[must_use]
    pub fn needs_room(self, watermark: &Watermark) -> Self {
        let watermark = watermark.clone();
        self.with(watermark.name(), Need::Room, move || {
            let shortage = watermark.shortage();
            async move { shortage.map_or(Ok(()), |reason| Err(Some(reason))) }
        })
    }

    /// Adds a dependency without which the service goes on, with its check.
    #[must_use]
    pub fn uses<F>(self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.with(name, Need::Nothing, answering(check))
    }

    /// Says how the statistics are gathered.
    #[must_use]
    pub fn counting<F>(mut self, numbers: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Numbers> + Send + 'static,
    {
        self.numbers = Arc::new(move || Box::pin(numbers()));
        self
    }

    /// Says how the numbers of its parts are gathered.
    #[must_use]
    pub fn divided_into<F>(mut self, parts: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = BTreeMap<String, Numbers>> + Send + 'static,
    {
        self.parts = Arc::new(move || Box::pin(parts()));
        self
    }

    /// Says which past is shown, if not the present.
    #[must_use]
    pub fn showing(mut self, past: Option<Shown>) -> Self {
        self.past = past;
        self
    }

    fn with<F>(mut self, name: &'static str, need: Need, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        self.dependencies.push((name, need, Arc::new(move || Box::pin(check()))));
        self
    }

    /// From now on the service is not ready: it drains.
    pub fn stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Asks every dependency and gathers the numbers; each within a second.
    pub async fn health(&self) -> Health {
        let (status, dependencies) = self.dependencies(|_| true).await;
        self.with_numbers(status, dependencies).await
    }

    /// Asks every dependency, and gathers the numbers too only where the service is not of use.
    pub(crate) async fn unready(&self) -> Option<Health> {
        self.down(|_| true).await
    }

    /// As [`Checks::unready`], however little room is left: whoever waits for a start would wait until somebody makes room.
    pub(crate) async fn unstarted(&self) -> Option<Health> {
        self.down(|need| need != Need::Room).await
    }

    async fn down(&self, counts: fn(Need) -> bool) -> Option<Health> {
        let (status, dependencies) = self.dependencies(counts).await;
        match status {
            Status::Up => None,
            Status::Down => Some(self.with_numbers(status, dependencies).await),
        }
    }

    async fn with_numbers(&self, status: Status, dependencies: BTreeMap<String, Dependency>) -> Health {
        let statistics = tokio::time::timeout(Duration::from_secs(1), (self.numbers)()).await.unwrap_or_default();
        let parts = tokio::time::timeout(Duration::from_secs(1), (self.parts)()).await.unwrap_or_default();
        Health {
            status,
            service: self.service.to_owned(),
            version: build::VERSION.to_owned(),
            commit: build::COMMIT.to_owned(),
            rustc: build::RUSTC.to_owned(),
            target: build::TARGET.to_owned(),
            uptime_seconds: self.started.elapsed().as_secs(),
            dependencies,
            statistics,
            parts,
            past: self.past.clone(),
        }
    }

    /// Asks every dependency, and says in the metrics which of them answer.
    pub(crate) async fn measure(&self) {
        let number = |status| f64::from(u8::from(status == Status::Up));
        let (status, dependencies) = self.dependencies(|_| true).await;
        gauge!(READY).set(number(status));
        for (name, Dependency { status, required, .. }) in dependencies {
            gauge!(DEPENDENCY_UP, "dependency" => name, "required" => required.to_string()).set(number(status));
        }
    }

    /// Name of the service.
    pub(crate) const fn service(&self) -> &'static str {
        self.service
    }

    /// All of those that count at once, and whether the service is of use with what answers.
    async fn dependencies(&self, counts: fn(Need) -> bool) -> (Status, BTreeMap<String, Dependency>) {
        let counting = self.dependencies.iter().filter(|(_, need, _)| counts(*need));
        let asked = counting.map(|(name, need, check)| async {
            let answer = tokio::time::timeout(Duration::from_secs(1), check()).await.unwrap_or(Err(None));
            let (status, reason) = answer.map_or_else(|reason| (Status::Down, reason), |()| (Status::Up, None));
            ((*name).to_owned(), Dependency { status, required: *need != Need::Nothing, reason })
        });
        let dependencies: BTreeMap<_, _> = join_all(asked).await.into_iter().collect();
        let is_missed = dependencies.values().any(|one| one.required && one.status == Status::Down);
        let is_down = is_missed || self.is_stopping.load(Ordering::Relaxed);
        (if is_down { Status::Down } else { Status::Up }, dependencies)
    }
}

//! Secrets that are replaced while the program runs. Their files are read again and again rather than watched: container
//! platforms replace them by changing a link in a folder above, editors by renaming another file to them.

use crate::config::{Secret, read};
use crate::metrics::{SECRET_REFUSED, SECRET_REPLACED};
use crate::service::chain;
use metrics::{Gauge, gauge};
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How often a file is read.
const LOOK: Duration = Duration::from_secs(1);
/// How many times as long until a value that was refused is tried again: its server may not know it yet.
const PATIENCE: u32 = 3;

/// How long taking a value may last: what hangs is offered once more.
const TAKING: Duration = Duration::from_secs(60);

/// Follows a secret's file until it is dropped.
#[must_use = "a file is followed only while this is kept"]
pub(crate) struct Following(Option<JoinHandle<()>>);

impl Following {
    /// Follows it until the program ends.
    pub(crate) fn for_ever(mut self) {
        self.0 = None;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Why the value in a file is not in use, counted in the metric for as long as it is not: who follows the same secret counts
/// there too.
struct Complaint {
    refused: Gauge,
    cause: Option<String>,
}

impl Complaint {
    fn none(secret: &'static str) -> Self {
        let refused = gauge!(SECRET_REFUSED, "secret" => secret);
        refused.increment(0.0);
        Self { refused, cause: None }
    }

    /// Takes the cause of now, and tells whether it is another than the one before.
    fn becomes(&mut self, cause: Option<String>) -> bool {
        match (&self.cause, &cause) {
            (None, Some(_)) => self.refused.increment(1.0),
            (Some(_), None) => self.refused.decrement(1.0),
            _ => {}
        }
        let is_another = self.cause != cause;
        self.cause = cause;
        is_another
    }
}

impl Drop for Complaint {
    fn drop(&mut self) {
        self.becomes(None);
    }
}

/// Why a value was not taken.
pub(crate) type Refusal = Box<dyn Error + Send + Sync>;

/// Reads the file of a secret again and again, if it came from one, and offers every other value that it holds to `take`,
/// until that takes it. Until then the value before it is in use.
pub(crate) fn follow<F>(
    secret: &Secret,
    name: &'static str,
    take: impl FnMut(Secret) -> F + Send + 'static,
) -> Following
where
    F: Future<Output = Result<(), Refusal>> + Send,
{
    look_every(LOOK, secret, name, take)
}

fn look_every<F>(
    pause: Duration,
    secret: &Secret,
    name: &'static str,
    mut take: impl FnMut(Secret) -> F + Send + 'static,
) -> Following
where
    F: Future<Output = Result<(), Refusal>> + Send,
{
    let Some(file) = secret.file().map(ToOwned::to_owned) else { return Following(None) };
    let replaced = gauge!(SECRET_REPLACED, "secret" => name);
    replaced.increment(0.0);
    let mut complaint = Complaint::none(name);
    let mut current = secret.clone();
    Following(Some(tokio::spawn(async move {
        loop {
            sleep(if complaint.cause.is_none() { pause } else { pause * PATIENCE }).await;
            let outcome = match read(&file) {
                Ok(value) if value == current.expose() => Ok(None),
                Ok(value) => {
                    let offered = current.replaced(value);
                    let taken = timeout(TAKING, take(offered.clone())).await.unwrap_or_else(|late| Err(late.into()));
                    taken.map(|()| Some(offered)).map_err(|refusal| chain(refusal.as_ref()))
                }
                Err(error) => Err(format!("its file {error}")),
            };
            if let Ok(Some(taken)) = &outcome {
                current = taken.clone();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                replaced.set(now.as_secs_f64());
                tracing::info!(secret = name, "a secret was replaced");
            }
            if complaint.becomes(outcome.err())
                && let Some(error) = &complaint.cause
            {
                tracing::warn!(secret = name, error, "a secret cannot be replaced, the one before it stays");
            }
        }
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NUL;
    use crate::testing::temporary;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tokio::sync::mpsc;

    /// As Kubernetes mounts a Secret: the file is a link into a folder, which is a link that changes.
    struct Mount(std::path::PathBuf);

    impl Mount {
        fn new(value: &str) -> Self {
            let mount = Self(temporary());
            fs::create_dir(&mount.0).expect("a folder");
            symlink("..data/secret", mount.0.join("secret")).expect("a link");
            mount.hold("first", value);
            mount
        }

        fn hold(&self, generation: &str, value: &str) {
            fs::create_dir(self.0.join(generation)).expect("a folder");
            fs::write(self.0.join(generation).join("secret"), value).expect("a file");
            symlink(generation, self.0.join("..next")).expect("a link");
            fs::rename(self.0.join("..next"), self.0.join("..data")).expect("it takes the other's place");
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[tokio::test]
    async fn another_value_is_offered_until_it_is_taken() {
        let mount = Mount::new("first\n");
        let Ok(secret) = format!("{}{NUL}first", mount.0.join("secret").display()).parse::<Secret>();
        let (sender, mut offered) = mpsc::unbounded_channel();
        let mut refusals = 1;
        let _following = look_every(Duration::from_millis(5), &secret, "SECRET", move |secret| {
            let is_taken = secret.expose() != "second" || refusals == 0;
            refusals -= usize::from(!is_taken);
            drop(sender.send(secret.expose().to_owned()));
            async move { if is_taken { Ok(()) } else { Err("not known yet".into()) } }
        });
        mount.hold("second", "second\n");
        assert_eq!(offered.recv().await.as_deref(), Some("second"));
        assert_eq!(offered.recv().await.as_deref(), Some("second"), "it was refused");
        mount.hold("none", "");
        mount.hold("third", "third");
        assert_eq!(offered.recv().await.as_deref(), Some("third"), "the second was taken, and nothing is no value");
        mount.hold("same", "third");
        mount.hold("fourth", "fourth");
        assert_eq!(offered.recv().await.as_deref(), Some("fourth"), "what is in use is not offered");
    }

    #[tokio::test]
    async fn a_refusal_counts_until_it_ends_whatever_others_take() {
        let mount = Mount::new("first");
        let Ok(secret) = format!("{}{NUL}first", mount.0.join("secret").display()).parse::<Secret>();
        let recorder = PrometheusBuilder::new().build_recorder();
        let (sender, mut taken) = mpsc::unbounded_channel();
        let pause = Duration::from_millis(5);
        let (takes, refuses) = metrics::with_local_recorder(&recorder, || {
            let takes = look_every(pause, &secret, "SECRET", move |secret| {
                drop(sender.send(secret.expose().to_owned()));
                async { Ok(()) }
            });
            (takes, look_every(pause, &secret, "SECRET", |_| async { Err("never".into()) }))
        });
        let refused = || {
            let metrics = recorder.handle().render();
            let line =
                metrics.lines().find(|line| line.starts_with(SECRET_REFUSED)).expect("it is there from the start");
            line.rsplit_once(' ').expect("a value").1.to_owned()
        };
        let becomes = async |expected| {
            let waited = timeout(TAKING, async {
                while refused() != expected {
                    sleep(pause).await;
                }
            });
            waited.await.unwrap_or_else(|_| panic!("{} and not {expected}", refused()));
        };
        becomes("0").await;
        mount.hold("second", "second");
        becomes("1").await;
        mount.hold("third", "third");
        while taken.recv().await.expect("it follows") != "third" {}
        assert_eq!(refused(), "1", "the other has still not taken it");
        drop(refuses);
        becomes("0").await;
        drop(takes);
    }
}

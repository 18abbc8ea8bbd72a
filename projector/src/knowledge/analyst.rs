//! Analyses for the events of a batch: remembered ones from the table `analysis.memo`, the others made on every core. What
//! is remembered depends on nothing but the text and the analysis' version, so a replay repeats no work.

use super::Key;
use super::document::{Document, file_name};
use crate::error::Error;
use crate::metrics::ANALYSES_BROKEN;
use crate::positioned::Positioned;
use analysis::{Analysis, Text};
use events::document::Event;
use events::{AnyEvent, Content, Stream};
use metrics::counter;
use runtime::EventLog;
use runtime::blobs::Blobs;
use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

/// Texts of fewer bytes in all are analysed where they stand: handing them over would take longer.
const WORTH_A_THREAD: usize = 64 * 1024;

/// Bytes of texts that are held at once, and one text more.
const AT_ONCE: usize = 8 << 20;

/// Finds what texts say.
#[derive(Clone)]
pub(super) struct Analyst {
    log: EventLog,
    blobs: Blobs,
}

/// See [`analysis::memo`].
type Digested = [u8; 32];

/// What a document's analysis looks at, and where its text is.
#[derive(Clone)]
struct Subject {
    title: String,
    media_type: String,
    file_name: Option<String>,
    sha256: String,
    content: Place,
}

/// Where a text is.
#[derive(Clone)]
enum Place {
    /// In an event of this batch.
    Batch(usize),
    /// In an earlier event.
    Log(u64),
}

impl Analyst {
    pub(super) fn new(log: EventLog) -> Self {
        Self { blobs: Blobs::new(log.connection().clone()), log }
    }

    /// The analyses that events of a batch lead to, by their place in the batch.
    pub(super) async fn analyse(
        &self,
        pool: &PgPool,
        batch: &[Positioned],
        loaded: &HashMap<Key, Document>,
    ) -> Result<HashMap<usize, Arc<Analysis>>, Error> {
        let subjects = subjects(batch, loaded);
        let wanted: BTreeMap<Digested, &(usize, Stream, Subject)> =
            subjects.iter().map(|wanted| (wanted.2.digest(), wanted)).collect();
        let mut analyses = remembered(pool, wanted.keys()).await?;
        let mut new =
            wanted.into_iter().filter(|(digest, _)| !analyses.contains_key(digest)).collect::<Vec<_>>().into_iter();
        while new.len() > 0 {
            let (mut texts, mut bytes) = (Vec::new(), 0);
            for (digest, (_, stream, subject)) in new.by_ref() {
                let text = self.text(batch, stream, subject).await?;
                bytes += text.len();
                texts.push((digest, subject.clone(), text));
                if bytes >= AT_ONCE {
                    break;
                }
            }
            let wanted: Vec<Digested> = texts.iter().map(|(digest, ..)| *digest).collect();
            let made = make(texts).await;
            remember(pool, &made).await?;
            analyses.extend(made);
            for digest in wanted {
                analyses.entry(digest).or_insert_with(|| Arc::new(Analysis::nothing()));
            }
        }
        let of = |(at, _, subject): &(usize, Stream, Subject)| Some((*at, analyses.get(&subject.digest())?.clone()));
        Ok(subjects.iter().filter_map(of).collect())
    }

    async fn text(&self, batch: &[Positioned], stream: &Stream, subject: &Subject) -> Result<String, Error> {
        let content = match subject.content {
            Place::Batch(at) => batch.get(at).and_then(|positioned| positioned.envelope.event.content()).cloned(),
            Place::Log(sequence) => {
                let recorded = self.log.at(sequence).await?.filter(|recorded| recorded.stream == *stream);
                let event = recorded.map(|recorded| recorded.decode_any()).transpose()?;
                event.and_then(|envelope| envelope.event.content().cloned())
            }
        };
        match content {
            Some(Content { text: Some(text), .. }) => Ok(text),
            Some(_) | None => Ok(self.blobs.text(&subject.sha256).await?),
        }
    }
}

/// What must be analysed: for each event that changes it, the title, the media type, the file's name and the text as they
/// are then.
fn subjects(batch: &[Positioned], loaded: &HashMap<Key, Document>) -> Vec<(usize, Stream, Subject)> {
    let mut subjects = Vec::new();
    let mut now: HashMap<Key, Subject> = HashMap::new();
    for (at, positioned) in batch.iter().enumerate() {
        let AnyEvent::Document(event) = &positioned.envelope.event else { continue };
        let Some(key) = super::key(&positioned.envelope.stream) else { continue };
        let before = now.get(&key).cloned().or_else(|| loaded.get(&key).map(Subject::of));
        let after = match (event, before) {
            (Event::Uploaded(uploaded), _) => Some(Subject {
                title: uploaded.title.clone(),
                media_type: uploaded.media_type.clone(),
                file_name: file_name(&uploaded.source),
                sha256: uploaded.content.sha256.clone(),
                content: Place::Batch(at),
            }),
            (Event::Revised(revised), Some(before)) => Some(Subject {
                media_type: revised.media_type.clone(),
                sha256: revised.content.sha256.clone(),
                content: Place::Batch(at),
                ..before
            }),
            (Event::Retitled(retitled), Some(before)) => Some(Subject { title: retitled.title.clone(), ..before }),
            (Event::Described(described), Some(before)) => {
                let file_name = file_name(&described.source);
                (file_name != before.file_name).then_some(Subject { file_name, ..before })
            }
            _ => None,
        };
        if let Some(subject) = after {
            now.insert(key, subject.clone());
            subjects.push((at, positioned.envelope.stream, subject));
        }
    }
    subjects
}

impl Subject {
    fn of(document: &Document) -> Self {
        Self {
            title: document.title.clone(),
            media_type: document.media_type.clone(),
            file_name: document.file_name.clone(),
            sha256: document.sha256.clone(),
            content: Place::Log(document.content_sequence),
        }
    }

    fn digest(&self) -> Digested {
        analysis::memo::key(&self.title, &self.media_type, self.file_name.as_deref(), &self.sha256)
    }

    /// What the text says; none if the analysis breaks, so that one text does not hold up all the others.
    fn analyse(&self, body: &str) -> Option<Analysis> {
        let file_name = self.file_name.as_deref();
        let text = Text { title: &self.title, body, media_type: &self.media_type, file_name };
        let analysis = catch_unwind(|| analysis::analyse(&text));
        if analysis.is_err() {
            tracing::error!(sha256 = self.sha256, "the analysis broke: nothing is found in this text");
            counter!(ANALYSES_BROKEN).increment(1);
        }
        analysis.ok()
    }
}

/// Analyses texts, on every core when there is much to do; those that break it are left out.
async fn make(texts: Vec<(Digested, Subject, String)>) -> HashMap<Digested, Arc<Analysis>> {
    let made =
        |(digest, subject, body): &(Digested, Subject, String)| Some((*digest, Arc::new(subject.analyse(body)?)));
    if texts.iter().map(|(.., body)| body.len()).sum::<usize>() < WORTH_A_THREAD {
        return texts.iter().filter_map(made).collect();
    }
    let threads = available_parallelism().map_or(1, usize::from);
    let texts = Arc::new(texts);
    let tasks: Vec<_> = (0..threads)
        .map(|thread| {
            let texts = texts.clone();
            tokio::task::spawn_blocking(move || {
                texts.iter().skip(thread).step_by(threads).filter_map(made).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut all = HashMap::with_capacity(texts.len());
    for task in tasks {
        match task.await {
            Ok(made) => all.extend(made),
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        }
    }
    all
}

async fn remembered(
    pool: &PgPool,
    digests: impl Iterator<Item = &Digested>,
) -> Result<HashMap<Digested, Arc<Analysis>>, Error> {
    let digests: Vec<Vec<u8>> = digests.map(|digest| digest.to_vec()).collect();
    if digests.is_empty() {
        return Ok(HashMap::new());
    }
    let rows =
        sqlx::query!("select key, result from analysis.memo where key = any($1)", &digests).fetch_all(pool).await?;
    let read = |key: Vec<u8>, result: &[u8]| {
        let digest = Digested::try_from(key).ok()?;
        // What cannot be read is made anew.
        Some((digest, Arc::new(serde_json::from_slice(result).ok()?)))
    };
    Ok(rows.into_iter().filter_map(|row| read(row.key, &row.result)).collect())
}

async fn remember(pool: &PgPool, made: &HashMap<Digested, Arc<Analysis>>) -> Result<(), Error> {
    if made.is_empty() {
        return Ok(());
    }
    let version = i32::try_from(analysis::VERSION).unwrap_or(i32::MAX);
    let results: Vec<Vec<u8>> = made
        .values()
        .map(|analysis| serde_json::to_vec(analysis.as_ref()).expect("an analysis is plain JSON"))
        .collect();
    sqlx::query!(
        "insert into analysis.memo (key, version, result) select key, $2, result
         from unnest($1::bytea[], $3::bytea[]) as made (key, result)
         -- In one order, as other projectors may remember the same.
         order by key on conflict (key) do update set result = excluded.result",
        &made.keys().map(|digest| digest.to_vec()).collect::<Vec<_>>(),
        version,
        &results
    )
    .execute(pool)
    .await?;
    Ok(())
}

//! Spellings that have turned out to mean the same, and acronyms that documents explain, meet.

use crate::error::Error;
use crate::knowledge::fold::Fold;
use crate::knowledge::vocabulary::reason;
use analysis::aliases::{self, Counted, LongForm};
use chrono::{DateTime, Utc};
use events::{DocumentId, WorkspaceId};
use std::collections::{BTreeMap, BTreeSet};

/// Lets keys that turned out to be spellings or acronyms of others stand for them, for good.
pub(super) async fn join(fold: &mut Fold<'_>, id: WorkspaceId, at: DateTime<Utc>) -> Result<(), Error> {
    let used = used(fold, id).await?;
    let explained = explained(fold, id).await?;
    let counted: Vec<Counted<'_>> = used
        .iter()
        .map(|(key, used)| Counted {
            key,
            name: &used.name,
            documents: used.documents,
            acronym_of: explained.get(key).and_then(Explained::long_form),
        })
        .collect();
    let mut moved = BTreeSet::new();
    let mut vocabulary = fold.workspace(id).vocabulary.clone();
    for (variant, concept) in aliases::aliases(&counted) {
        let (variant, concept) = (&counted[variant], &counted[concept]);
        if vocabulary.is_free(variant.key) {
            let is_acronym = variant.acronym_of.is_some_and(|long| long.key == concept.key);
            let reason = if is_acronym { reason::ACRONYM } else { reason::SPELLING };
            moved.extend(vocabulary.alias(variant.key, concept.key, reason));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    fold.change_vocabulary(id, vocabulary, moved, at).await
}

/// A concept that documents have.
struct Used {
    name: String,
    documents: u32,
}

/// The concepts that documents have, as the batch has left them so far.
async fn used(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<BTreeMap<String, Used>, Error> {
    // Those that no document has too: one that this batch brings back has the name that came with it first.
    let rows = sqlx::query!("select concept, name, documents from concept where workspace_id = $1", id.0)
        .fetch_all(&mut *fold.connection)
        .await?;
    let mut known: BTreeMap<String, (String, i64)> =
        rows.into_iter().map(|row| (row.concept, (row.name, row.documents))).collect();
    for (key, difference) in fold.counts.concepts.get(&id).into_iter().flatten() {
        let met = || fold.names.get(id, key).map_or_else(|| key.clone(), |(name, _)| name.to_owned());
        known.entry(key.clone()).or_insert_with(|| (met(), 0)).1 += difference;
    }
    let vocabulary = &fold.workspace(id).vocabulary;
    let used = known.into_iter().filter(|(_, (_, documents))| *documents > 0).map(|(key, (name, documents))| {
        // A name that a user gave within this batch is not in the table yet.
        let name = vocabulary.name(&key).map_or(name, str::to_owned);
        (key, Used { name, documents: u32::try_from(documents).unwrap_or(u32::MAX) })
    });
    Ok(used.collect())
}

/// What documents say an acronym stands for: how many say what.
#[derive(Default)]
struct Explained {
    long_forms: BTreeMap<String, u32>,
}

impl Explained {
    /// The long form that most of them give; of equals the first.
    fn long_form(&self) -> Option<LongForm<'_>> {
        let (key, documents) = self.long_forms.iter().rev().max_by_key(|(_, documents)| **documents)?;
        Some(LongForm { key, documents: *documents, explaining: self.long_forms.values().sum() })
    }
}

/// The acronyms that documents in use explain.
async fn explained(fold: &mut Fold<'_>, id: WorkspaceId) -> Result<BTreeMap<String, Explained>, Error> {
    let rows = sqlx::query!(
        "select document_id, acronyms from document_knowledge
         where workspace_id = $1 and not is_trashed and acronyms <> '{}'",
        id.0
    )
    .fetch_all(&mut *fold.connection)
    .await?;
    let untouched = rows.into_iter().filter(|row: &_| {
        let row: &_ = row;
        !fold.touched.contains_key(&(id, DocumentId(row.document_id)))
    });
    let touched = fold.touched.iter().filter(|(key, touched)| key.0 == id && !touched.document.is_trashed);
    let said = untouched.map(|row| row.acronyms).chain(touched.map(|(_, touched)| touched.document.acronyms.clone()));
    let vocabulary = fold.workspaces.get(&id).map(|workspace| &workspace.vocabulary);
    let mut explained: BTreeMap<String, Explained> = BTreeMap::new();
    for pairs in said {
        for pair in pairs.chunks_exact(2) {
            // Two spellings that were joined are one long form.
            let long = vocabulary.map_or(pair[1].as_str(), |vocabulary| vocabulary.canonical(&pair[1]));
            *explained.entry(pair[0].clone()).or_default().long_forms.entry(long.to_owned()).or_default() += 1;
        }
    }
    Ok(explained)
}

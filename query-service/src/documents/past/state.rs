//! A document as it was after its last change at or before a moment.

use super::changes::{Change, Detail};
use super::cluster::{PastCluster, Stood};
use crate::documents::view::{DocumentView, SourceView, State};
use analysis::{Analysis, concepts};
use bytesize::ByteSize;
use events::document::{Assessed, Proposed, Source};
use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A concept that a document had.
#[derive(Serialize, Object)]
pub(crate) struct PastConcept {
    /// Its key: what variants of the name have in common.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// 0 to 1.
    confidence: f32,
    /// Who said so: `analysis`, `model` or `user`.
    origin: String,
}

/// A document as it was.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct PastDocument {
    /// The document; `sequence` is that of the last change that it shows.
    pub(crate) document: DocumentView,
    /// Its concepts then, the surest first: of the text that it had, as today's analysis finds them, and as its users had
    /// corrected them by then. What was decided about concepts of the whole workspace is not applied.
    concepts: Vec<PastConcept>,
    /// The cluster that a user had put it into; absent if clustering decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_cluster_id: Option<Uuid>,
    /// The cluster that it stood in, found or put there, as clusters were then; absent if it stood in none, or that is not
    /// known.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<PastCluster>,
    /// Whether it is known in which cluster it stood. Where not, the tables of knowledge do not show the document yet, or
    /// were filled by a program that did not remember so far back: `projector rebuild` fills them anew.
    is_cluster_known: bool,
    /// Where the event with its text stands.
    #[serde(skip)]
    #[oai(skip)]
    pub(super) content_sequence: u64,
    #[serde(skip)]
    #[oai(skip)]
    corrected: Corrections,
}

impl Example for PastDocument {
    fn example() -> Self {
        let (key, name) = (example::CONCEPT_KEY.to_owned(), example::concept());
        Self {
            document: DocumentView::example(),
            concepts: vec![PastConcept::of(key, name, events::Category::Database, 0.46875, "analysis")],
            pinned_cluster_id: None,
            cluster: Some(PastCluster::example()),
            is_cluster_known: true,
            content_sequence: example::REVISED,
            corrected: Corrections::default(),
        }
    }
}

/// What users and a model had said of its concepts.
#[derive(Default)]
struct Corrections {
    /// By key: the name and category if it was added, nothing if it was removed.
    users: BTreeMap<String, Option<(String, events::Category)>>,
    model: Vec<Proposed>,
    file_name: Option<String>,
}

/// What they come to; `None` if the document was not there yet.
pub(super) fn fold(id: Uuid, changes: &[Change]) -> Option<PastDocument> {
    let (first, later) = changes.split_first().filter(|(first, _)| first.kind == "uploaded")?;
    let mut past = PastDocument::uploaded(id, first, Detail::of(first));
    for change in later {
        if !past.evolve(change, Detail::of(change)) {
            tracing::error!(kind = change.kind, "a document's past has a change of a kind that nobody knows");
        }
    }
    Some(past)
}

impl PastDocument {
    fn uploaded(id: Uuid, change: &Change, detail: Detail) -> Self {
        let source = detail.source.unwrap_or_default();
        let file_name = source.name.clone();
        Self {
            document: DocumentView {
                id,
                title: detail.title.unwrap_or_default(),
                media_type: detail.media_type.unwrap_or_default(),
                sha256: detail.sha256.unwrap_or_default(),
                bytes: detail.bytes.unwrap_or_default(),
                source: view(source),
                skill_level: detail.skill_level.unwrap_or_default(),
                tags: detail.tags,
                state: State::Live,
                merged_into: None,
                revision: 1,
                created_at: change.at,
                updated_at: change.at,
                sequence: change.sequence(),
            },
            concepts: Vec::new(),
            pinned_cluster_id: None,
            cluster: None,
            is_cluster_known: false,
            content_sequence: change.sequence(),
            corrected: Corrections { file_name, ..Corrections::default() },
        }
    }

    /// Goes on with a change; whether its kind is known.
    fn evolve(&mut self, change: &Change, detail: Detail) -> bool {
        let document = &mut self.document;
        match change.kind.as_str() {
            "revised" => {
                document.media_type = detail.media_type.unwrap_or_default();
                document.sha256 = detail.sha256.unwrap_or_default();
                document.bytes = detail.bytes.unwrap_or_default();
                document.revision += 1;
                self.content_sequence = change.sequence();
                self.corrected.model.clear();
            }
            "retitled" => document.title = detail.title.unwrap_or_default(),
            "described" => {
                let source = detail.source.unwrap_or_default();
                self.corrected.file_name.clone_from(&source.name);
                document.source = view(source);
                document.skill_level = detail.skill_level.unwrap_or_default();
            }
            "tagged" => document.tags.extend(detail.tag),
            "untagged" => document.tags.retain(|tag| Some(tag) != detail.tag.as_ref()),
            "absorbed" => {
                document.tags.extend(detail.tags);
                detail.concepts.into_iter().for_each(|named| self.corrected.add(named.name, named.category));
            }
            "concept_added" => self.corrected.add(detail.name.unwrap_or_default(), detail.category),
            "concept_removed" => {
                let key = concepts::key(&detail.name.unwrap_or_default());
                self.corrected.users.insert(key, None);
            }
            "moved_to_cluster" => self.pinned_cluster_id = detail.cluster,
            "released_from_cluster" => self.pinned_cluster_id = None,
            "assessed" => {
                let assessed = Assessed::deserialize(&change.detail).ok();
                let of_this_text = assessed.filter(|assessed| assessed.sha256 == document.sha256);
                if let Some(assessed) = of_this_text {
                    self.corrected.model = assessed.concepts;
                }
            }
            "merged" => (document.state, document.merged_into) = (State::Trashed, detail.into),
            "trashed" => document.state = State::Trashed,
            "restored" => (document.state, document.merged_into) = (State::Live, None),
            // Links stand on their own.
            "linked" | "unlinked" => {}
            _ => return false,
        }
        document.tags.sort_unstable();
        document.tags.dedup();
        document.updated_at = change.at;
        document.sequence = change.sequence();
        true
    }

    fn file_name(&self) -> Option<&str> {
        self.corrected.file_name.as_deref().filter(|_| self.document.source.kind == "file")
    }

    /// What an analysis has found in the text that it had then, if that is remembered.
    pub(super) async fn remembered(&self, connection: &mut PgConnection) -> Result<Option<Analysis>, Problem> {
        let DocumentView { title, media_type, sha256, .. } = &self.document;
        let key = analysis::memo::key(title, media_type, self.file_name(), sha256);
        let result = sqlx::query_scalar!("select result from analysis.memo where key = $1", &key)
            .fetch_optional(connection)
            .await?;
        // What cannot be read is found anew.
        Ok(result.and_then(|result| serde_json::from_slice(&result).ok()))
    }

    /// # Errors
    /// 422 `text_too_long` when its text had more bytes.
    pub(super) fn check_length(&self, most: ByteSize) -> Result<(), Problem> {
        if self.document.bytes <= most.as_u64() {
            return Ok(());
        }
        let title = "the text of then is too long to be analysed now";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text_too_long", title);
        let bytes = self.document.bytes;
        Err(problem.detail(format_args!("it has {bytes} bytes, and at most {most} are analysed (SYNCBOARD_PAST_TEXT)")))
    }

    /// Adds the cluster that it stood in.
    pub(super) fn with_cluster(mut self, stood: Stood) -> Self {
        self.is_cluster_known = !matches!(stood, Stood::Unknown);
        self.cluster = match stood {
            Stood::In(cluster) => Some(cluster),
            Stood::Nowhere | Stood::Unknown => None,
        };
        self
    }

    /// What the analysis finds in the text that it had then.
    pub(super) fn analyse(&self, body: &str) -> Analysis {
        let DocumentView { title, media_type, .. } = &self.document;
        analysis::analyse(&analysis::Text { title, body, media_type, file_name: self.file_name() })
    }

    /// Adds its concepts, of what was found in its text.
    pub(super) fn with_concepts_of(mut self, found: Analysis) -> Self {
        let mut had: BTreeMap<String, PastConcept> = BTreeMap::new();
        for concept in found.concepts {
            let of =
                PastConcept::of(concept.key.clone(), concept.name, concept.category, concept.confidence, "analysis");
            had.insert(concept.key, of);
        }
        for Proposed { name, category, confidence } in &self.corrected.model {
            let key = concepts::key(name);
            let of = |key| PastConcept::of(key, name.clone(), *category, *confidence, "model");
            had.entry(key.clone()).or_insert_with(|| of(key));
        }
        for (key, said) in &self.corrected.users {
            match said {
                None => drop(had.remove(key)),
                Some((name, category)) => {
                    had.insert(key.clone(), PastConcept::of(key.clone(), name.clone(), *category, 1.0, "user"));
                }
            }
        }
        let mut concepts: Vec<PastConcept> = had.into_values().collect();
        concepts.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.concept.cmp(&b.concept)));
        self.concepts = concepts;
        self
    }
}

impl PastConcept {
    fn of(concept: String, name: String, category: events::Category, confidence: f32, origin: &str) -> Self {
        Self { concept, name, category: category.name().to_owned(), confidence, origin: origin.to_owned() }
    }
}

impl Corrections {
    fn add(&mut self, name: String, category: Option<events::Category>) {
        let category = category.unwrap_or_else(|| analysis::category::of(&name));
        self.users.insert(concepts::key(&name), Some((name, category)));
    }
}

fn view(source: Source) -> SourceView {
    let kind = source.kind.name().to_owned();
    SourceView { kind, name: source.name, url: source.url, author: source.author }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::EventType;
    use serde_json::json;

    #[test]
    fn every_change_of_a_document_is_known() {
        let is_known = |kind: &str| {
            let change = Change { sequence: 9, kind: kind.to_owned(), at: example::revised_at(), detail: json!({}) };
            PastDocument::example().evolve(&change, Detail::of(&change))
        };
        for kind in events::document::Event::KINDS.iter().filter(|kind| kind.name != "uploaded") {
            assert!(is_known(kind.name), "{}", kind.name);
        }
        assert!(!is_known("forgotten"));
    }
}

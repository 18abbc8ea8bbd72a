//! What is known of one document: its row, and how events change it. What the analysis finds comes with the event.

use crate::positioned::Positioned;
use analysis::Analysis;
use analysis::clusters::Vector;
use analysis::concepts::{self, Concept};
use analysis::near::Sketch;
use chrono::{DateTime, Utc};
use events::document::{Assessed, ConceptAdded, Event, SkillLevel, Source, SourceKind, Uploaded};
use events::{ClusterId, DocumentId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the table `document_knowledge` holds of a document, less what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) arrival: u64,
    pub(super) content_sequence: u64,
    pub(super) sequence: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) title: String,
    pub(super) media_type: String,
    pub(super) file_name: Option<String>,
    pub(super) source_kind: SourceKind,
    pub(super) sha256: String,
    pub(super) is_trashed: bool,
    pub(super) merged_into: Option<DocumentId>,
    pub(super) language: String,
    pub(super) code: Option<String>,
    pub(super) stated_level: SkillLevel,
    pub(super) assessment: Option<Assessed>,
    pub(super) findings: Findings,
    pub(super) acronyms: Vec<String>,
    pub(super) vector: Vector,
    pub(super) sketch: Sketch,
    pub(super) added: Vec<Added>,
    /// Keys with the sequence of their removal.
    pub(super) removed: BTreeMap<String, u64>,
    pub(super) found: Option<ClusterId>,
    /// In thousandths.
    pub(super) similarity: i16,
    pub(super) pinned: Option<ClusterId>,
}

/// The part of an analysis that is kept as JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Findings {
    pub(super) skill_level: SkillLevel,
    pub(super) concepts: Vec<Concept>,
    pub(super) words: Vec<String>,
}

/// A concept that a user added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Added {
    #[serde(flatten)]
    pub(super) concept: ConceptAdded,
    pub(super) sequence: u64,
}

impl Document {
    /// A new document.
    pub(super) fn uploaded(positioned: &Positioned, uploaded: &Uploaded, analysis: &Analysis) -> Self {
        let mut document = Self {
            arrival: positioned.sequence,
            content_sequence: positioned.sequence,
            sequence: positioned.sequence,
            created_at: positioned.envelope.time,
            title: uploaded.title.clone(),
            media_type: uploaded.media_type.clone(),
            file_name: None,
            source_kind: uploaded.source.kind,
            sha256: uploaded.content.sha256.clone(),
            is_trashed: false,
            merged_into: None,
            language: String::new(),
            code: None,
            stated_level: uploaded.skill_level,
            assessment: None,
            findings: Findings::default(),
            acronyms: Vec::new(),
            vector: Vector::default(),
            sketch: Sketch::default(),
            added: Vec::new(),
            removed: BTreeMap::new(),
            found: None,
            similarity: 0,
            pinned: None,
        };
        document.set_source(&uploaded.source);
        document.set_analysis(analysis);
        document
    }

    /// The document after an event; `analysis` is there when the event changes what is analysed.
    pub(super) fn evolve(&mut self, positioned: &Positioned, event: &Event, analysis: Option<&Analysis>) {
        match event {
            Event::Uploaded(_) => {}
            Event::Revised(revised) => {
                self.sha256.clone_from(&revised.content.sha256);
                self.media_type.clone_from(&revised.media_type);
                self.content_sequence = positioned.sequence;
                self.assessment = None;
            }
            Event::Retitled(retitled) => self.title.clone_from(&retitled.title),
            Event::Described(described) => {
                self.set_source(&described.source);
                self.stated_level = described.skill_level;
            }
            Event::ConceptAdded(added) => self.add(added, positioned.sequence),
            Event::ConceptRemoved(removed) => {
                let key = concepts::key(&removed.name);
                self.added.retain(|added| concepts::key(&added.concept.name) != key);
                self.removed.insert(key, positioned.sequence);
            }
            Event::MovedToCluster(moved) => self.pinned = Some(moved.cluster),
            Event::ReleasedFromCluster(_) => self.pinned = None,
            Event::Absorbed(absorbed) => {
                absorbed.concepts.iter().for_each(|added| self.add(added, positioned.sequence));
            }
            Event::Assessed(assessed) if assessed.sha256 == self.sha256 => self.assessment = Some(assessed.clone()),
            Event::Merged(merged) => {
                self.is_trashed = true;
                self.merged_into = Some(merged.into);
            }
            Event::Trashed(_) => self.is_trashed = true,
            Event::Restored(_) => {
                self.is_trashed = false;
                self.merged_into = None;
            }
            // Tags are no concepts; links have a table of their own; an assessment of another text says nothing.
            Event::Tagged(_) | Event::Untagged(_) | Event::Linked(_) | Event::Unlinked(_) | Event::Assessed(_) => {}
        }
        self.sequence = positioned.sequence;
        if let Some(analysis) = analysis {
            self.set_analysis(analysis);
        }
    }

    /// The level that holds.
    pub(super) fn skill_level(&self) -> SkillLevel {
        let assessed = self.assessment.as_ref().map_or(SkillLevel::Unknown, |assessment| assessment.skill_level);
        self.stated_level.or(assessed).or(self.findings.skill_level)
    }

    /// Keys of every concept that anybody found, proposed or added, each once, in order.
    pub(super) fn keys(&self) -> Vec<String> {
        let found = self.findings.concepts.iter().map(|concept| concept.key.clone());
        let proposed = self.assessment.iter().flat_map(|assessment| &assessment.concepts);
        let named = proposed.map(|concept| &concept.name).chain(self.added.iter().map(|added| &added.concept.name));
        found.chain(named.map(|name| concepts::key(name))).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a user removed a concept, under its own key or another that it is known by, after a sequence.
    pub(super) fn is_removed(&self, keys: [&str; 2], after: u64) -> bool {
        keys.iter().any(|key| self.removed.get(*key).is_some_and(|removed| *removed > after))
    }

    fn add(&mut self, concept: &ConceptAdded, sequence: u64) {
        let key = concepts::key(&concept.name);
        self.removed.remove(&key);
        self.added.retain(|earlier| concepts::key(&earlier.concept.name) != key);
        self.added.push(Added { concept: concept.clone(), sequence });
    }

    fn set_source(&mut self, source: &Source) {
        self.source_kind = source.kind;
        self.file_name = file_name(source);
    }

    fn set_analysis(&mut self, analysis: &Analysis) {
        self.language.clone_from(&analysis.language);
        self.code.clone_from(&analysis.code);
        self.findings = Findings {
            skill_level: analysis.skill_level,
            concepts: analysis.concepts.clone(),
            words: analysis.words.clone(),
        };
        self.acronyms = analysis.acronyms.iter().flat_map(|(short, long)| [short.clone(), long.clone()]).collect();
        self.vector = analysis.vector.clone();
        self.sketch = analysis.sketch.clone();
    }
}

/// The name of the file that a document came from: its ending tells code from prose.
pub(super) fn file_name(source: &Source) -> Option<String> {
    match source.kind {
        SourceKind::File => source.name.clone(),
        SourceKind::Text | SourceKind::Url | SourceKind::Image => None,
    }
}

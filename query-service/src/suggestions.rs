//! What could be built from what a workspace knows. The rules are in [`analysis::suggestions`]; here they get their facts,
//! and their answers get documents to begin with.

mod example;
mod facts;
mod starters;

use crate::answer::{Found, WorkspaceStatuses};
use crate::config::Overviews;
use crate::section::Section;
use crate::tables::{Of, Tables};
use analysis::suggestions;
use chrono::Duration;
use facts::Facts;
use poem_openapi::param::{Header, Query};
use poem_openapi::{Enum, Object, OpenApi};
use runtime::clock::{Clock, SystemClock};
use runtime::http::{Authorized, Refused};
use serde::Serialize;
use starters::Starter;
use std::collections::HashMap;
use uuid::Uuid;

/// Suggestions when the request does not say.
const USUAL: u32 = 10;
/// What came in so many days is recent.
const RECENT_DAYS: i64 = 30;

/// The route of suggestions.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) overviews: Overviews,
}

/// How much work something is, for one person.
#[derive(Clone, Copy, Debug, Serialize, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case", rename = "Effort")]
pub(crate) enum Effort {
    /// Up to a week.
    Small,
    /// Up to a month.
    Medium,
    /// More.
    Large,
}

/// Something that whoever builds it must be able to do.
#[derive(Serialize, Object)]
pub(crate) struct RequiredSkill {
    /// Its name.
    name: String,
    /// How often documents have its concepts; 0 for what is learned by doing.
    documents: u32,
    /// Names of concepts of the workspace that belong to it; at most 3.
    concepts: Vec<String>,
}

/// A cluster to build from.
#[derive(Clone, Serialize, Object)]
pub(crate) struct SuggestedCluster {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
}

/// Something that could be built.
#[derive(Serialize, Object)]
pub(crate) struct Suggestion {
    /// Which kind of project it is, such as `web_service` or `course`; a kind never changes its meaning.
    kind: String,
    /// What it would be.
    title: String,
    /// What it would be for.
    description: String,
    /// How much of what it needs is there, 0 to 1.
    feasibility: f64,
    /// What is there.
    reasons: Vec<String>,
    /// How much work it is.
    effort: Effort,
    /// The same in days of one person; more, the more must be learned.
    effort_days: u32,
    /// What whoever builds it must be able to do.
    required_skills: Vec<RequiredSkill>,
    /// What the documents say too little about, or nothing.
    missing_knowledge: Vec<String>,
    /// Keys of the concepts it is made of.
    concepts: Vec<String>,
    /// Clusters it is made of; at most 5.
    clusters: Vec<SuggestedCluster>,
    /// Documents to begin with; at most 5.
    documents: Vec<Starter>,
    /// What to do first, in order.
    steps: Vec<String>,
}

/// What could be built.
#[derive(Serialize, Object)]
#[oai(rename = "SuggestionList", example)]
pub(crate) struct Suggestions {
    /// The most promising first.
    suggestions: Vec<Suggestion>,
    /// When there is nothing to suggest: what is missing.
    missing: Vec<String>,
}

#[OpenApi(tag = "Section::Workspace")]
impl Api {
    /// What could be built from what the workspace knows
    ///
    /// Kinds of projects, technical and other, are held against the concepts and clusters of the workspace by fixed rules:
    /// what is essential must be there, the rest counts towards the feasibility. When there is too little, `missing` says
    /// what.
    #[oai(path = "/v1/suggestions", method = "get", operation_id = "list_suggestions")]
    async fn suggestions(
        &self,
        Authorized(caller): Authorized,
        /// Most suggestions.
        #[oai(validator(minimum(value = "1"), maximum(value = "50")))]
        limit: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<Suggestions>, Refused<WorkspaceStatuses>> {
        let today = SystemClock.now().date_naive();
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        // What is recent is others tomorrow.
        snapshot.also_depends_on(today);
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let since = today.and_time(chrono::NaiveTime::MIN).and_utc() - Duration::days(RECENT_DAYS);
        let workspace = caller.workspace.0;
        let considered = self.overviews.considered_documents;
        let facts = Facts::read(snapshot.connection(), workspace, since, considered).await?;
        let (found, missing) = suggestions::suggest(&facts.bank(), limit.0.unwrap_or(USUAL) as usize);
        let mut documents = starters::read(snapshot.connection(), workspace, &found).await?;
        let names = facts.cluster_names();
        let suggestions = found
            .into_iter()
            .zip(0..)
            .map(|(found, at)| view(found, &names, documents.remove(&at).unwrap_or_default()));
        let suggestions = suggestions.collect();
        Ok(snapshot.found(&Suggestions { suggestions, missing }))
    }
}

fn view(found: suggestions::Suggestion, names: &HashMap<Uuid, &str>, documents: Vec<Starter>) -> Suggestion {
    let effort = match found.effort() {
        suggestions::Effort::Small => Effort::Small,
        suggestions::Effort::Medium => Effort::Medium,
        suggestions::Effort::Large => Effort::Large,
    };
    let cluster = |id: &Uuid| Some(SuggestedCluster { id: *id, name: (*names.get(id)?).to_owned() });
    let skill = |skill: suggestions::Skill| {
        let suggestions::Skill { name, documents, concepts } = skill;
        RequiredSkill { name, documents, concepts }
    };
    Suggestion {
        kind: found.kind.to_owned(),
        feasibility: (f64::from(found.feasibility) * 100.0).round() / 100.0,
        effort,
        effort_days: found.days,
        clusters: found.clusters.iter().filter_map(cluster).collect(),
        required_skills: found.required_skills.into_iter().map(skill).collect(),
        documents,
        title: found.title,
        description: found.description,
        reasons: found.reasons,
        missing_knowledge: found.missing_knowledge,
        concepts: found.concepts,
        steps: found.steps,
    }
}

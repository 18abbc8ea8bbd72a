//! Concepts of a workspace: how they are written, what they stand for, whether they are suggested. Each command is an
//! event: whether it changes anything depends on which names mean one concept, which only the projection knows.

mod answer;

use crate::decider::Decider;
use crate::invalid::Invalid;
use crate::order::{Asked, Key};
use crate::section::Section;
use answer::{ConceptChanged, ConceptMergeStatuses, ConceptStatuses, cycle, problem};
use domain::concept::{Command, Concept};
use domain::document::Name;
use events::{ConceptId, Stream};
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use runtime::http::{Authorized, JsonBody, Limited, Problem, Refused, example};
use serde::Deserialize;

/// Where a chain of merged concepts is followed no further.
const LONGEST_CHAIN: usize = 64;

/// The routes of concepts.
pub(crate) struct Api {
    pub(crate) decider: Decider<Concept>,
    /// Most characters of a name.
    pub(crate) name_chars: usize,
}

/// How a concept is written.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ConceptNameBody", example)]
pub(crate) struct NameBody {
    /// One line with at least one letter or digit, at most 100 characters unless configured otherwise.
    name: String,
}

/// What a concept stands for.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ConceptMergeBody", example)]
pub(crate) struct MergeBody {
    /// The name or key of the concept that it becomes a part of.
    into: String,
}

impl Limited for NameBody {}

impl Limited for MergeBody {}

impl Example for NameBody {
    fn example() -> Self {
        Self { name: "Postgres".to_owned() }
    }
}

impl Example for MergeBody {
    fn example() -> Self {
        Self { into: "SQL".to_owned() }
    }
}

#[OpenApi(tag = "Section::Concepts")]
impl Api {
    /// Choose how a concept is written
    #[oai(path = "/v1/concepts/:concept/name", method = "put", operation_id = "rename_concept")]
    async fn rename(
        &self,
        request: &Request,
        caller: Authorized,
        /// The concept's key as queries show it, or its name.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        body: JsonBody<NameBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<ConceptChanged, Refused<ConceptStatuses>> {
        let (concept, name) = (self.name("concept", &concept.0)?, self.name("name", &body.0.name)?);
        let command = Command::Rename { concept: concept.clone(), name };
        Ok(self.change(&Asked::of(request, caller, key)?, concept, command).await?)
    }

    /// Merge a concept into another
    ///
    /// Documents that have it have the other from then on. Of two merges that are asked for at once and lead round in a
    /// circle, the later one holds.
    #[oai(path = "/v1/concepts/:concept/merge", method = "post", operation_id = "merge_concept")]
    async fn merge(
        &self,
        request: &Request,
        caller: Authorized,
        /// The concept's key as queries show it, or its name.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        body: JsonBody<MergeBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<ConceptChanged, Refused<ConceptMergeStatuses>> {
        let (concept, into) = (self.name("concept", &concept.0)?, self.name("into", &body.0.into)?);
        let asked = Asked::of(request, caller, key)?;
        self.check_chain(&asked, &concept, &into).await?;
        let command = Command::Merge { concept: concept.clone(), into };
        Ok(self.change(&asked, concept, command).await?)
    }

    /// Let a concept stand for itself
    ///
    /// Whether a user merged it or the system took it for a spelling or an acronym of another: it stays apart.
    #[oai(path = "/v1/concepts/:concept/merge", method = "delete", operation_id = "separate_concept")]
    async fn separate(
        &self,
        request: &Request,
        caller: Authorized,
        /// The concept's key as queries show it, or its name.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<ConceptChanged, Refused<ConceptStatuses>> {
        let concept = self.name("concept", &concept.0)?;
        let command = Command::Separate { concept: concept.clone() };
        Ok(self.change(&Asked::of(request, caller, key)?, concept, command).await?)
    }

    /// Never suggest a concept again
    ///
    /// No document has it, but for those to which a user adds it.
    #[oai(path = "/v1/concepts/:concept/suppression", method = "put", operation_id = "suppress_concept")]
    async fn suppress(
        &self,
        request: &Request,
        caller: Authorized,
        /// The concept's key as queries show it, or its name.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<ConceptChanged, Refused<ConceptStatuses>> {
        let concept = self.name("concept", &concept.0)?;
        let command = Command::Suppress { concept: concept.clone() };
        Ok(self.change(&Asked::of(request, caller, key)?, concept, command).await?)
    }

    /// Suggest a concept again
    #[oai(path = "/v1/concepts/:concept/suppression", method = "delete", operation_id = "allow_concept")]
    async fn allow(
        &self,
        request: &Request,
        caller: Authorized,
        /// The concept's key as queries show it, or any of its names.
        #[oai(example = "example::concept")]
        concept: Path<String>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<ConceptChanged, Refused<ConceptStatuses>> {
        let concept = self.name("concept", &concept.0)?;
        let command = Command::Allow { concept: concept.clone() };
        Ok(self.change(&Asked::of(request, caller, key)?, concept, command).await?)
    }
}

impl Api {
    /// Carries one command out on one concept.
    async fn change(&self, asked: &Asked, concept: Name, command: Command) -> Result<ConceptChanged, Problem> {
        let order = asked.order(stream(asked, &concept), command);
        let outcome = self.decider.execute(order).await.map_err(problem)?;
        Ok(ConceptChanged::of(&concept, &outcome))
    }

    /// Checks that the other is not part of this one, by whatever way. Two commands at the same time can pass this
    /// together; the projection then keeps the later merge.
    async fn check_chain(&self, asked: &Asked, concept: &Name, into: &Name) -> Result<(), Problem> {
        if asked.is_retry(&self.decider, stream(asked, concept)).await? {
            return Ok(());
        }
        let mut at = into.clone();
        for _ in 0..LONGEST_CHAIN {
            match &self.decider.tip(stream(asked, &at)).await?.state.merged_into {
                Some(next) if next.key() == concept.key() => return Err(cycle(into)),
                Some(next) => at = next.clone(),
                None => break,
            }
        }
        Ok(())
    }

    fn name(&self, field: &'static str, name: &str) -> Result<Name, Problem> {
        Name::parse(name, self.name_chars).map_err(Invalid::field(field))
    }
}

fn stream(asked: &Asked, concept: &Name) -> Stream {
    Stream::concept(asked.workspace(), ConceptId::of_name(concept.as_str()))
}

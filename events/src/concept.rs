//! What users decide about the concepts of a workspace, and what sorts of concepts there are.

use crate::codec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What sort of thing a concept names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A programming, markup, query or natural language.
    Language,
    /// A framework that calls the user's code.
    Framework,
    /// A library that the user's code calls.
    Library,
    /// A program that people use at work.
    Tool,
    /// What software runs on: clouds, operating systems, devices.
    Platform,
    /// A database or store.
    Database,
    /// A way of working.
    Methodology,
    /// How systems are put together.
    Architecture,
    /// How systems are tried.
    Testing,
    /// How systems are built, shipped and run.
    Devops,
    /// Anything else that has a name.
    #[default]
    Concept,
    /// What somebody or something is able to do.
    Capability,
    /// A field in which there are problems to solve.
    ProblemDomain,
    /// A rule or process of a business.
    BusinessLogic,
    /// A procedure that computes something.
    Algorithm,
    /// How systems talk to each other.
    IntegrationPattern,
}

impl Category {
    /// Every category, in the order of its declaration.
    pub const ALL: [Self; 16] = [
        Self::Language,
        Self::Framework,
        Self::Library,
        Self::Tool,
        Self::Platform,
        Self::Database,
        Self::Methodology,
        Self::Architecture,
        Self::Testing,
        Self::Devops,
        Self::Concept,
        Self::Capability,
        Self::ProblemDomain,
        Self::BusinessLogic,
        Self::Algorithm,
        Self::IntegrationPattern,
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Framework => "framework",
            Self::Library => "library",
            Self::Tool => "tool",
            Self::Platform => "platform",
            Self::Database => "database",
            Self::Methodology => "methodology",
            Self::Architecture => "architecture",
            Self::Testing => "testing",
            Self::Devops => "devops",
            Self::Concept => "concept",
            Self::Capability => "capability",
            Self::ProblemDomain => "problem_domain",
            Self::BusinessLogic => "business_logic",
            Self::Algorithm => "algorithm",
            Self::IntegrationPattern => "integration_pattern",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// A user chose how a concept is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renamed {
    /// The concept: its name or key before.
    pub concept: String,
    /// How it is written now.
    pub name: String,
}

/// A concept became part of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// The concept.
    pub concept: String,
    /// The other's name or key.
    pub into: String,
}

/// A merged concept stands for itself again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Separated {
    /// The concept.
    pub concept: String,
}

/// A concept is never to be suggested again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppressed {
    /// The concept.
    pub concept: String,
}

/// A suppressed concept may be suggested again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// The concept.
    pub concept: String,
}

codec::events! {
    /// A fact about one concept of a workspace.
    Concept {
        Renamed: "renamed" 1,
        Merged: "merged" 1,
        Separated: "separated" 1,
        Suppressed: "suppressed" 1,
        Allowed: "allowed" 1,
    }
    upcasters: []
}

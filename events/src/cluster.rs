//! What users decide about clusters. Those that the system finds have no event of their beginning: a replay finds them
//! again, under the same ids.

use crate::codec;
use crate::document::SkillLevel;
use crate::ids::ClusterId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user made a cluster, to move documents into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// Its name.
    pub name: String,
}

/// A user named the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renamed {
    /// Its name.
    pub name: String,
}

/// A user said how demanding the cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillLevelSet {
    /// The level; `unknown` leaves it to what its documents say.
    pub skill_level: SkillLevel,
}

/// The cluster became part of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// The other.
    pub into: ClusterId,
}

/// The cluster was given up; its documents stand in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dissolved {}

/// A language model proposed a name and a summary; a user's name goes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assessed {
    /// The model's name.
    pub model: String,
    /// The cluster's name.
    pub name: String,
    /// What its documents are about.
    pub summary: String,
}

codec::events! {
    /// A fact about one cluster.
    Cluster {
        Created: "created" 1,
        Renamed: "renamed" 1,
        SkillLevelSet: "skill_level_set" 1,
        Merged: "merged" 1,
        Dissolved: "dissolved" 1,
        Assessed: "assessed" 1,
    }
    upcasters: []
}

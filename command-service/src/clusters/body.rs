//! The bodies of cluster commands.

use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Limited, SkillLevel, example};
use serde::Deserialize;
use uuid::Uuid;

/// A cluster's name.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ClusterNameBody", example)]
pub(crate) struct NameBody {
    /// One line with at least one letter or digit, at most 300 characters unless configured otherwise.
    pub(super) name: String,
}

/// A cluster's level.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct SkillLevelBody {
    /// How demanding it is.
    pub(super) skill_level: SkillLevel,
}

/// Where a cluster goes.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ClusterMergeBody", example)]
pub(crate) struct MergeBody {
    /// The cluster that it becomes a part of.
    pub(super) into: Uuid,
}

impl Limited for NameBody {}

impl Limited for SkillLevelBody {}

impl Limited for MergeBody {}

impl Example for NameBody {
    fn example() -> Self {
        Self { name: example::CLUSTER_NAME.to_owned() }
    }
}

impl Example for SkillLevelBody {
    fn example() -> Self {
        Self { skill_level: SkillLevel::Intermediate }
    }
}

impl Example for MergeBody {
    fn example() -> Self {
        Self { into: example::made_cluster() }
    }
}

//! The profiles: what users do, how many of them when, and what must hold of it. The k6 scripts read the same file.

use crate::numbers::Numbers;
use anyhow::Context;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::time::Duration;

/// The committed profiles.
const FILE: &str = include_str!("../../load/profiles.json");

/// Every profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    thresholds: Thresholds,
    habits: Habits,
    mixes: BTreeMap<String, BTreeMap<Act, u64>>,
    profiles: Vec<Profile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    about: String,
    mix: String,
    full: Form,
    short: Form,
}

/// What must hold of requests, and of deliveries where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The 95th percentile stays under this.
    pub p95_ms: f64,
    /// The 99th percentile stays under this.
    pub p99_ms: f64,
    /// The share of those that failed stays under this.
    pub failed: f64,
}

/// What all users have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// Least and most time from an answer to the next step.
    pub think_ms: [u64; 2],
    /// An answer that has not come by then is a failure.
    timeout_ms: u64,
    /// Steps after which a user logs in anew.
    pub steps_per_login: u32,
    /// How many of its documents a user remembers.
    pub documents: usize,
    /// Documents of a page.
    pub page: u32,
    /// Words of a text.
    pub text_words: usize,
    /// Words that texts are made of.
    pub words: Vec<String>,
}

/// What a user may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Upload a text, and read it as soon as it can be seen.
    Upload,
    /// Give one of its documents another title.
    Edit,
    /// Read one of its documents, no older than it knows it.
    Read,
    /// List its documents.
    List,
    /// Subscribe, and wait for an event that there is.
    Subscribe,
}

/// How many users when, and how many accounts and listeners.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The stages, one after the other.
    pub stages: Vec<Stage>,
    /// Accounts, each with a workspace, that the users share; one for each user if absent.
    pub accounts: Option<usize>,
    /// Subscribers that stay for the whole time.
    #[serde(default)]
    pub listeners: usize,
}

/// A time in which the number of users goes steadily to a target.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long.
    #[serde(deserialize_with = "duration")]
    pub duration: Duration,
    /// Users at its end.
    pub target: usize,
}

/// A profile in one of its forms, with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The profile's name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Whether it is the short form.
    pub is_short: bool,
    /// The form.
    pub form: Form,
    /// Weights of what users do.
    pub mix: BTreeMap<Act, u64>,
    /// Habits of users.
    pub habits: Habits,
    /// What must hold.
    pub thresholds: Thresholds,
}

impl Profiles {
    /// The committed ones.
    pub fn read() -> anyhow::Result<Self> {
        serde_json::from_str(FILE).context("tests/load/profiles.json")
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.profiles.iter().map(|profile| profile.name.clone()).collect()
    }

    /// A profile in its full or short form.
    pub fn plan(&self, name: &str, is_short: bool) -> anyhow::Result<Plan> {
        let profile = self.profiles.iter().find(|profile| profile.name == name);
        let Profile { name, about, mix, full, short } =
            profile.with_context(|| format!("{name} is none of {}", self.names().join(", ")))?.clone();
        Ok(Plan {
            name,
            about,
            is_short,
            form: if is_short { short } else { full },
            mix: self.mixes.get(&mix).with_context(|| format!("there is no mix {mix}"))?.clone(),
            habits: self.habits.clone(),
            thresholds: self.thresholds,
        })
    }
}

impl Habits {
    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Plan {
    /// The name of its form.
    pub fn form_name(&self) -> &'static str {
        if self.is_short { "short" } else { "full" }
    }

    /// How many accounts it needs.
    pub fn accounts(&self) -> usize {
        self.form.accounts.unwrap_or_else(|| self.form.most_users())
    }

    /// One of the mix, by its weights.
    pub(super) fn chosen(&self, numbers: &mut Numbers) -> Act {
        let mut left = numbers.below(self.mix.values().sum());
        for (act, weight) in &self.mix {
            if left < *weight {
                return *act;
            }
            left -= weight;
        }
        unreachable!("what is left is below the sum of the weights")
    }
}

impl Form {
    /// How long its stages take.
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    /// Most users at once.
    pub fn most_users(&self) -> usize {
        self.stages.iter().map(|stage| stage.target).max().unwrap_or_default()
    }

    /// Users at a time after the beginning; none after the end.
    pub fn users_at(&self, mut time: Duration) -> usize {
        let mut before = 0.0;
        for stage in &self.stages {
            let target = stage.target as f64;
            if time < stage.duration {
                let share = time.as_secs_f64() / stage.duration.as_secs_f64();
                return (before + (target - before) * share).round() as usize;
            }
            time -= stage.duration;
            before = target;
        }
        0
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    humantime::parse_duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_has_a_plan_and_its_short_form_ends_within_a_minute() {
        let profiles = Profiles::read().expect("the committed profiles");
        assert_eq!(profiles.names(), ["smoke", "ramp", "spike", "soak", "subscribers"]);
        for name in profiles.names() {
            let full = profiles.plan(&name, false).expect("a plan");
            let short = profiles.plan(&name, true).expect("a plan");
            assert!(short.form.length() <= Duration::from_secs(60), "{name}");
            assert!(short.form.length() < full.form.length(), "{name}");
            assert!(short.form.most_users() <= full.form.most_users(), "{name}");
        }
        assert!(profiles.plan("rampage", true).is_err());
    }

    #[test]
    fn the_ramp_is_what_was_asked_for() {
        let ramp = Profiles::read().and_then(|profiles| profiles.plan("ramp", false)).expect("a plan").form;
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let users = [0, 1, 2, 7, 8, 9, 14, 15, 16].map(|time| ramp.users_at(minutes(time)));
        assert_eq!(users, [0, 50, 100, 100, 150, 200, 200, 100, 0]);
        assert_eq!(ramp.length(), minutes(16));
    }

    #[test]
    fn what_users_do_follows_the_weights() {
        let plan = Profiles::read().and_then(|profiles| profiles.plan("smoke", true)).expect("a plan");
        let mut numbers = Numbers::new(1);
        let mut done: BTreeMap<Act, u64> = BTreeMap::new();
        for _ in 0..10_000 {
            *done.entry(plan.chosen(&mut numbers)).or_default() += 1;
        }
        for (act, weight) in &plan.mix {
            let expected = weight * 100;
            assert!(done[act].abs_diff(expected) < 200, "{act:?}: {} of {expected}", done[act]);
        }
    }
}

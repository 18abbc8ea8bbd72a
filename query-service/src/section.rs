//! What the operations are about: documentation and generated clients are divided by it.

use poem_openapi::Tags;

/// A section of the API.
#[derive(Tags)]
#[oai(rename_all = "snake_case")]
pub(crate) enum Section {
    /// One, many, their texts, their pasts, and what is known of them.
    Documents,
    /// What the documents speak of.
    Concepts,
    /// What belongs together.
    Clusters,
    /// The workspace as a whole.
    Workspace,
    /// Hearing what happens as it becomes visible.
    Subscriptions,
}

//! What the operations are about: documentation and generated clients are divided by it.

use poem_openapi::Tags;

/// A section of the API.
#[derive(Tags)]
#[oai(rename_all = "snake_case")]
pub(crate) enum Section {
    /// Registering and logging in.
    Accounts,
    /// Uploading texts and editing what was uploaded.
    Documents,
    /// Making clusters, and correcting those that were found.
    Clusters,
    /// Correcting concepts wherever they occur.
    Concepts,
}

//! What the examples in both APIs' descriptions have in common: ada uploads a text about containers, and revises it.

use chrono::{DateTime, Utc};
use events::{AccountId, ClusterId, CommandId, DocumentId, WorkspaceId};
use uuid::{Uuid, uuid};

/// The document.
pub const DOCUMENT: Uuid = uuid!("0198c5f0-5a3e-7c1d-9e4b-3f2a1b0c9d8e");
/// Its title.
pub const TITLE: &str = "Containers";
/// The text that is uploaded.
pub const TEXT: &str = "# Containers\n\nA container shares the kernel of its host.\n";
/// Where the upload stands in the log.
pub const UPLOADED: u64 = 42;
/// The text that replaces it.
pub const REVISED_TEXT: &str = "# Containers\n\nA container shares the kernel of its host, and has its own files.\n\
    PostgreSQL in a container keeps its data in a volume.\n";
/// Where the revision stands in the log: the last event of the examples.
pub const REVISED: u64 = 43;
/// Media type of both texts.
pub const MEDIA_TYPE: &str = "text/markdown";
/// The name of the file that they are from.
pub const FILE_NAME: &str = "containers.md";

/// An earlier document, which says nearly the same.
pub const OTHER_DOCUMENT: Uuid = uuid!("0198c333-db32-7f08-a1c6-5d0e8b47c392");
/// Its title.
pub const OTHER_TITLE: &str = "Notes on containers";
/// The name of the cluster that both stand in.
pub const CLUSTER_NAME: &str = "Running containers";

/// When the earlier document was uploaded.
#[must_use]
pub fn other_uploaded_at() -> DateTime<Utc> {
    time("2025-08-19T16:40:12.351877Z")
}

/// When the document was uploaded.
#[must_use]
pub fn uploaded_at() -> DateTime<Utc> {
    time("2025-08-20T05:25:20.073512Z")
}

/// When its text was replaced.
#[must_use]
pub fn revised_at() -> DateTime<Utc> {
    time("2025-08-20T05:31:47.218904Z")
}

/// A time.
///
/// # Panics
/// If it is not written as RFC 3339 has it.
#[must_use]
pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("it is written as RFC 3339 has it")
}

/// Ada.
#[must_use]
pub fn account() -> AccountId {
    AccountId::of_username("ada")
}

/// Her workspace.
#[must_use]
pub fn workspace() -> WorkspaceId {
    account().personal_workspace()
}

/// The cluster that was found around the earlier document.
#[must_use]
pub fn cluster() -> Uuid {
    ClusterId::around(workspace(), DocumentId(OTHER_DOCUMENT)).0
}

/// A cluster that she made.
#[must_use]
pub fn made_cluster() -> Uuid {
    ClusterId::of_creation(workspace(), CommandId(uuid!("0198c5f3-c47f-7b52-8c3d-6a9f0e2d4b71"))).0
}

/// The key of the concept.
pub const CONCEPT_KEY: &str = "postgresql";

/// A concept that both documents have.
#[must_use]
pub fn concept() -> String {
    "PostgreSQL".to_owned()
}

/// A tag.
#[must_use]
pub fn tag() -> String {
    "linux".to_owned()
}

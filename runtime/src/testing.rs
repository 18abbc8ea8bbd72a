//! What tests of this crate share.

use std::path::PathBuf;

/// A path in the temporary directory at which nothing is, of this test alone.
#[expect(clippy::disallowed_methods, reason = "tests run side by side, each with files of its own")]
pub(crate) fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("syncboard-test-{}", uuid::Uuid::new_v4().simple()))
}

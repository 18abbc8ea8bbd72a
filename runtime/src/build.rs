//! What this program was built from.

/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, as `SYNCBOARD_COMMIT` said when it was built; `unknown` where nobody said.
pub const COMMIT: &str = match option_env!("SYNCBOARD_COMMIT") {
    Some(commit) if !commit.is_empty() => commit,
    _ => "unknown",
};

/// The version of the compiler.
pub const RUSTC: &str = env!("SYNCBOARD_RUSTC");

/// What it was built for, such as `x86_64-unknown-linux-gnu`.
pub const TARGET: &str = env!("SYNCBOARD_TARGET");

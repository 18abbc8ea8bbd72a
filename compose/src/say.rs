//! Words to people. A terminal or a pipe that has gone must not end a system that runs, so nothing here can fail.

use std::io::Write;

/// A line for people, on standard error.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A step of the preparation that is done.
pub(crate) fn done(what: &str) {
    line(format_args!("  ✓ {what}"));
}

/// The result that was asked for, on standard output.
pub(crate) fn result(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

//! What changed from one text to another.

use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::example;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// How long the shortest difference is looked for; after that a longer one will do.
const PATIENCE: Duration = Duration::from_millis(500);
/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// What changed between two revisions.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub(crate) struct RevisionDiff {
    /// The earlier revision.
    from: u32,
    /// The later one.
    to: u32,
    /// Lines that only the later one has.
    added: u32,
    /// Lines that only the earlier one has.
    removed: u32,
    /// Whether a text is so long that only its beginning was compared.
    is_partial: bool,
    /// The difference in unified format; empty if there is none.
    diff: String,
}

impl Example for RevisionDiff {
    fn example() -> Self {
        of((1, example::TEXT), (2, example::REVISED_TEXT), usize::MAX)
    }
}

/// Compares the beginnings of two texts, each with its number.
pub(super) fn of((from, old): (u32, &str), (to, new): (u32, &str), most: usize) -> RevisionDiff {
    let (old_part, new_part) = (beginning(old, most), beginning(new, most));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old_part, new_part);
    let count = |tag| u32::try_from(diff.iter_all_changes().filter(|change| change.tag() == tag).count());
    RevisionDiff {
        from,
        to,
        added: count(ChangeTag::Insert).unwrap_or(u32::MAX),
        removed: count(ChangeTag::Delete).unwrap_or(u32::MAX),
        is_partial: old_part.len() < old.len() || new_part.len() < new.len(),
        diff: diff
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&format!("revision {from}"), &format!("revision {to}"))
            .to_string(),
    }
}

fn beginning(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared() {
        let diff = of((1, "one\ntwo\nthree\n"), (2, "one\n2\nthree\nfour\n"), 100);
        assert_eq!((diff.added, diff.removed, diff.is_partial), (2, 1, false));
        assert_eq!(diff.diff, "--- revision 1\n+++ revision 2\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n three\n+four\n");
        assert_eq!(of((1, "same"), (2, "same"), 100).diff, "");
        assert!(of((1, "größe"), (2, "größer"), 3).is_partial);
    }

    #[test]
    fn hostile_texts_are_compared_in_time() {
        let lines = |step: usize| (0..200_000).map(|n| format!("{}\n", n * step % 7_919)).collect::<String>();
        let begun = std::time::Instant::now();
        of((1, &lines(3)), (2, &lines(5)), 1 << 20);
        assert!(begun.elapsed() < 20 * PATIENCE);
    }
}

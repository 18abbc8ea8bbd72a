//! Which files to upload.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Endings of text files in folders. A file that is named itself is tried whatever it is called.
const ENDINGS: [&str; 4] = ["txt", "text", "md", "markdown"];
/// Characters of a plain text's first line that may be its title.
const LONGEST_HEADLINE: usize = 120;

/// A file to upload.
pub(super) struct File {
    /// As it was given or found: what people are shown.
    pub(super) shown: PathBuf,
    /// Where it really is: what names its document.
    pub(super) absolute: PathBuf,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    seen: HashSet<PathBuf>,
    /// How many files were passed over because they do not look like text.
    pub(super) skipped: usize,
    /// What could not be read at all.
    pub(super) unreadable: Vec<(PathBuf, String)>,
}

/// Finds the files below paths, in order; hidden ones in folders are passed over, and no link is followed.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            found.walk(path);
        } else {
            found.add(path);
        }
    }
    found
}

impl Found {
    fn walk(&mut self, folder: &Path) {
        let is_seen = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
        for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_seen) {
            match entry {
                Ok(entry) if !entry.file_type().is_file() => {}
                Ok(entry) if is_text(entry.path()) => self.add(entry.path()),
                Ok(_) => self.skipped += 1,
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    self.unreadable.push((path, error.to_string()));
                }
            }
        }
    }

    fn add(&mut self, path: &Path) {
        match path.canonicalize() {
            // Named twice, as itself and within its folder: one document, so one upload.
            Ok(absolute) if !self.seen.insert(absolute.clone()) => {}
            Ok(absolute) => self.files.push(File { shown: path.to_owned(), absolute }),
            Err(error) => self.unreadable.push((path.to_owned(), error.to_string())),
        }
    }
}

fn is_text(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The media type that a file's name promises.
pub(super) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("md" | "markdown") => "text/markdown",
        _ => "text/plain",
    }
}

/// The title of a text: its first Markdown heading, or a first line that looks like one, else the file's name.
pub(super) fn title(path: &Path, text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let heading = match media_type(path) {
        "text/markdown" => first_heading(text).map(|heading| heading.trim().trim_end_matches('#').trim()),
        _ => headline(text),
    };
    let name = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let title = heading.filter(|heading| !heading.is_empty()).map_or_else(name, str::to_owned);
    title.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The first line of a plain text, if it is short, stands alone, says something and is no sentence.
fn headline(text: &str) -> Option<&str> {
    let mut lines = text.trim_start().lines();
    let line = lines.next()?.trim();
    let stands_alone = lines.next()?.trim().is_empty() && lines.any(|line| !line.trim().is_empty());
    let is_title = line.chars().take(LONGEST_HEADLINE + 1).count() <= LONGEST_HEADLINE
        && line.chars().any(char::is_alphabetic)
        && !line.starts_with('#')
        && !line.ends_with(['.', ',', ':', ';']);
    (stands_alone && is_title).then_some(line)
}

/// The first line that begins with one `#`; those in fenced code are comments of programs.
fn first_heading(text: &str) -> Option<&str> {
    let mut is_code = false;
    text.lines().find_map(|line| {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            is_code = !is_code;
        }
        line.strip_prefix("# ").filter(|_| !is_code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_stands_alone_is_the_title_of_a_plain_text() {
        let of = |text: &str| title(Path::new("a/notes.txt"), text);
        assert_eq!(of("Ad sales boost profit\n\nQuarterly profits jumped."), "Ad sales boost profit");
        assert_eq!(of("\r\n Marked \r\n\r\nText\r\n"), "Marked");
        for other in [
            "One line only",
            "A line\nof a paragraph\n\nAnother.",
            "It is a sentence.\n\nAnother.",
            "Dear reader,\n\nhow are you?",
            "=====\n\nText",
            "Nothing after\n\n\n",
            &format!("{}\n\nText", "long ".repeat(30)),
        ] {
            assert_eq!(of(other), "notes.txt", "{other}");
        }
    }

    #[test]
    fn a_title_is_the_first_heading_or_the_name() {
        assert_eq!(title(Path::new("a/notes.md"), "intro\n# Containers #\n# More"), "Containers");
        assert_eq!(title(Path::new("a/notes.md"), "## Only a second"), "notes.md");
        assert_eq!(title(Path::new("a/notes.txt"), "# A comment"), "notes.txt");
        assert_eq!(title(Path::new("a/notes.md"), "```sh\n# install\n```\n# Tools"), "Tools");
        assert_eq!(title(Path::new("a/notes.md"), "\u{feff}# Marked\r\n"), "Marked");
    }
}

//! Which files to upload.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Endings of text files in folders. A file that is named itself is tried whatever it is called.
const ENDINGS: [&str; 4] = ["txt", "text", "md", "markdown"];

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

/// The title of a text: its first Markdown heading, else the file's name.
pub(super) fn title(path: &Path, text: &str) -> String {
    let heading = (media_type(path) == "text/markdown")
        .then(|| first_heading(text.trim_start_matches('\u{feff}')))
        .flatten()
        .map(|heading| heading.trim().trim_end_matches('#').trim())
        .filter(|heading| !heading.is_empty());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let title = heading.map_or(name, str::to_owned);
    title.chars().filter(|c| !c.is_control()).take(300).collect()
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
    fn a_title_is_the_first_heading_or_the_name() {
        assert_eq!(title(Path::new("a/notes.md"), "intro\n# Containers #\n# More"), "Containers");
        assert_eq!(title(Path::new("a/notes.md"), "## Only a second"), "notes.md");
        assert_eq!(title(Path::new("a/notes.txt"), "# A comment"), "notes.txt");
        assert_eq!(title(Path::new("a/notes.md"), "```sh\n# install\n```\n# Tools"), "Tools");
        assert_eq!(title(Path::new("a/notes.md"), "\u{feff}# Marked\r\n"), "Marked");
    }
}

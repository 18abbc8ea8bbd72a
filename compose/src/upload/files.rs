//! Which files to upload.

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
        .then(|| text.lines().find_map(|line| line.strip_prefix("# ")))
        .flatten()
        .map(|heading| heading.trim().trim_end_matches('#').trim())
        .filter(|heading| !heading.is_empty());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let title = heading.map_or(name, str::to_owned);
    title.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_heading_or_the_name() {
        assert_eq!(title(Path::new("a/notes.md"), "intro\n# Containers #\n# More"), "Containers");
        assert_eq!(title(Path::new("a/notes.md"), "## Only a second"), "notes.md");
        assert_eq!(title(Path::new("a/notes.txt"), "# A comment"), "notes.txt");
    }
}

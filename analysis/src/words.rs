//! The words of a text, found in one pass: what concepts, clustering and near duplicates are made from.
//!
//! The pass looks at the first [`MOST_BYTES`] of the text, at no word longer than [`LONGEST_WORD`] bytes, and keeps at most
//! [`MOST_DIFFERENT`] different ones, so that time grows with the text and memory does not.

use crate::cjk;
use crate::dictionary::{self, Entry};
use crate::intern::Interner;

/// Bytes of a text that are looked at.
pub const MOST_BYTES: usize = 512 * 1024;
/// Different words that are kept; a further one ends a phrase and is not counted.
pub const MOST_DIFFERENT: usize = 20_000;
/// Bytes of the longest word.
pub const LONGEST_WORD: usize = 64;

/// A word where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Which of the different words it is.
    pub(crate) id: u32,
    /// Bytes from the beginning of its part.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// What stands between it and the word before.
    pub(crate) gap: Gap,
    pub(crate) place: Place,
    /// Whether its first letter is a capital, and whether every letter is one.
    pub(crate) is_capital: bool,
    pub(crate) is_upper: bool,
    /// Whether it is a chunk of Chinese or Japanese, which has no spaces.
    pub(crate) is_chunk: bool,
}

/// What stands between two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// White space, or a hyphen.
    None,
    /// Something that ends a phrase: a comma, a bracket.
    Phrase,
    /// Something that ends a sentence, or a line that is one.
    Sentence,
}

/// Where a word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Title,
    Heading,
    Body,
    /// Between backticks.
    Code,
}

/// The words of a title and a body.
#[derive(Debug)]
pub struct Words<'a> {
    pub(crate) title: &'a str,
    pub(crate) body: &'a str,
    pub(crate) words: Vec<Word>,
    /// The different words, in lower case.
    pub(crate) different: Interner,
    /// What is known of each of them.
    entries: Vec<Entry>,
    pub(crate) is_markdown: bool,
}

impl<'a> Words<'a> {
    /// Reads a title and a body.
    #[must_use]
    pub fn of(title: &'a str, body: &'a str, is_markdown: bool) -> Self {
        let (title, body) = (cut(title), cut(body));
        let mut words = Self {
            title,
            body,
            words: Vec::with_capacity(body.len() / 6),
            different: Interner::default(),
            entries: Vec::new(),
            is_markdown,
        };
        words.read(title, Place::Title);
        let first = words.words.len();
        words.read(body, Place::Body);
        if let Some(word) = words.words.get_mut(first) {
            word.gap = Gap::Sentence;
        }
        let different = (0..).take(words.different.len());
        words.entries = different.map(|id| dictionary::look_up(words.different.get(id))).collect();
        words
    }

    /// What is known of a word.
    pub(crate) fn entry(&self, id: u32) -> &Entry {
        &self.entries[id as usize]
    }

    /// Every word in lower case, in order, stop words included.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| self.different.get(word.id))
    }

    /// The text of a word as it stands.
    pub(crate) fn text(&self, word: &Word) -> &'a str {
        self.between(word, word)
    }

    /// The text from one word to another of the same part.
    pub(crate) fn between(&self, first: &Word, last: &Word) -> &'a str {
        let part = if first.place == Place::Title { self.title } else { self.body };
        part.get(first.start as usize..last.end as usize).unwrap_or_default()
    }

    fn read(&mut self, text: &str, place: Place) {
        let mut reader = Reader {
            words: self,
            text,
            place,
            gap: Gap::Sentence,
            is_line_start: true,
            is_first_line: true,
            is_fenced: false,
        };
        reader.run();
    }
}

/// The beginning of a text, as far as it is looked at.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}

struct Reader<'r, 'a> {
    words: &'r mut Words<'a>,
    text: &'r str,
    place: Place,
    gap: Gap,
    is_line_start: bool,
    /// The first line is a title where the second begins like a sentence.
    is_first_line: bool,
    is_fenced: bool,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let usual = self.place;
        let mut at = 0;
        while at < bytes.len() {
            if self.is_line_start {
                self.is_line_start = false;
                at = self.line_start(at, usual);
                continue;
            }
            let byte = bytes[at];
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => at = self.word(at),
                b' ' | b'\t' | b'\r' | b'-' | b'\'' => at += 1,
                b'\n' => {
                    at += 1;
                    self.line_end(bytes.get(at).copied(), usual);
                }
                b'.' | b'!' | b'?' | b';' => {
                    self.widen(Gap::Sentence);
                    at += 1;
                }
                b'`' if self.words.is_markdown => {
                    self.place = if self.place == Place::Code { usual } else { Place::Code };
                    self.widen(Gap::Phrase);
                    at += 1;
                }
                b'<' if self.words.is_markdown => at = self.skip_tag(at),
                0..=0x7f => {
                    self.widen(Gap::Phrase);
                    at += 1;
                }
                _ => at = self.beyond_ascii(at),
            }
        }
    }

    /// What a line begins with: a heading, a fence, or nothing particular.
    fn line_start(&mut self, at: usize, usual: Place) -> usize {
        if !self.words.is_markdown || usual == Place::Title {
            return at;
        }
        let rest = &self.text.as_bytes()[at..];
        let line_end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = rest[..line_end].trim_ascii_start();
        if line.starts_with(b"```") || line.starts_with(b"~~~") {
            self.is_fenced = !self.is_fenced;
            self.widen(Gap::Sentence);
            return at + line_end;
        }
        if self.is_fenced {
            return at + line_end;
        }
        self.place = if line.starts_with(b"#") { Place::Heading } else { usual };
        at
    }

    fn line_end(&mut self, next: Option<u8>, usual: Place) {
        self.is_line_start = true;
        let is_paragraph = matches!(next, None | Some(b'\n' | b'\r' | b'#' | b'-' | b'*' | b'|' | b'>'))
            || (std::mem::take(&mut self.is_first_line) && next.is_some_and(|next| next.is_ascii_uppercase()));
        // In running text a line's end is a space; after a heading, or before an empty line, a sentence ends.
        if is_paragraph || self.place == Place::Heading {
            self.widen(Gap::Sentence);
        }
        self.place = usual;
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// A tag of HTML is no text; anything else after `<` is.
    fn skip_tag(&mut self, at: usize) -> usize {
        self.widen(Gap::Phrase);
        let rest = &self.text.as_bytes()[at + 1..];
        let is_tag = rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/' || *byte == b'!');
        match rest.iter().take(400).position(|byte| matches!(byte, b'>' | b'\n')) {
            Some(end) if is_tag && rest[end] == b'>' => at + end + 2,
            _ => at + 1,
        }
    }

    /// A word that begins with an ASCII letter or digit.
    fn word(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len() {
            match bytes[end] {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => end += 1,
                // C++, C#, F#, and Node.js: a mark that belongs to a name.
                b'+' | b'#' if end > start && end - start <= 2 && is_name_end(bytes, end) => end += 1,
                b'.' if is_name_dot(bytes, start, end) => end += 1,
                0..=0x7f => break,
                _ => match self.text[end..].chars().next() {
                    Some(letter) if letter.is_alphanumeric() && !cjk::is_unspaced(letter) => end += letter.len_utf8(),
                    // Combining marks belong to the letter before.
                    Some('\u{300}'..='\u{36f}') => end += 2,
                    _ => break,
                },
            }
        }
        if let Some(skipped) = self.skip_address(start, end) {
            return skipped;
        }
        let next = end + ending(&self.text[end..]);
        // "Don't" is one word; of "user's" and "we'll" only the beginning is.
        let end = if self.text[end..next].ends_with('t') { next } else { end };
        self.push(start, end, false);
        next
    }

    /// Web addresses are no words.
    fn skip_address(&mut self, start: usize, end: usize) -> Option<usize> {
        let rest = &self.text.as_bytes()[end..];
        let is_address = rest.starts_with(b"://") || (rest.starts_with(b".") && &self.text[start..end] == "www");
        if !is_address {
            return None;
        }
        self.widen(Gap::Phrase);
        let length = rest.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b')' | b'>' | b'"'));
        Some(end + length.unwrap_or(rest.len()))
    }

    fn beyond_ascii(&mut self, at: usize) -> usize {
        let Some(letter) = self.text[at..].chars().next() else { return self.text.len() };
        if cjk::is_unspaced(letter) {
            let rest = &self.text[at..];
            let length = rest.find(|letter| !cjk::is_unspaced(letter)).unwrap_or(rest.len());
            self.widen(Gap::Phrase);
            for chunk in cjk::chunks(&rest[..length]) {
                self.push(at + chunk.start, at + chunk.end, true);
                self.gap = Gap::Phrase;
            }
            return at + length;
        }
        if letter.is_alphanumeric() {
            return self.word(at);
        }
        match letter {
            // Hyphens, apostrophes, spaces, marks that show nothing.
            '\u{2010}' | '\u{2011}' | '\u{2019}' | '\u{a0}' | '\u{ad}' | '\u{300}'..='\u{36f}' => {}
            '。' | '！' | '？' | '…' => self.widen(Gap::Sentence),
            letter if letter.is_whitespace() => {}
            _ => self.widen(Gap::Phrase),
        }
        at + letter.len_utf8()
    }

    fn push(&mut self, start: usize, end: usize, is_chunk: bool) {
        let text = &self.text[start..end];
        if text.len() > LONGEST_WORD {
            self.widen(Gap::Phrase);
            return;
        }
        let Some(id) = self.words.different.intern_lower(text, MOST_DIFFERENT) else {
            self.widen(Gap::Phrase);
            return;
        };
        let is_capital = match text.as_bytes()[0] {
            first if first.is_ascii() => first.is_ascii_uppercase(),
            _ => text.chars().next().is_some_and(char::is_uppercase),
        };
        self.words.words.push(Word {
            id,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            gap: self.gap,
            place: self.place,
            is_capital,
            is_upper: is_capital && text.len() > 1 && !text.bytes().any(|byte| byte.is_ascii_lowercase()),
            is_chunk,
        });
        self.gap = Gap::None;
    }
}

/// Bytes of what English adds to a word after an apostrophe, such as "'s" and "'ll"; 0 if nothing.
fn ending(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix(['\'', '\u{2019}']) else { return 0 };
    let length = after.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(after.len());
    let is_ending = ["s", "t", "d", "m", "ll", "re", "ve"].contains(&&after[..length]);
    if is_ending { rest.len() - after.len() + length } else { 0 }
}

/// Whether nothing of the word follows a `+` or `#`.
fn is_name_end(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 1).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Whether a dot stands inside a name: `node.js`, `3.14`, `asp.net`; not at the end of a sentence, nor in `e.g.`.
fn is_name_dot(bytes: &[u8], start: usize, dot: usize) -> bool {
    let (before, after) = (&bytes[start..dot], &bytes[dot + 1..]);
    let is_number = before.iter().all(u8::is_ascii_digit) && after.first().is_some_and(u8::is_ascii_digit);
    let ending = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_known = [&b"js"[..], b"net", b"io", b"py", b"rs"].contains(&after.get(..ending).unwrap_or_default());
    is_number || (is_known && before.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, is_markdown: bool) -> Vec<String> {
        Words::of("", text, is_markdown).tokens().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_found_in_running_text() {
        assert_eq!(
            tokens("The user's C++ code, e.g. Node.js 3.14.", false),
            ["the", "user", "c++", "code", "e", "g", "node.js", "3.14"]
        );
        assert_eq!(
            tokens("We'll say the users’ cats don't, and l'eau", false),
            ["we", "say", "the", "users", "cats", "don't", "and", "l", "eau"]
        );
        assert_eq!(tokens("Größe naïve Élan", false), ["größe", "naïve", "élan"]);
        assert_eq!(tokens("see https://a.example/b?c=d for more", false), ["see", "for", "more"]);
    }

    #[test]
    fn markup_is_no_text() {
        let text = "# Title\n\nText <b>bold</b>\n```rust\nlet x = 1;\n```\nafter `code`";
        assert_eq!(tokens(text, true), ["title", "text", "bold", "after", "code"]);
    }

    #[test]
    fn odd_texts_cost_no_more_than_their_length() {
        let one_letter = "a".repeat(10 << 20);
        assert!(Words::of("", &one_letter, false).words.is_empty());
        let different: String = (0..200_000).map(|at| format!("word{at} ")).collect();
        assert!(Words::of("", &different, false).different.len() <= MOST_DIFFERENT);
        for odd in
            ["\u{202e}\u{0}\u{1b}[31m", "🦀🦀 x 👩‍👩‍👧", &"\u{301}".repeat(5_000), "`".repeat(999).as_str(), "<<<<<!--"]
        {
            assert!(Words::of(odd, odd, true).words.len() <= odd.len());
        }
    }
}

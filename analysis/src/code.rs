//! Files of code: which programming language they are in, and the prose in them: comments, and names taken apart.

/// Programming languages by the endings of file names.
const ENDINGS: [(&str, &str); 52] = [
    ("bash", "Bash"),
    ("c", "C"),
    ("cc", "C++"),
    ("clj", "Clojure"),
    ("cpp", "C++"),
    ("cs", "C#"),
    ("css", "CSS"),
    ("cxx", "C++"),
    ("dart", "Dart"),
    ("erl", "Erlang"),
    ("ex", "Elixir"),
    ("exs", "Elixir"),
    ("f90", "Fortran"),
    ("fs", "F#"),
    ("go", "Golang"),
    ("gradle", "Groovy"),
    ("graphql", "GraphQL"),
    ("groovy", "Groovy"),
    ("h", "C"),
    ("hpp", "C++"),
    ("hs", "Haskell"),
    ("htm", "HTML"),
    ("html", "HTML"),
    ("java", "Java"),
    ("jl", "Julia"),
    ("js", "JavaScript"),
    ("json", "JSON"),
    ("jsx", "JavaScript"),
    ("kt", "Kotlin"),
    ("kts", "Kotlin"),
    ("lua", "Lua"),
    ("m", "Objective-C"),
    ("mjs", "JavaScript"),
    ("ml", "OCaml"),
    ("php", "PHP"),
    ("pl", "Perl"),
    ("proto", "protobuf"),
    ("ps1", "PowerShell"),
    ("py", "Python"),
    ("r", "R language"),
    ("rb", "Ruby"),
    ("rs", "Rust"),
    ("scala", "Scala"),
    ("scss", "CSS"),
    ("sh", "Bash"),
    ("sql", "SQL"),
    ("swift", "Swift"),
    ("tf", "Terraform"),
    ("toml", "TOML"),
    ("ts", "TypeScript"),
    ("tsx", "TypeScript"),
    ("vue", "Vue.js"),
];

/// Words of programming languages that name nothing of the program.
const KEYWORDS: &str = "abstract as assert async await bool boolean break byte case catch char class const continue crate def \
    default del delete do double elif else end enum export extends false fi final finally float fn for foreach from func \
    function global goto if impl implements import in include inline instanceof int integer interface internal lambda let \
    local long loop match mod module mut namespace new nil none not null object of operator or override package pass private \
    protected pub public raise readonly ref register require return self short signed sizeof static str string struct super \
    switch template test then this throw throws trait true try type typedef typeof union unsafe unsigned unwrap use using var \
    vec virtual void volatile where while with yield println print printf todo main args argv list map set get key value \
    result some ok err option u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 usize select insert update table create drop alter";

/// The programming language of a file, by its name.
pub(crate) fn language(file_name: Option<&str>) -> Option<&'static str> {
    let name = file_name?.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
    if name == "dockerfile" {
        return Some("Docker");
    }
    let (_, ending) = name.rsplit_once('.')?;
    ENDINGS.binary_search_by_key(&ending, |(ending, _)| ending).ok().map(|at| ENDINGS[at].1)
}

/// Signs that part prose from code in a programming language.
struct Marks {
    /// What a comment begins with that ends with its line.
    line: &'static [&'static str],
    /// What a comment begins with that may go on for lines, and what it ends with.
    block: &'static [(&'static str, &'static str)],
    /// What texts stand between.
    quotes: &'static str,
}

/// What a line goes on with.
enum Next {
    /// A comment to its end.
    Line(&'static str),
    /// A comment: what it begins and what it ends with.
    Block(&'static str, &'static str),
    /// No comment.
    End,
}

impl Marks {
    fn of(language: &str) -> Self {
        const STARS: &[(&str, &str)] = &[("/*", "*/")];
        const MARKUP: (&str, &str) = ("<!--", "-->");
        const ML: (&str, &str) = ("(*", "*)");
        const THREE: (&str, &str) = ("\"\"\"", "\"\"\"");
        match language {
            "Bash" | "Docker" | "Perl" | "R language" | "Ruby" | "TOML" => Self::new(&["#"], &[], "\"'`"),
            "Clojure" => Self::new(&[";"], &[], "\""),
            "Elixir" => Self::new(&["#"], &[THREE], "\"'"),
            "Erlang" => Self::new(&["%"], &[], "\"'"),
            "F#" => Self::new(&["//"], &[ML], "\""),
            "Fortran" => Self::new(&["!"], &[], "\"'"),
            "GraphQL" => Self::new(&["#"], &[THREE], "\""),
            "HTML" => Self::new(&[], &[MARKUP], ""),
            "Haskell" => Self::new(&["--"], &[("{-", "-}")], "\""),
            "JSON" => Self::new(&[], &[], ""),
            "Julia" => Self::new(&["#"], &[("#=", "=#"), THREE], "\""),
            "Lua" => Self::new(&["--"], &[("--[[", "]]")], "\"'"),
            "OCaml" => Self::new(&[], &[ML], "\""),
            "PHP" | "Terraform" => Self::new(&["//", "#"], STARS, "\"'`"),
            "PowerShell" => Self::new(&["#"], &[("<#", "#>")], "\"'"),
            "Python" => Self::new(&["#"], &[THREE, ("'''", "'''")], "\"'"),
            "SQL" => Self::new(&["--"], STARS, "\"'`"),
            "Vue.js" => Self::new(&["//"], &[("/*", "*/"), MARKUP], "\"'`"),
            "CSS" | "Dart" | "Groovy" | "JavaScript" | "TypeScript" => Self::new(&["//"], STARS, "\"'`"),
            // Those after C: a single quote is around a letter, or in front of a lifetime.
            _ => Self::new(&["//"], STARS, "\"`"),
        }
    }

    const fn new(
        line: &'static [&'static str],
        block: &'static [(&'static str, &'static str)],
        quotes: &'static str,
    ) -> Self {
        Self { line, block, quotes }
    }

    /// Where the next comment of a line begins, and how; its end if there is none. What stands in quotes is none, to the end
    /// of the line if they are not closed.
    fn next(&self, line: &str) -> (usize, Next) {
        let mut at = 0;
        while let Some(rest) = line.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            let begins = |mark: &&str| rest.starts_with(mark.as_bytes());
            if let Some((open, close)) = self.block.iter().find(|(open, _)| begins(open)) {
                return (at, Next::Block(open, close));
            }
            if let Some(mark) = self.line.iter().find(|mark| begins(mark) && is_mark(line, at, mark)) {
                return (at, Next::Line(mark));
            }
            at += match rest[0] {
                quote if self.quotes.as_bytes().contains(&quote) => quoted(rest),
                // A letter, which may be a quote itself.
                b'\'' if rest.get(2) == Some(&b'\'') => 3,
                b'\\' => 2,
                _ => 1,
            };
        }
        (line.len(), Next::End)
    }
}

/// Whether a mark begins a comment where it stands: `#` not within a word, `//` not within an address.
fn is_mark(line: &str, at: usize, mark: &str) -> bool {
    let before = line.as_bytes()[..at].last();
    match mark {
        "#" => before.is_none_or(u8::is_ascii_whitespace),
        "//" => before != Some(&b':'),
        _ => true,
    }
}

/// Bytes of a text in quotes, which begins a rest of a line; all of it if they are not closed.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == rest[0] => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The prose of a file of code: its comments as sentences, then its names, taken apart, in the order of the file.
pub(crate) fn prose(language: &str, code: &str) -> String {
    let code = &code[..code.floor_char_boundary(crate::words::MOST_BYTES)];
    let marks = Marks::of(language);
    let mut prose = String::with_capacity(code.len());
    let mut names = String::new();
    // What ends the comment that goes on.
    let mut until: Option<&str> = None;
    for line in code.lines() {
        let mut rest = line.trim();
        let begin = prose.len();
        while !rest.is_empty() {
            if let Some(close) = until {
                let end = rest.find(close);
                push_comment(&mut prose, &rest[..end.unwrap_or(rest.len())]);
                until = until.filter(|_| end.is_none());
                rest = end.map_or("", |end| &rest[end + close.len()..]);
                continue;
            }
            let (at, next) = marks.next(rest);
            take_apart(&rest[..at], &mut names);
            rest = match next {
                Next::Line(mark) => {
                    push_comment(&mut prose, &rest[at + mark.len()..]);
                    ""
                }
                Next::Block(open, close) => {
                    until = Some(close);
                    &rest[at + open.len()..]
                }
                Next::End => "",
            };
        }
        if prose.len() == begin && !prose.ends_with("\n\n") {
            prose.push('\n');
        }
    }
    prose.push('\n');
    prose.push_str(&names);
    prose
}

/// Appends what a comment says on a line of its own.
fn push_comment(prose: &mut String, comment: &str) {
    let text = comment.trim_matches(|letter: char| !letter.is_alphanumeric());
    if !text.is_empty() {
        prose.push_str(text);
        prose.push('\n');
    }
}

/// Appends the names of a line: `parseHTTPRequest` and `parse_http_request` are `parse http request`. Web addresses have
/// none.
fn take_apart(line: &str, names: &mut String) {
    let parts = line.split([' ', '\t', '"', '\'', '`']).filter(|part| !part.contains("://"));
    for name in parts.flat_map(|part| part.split(|letter: char| !letter.is_alphanumeric() && letter != '_')) {
        if name.len() < 3 || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        let mut words: Vec<String> = Vec::new();
        let letters: Vec<char> = name.chars().take(crate::words::LONGEST_WORD).collect();
        for (at, letter) in letters.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| letters[before]);
            let after = letters.get(at + 1);
            let is_hump = letter.is_uppercase()
                && before.is_some_and(|before| {
                    before.is_lowercase() || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
                });
            if *letter == '_' {
                words.push(String::new());
                continue;
            }
            if is_hump || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        words.retain(|word| word.len() > 2 && !KEYWORDS.split_whitespace().any(|keyword| keyword == word));
        if !words.is_empty() {
            names.push_str(&words.join(" "));
            names.push_str(".\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_by_its_file_name() {
        assert!(ENDINGS.is_sorted());
        assert_eq!(language(Some("src/main.RS")), Some("Rust"));
        assert_eq!(language(Some("notes.txt")), None);
        assert_eq!(language(None), None);
    }

    #[test]
    fn comments_and_names_are_prose() {
        let code =
            "// Reads the access log.\nfn parseHTTPRequest(raw_bytes: &str) {}\n/* a longer\n * comment */\nlet x = 1;";
        let prose = prose("Rust", code);
        assert!(prose.contains("Reads the access log"));
        assert!(prose.contains("comment"));
        assert!(prose.contains("parse http request"));
        assert!(prose.contains("raw bytes"));
        assert!(!prose.contains("let"));
        super::prose("Rust", &"{".repeat(100_000));
        super::prose("Rust", "/* never closed");
    }

    /// The lines of comments, and those of names.
    fn parts(language: &str, code: &str) -> (Vec<String>, Vec<String>) {
        let prose = prose(language, code);
        let lines = prose.lines().filter(|line| !line.is_empty()).map(str::to_owned);
        lines.partition(|line| !line.ends_with('.'))
    }

    #[test]
    fn what_stands_in_quotes_is_no_comment() {
        for (language, code, comments) in [
            ("Rust", "let address = \"https://host.example/path\"; // where it listens", "where it listens"),
            ("Rust", "fn parse<'a>(text: &'a str) -> char { '\"' } // the writer's quote", "the writer's quote"),
            ("Golang", "// see https://go.dev/doc for more", "see https://go.dev/doc for more"),
            ("JavaScript", "const files = glob('src/**/*.js') // every module", "every module"),
            ("JavaScript", "const home = `//${host}/index` /* no scheme */ + suffix", "no scheme"),
            ("C", "printf(\"a \\\"//b\\\" c\"); // greets", "greets"),
            ("SQL", "select 'a -- b' as dashes -- two hyphens", "two hyphens"),
            ("Python", "colour = '# 3f3' # green", "green"),
            ("TOML", "url = \"https://host.example\" # mirror", "mirror"),
            ("JSON", "{\"homepage\": \"https://host.example//a\"}", ""),
        ] {
            assert_eq!(parts(language, code).0.join("|"), comments, "{language}: {code}");
        }
        let (_, names) = parts("Rust", "connect(\"https://host.example/path\", timeout)");
        assert_eq!(names, ["connect.", "timeout."]);
    }

    #[test]
    fn marks_are_those_of_the_language() {
        for (language, code, comments) in [
            ("Python", "remainder = total % width", ""),
            ("Erlang", "% counts the nodes", "counts the nodes"),
            ("C", "while (index-- > 0) { total-- ; }", ""),
            ("C", "#include <stdio.h>", ""),
            ("Rust", "#[derive(Debug)]", ""),
            ("Haskell", "sumOf = foldl' (+) 0 -- adds them", "adds them"),
            ("Lua", "--[[ reads\n the table ]] local rows = {} --done", "reads|the table|done"),
            (
                "Python",
                "\"\"\"Reads a file.\n\nEvery line is one record.\n\"\"\"\ncount = 1",
                "Reads a file|Every line is one record",
            ),
            ("Bash", "rm -rf /tmp/* ${#files} # cleans up", "cleans up"),
            ("Java", "/** Opens it.\n * @param name the file\n */ void open() {}", "Opens it|param name the file"),
            ("HTML", "<p>text // more</p> <!-- a note -->", "a note"),
            ("Clojure", "(inc counter) ; one more", "one more"),
        ] {
            assert_eq!(parts(language, code).0.join("|"), comments, "{language}: {code}");
        }
        let (_, names) = parts("Rust", "/* before */ open_file /* between */ (file_name)");
        assert_eq!(names, ["open file.", "file name."]);
    }

    #[test]
    fn odd_lines_cost_no_more_than_their_length() {
        let begun = std::time::Instant::now();
        for odd in ["\"\\", "\\\"", "'", "/*", "\"\"\"", "é\"", "\\é", "'é'", "#"] {
            for language in ["Rust", "Python", "Lua"] {
                prose(language, &odd.repeat(crate::words::MOST_BYTES / odd.len()));
            }
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "even unoptimised");
    }
}

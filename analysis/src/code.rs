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

/// The prose of a file of code: its comments as sentences, then its names, taken apart, in the order of the file.
pub(crate) fn prose(code: &str) -> String {
    let code = &code[..code.floor_char_boundary(crate::words::MOST_BYTES)];
    let mut prose = String::with_capacity(code.len());
    let mut names = String::new();
    let mut is_comment = false;
    for line in code.lines() {
        let line = line.trim();
        let opens = line.find("/*").or_else(|| line.find("<!--"));
        let marker = ["//", "# ", "#!", "-- ", ";; ", "%"].iter().filter_map(|marker| line.find(marker)).min();
        let comment = match (is_comment, opens, marker) {
            (true, _, _) => Some(0),
            (false, Some(opens), marker) => Some(marker.map_or(opens, |marker| marker.min(opens))),
            (false, None, marker) => marker,
        };
        let (before, comment) = line.split_at(comment.unwrap_or(line.len()));
        if opens.is_some() {
            is_comment = true;
        }
        if line.contains("*/") || line.contains("-->") {
            is_comment = false;
        }
        let text = comment.trim_matches(|letter: char| !letter.is_alphanumeric());
        if !text.is_empty() {
            prose.push_str(text);
            prose.push('\n');
        } else if !prose.ends_with("\n\n") {
            prose.push('\n');
        }
        take_apart(before, &mut names);
    }
    prose.push('\n');
    prose.push_str(&names);
    prose
}

/// Appends the names of a line: `parseHTTPRequest` and `parse_http_request` are `parse http request`.
fn take_apart(line: &str, names: &mut String) {
    for name in line.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
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
        let prose = prose(code);
        assert!(prose.contains("Reads the access log"));
        assert!(prose.contains("comment"));
        assert!(prose.contains("parse http request"));
        assert!(prose.contains("raw bytes"));
        assert!(!prose.contains("let"));
        super::prose(&"{".repeat(100_000));
        super::prose("/* never closed");
    }
}

//! The words of names: how they are written, and when two say the same.

/// Longest name of a concept that goes into a name of a cluster, in letters.
const LONGEST: usize = 60;

/// A concept's name in one line, without odd spaces, at most sixty letters.
pub(super) fn tidy(name: &str) -> String {
    let mut tidy = String::new();
    for word in name.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty())
    {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        // Whatever is longer is cut anyway.
        tidy.extend(word.chars().take(LONGEST + 1));
        if tidy.len() > LONGEST * 5 {
            break;
        }
    }
    shortened(&tidy, LONGEST)
}

/// At most so many letters, whole words where there are some.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let Some((end, _)) = name.char_indices().nth(most) else { return name.to_owned() };
    let Some((end_of_cut, _)) = name.char_indices().nth(most - 1) else { return name.to_owned() };
    let is_between_words = name[end..].starts_with(' ');
    let cut =
        if is_between_words { end } else { name[..end].rfind(' ').filter(|at| at * 2 > end).unwrap_or(end_of_cut) };
    let shortened = name[..cut].trim_end();
    if is_between_words || name[cut..].starts_with(' ') { shortened.to_owned() } else { format!("{shortened}…") }
}

/// The first letter large, unless the first word has its own way, as "iPhone" and "eBPF".
pub(super) fn sentence_case(name: &str) -> String {
    let first_word = name.split([' ', '-', '.']).next().unwrap_or_default();
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if first.is_lowercase() && !first_word.chars().any(char::is_uppercase) => {
            let large = first.to_uppercase();
            if large.len() == 1 { large.chain(letters).collect() } else { name.to_owned() }
        }
        Some(_) | None => name.to_owned(),
    }
}

/// Whether two names say the same: one is a part of the other, both are the same but for spaces, or one is the other's
/// initials.
pub(super) fn says_the_same(one: &str, another: &str) -> bool {
    let (a, b) = (words(one), words(another));
    contains(&a, &b) || contains(&b, &a) || a.concat() == b.concat() || are_initials(&a, &b) || are_initials(&b, &a)
}

/// Whether one name is a part of another, longer one.
pub(super) fn is_part(part: &str, whole: &str) -> bool {
    let (part, whole) = (words(part), words(whole));
    part.len() < whole.len() && contains(&whole, &part)
}

fn contains(whole: &[String], part: &[String]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

fn are_initials(short: &[String], long: &[String]) -> bool {
    let [short] = short else { return false };
    long.len() > 1 && short.chars().eq(long.iter().filter_map(|word| word.chars().next()))
}

/// The words of a name in lower case, without the letter of the plural.
fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric() && letter != '+' && letter != '#');
    words.filter(|word| !word.is_empty()).map(|word| singular(word).to_owned()).collect()
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(singular) if singular.len() > 2 && !singular.ends_with(['s', 'u', 'i']) => singular,
        Some(_) | None => word,
    }
}

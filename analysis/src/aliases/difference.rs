//! Whether two keys differ as a slip of the pen does, or as two words do.

use super::Counted;
use crate::concepts::squashed;

/// Letters from which a key may differ by one edit, and by two.
pub(super) const LETTERS_FOR_ONE: usize = 8;
pub(super) const LETTERS_FOR_TWO: usize = 14;
/// In names of several words: letters from which a word may differ.
const LETTERS_OF_WORD: usize = 6;

/// Two letters that put a word into another sense wherever they stand, as in "machine(un)learning".
const INFIXES: [&str; 15] = ["un", "in", "im", "il", "ir", "re", "de", "bi", "di", "co", "no", "ex", "en", "ab", "up"];
/// Ends of words; two words that differ by two of these are two words.
const ENDS: [&str; 43] = [
    "or", "er", "ee", "ist", "ism", "ic", "al", "ar", "ity", "ive", "ion", "ate", "ite", "ide", "ane", "ene", "ine",
    "yne", "ose", "ase", "ed", "ing", "ent", "ant", "ment", "ness", "less", "ful", "able", "ible", "ous", "ency",
    "ance", "ence", "ier", "ial", "ian", "y", "i", "ol", "yl", "um", "us",
];
/// Parts of words that are easily mistaken for each other and mean something else.
const CONFUSABLE: [(&str, &str); 35] = [
    ("hyper", "hypo"),
    ("inter", "intra"),
    ("macro", "micro"),
    ("pre", "pro"),
    ("ante", "anti"),
    ("endo", "exo"),
    ("endo", "ecto"),
    ("en", "de"),
    ("in", "de"),
    ("in", "ex"),
    ("im", "ex"),
    ("homo", "homeo"),
    ("poly", "mono"),
    ("over", "under"),
    ("uni", "omni"),
    ("north", "south"),
    ("east", "west"),
    ("man", "woman"),
    ("male", "female"),
    ("intern", "extern"),
    ("adsor", "absor"),
    ("complement", "compliment"),
    ("stationar", "stationer"),
    ("perspect", "prospect"),
    ("principal", "principle"),
    ("prostate", "prostrate"),
    ("causal", "casual"),
    ("discret", "discreet"),
    ("conserv", "convers"),
    ("affect", "effect"),
    ("ingenious", "ingenuous"),
    ("inhibit", "inhabit"),
    ("arterio", "athero"),
    ("christian", "christina"),
    ("austria", "australia"),
];

/// Whether a key is written in letters that are less than words.
pub(super) fn is_comparable(key: &str) -> bool {
    !key.chars()
        .any(|letter| matches!(letter, '\u{e00}'..='\u{e7f}' | '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{10ffff}'))
}

/// What must not differ: digits and signs, but not what joins words.
pub(super) fn signs(key: &str) -> impl Iterator<Item = char> {
    key.chars().filter(|letter| !letter.is_alphabetic() && !matches!(letter, ' ' | '-' | '_' | '.' | '\'' | '’' | '/'))
}

/// The edits between the keys of two concepts, if they are as few as their length allows and do not change the meaning.
pub(super) fn is_slip(one: &Counted<'_>, another: &Counted<'_>) -> Option<u32> {
    let (x, y) = (one.key, another.key);
    if x == y || !is_comparable(x) || !is_comparable(y) || !signs(x).eq(signs(y)) {
        return None;
    }
    let allowed = match x.chars().count().min(y.chars().count()) {
        LETTERS_FOR_TWO.. => 2,
        LETTERS_FOR_ONE.. => 1,
        _ => return None,
    };
    let distance = distance(x, y);
    let is_near = distance <= allowed && !is_another_word(x, y);
    (is_near && !has_another_word(one, another)).then_some(distance)
}

/// Whether the difference lies in a beginning or an end that changes the meaning, or the words are known to be confused.
fn is_another_word(one: &str, another: &str) -> bool {
    let (long, short) = if one.len() >= another.len() { (one, another) } else { (another, one) };
    // The first letter is seldom mistyped, and "a" in front says the opposite.
    if long.chars().next() != short.chars().next() {
        return true;
    }
    let begin: usize = long.chars().zip(short.chars()).take_while(|(l, s)| l == s).map(|(l, _)| l.len_utf8()).sum();
    let (long_rest, short_rest) = (&long[begin..], &short[begin..]);
    let both = long_rest.chars().rev().zip(short_rest.chars().rev());
    let end: usize = both.take_while(|(l, s)| l == s).map(|(l, _)| l.len_utf8()).sum();
    let replaced = &short_rest[..short_rest.len() - end];
    if end == 0 && is_another_end(long, short) {
        return true;
    }
    let is_infix = replaced.is_empty() && INFIXES.iter().any(|infix| is_inserted(long, short, begin, infix));
    is_infix || has_two_ends(long, short) || CONFUSABLE.iter().any(|(x, y)| is_swapped(long, short, x, y))
}

/// Whether the last letters differ by more than what grammar adds or a slip swaps: hepatitis A and B, Henry V and VI,
/// employe and employee.
fn is_another_end(long: &str, short: &str) -> bool {
    let last = |key: &str| {
        let mut letters = key.chars().rev();
        (letters.next(), letters.next())
    };
    let is_grammar = |with: &str, without: &str| {
        let (last_with, before) = last(with);
        matches!(last_with, Some('s' | 'e' | 'n')) && before != last_with && before == last(without).0
    };
    let ((x, before_x), (y, before_y)) = (last(long), last(short));
    let is_swap = (x, before_x) == (before_y, y) && !(is_roman(x) && is_roman(y));
    !is_swap && !is_grammar(long, short) && !is_grammar(short, long)
}

const fn is_roman(letter: Option<char>) -> bool {
    matches!(letter, Some('i' | 'v' | 'x'))
}

/// Whether a longer key is the shorter one with these letters put in, at some place that gives the same key.
fn is_inserted(long: &str, short: &str, begin: usize, infix: &str) -> bool {
    long.len() == short.len() + infix.len()
        && (begin.saturating_sub(infix.len())..=begin).any(|at| {
            let parts = (short.get(..at), short.get(at..));
            let (Some(before), Some(after)) = parts else { return false };
            long.strip_prefix(before).and_then(|rest| rest.strip_prefix(infix)) == Some(after)
        })
}

/// Whether the keys are one word with two different ends.
fn has_two_ends(one: &str, another: &str) -> bool {
    let stems = |key| ENDS.iter().filter_map(move |end| str::strip_suffix(key, *end));
    stems(one).any(|stem| stems(another).any(|other| stem == other))
}

/// Whether one key is the other with one of two confusable parts for the other.
fn is_swapped(one: &str, another: &str, x: &str, y: &str) -> bool {
    let swaps = |from: &str, to: &str| {
        one.match_indices(from).any(|(at, _)| {
            let rest = another.strip_prefix(&one[..at]).and_then(|rest| rest.strip_prefix(to));
            rest == Some(&one[at + from.len()..])
        })
    };
    swaps(x, y) || swaps(y, x)
}

/// Whether two names differ in a word that is another one, such as "form" and "from", "service" and "devices", or "vitamin
/// c" and "vitamin d". Of as many words each is held against the one in its place, as near as a key of its length has to be;
/// else a short word must stand in the other key as it is.
fn has_another_word(one: &Counted<'_>, another: &Counted<'_>) -> bool {
    let is_short = |word: &str| word.chars().count() < LETTERS_OF_WORD;
    let (a, b) = (words(one), words(another));
    if a.len() == b.len() {
        let is_single = a.len() == 1;
        return a.iter().zip(&b).any(|(a, b)| {
            let is_other = || is_short(a) || is_short(b) || !is_single && (distance(a, b) > 1 || is_another_word(a, b));
            a != b && is_other()
        });
    }
    let is_missing = |word: &String, key: &str| is_short(word) && !key.contains(word.as_str());
    a.iter().any(|word| is_missing(word, another.key)) || b.iter().any(|word| is_missing(word, one.key))
}

/// The words of a name as keys write them. A name that is not what the key was made of, such as one that a user gave, does
/// not tell where the words of the key end: the key is one word then.
fn words(concept: &Counted<'_>) -> Vec<String> {
    let lower = concept.name.to_lowercase();
    if squashed(&lower) != concept.key {
        return vec![concept.key.to_owned()];
    }
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '+' | '#');
    lower.split(|letter| !is_part(letter)).filter(|word| !word.is_empty()).map(squashed).collect()
}

/// Letters missing, added, changed or swapped with a neighbour (optimal string alignment, after Damerau 1964); three for
/// any distance above two.
fn distance(one: &str, another: &str) -> u32 {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), another.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut before: Vec<u32> = Vec::new();
    let mut last: Vec<u32> = (0..).take(b.len() + 1).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![last[0] + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + u32::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()].min(3)
}

//! Chinese, Japanese and Korean: scripts without spaces are cut where the kind of letter changes, or at words of grammar.

use std::ops::Range;

/// Letters of the longest chunk that is taken as one word.
const LONGEST: usize = 8;

/// Whether a letter belongs to a script that is written without spaces: Chinese characters, kana, Thai.
pub(crate) const fn is_unspaced(letter: char) -> bool {
    is_han(letter) || is_hiragana(letter) || is_katakana(letter) || matches!(letter, '\u{e00}'..='\u{e7f}')
}

const fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '々' | '\u{20000}'..='\u{2fa1f}')
}

const fn is_hiragana(letter: char) -> bool {
    matches!(letter, '\u{3041}'..='\u{309f}')
}

const fn is_katakana(letter: char) -> bool {
    matches!(letter, '\u{30a1}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}')
}

/// Whether a letter is Korean, whose words have spaces and particles at their ends.
pub(crate) const fn is_hangul(letter: char) -> bool {
    matches!(letter, '\u{ac00}'..='\u{d7a3}')
}

/// Characters of Chinese grammar, which end a word.
const GRAMMAR: &str = "的了是在和与與及或等对對为為以有也都就而被把从從到于於之其这這那着著过過将將使可能会會要我你他她它们們个個一不上下中";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Han,
    Hiragana,
    Katakana,
    Other,
    Grammar,
}

const fn kind(letter: char) -> Kind {
    if is_hiragana(letter) {
        Kind::Hiragana
    } else if is_katakana(letter) {
        Kind::Katakana
    } else if is_han(letter) {
        Kind::Han
    } else {
        Kind::Other
    }
}

/// The words of a run of such letters, as ranges of bytes. Hiragana is Japanese grammar where other letters stand beside it.
pub(crate) fn chunks(run: &str) -> Vec<Range<usize>> {
    let is_japanese = run.chars().any(|letter| is_hiragana(letter) || is_katakana(letter));
    let of = |letter: char| match kind(letter) {
        Kind::Han if !is_japanese && GRAMMAR.contains(letter) => Kind::Grammar,
        kind @ (Kind::Han | Kind::Hiragana | Kind::Katakana | Kind::Other | Kind::Grammar) => kind,
    };
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let (mut start, mut letters, mut last) = (0, 0, Kind::Grammar);
    let mut end_chunk = |start: usize, end: usize, letters: usize, kind: Kind| {
        let is_word = match kind {
            Kind::Han | Kind::Katakana => letters >= 2,
            Kind::Other => letters >= 2,
            Kind::Hiragana | Kind::Grammar => false,
        };
        if is_word {
            chunks.push(start..end);
        }
    };
    for (at, letter) in run.char_indices() {
        let now = of(letter);
        if now != last || letters >= LONGEST {
            end_chunk(start, at, letters, last);
            (start, letters, last) = (at, 0, now);
        }
        letters += 1;
    }
    end_chunk(start, run.len(), letters, last);
    chunks
}

/// Particles that end Korean words, the longest first.
const PARTICLES: [&str; 22] = [
    "에서는",
    "으로는",
    "에서",
    "으로",
    "에게",
    "까지",
    "부터",
    "처럼",
    "보다",
    "하는",
    "하고",
    "한다",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "와",
    "과",
];

/// A Korean word without its particle.
pub(crate) fn without_particle(word: &str) -> &str {
    PARTICLES
        .iter()
        .find_map(|particle| word.strip_suffix(particle).filter(|rest| rest.chars().count() >= 2))
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(run: &str) -> Vec<&str> {
        chunks(run).into_iter().map(|range| &run[range]).collect()
    }

    #[test]
    fn scripts_without_spaces_are_segmented_rather_than_lost() {
        assert_eq!(words("机器学习的算法"), ["机器学习", "算法"]);
        assert_eq!(words("東京で機械学習モデルを使う"), ["東京", "機械学習", "モデル"]);
        assert_eq!(without_particle("데이터베이스에서"), "데이터베이스");
        assert_eq!(words("のはが"), Vec::<&str>::new());
    }
}

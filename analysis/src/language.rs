//! Which language a text is written in, and which of its words are grammar.

use crate::cjk;
use crate::dictionary::Entry;
use crate::words::Words;

/// Words that are looked at: the first of a text.
const LOOKED_AT: usize = 2_000;
/// A language must make up this share of the words, one in so many, to be known.
const KNOWN: usize = 12;

/// Languages that are told by their words of grammar, ISO 639-1.
const LANGUAGES: [(&str, &str); 15] = [
    ("en", include_str!("language/en.txt")),
    ("de", include_str!("language/de.txt")),
    ("fr", include_str!("language/fr.txt")),
    ("es", include_str!("language/es.txt")),
    ("it", include_str!("language/it.txt")),
    ("pt", include_str!("language/pt.txt")),
    ("nl", include_str!("language/nl.txt")),
    ("sv", include_str!("language/sv.txt")),
    ("da", include_str!("language/da.txt")),
    ("no", include_str!("language/no.txt")),
    ("fi", include_str!("language/fi.txt")),
    ("ru", include_str!("language/ru.txt")),
    ("pl", include_str!("language/pl.txt")),
    ("cs", include_str!("language/cs.txt")),
    ("tr", include_str!("language/tr.txt")),
];

/// Words of grammar, each with a language that has it, as a bit in the order of [`LANGUAGES`].
pub(crate) fn grammar() -> impl Iterator<Item = (&'static str, u16)> {
    LANGUAGES.iter().enumerate().flat_map(|(at, (_, list))| list.split_whitespace().map(move |word| (word, 1 << at)))
}

/// A language that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// ISO 639-1, or `und`.
    pub(crate) code: &'static str,
    bit: u16,
}

impl Language {
    /// Whether a word is grammar in this language.
    pub(crate) const fn is_grammar(self, entry: &Entry) -> bool {
        entry.languages & self.bit != 0
    }

    pub(crate) const fn is_english(self) -> bool {
        self.bit == 1
    }
}

/// The language of a text: by its script where one language alone has it, else by its words of grammar. A text that is too
/// short to tell counts as English if it is in Latin letters, as most names of things are.
pub(crate) fn of(words: &Words<'_>) -> Language {
    let mut seen = [0_usize; LANGUAGES.len()];
    let (mut count, mut unspaced, mut hangul, mut latin) = (0, 0, 0, 0);
    for word in words.words.iter().take(LOOKED_AT) {
        count += 1;
        unspaced += usize::from(word.is_chunk);
        let text = words.different.get(word.id);
        match text.as_bytes().first() {
            Some(first) if first.is_ascii() => latin += usize::from(first.is_ascii_alphabetic()),
            _ => hangul += usize::from(text.chars().next().is_some_and(cjk::is_hangul)),
        }
        let mut languages = words.entry(word.id).languages;
        while languages != 0 {
            seen[languages.trailing_zeros() as usize] += 1;
            languages &= languages - 1;
        }
    }
    if unspaced * 2 > count {
        let is_japanese =
            words.body.chars().take(LOOKED_AT * 4).any(|letter| matches!(letter, '\u{3041}'..='\u{30ff}'));
        let is_thai = words.body.chars().take(LOOKED_AT * 4).any(|letter| matches!(letter, '\u{e01}'..='\u{e5b}'));
        return Language {
            code: if is_japanese {
                "ja"
            } else if is_thai {
                "th"
            } else {
                "zh"
            },
            bit: 0,
        };
    }
    if hangul * 2 > count {
        return Language { code: "ko", bit: 0 };
    }
    // Of equals the first of the list.
    let best = (0..LANGUAGES.len()).max_by_key(|at| (seen[*at], LANGUAGES.len() - at)).unwrap_or(0);
    if seen[best] * KNOWN >= count && seen[best] > 0 {
        Language { code: LANGUAGES[best].0, bit: 1 << best }
    } else if latin * 2 > count && count < 40 {
        Language { code: "en", bit: 1 }
    } else {
        Language { code: "und", bit: if latin * 2 > count { 1 } else { 0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_by_their_grammar_or_script() {
        for (code, text) in [
            ("en", "The cat sat on the mat and looked at the dog for a while."),
            ("de", "Die Katze sitzt auf der Matte und schaut sich den Hund an, der nicht bellt."),
            ("fr", "Le chat est assis sur le tapis et il regarde le chien qui ne bouge pas."),
            ("es", "El gato se sienta en la alfombra y mira al perro que no se mueve."),
            ("ru", "Кошка сидит на ковре и смотрит на собаку, которая не лает."),
            ("zh", "机器学习是人工智能的一个分支，研究如何使计算机从数据中学习。"),
            ("ja", "機械学習はコンピュータがデータから学ぶ方法を研究する分野です。"),
            ("ko", "기계 학습은 컴퓨터가 데이터에서 배우는 방법을 연구한다."),
        ] {
            assert_eq!(of(&Words::of("", text, false)).code, code, "{text}");
        }
    }
}

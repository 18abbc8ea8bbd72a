//! How demanding a text is: by the words that introductions and specialists use, and by the length of its words.

use crate::words::{Place, Words};
use events::document::SkillLevel;

/// Fewest words of which anything is said.
const FEWEST: usize = 40;
/// Signs in a thousand words from which they count, and how many more of one kind than of the other.
const ENOUGH: f32 = 2.0;
/// Mean letters of a word from which prose is dense.
const DENSE: f32 = 5.9;
/// A sign in the title or a heading counts so often.
const TITLE: usize = 8;

const BEGINNER: &str = "introduction intro introductory tutorial beginner beginners basics basic beginning started \
    quickstart simple simply easy easily step steps learn learning guide explained explanation example examples \
    overview primer fundamentals novice newcomers recipe tips";
const ADVANCED: &str = "internals optimization optimisation optimizing theorem theorems proof lemma corollary asymptotic \
    complexity consensus lock-free lockfree concurrency formal semantics formally convergence stochastic nonlinear \
    eigenvalue hilbert tensor kernel benchmark benchmarks profiling throughput latency invariants invariant \
    heuristics np-hard polynomial bayesian markov gradient variational cryptographic linearizability isolation \
    compiler assembly distributed differential equations derivation empirical multivariate regression";

/// Words that are signs, and whether they are of specialists.
pub(crate) fn signs() -> impl Iterator<Item = (&'static str, bool)> {
    let of = |list: &'static str, is_advanced: bool| list.split_whitespace().map(move |word| (word, is_advanced));
    of(BEGINNER, false).chain(of(ADVANCED, true))
}

/// The level of a text; unknown when it is short, or nothing speaks for any.
pub(crate) fn level(words: &Words<'_>) -> SkillLevel {
    let count = words.words.len();
    if count < FEWEST {
        return SkillLevel::Unknown;
    }
    let (mut easy, mut hard, mut letters) = (0, 0, 0_usize);
    for word in &words.words {
        let weight = match word.place {
            Place::Title | Place::Heading => TITLE,
            Place::Body | Place::Code => 1,
        };
        match words.entry(word.id).sign {
            Some(true) => hard += weight,
            Some(false) => easy += weight,
            None => {}
        }
        letters += (word.end - word.start) as usize;
    }
    let in_thousand = |signs: usize| signs as f32 * 1_000.0 / count as f32;
    let (easy, hard) = (in_thousand(easy), in_thousand(hard));
    let is_dense = letters as f32 / count as f32 >= DENSE;
    if easy >= ENOUGH && easy > hard * 1.5 && !is_dense {
        SkillLevel::Beginner
    } else if hard >= ENOUGH && (hard > easy * 1.5 || is_dense) {
        SkillLevel::Advanced
    } else {
        SkillLevel::Intermediate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(title: &str, sentence: &str) -> SkillLevel {
        level(&Words::of(title, &sentence.repeat(12), false))
    }

    #[test]
    fn introductions_and_papers_are_told_apart() {
        assert_eq!(of("Getting started", "In this tutorial you learn the basics step by step. "), SkillLevel::Beginner);
        let paper = "We prove a theorem on the asymptotic complexity of stochastic gradient methods under consensus. ";
        assert_eq!(of("Convergence", paper), SkillLevel::Advanced);
        assert_eq!(
            of("Minutes", "The team met on Monday and talked about the plan for May. "),
            SkillLevel::Intermediate
        );
        assert_eq!(level(&Words::of("Note", "too short to say", false)), SkillLevel::Unknown);
    }
}

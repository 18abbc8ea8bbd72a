//! Three words in a row, hashed: what two texts are compared by.

/// Words in a shingle. Few, so that one changed word spoils few shingles.
const WORDS: usize = 3;

/// The shingles of a text, as hashes; a text of one or two words is one shingle. Takes one word after another and keeps
/// only the last three.
pub(super) struct Shingles<I> {
    tokens: I,
    last: [u64; WORDS],
    seen: usize,
    is_over: bool,
}

impl<'a, I: Iterator<Item = &'a str>> Shingles<I> {
    pub(super) const fn of(tokens: I) -> Self {
        Self { tokens, last: [0; WORDS], seen: 0, is_over: false }
    }

    fn current(&self) -> u64 {
        let [first, second, third] = self.last;
        mix(first ^ mix(second.wrapping_add(0x9e37_79b9_7f4a_7c15)).rotate_left(21) ^ mix(third).rotate_left(42))
    }
}

impl<'a, I: Iterator<Item = &'a str>> Iterator for Shingles<I> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        while !self.is_over {
            if let Some(token) = self.tokens.next() {
                self.last.rotate_left(1);
                self.last[WORDS - 1] = hash(token);
                self.seen += 1;
                if self.seen >= WORDS {
                    return Some(self.current());
                }
            } else {
                self.is_over = true;
                if (1..WORDS).contains(&self.seen) {
                    return Some(self.current());
                }
            }
        }
        None
    }
}

/// A hash of a word, eight bytes at a time.
fn hash(word: &str) -> u64 {
    let step = |hash: u64, number: u64| (hash.rotate_left(23) ^ number).wrapping_mul(0x9fb2_1c65_1e98_df25);
    let mut chunks = word.as_bytes().chunks_exact(8);
    let mut hash = word.len() as u64;
    for chunk in &mut chunks {
        hash = step(hash, chunk.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    }
    mix(step(hash, chunks.remainder().iter().fold(1, |number, byte| number << 8 | u64::from(*byte))))
}

/// Lets every bit of a number depend on every other (the finaliser of SplitMix64, Steele, Lea & Flood 2014).
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

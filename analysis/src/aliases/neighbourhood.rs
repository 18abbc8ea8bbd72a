//! Keys that could be near-equal, without comparing all pairs: what is left of two near-equal keys after one or two
//! letters are deleted is the same in some way (FastSS, Bocek, Hunt & Stiller 2007).

use super::difference::{LETTERS_FOR_ONE, LETTERS_FOR_TWO, is_comparable, signs};

/// Longest keys of which two letters are deleted, and of which one is; longer ones have no neighbours.
const LONGEST_FOR_TWO: usize = 32;
const LONGEST: usize = 64;
/// Remains that are held at once; of more, there are several passes, so that the memory is bounded.
const AT_ONCE: usize = 4_000_000;
/// Parts that remains are sorted in, so that each fits a processor's cache.
const BUCKETS: usize = 256;
/// How many of the keys with the same remains the others meet: the most frequent ones.
const MET: usize = 8;
/// Bits of a remain's hash that are kept beside a key's rank; a collision costs one comparison.
const RANK_BITS: u32 = 24;
const BASE: u64 = 0x2545_f491_4f6c_dd1d;

/// The deletion neighbourhoods of keys that are ranked by frequency.
pub(super) struct Neighbourhoods<'k> {
    keys: &'k [&'k str],
    passes: u64,
}

impl<'k> Neighbourhoods<'k> {
    pub(super) fn of(keys: &'k [&'k str]) -> Self {
        let keys = &keys[..keys.len().min(1 << RANK_BITS)];
        let remains: usize = keys.iter().map(|key| remains(key.chars().take(LONGEST + 1).count())).sum();
        Self { keys, passes: (remains / AT_ONCE) as u64 + 1 }
    }

    /// Hands over the ranks of keys that have remains in common, the more frequent first; some pairs several times.
    pub(super) fn for_each_meeting(&self, mut meet: impl FnMut(usize, usize)) {
        let mut buckets: Vec<Vec<u64>> = vec![Vec::new(); BUCKETS];
        for pass in 0..self.passes {
            buckets.iter_mut().for_each(Vec::clear);
            for (rank, key) in (0..).zip(self.keys) {
                for_each_remain(key, |hash| {
                    if ((hash >> 32) * self.passes) >> 32 == pass {
                        buckets[hash as usize % BUCKETS].push(hash >> RANK_BITS << RANK_BITS | rank);
                    }
                });
            }
            buckets.iter_mut().for_each(|bucket| meet_within(bucket, &mut meet));
        }
    }
}

/// Hands over the ranks of equal remains of a bucket.
fn meet_within(bucket: &mut [u64], meet: &mut impl FnMut(usize, usize)) {
    bucket.sort_unstable();
    let rank = |remain: u64| (remain & ((1 << RANK_BITS) - 1)) as usize;
    for same in bucket.chunk_by(|one, another| one >> RANK_BITS == another >> RANK_BITS) {
        for (at, less) in same.iter().enumerate().skip(1) {
            same[..at.min(MET)].iter().filter(|more| *more != less).for_each(|more| meet(rank(*more), rank(*less)));
        }
    }
}

/// How many remains a key of so many letters has.
const fn remains(letters: usize) -> usize {
    match letters {
        LETTERS_FOR_TWO..=LONGEST_FOR_TWO => 1 + letters + letters * (letters - 1) / 2,
        LETTERS_FOR_ONE..=LONGEST => 1 + letters,
        _ => 0,
    }
}

/// Hashes of what is left of a key after up to two deletions, seeded by the signs that must not differ.
fn for_each_remain(key: &str, mut keep: impl FnMut(u64)) {
    let mut letters = [0_u64; LONGEST];
    let mut count = 0;
    for letter in key.chars() {
        if count == LONGEST {
            return;
        }
        letters[count] = mix(u64::from(letter) + 1);
        count += 1;
    }
    if remains(count) == 0 || !is_comparable(key) {
        return;
    }
    // Polynomials, so that a remain is the sum of the part before, the part between and the part after the deletions.
    let mut powers = [1_u64; LONGEST + 1];
    let mut before = [0_u64; LONGEST + 1];
    for at in 0..count {
        powers[at + 1] = powers[at].wrapping_mul(BASE);
        before[at + 1] = before[at].wrapping_mul(BASE).wrapping_add(letters[at]);
    }
    let part = |from: usize, to: usize| before[to].wrapping_sub(before[from].wrapping_mul(powers[to - from]));
    let then = |hash: u64, from: usize, to: usize| hash.wrapping_mul(powers[to - from]).wrapping_add(part(from, to));
    let seed = signs(key).fold(0, |seed, sign| mix(seed ^ u64::from(sign)));
    let mut last = None;
    let mut keep = |hash: u64| {
        // Deleting either of two equal neighbours leaves the same.
        if last.replace(hash) != Some(hash) {
            keep(mix(hash ^ seed));
        }
    };
    keep(before[count]);
    let is_for_two = (LETTERS_FOR_TWO..=LONGEST_FOR_TWO).contains(&count);
    for (first, hash) in before.iter().enumerate().take(count) {
        keep(then(*hash, first + 1, count));
        let seconds = if is_for_two { first + 1..count } else { 0..0 };
        seconds.for_each(|second| keep(then(then(*hash, first + 1, second), second + 1, count)));
    }
}

const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let number = (number ^ (number >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ (number >> 32)
}

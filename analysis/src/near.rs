//! Near duplicates: sixty minima of hashes of word triples stand for a text, and texts that share many of them share most
//! of their wording (min-wise hashing, Broder 1997).

mod compare;
mod shingles;

pub use compare::{Comparison, compare};

use serde::{Deserialize, Serialize};
use shingles::{Shingles, mix};

/// Estimated resemblance from which two documents count as near duplicates.
///
/// Two documents whose shingles resemble each other by `r` share a band with a probability of 1 - (1 - r^6)^10: 95 % at
/// .8, 99 % at .85 and 99.9 % at .9, but 12 % at .5 and 1 % at .3. What shares a band is then compared by all sixty
/// minima, and such an estimate is off by .05 on average: of pairs at .8 half are accepted, of those at .85 nine in ten,
/// of those at .9 all but a few in a thousand, of those at .7 one in twenty.
pub const NEAR: f32 = 0.8;
/// Bands that a document is looked up by; documents that are equal in one are compared.
pub const BANDS: usize = 10;
/// Minima in a band.
const ROWS: usize = 6;
const MINIMA: usize = BANDS * ROWS;

/// The wording of a text in sixty bytes, or none at all: the lowest eight bits of each minimum (Li & König 2010), which
/// agree by chance once in 256.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct Sketch {
    minima: Vec<u8>,
}

impl Sketch {
    /// Of the words of a text, lower-cased and in their order. One permutation: each shingle falls into one of sixty bins
    /// and only the least of each counts (Li, Owen & Zhang 2012); an empty bin borrows from one that chance, the same for
    /// all texts, picks (Shrivastava 2017).
    #[must_use]
    pub fn of<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        // One more than any value that a shingle can give means that there was none.
        const EMPTY: u64 = 1 << 32;
        let mut bins = [EMPTY; MINIMA];
        let mut is_empty = true;
        for shingle in Shingles::of(tokens) {
            let bin = &mut bins[bin(shingle)];
            *bin = (shingle & (EMPTY - 1)).min(*bin);
            is_empty = false;
        }
        if is_empty {
            return Self::default();
        }
        let minimum = |bin: usize| {
            let mut donor = bin;
            let mut attempt = 0;
            while bins[donor] == EMPTY {
                attempt += 1;
                donor = self::bin(mix(bin as u64 + (attempt << 8)));
            }
            (mix(bins[donor]) >> 56) as u8
        };
        Self { minima: (0..MINIMA).map(minimum).collect() }
    }

    /// What to look it up by in an index: the number of each band with its six minima. Nothing for a text without words.
    #[must_use]
    pub fn bands(&self) -> Vec<i64> {
        let band = |(number, rows): (i64, &[u8])| rows.iter().fold(number, |band, row| band << 8 | i64::from(*row));
        (0..).zip(self.minima.chunks_exact(ROWS)).map(band).collect()
    }

    /// The estimated share of shingles that two texts have in common, of all that either has. Nothing resembles a text
    /// without words.
    #[must_use]
    pub fn resemblance(&self, other: &Self) -> f32 {
        let equal = self.minima.iter().zip(&other.minima).filter(|(one, another)| one == another).count();
        equal as f32 / MINIMA as f32
    }

    /// Sixty bytes, or none for a text without words.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.minima.clone()
    }

    /// Reads [`Sketch::to_bytes`] back.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), 0 | MINIMA).then(|| Self { minima: bytes.to_vec() })
    }
}

/// The bin of a hash, by its upper half.
const fn bin(hash: u64) -> usize {
    (((hash >> 32) * MINIMA as u64) >> 32) as usize
}

impl TryFrom<Vec<u8>> for Sketch {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        Self::from_bytes(&bytes).ok_or("a sketch has sixty bytes or none")
    }
}

impl From<Sketch> for Vec<u8> {
    fn from(sketch: Sketch) -> Self {
        sketch.minima
    }
}

#[cfg(test)]
mod tests;

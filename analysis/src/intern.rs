//! Different words, each kept once.

use std::hash::{BuildHasherDefault, Hasher};

/// Different words, numbered in the order in which they were met.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    text: String,
    ends: Vec<u32>,
    /// Open addressing over numbers of words, one more than each; zero is empty.
    slots: Vec<u32>,
}

impl Interner {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A word by its number.
    pub(crate) fn get(&self, id: u32) -> &str {
        let end = self.ends.get(id as usize).copied().unwrap_or(0) as usize;
        let start = (id as usize).checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..end]
    }

    /// The number of a word in lower case; `None` if it is new and there are `most` already.
    pub(crate) fn intern_lower(&mut self, word: &str, most: usize) -> Option<u32> {
        let start = self.text.len();
        if word.is_ascii() {
            self.text.push_str(word);
            self.text[start..].make_ascii_lowercase();
        } else {
            self.text.extend(word.chars().flat_map(char::to_lowercase));
        }
        if (self.ends.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(&self.text[start..]) as usize & mask;
        loop {
            match self.slots[slot] {
                0 if self.ends.len() >= most => {
                    self.text.truncate(start);
                    return None;
                }
                0 => {
                    self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
                    let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
                    self.slots[slot] = id;
                    return Some(id - 1);
                }
                id if self.get(id - 1) == &self.text[start..] => {
                    self.text.truncate(start);
                    return Some(id - 1);
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(256);
        self.slots.clear();
        self.slots.resize(size, 0);
        for id in 0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let mut slot = hash(self.get(id)) as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = id + 1;
        }
    }
}

/// A quick hash of a short word.
pub(crate) fn hash(word: &str) -> u64 {
    let mut hasher = Quick::default();
    hasher.write(word.as_bytes());
    hasher.finish()
}

/// A quick hasher for short words; no defence against chosen ones, as every table of them is bounded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let number = chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            self.mix(number);
        }
        let rest = chunks.remainder().iter().fold(1_u64, |number, byte| number << 8 | u64::from(*byte));
        self.mix(rest);
    }

    fn write_u8(&mut self, _: u8) {
        // The end of a text; its length is in its last chunk.
    }
}

impl Quick {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// A map by words.
pub(crate) type ByWord<K, T> = std::collections::HashMap<K, T, BuildHasherDefault<Quick>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_kept_once() {
        let mut words = Interner::default();
        let ids: Vec<_> = ["Rust", "rust", "ÄRGER", "ärger", ""].map(|word| words.intern_lower(word, 9)).into();
        assert_eq!(ids, [Some(0), Some(0), Some(1), Some(1), Some(2)]);
        assert_eq!((words.get(0), words.get(1), words.get(2)), ("rust", "ärger", ""));
        for number in 0..2_000 {
            words.intern_lower(&format!("w{number}"), 1_000);
        }
        assert_eq!(words.len(), 1_000);
        assert_eq!(words.intern_lower("W996", 1_000), Some(999));
    }
}

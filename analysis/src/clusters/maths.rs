//! Arithmetic that is the same on every machine: libraries disagree in the last bit of a logarithm, and a tie decided by it
//! would put a document elsewhere.

use std::hash::{BuildHasherDefault, Hasher};

/// The binary logarithm of a positive number, right to about one part in ten thousand.
pub(super) fn log2(number: f32) -> f32 {
    let bits = number.to_bits();
    let exponent = ((bits >> 23) & 0xff) as f32 - 127.0;
    // The mantissa, between 1 and 2, by a polynomial through both ends.
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000) - 1.0;
    exponent + m * (1.0 + (1.0 - m) * (0.420_5 - m * (0.187_5 - m * 0.058)))
}

/// A hasher for keys that are hashes already.
#[derive(Clone, Copy, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A map by hashes of words.
pub(super) type ByTerm<T> = std::collections::HashMap<u32, T, BuildHasherDefault<Hashed>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_near_enough_and_grows() {
        let mut last = f32::MIN;
        for step in 1..4_000_u16 {
            let number = f32::from(step) * 0.37;
            assert!((log2(number) - number.log2()).abs() < 3e-3, "{number}");
            assert!(log2(number) > last, "{number}");
            last = log2(number);
        }
    }
}

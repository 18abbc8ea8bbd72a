//! How strongly two concepts go together.

/// In how many documents two concepts occur.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occurrences {
    one: f64,
    other: f64,
    both: f64,
    total: f64,
}

impl Occurrences {
    /// Documents with the one, with the other, with both, and all. What was estimated is made to fit.
    pub(crate) fn of(one: f64, other: f64, both: f64, total: f64) -> Self {
        let both = both.min(one).min(other).max(0.0);
        Self { one, other, both, total: total.max(one + other - both) }
    }

    /// Normalised pointwise mutual information (Bouma 2009), 0 where it would be negative: 0 for chance, 1 for two that
    /// never occur apart. It makes too much of what is rare, so that it is discounted for that (Pantel & Lin 2002).
    pub(crate) fn weight(self) -> f64 {
        let Self { one, other, both, total } = self;
        if both <= 0.0 {
            return 0.0;
        }
        let share = both / total;
        // Both in every document says nothing.
        let information = if share < 1.0 { (both * total / (one * other)).ln() / -share.ln() } else { 0.0 };
        let rarer = one.min(other);
        information.clamp(0.0, 1.0) * both / (both + 1.0) * rarer / (rarer + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_weighs_nothing_and_company_much() {
        assert_eq!(Occurrences::of(10.0, 10.0, 1.0, 100.0).weight(), 0.0);
        assert_eq!(Occurrences::of(10.0, 10.0, 0.0, 100.0).weight(), 0.0);
        assert_eq!(Occurrences::of(100.0, 100.0, 100.0, 100.0).weight(), 0.0, "what all documents have says nothing");
        let [always, often, once] =
            [(10.0, 10.0), (10.0, 6.0), (1.0, 1.0)].map(|(one, both)| Occurrences::of(one, one, both, 100.0).weight());
        assert!(always > often && often > 0.0 && always <= 1.0);
        assert!(once < always, "once is not always");
    }

    #[test]
    fn estimates_are_made_to_fit() {
        let weight = Occurrences::of(5.0, 4.0, 9.0, 1.0).weight();
        assert!((0.0..=1.0).contains(&weight));
    }
}

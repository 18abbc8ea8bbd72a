//! How far two partitions of the same things agree, beyond chance.

use std::collections::BTreeMap;

/// The adjusted Rand index (Hubert & Arabie 1985): 1 when two partitions are the same, about 0 when they have no more in
/// common than chance. `counts` has, for each pair of a part of the one and a part of the other, how many things are in
/// both.
#[must_use]
pub fn adjusted_rand<A: Ord + Copy, B: Ord + Copy>(counts: &BTreeMap<(A, B), u64>) -> f64 {
    let (rows, columns, total) = margins(counts);
    let pairs = |count: u64| count as f64 * (count as f64 - 1.0) / 2.0;
    let together: f64 = counts.values().map(|count| pairs(*count)).sum();
    let in_rows: f64 = rows.values().map(|count| pairs(*count)).sum();
    let in_columns: f64 = columns.values().map(|count| pairs(*count)).sum();
    let expected = if total > 1 { in_rows * in_columns / pairs(total) } else { 0.0 };
    let most = f64::midpoint(in_rows, in_columns);
    if most == expected { 1.0 } else { (together - expected) / (most - expected) }
}

/// Adjusted mutual information (Vinh, Epps & Bailey 2010), normalised by the mean of the entropies.
#[must_use]
pub fn adjusted_mutual_information<A: Ord + Copy, B: Ord + Copy>(counts: &BTreeMap<(A, B), u64>) -> f64 {
    let (rows, columns, total) = margins(counts);
    let n = total as f64;
    let entropy = |parts: &mut dyn Iterator<Item = &u64>| -> f64 {
        parts.map(|count| *count as f64 / n).map(|share| -share * share.ln()).sum()
    };
    let (of_rows, of_columns) = (entropy(&mut rows.values()), entropy(&mut columns.values()));
    let mutual: f64 = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|((row, column), count)| {
            let count = *count as f64;
            count / n * (n * count / (rows[row] as f64 * columns[column] as f64)).ln()
        })
        .sum();
    let expected = expected_mutual_information(&rows, &columns, total);
    let most = f64::midpoint(of_rows, of_columns);
    if (most - expected).abs() < 1e-15 { 1.0 } else { (mutual - expected) / (most - expected) }
}

/// The mutual information of two random partitions with parts of these sizes.
fn expected_mutual_information<A, B>(rows: &BTreeMap<A, u64>, columns: &BTreeMap<B, u64>, total: u64) -> f64 {
    let factorial = log_factorials(total);
    let at = |number: u64| factorial[usize::try_from(number).unwrap_or(usize::MAX)];
    let n = total as f64;
    // Parts of one size count alike, and there are few sizes.
    let sizes = |parts: &mut dyn Iterator<Item = &u64>| {
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        parts.for_each(|size| *sizes.entry(*size).or_default() += 1);
        sizes
    };
    let (rows, columns) = (sizes(&mut rows.values()), sizes(&mut columns.values()));
    let mut expected = 0.0;
    for (&a, &rows) in &rows {
        for (&b, &columns) in &columns {
            let mut sum = 0.0;
            for both in (a + b).saturating_sub(total).max(1)..=a.min(b) {
                let chance = at(a) + at(b) + at(total - a) + at(total - b)
                    - at(total)
                    - at(both)
                    - at(a - both)
                    - at(b - both)
                    - at(total + both - a - b);
                let share = both as f64 / n;
                sum += share * (n * both as f64 / (a as f64 * b as f64)).ln() * chance.exp();
            }
            expected += sum * rows as f64 * columns as f64;
        }
    }
    expected
}

fn log_factorials(most: u64) -> Vec<f64> {
    let mut logs = vec![0.0];
    let mut sum = 0.0;
    for number in 1..=most {
        sum += (number as f64).ln();
        logs.push(sum);
    }
    logs
}

fn margins<A: Ord + Copy, B: Ord + Copy>(counts: &BTreeMap<(A, B), u64>) -> (BTreeMap<A, u64>, BTreeMap<B, u64>, u64) {
    let (mut rows, mut columns, mut total) = (BTreeMap::new(), BTreeMap::new(), 0);
    for ((row, column), count) in counts {
        *rows.entry(*row).or_default() += count;
        *columns.entry(*column).or_default() += count;
        total += count;
    }
    (rows, columns, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(u8, u8)]) -> BTreeMap<(u8, u8), u64> {
        pairs.iter().fold(BTreeMap::new(), |mut counts, pair| {
            *counts.entry(*pair).or_default() += 1;
            counts
        })
    }

    #[test]
    fn the_same_parts_under_other_names_agree_wholly() {
        let counts = counts(&[(0, 7), (0, 7), (1, 3), (1, 3), (2, 9)]);
        assert!((adjusted_rand(&counts) - 1.0).abs() < 1e-12);
        assert!((adjusted_mutual_information(&counts) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn known_values_are_met() {
        // Computed by hand: parts {0,0,1,1} and {0,0,1,2}.
        let counts = counts(&[(0, 0), (0, 0), (1, 1), (1, 2)]);
        assert!((adjusted_rand(&counts) - 0.571_428_571).abs() < 1e-8);
        assert!((adjusted_mutual_information(&counts) - 0.571_428_571).abs() < 1e-8);
    }

    #[test]
    fn one_part_against_singletons_is_chance() {
        let counts = counts(&[(0, 0), (0, 1), (0, 2), (0, 3)]);
        assert!(adjusted_rand(&counts).abs() < 1e-12);
    }
}

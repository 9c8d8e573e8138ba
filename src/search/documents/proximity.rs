//! How near words stand to each other in a document: SLOP and INORDER, and what older scorers divide by.
//!
//! Positions are those of [`crate::keyspace::documents::text::tokenize::Token`], ascending; a word that stands for several has theirs merged.

/// Whether the words stand within `slop` others of each other: one position of each, with at most so many positions between
/// them that are none of theirs. A phrase is slop 0 in order.
pub fn is_within(words: &[&[u32]], slop: u32, is_in_order: bool) -> bool {
    match (words, is_in_order) {
        ([] | [_], _) => true,
        (words, true) => is_within_in_order(words, slop),
        (words, false) => is_within_in_any(words, slop),
    }
}

/// Tries every position of the first word; each of the others takes its first position not before the one of its left neighbour.
/// No such choice can be too late, so none is tried twice.
fn is_within_in_order(words: &[&[u32]], slop: u32) -> bool {
    let mut next = vec![0; words.len()];
    let (first, others) = (words[0], &words[1..]);
    'starts: for &start in first {
        let mut last = start;
        let mut span = 0u32;
        for (word, next) in others.iter().zip(&mut next[1..]) {
            while word.get(*next).is_some_and(|&position| position < last) {
                *next += 1;
            }
            let Some(&position) = word.get(*next) else {
                return false;
            };
            // Two words at one position leave the span as it is.
            span += (position - last).saturating_sub(1);
            if span > slop {
                continue 'starts;
            }
            last = position;
        }
        return true;
    }
    false
}

/// Moves the earliest of one position of each word on until they are near enough, or one word has none left.
fn is_within_in_any(words: &[&[u32]], slop: u32) -> bool {
    let mut next = vec![0; words.len()];
    let between = words.len() as u32 - 1;
    loop {
        let mut earliest = 0;
        let (mut min, mut max) = (u32::MAX, 0);
        for (place, word) in words.iter().enumerate() {
            let Some(&position) = word.get(next[place]) else {
                return false;
            };
            if position < min {
                (min, earliest) = (position, place);
            }
            max = max.max(position);
        }
        // All at one position is one word said twice, which the module does not take for two.
        if min != max && max - min <= slop.saturating_add(between) {
            return true;
        }
        next[earliest] += 1;
    }
}

/// What older scorers divide by: the root of the sum of squares of the least distances between a word and its successor.
pub fn spread(words: &[&[u32]]) -> u32 {
    let parts = words.len();
    if parts <= 1 {
        return 1;
    }
    let words: Vec<&[u32]> = words
        .iter()
        .copied()
        .filter(|word| !word.is_empty())
        .collect();
    let squares = words.windows(2).map(|pair| {
        let distance = u64::from(least_distance(pair[0], pair[1]));
        distance * distance
    });
    match squares.sum::<u64>() {
        0 => parts as u32 - 1,
        sum => (sum as f64).sqrt() as u32,
    }
}

fn least_distance(one: &[u32], other: &[u32]) -> u32 {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut least = u32::MAX;
    while let (Some(&&a), Some(&&b)) = (one.peek(), other.peek()) {
        least = least.min(a.abs_diff(b));
        if b > a {
            one.next()
        } else {
            other.next()
        };
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_near_or_not() {
        let cases: &[(&[&[u32]], u32, bool, bool)] = &[
            (&[&[1], &[2]], 0, true, true),
            (&[&[2], &[1]], 0, true, false),
            (&[&[2], &[1]], 0, false, true),
            (&[&[1], &[3]], 0, true, false),
            (&[&[1], &[3]], 1, true, true),
            (&[&[1, 7], &[3, 8]], 0, true, true),
            (&[&[1, 5], &[9], &[10]], 3, true, true),
            (&[&[1, 5], &[9], &[10]], 2, true, false),
            (&[&[10], &[9], &[8]], 0, false, true),
            (&[&[10], &[9], &[6]], 1, false, false),
            (&[&[4], &[4]], 9, false, false),
            (&[&[4]], 0, true, true),
        ];
        for &(words, slop, is_in_order, expected) in cases {
            let found = is_within(words, slop, is_in_order);
            assert_eq!(found, expected, "{words:?} {slop} {is_in_order}");
        }
    }

    /// Against all choices of one position of each word.
    #[test]
    fn the_quick_way_finds_what_trying_all_finds() {
        fn choices(words: &[&[u32]]) -> Vec<Vec<u32>> {
            let Some((first, rest)) = words.split_first() else {
                return vec![Vec::new()];
            };
            let rest = choices(rest);
            let with = |&position: &u32| {
                rest.iter().map(move |others| {
                    let mut choice = vec![position];
                    choice.extend(others);
                    choice
                })
            };
            first.iter().flat_map(with).collect()
        }
        let sets: [&[u32]; 5] = [&[1, 4, 9], &[2, 3, 8], &[5], &[6, 7, 12], &[10, 11]];
        for a in sets {
            for b in sets {
                for c in sets {
                    if a == b || b == c || a == c {
                        continue;
                    }
                    for slop in 0..6 {
                        let words = [a, b, c];
                        let is_near = |choice: &Vec<u32>| {
                            let is_sorted = choice.windows(2).all(|pair| pair[0] < pair[1]);
                            is_sorted && choice[2] - choice[0] - 2 <= slop
                        };
                        let expected = choices(&words).iter().any(is_near);
                        assert_eq!(is_within(&words, slop, true), expected, "{words:?} {slop}");
                    }
                }
            }
        }
    }

    #[test]
    fn spread_is_the_root_of_squares() {
        assert_eq!(spread(&[&[1]]), 1);
        assert_eq!(spread(&[&[1], &[2]]), 1);
        assert_eq!(spread(&[&[1], &[4], &[8]]), 5);
        assert_eq!(spread(&[&[2, 4, 8], &[0, 5, 12]]), 1);
        assert_eq!(spread(&[&[], &[3]]), 1);
    }
}

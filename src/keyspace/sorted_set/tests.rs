//! Sorted sets against a map and a sorted vector.

use super::*;
use std::collections::BTreeMap;

/// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// Few different ones, so that many members share a score.
    fn score(&mut self) -> f64 {
        match self.below(20) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => 0.0,
            3 => -0.0,
            _ => self.below(500) as f64 / 8.0 - 20.0,
        }
    }
}

fn name(i: u64) -> Bytes {
    Bytes::from(format!("member {i}"))
}

fn in_order(map: &BTreeMap<Bytes, f64>) -> Vec<(f64, Bytes)> {
    let mut all: Vec<(f64, Bytes)> = map
        .iter()
        .map(|(name, score)| (*score, name.clone()))
        .collect();
    all.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap().then_with(|| a.1.cmp(&b.1)));
    all
}

fn assert_same(set: &SortedSet, map: &BTreeMap<Bytes, f64>, random: &mut Random) {
    set.order.check();
    let all = in_order(map);
    let pair = |item: &Ranked| (item.score, item.member.clone());
    assert_eq!(set.iter().map(pair).collect::<Vec<_>>(), all);
    assert_eq!(set.len(), all.len());
    assert_eq!(set.bytes(), map.keys().map(Bytes::len).sum::<usize>());
    for _ in 0..50 {
        let from = random.below(all.len() as u64 + 1) as usize;
        let to = from + random.below((all.len() - from) as u64 + 1) as usize;
        let forward: Vec<_> = set.range(from..to).map(pair).collect();
        assert_eq!(forward, all[from..to]);
        let mut backward: Vec<_> = set.range(from..to).rev().map(pair).collect();
        backward.reverse();
        assert_eq!(backward, forward);
        let score = random.score();
        let below = all.iter().filter(|(other, _)| *other < score).count();
        assert_eq!(set.rank(|item| item.score < score), below);
        let upto = all.iter().filter(|(other, _)| *other <= score).count();
        assert_eq!(set.rank(|item| item.score <= score), upto);
        let member = name(random.below(4_000));
        let rank = all.iter().position(|(_, other)| *other == member);
        assert_eq!(set.rank_of(&member), rank);
        assert_eq!(set.score(&member), map.get(&member).copied());
    }
}

#[test]
fn a_sorted_set_is_what_an_ordered_vector_says() {
    for seed in 1..4 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let (mut set, mut map) = (SortedSet::new(7), BTreeMap::new());
        for turn in 0..40_000 {
            let member = name(random.below(4_000));
            let adds = if (turn / 10_000) % 2 == 0 { 80 } else { 20 };
            if random.below(100) < adds {
                let score = random.score();
                assert_eq!(set.insert(member.clone(), score), map.get(&member).copied());
                map.insert(member, score);
            } else {
                assert_eq!(set.remove(&member), map.remove(&member));
            }
            if turn % 2_500 == 2_499 {
                assert_same(&set, &map, &mut random);
            }
        }
        for member in map.keys() {
            assert!(set.remove(member).is_some());
        }
        assert!(set.is_empty() && set.iter().next().is_none());
        set.order.check();
    }
}

#[test]
fn members_that_come_in_order_fill_their_nodes() {
    for is_rising in [true, false] {
        let mut set = SortedSet::new(7);
        for i in 0..20_000u64 {
            let score = if is_rising { i as f64 } else { -(i as f64) };
            set.insert(name(i), score);
        }
        set.order.check();
        assert_eq!(
            set.rank(|item| item.score < 0.0),
            if is_rising { 0 } else { 19_999 }
        );
    }
}

#[test]
fn both_ends_of_a_range_meet_in_the_middle() {
    let mut set = SortedSet::new(7);
    for i in 0..500 {
        set.insert(name(i), i as f64);
    }
    let mut range = set.range(100..400);
    let mut seen = Vec::new();
    while let Some(item) = range.next() {
        seen.push(item.score);
        seen.extend(range.next_back().map(|item| item.score));
    }
    seen.sort_by(f64::total_cmp);
    assert_eq!(seen, (100..400).map(f64::from).collect::<Vec<_>>());
    assert_eq!(set.range(400..900).len(), 100);
    assert_eq!(set.range(600..900).len(), 0);
}

#[test]
fn a_clone_keeps_the_old_scores() {
    let mut set = SortedSet::new(7);
    for i in 0..1_000 {
        set.insert(name(i), i as f64);
    }
    let before = set.clone();
    set.insert(name(3), 5_000.0);
    for i in 500..1_000 {
        set.remove(&name(i));
    }
    assert_eq!((before.len(), before.score(&name(3))), (1_000, Some(3.0)));
    assert!(
        before
            .iter()
            .map(|item| item.score)
            .eq((0..1_000).map(f64::from))
    );
    assert_eq!(set.iter().next_back().map(|item| item.score), Some(5_000.0));
    assert_ne!(set, before);
}

#[test]
fn the_two_zeros_are_one_score() {
    let mut set = SortedSet::new(7);
    set.insert(name(1), -0.0);
    assert_eq!(set.score(&name(1)).map(f64::to_bits), Some(0));
    assert_eq!(set.insert(name(1), -0.0), Some(0.0));
    set.insert(name(0), 0.0);
    assert_eq!(set.rank_of(&name(0)), Some(0));
}

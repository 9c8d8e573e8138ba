//! The exact scan: every live slot, or a list of them, scored in the stored form.

use super::nearest::Candidate;
use super::slots::Slots;
use super::top::Top;
use super::vectors::{Scorer, Target, Vectors};
use super::{Neighbour, SlotFilter, WalkStats};
use rayon::prelude::*;
use std::ops::Range;

/// Rows from which a scan without filter uses all cores.
const PARALLEL_ROWS: usize = 100_000;
/// Slots scored per call. Nothing is prefetched: rows lie one behind the other, and the CPU sees that by itself.
const BLOCK: usize = 64;
/// Slots whose rows lie apart, scored per call.
const APART: usize = 96;

/// The k nearest live slots. A filter is asked from this thread only.
pub(super) fn scan(
    (vectors, slots): (&Vectors, &Slots),
    target: &Target,
    k: usize,
    only: Option<&[u32]>,
    filter: Option<&dyn SlotFilter>,
    stats: &mut WalkStats,
) -> Vec<Neighbour> {
    let end = slots.end();
    let rows = only.map_or(end as usize, <[u32]>::len);
    let k = k.min(rows);
    let nearest = match (only, filter) {
        (None, None) if rows > PARALLEL_ROWS => {
            scan_in_parallel((vectors, slots), target, k, stats)
        }
        (None, _) => scan_range((vectors, slots), target, k, 0..end, filter, stats),
        (Some(only), _) => {
            let live = only.iter().copied().filter(|&slot| slots.is_live(slot));
            scan_some(vectors, target, k, live, filter, stats)
        }
    };
    let sorted = nearest.into_sorted();
    sorted.into_iter().map(Neighbour::from).collect()
}

/// The `keep` nearest of the slots whose bits are set, 64 a word, by what `scorer` measures. The caller is pinned, and saw
/// each of them occupied since; of those that died meanwhile some may be left.
pub(super) fn scan_passing(
    slots: &Slots,
    scorer: Scorer,
    keep: usize,
    passing: &[u64],
    stats: &mut WalkStats,
) -> Vec<Candidate> {
    let mut nearest = Top::with_limit(keep);
    let (mut block, mut distances) = (Vec::with_capacity(APART), Vec::with_capacity(APART));
    let mut offer = |block: &mut Vec<u32>| {
        scorer.fetch_and_score(block, &mut distances);
        stats.distances += block.len() as u64;
        for candidate in scored(block, &distances) {
            // Asked of few: most are not near enough.
            if nearest.admits(candidate) && slots.is_readable(candidate.slot()) {
                nearest.offer(candidate);
            }
        }
        block.clear();
    };
    for (word, &bits) in passing.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            block.push(word as u32 * 64 + bits.trailing_zeros());
            bits &= bits - 1;
            if block.len() == APART {
                offer(&mut block);
            }
        }
    }
    offer(&mut block);
    nearest.into_sorted()
}

/// Each core scans ranges of slots; the nearest of all are merged.
fn scan_in_parallel(
    (vectors, slots): (&Vectors, &Slots),
    target: &Target,
    k: usize,
    stats: &mut WalkStats,
) -> Top {
    const RANGE: u32 = 16_384;
    let end = slots.end();
    let ranges = (0..end.div_ceil(RANGE)).into_par_iter().map(|range| {
        let mut stats = WalkStats::default();
        let range = range * RANGE..((range + 1) * RANGE).min(end);
        let nearest = scan_range((vectors, slots), target, k, range, None, &mut stats);
        (nearest, stats)
    });
    let merge = |(mut all, mut sum): (Top, WalkStats), (part, stats): (Top, WalkStats)| {
        let part = part.into_sorted();
        part.into_iter().for_each(|candidate| all.offer(candidate));
        sum.distances += stats.distances;
        (all, sum)
    };
    let (nearest, sum) = ranges.reduce(|| (Top::with_limit(k), WalkStats::default()), merge);
    stats.distances += sum.distances;
    nearest
}

fn scan_range(
    (vectors, slots): (&Vectors, &Slots),
    target: &Target,
    k: usize,
    range: Range<u32>,
    filter: Option<&dyn SlotFilter>,
    stats: &mut WalkStats,
) -> Top {
    // Pinned before a slot is seen live, and for as long as its vector is read.
    let guard = crossbeam_epoch::pin();
    let mut nearest = nearest_of(k, filter);
    let scorer = vectors.exact_scorer(target, &guard);
    score_range(slots, range, scorer, &mut Vec::new(), |first, distances| {
        let candidates = (first..).zip(distances);
        let candidates = candidates.map(|(slot, &distance)| Candidate::new(distance, slot));
        keep(candidates, filter, &mut nearest, stats);
    });
    nearest
}

/// Scores every live slot of a range and hands on the first slot and the distances of each run. The caller is pinned.
pub(super) fn score_range(
    slots: &Slots,
    range: Range<u32>,
    scorer: Scorer,
    distances: &mut Vec<f32>,
    mut take: impl FnMut(u32, &[f32]),
) {
    slots.live_runs(range, BLOCK, |first, len| {
        scorer.score_run(first, len, distances);
        take(first, distances);
    });
}

fn scan_some(
    vectors: &Vectors,
    target: &Target,
    k: usize,
    live: impl Iterator<Item = u32>,
    filter: Option<&dyn SlotFilter>,
    stats: &mut WalkStats,
) -> Top {
    // Pinned before a slot is seen live, and for as long as its vector is read.
    let guard = crossbeam_epoch::pin();
    let scorer = vectors.exact_scorer(target, &guard);
    let mut nearest = nearest_of(k, filter);
    let mut distances = Vec::with_capacity(BLOCK);
    let mut block = Vec::with_capacity(BLOCK);
    for slot in live {
        block.push(slot);
        if block.len() == BLOCK {
            scorer.score(&block, &mut distances);
            keep(scored(&block, &distances), filter, &mut nearest, stats);
            block.clear();
        }
    }
    scorer.score(&block, &mut distances);
    keep(scored(&block, &distances), filter, &mut nearest, stats);
    nearest
}

fn nearest_of(k: usize, filter: Option<&dyn SlotFilter>) -> Top {
    match filter {
        Some(_) => Top::with_tight_limit(k),
        None => Top::with_limit(k),
    }
}

fn scored(slots: &[u32], distances: &[f32]) -> impl Iterator<Item = Candidate> {
    let pairs = slots.iter().zip(distances);
    pairs.map(|(&slot, &distance)| Candidate::new(distance, slot))
}

/// Offers what was scored. The filter is asked only about those that would be kept: scoring all of them costs less than
/// one look at the attributes of each.
fn keep(
    candidates: impl Iterator<Item = Candidate>,
    filter: Option<&dyn SlotFilter>,
    nearest: &mut Top,
    stats: &mut WalkStats,
) {
    for candidate in candidates {
        stats.distances += 1;
        if !nearest.admits(candidate) {
            continue;
        }
        if let Some(filter) = filter {
            let passes = filter.passes(candidate.slot());
            stats.filter_tests += 1;
            stats.filter_passes += u64::from(passes);
            if !passes {
                continue;
            }
        }
        nearest.offer(candidate);
    }
}

//! The exact scan: every live slot, or a list of them, scored in the stored form.

use super::nearest::Candidate;
use super::slots::Slots;
use super::top::Top;
use super::vectors::{Target, Vectors};
use super::{Neighbour, SlotFilter, WalkStats};
use rayon::prelude::*;

/// Rows from which a scan without filter uses all cores.
const PARALLEL_ROWS: usize = 100_000;
/// Slots scored per call. Nothing is prefetched: rows lie one behind the other, and the CPU sees that by itself.
const BLOCK: usize = 32;

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
        (None, _) => {
            let live = slots.live_in(0..end);
            scan_some(vectors, target, k, live, filter, stats)
        }
        (Some(only), _) => {
            let live = only.iter().copied().filter(|&slot| slots.is_live(slot));
            scan_some(vectors, target, k, live, filter, stats)
        }
    };
    let sorted = nearest.into_sorted();
    sorted.into_iter().map(Neighbour::from).collect()
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
        let live = slots.live_in(range * RANGE..((range + 1) * RANGE).min(end));
        (scan_some(vectors, target, k, live, None, &mut stats), stats)
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
    let mut nearest = Top::with_limit(k);
    let mut distances = Vec::with_capacity(BLOCK);
    let mut block = Vec::with_capacity(BLOCK);
    for slot in live {
        block.push(slot);
        if block.len() == BLOCK {
            scorer.score(&block, &mut distances);
            keep(&block, &distances, filter, &mut nearest, stats);
            block.clear();
        }
    }
    scorer.score(&block, &mut distances);
    keep(&block, &distances, filter, &mut nearest, stats);
    nearest
}

/// Offers what was scored. The filter is asked only about those that would be kept: scoring all of them costs less than
/// one look at the attributes of each.
fn keep(
    block: &[u32],
    distances: &[f32],
    filter: Option<&dyn SlotFilter>,
    nearest: &mut Top,
    stats: &mut WalkStats,
) {
    stats.distances += block.len() as u64;
    for (&slot, &distance) in block.iter().zip(distances) {
        let candidate = Candidate::new(distance, slot);
        if !nearest.admits(candidate) {
            continue;
        }
        if let Some(filter) = filter {
            let passes = filter.passes(slot);
            stats.filter_tests += 1;
            stats.filter_passes += u64::from(passes);
            if !passes {
                continue;
            }
        }
        nearest.offer(candidate);
    }
}

//! The exact scan: every live slot, or a list of them, scored in the stored form.

use super::nearest::Candidate;
use super::slots::Slots;
use super::top::Top;
use super::vectors::{GATHERED_MAX, Scorer, Target, Vectors};
use super::{Neighbour, SlotFilter, WalkStats};
use rayon::prelude::*;
use std::ops::Range;

/// Rows from which a scan without filter uses all cores.
const PARALLEL_ROWS: usize = 100_000;
/// Slots scored per call. Nothing is prefetched: rows lie one behind the other, and the CPU sees that by itself.
const BLOCK: usize = 64;
/// Rows of passing slots that are compared first, of those that by their signs are nearest, for each candidate that is kept.
pub(super) const READ_FIRST: usize = 2;
/// The same for each hit that is wanted, if that is more.
pub(super) const READ_PER_HIT: usize = 12;
/// Signs are looked at where so many times more pass: at fewer they cost what they save.
pub(super) const NARROWED: usize = 6;
/// Of the others so many are sorted at once, for each of the first.
pub(super) const SORTED_FIRST: usize = 4;
/// So many more are kept than are wanted, for those that die meanwhile.
const DYING: usize = 8;
/// So many of the nearest are watched where fewer are wanted: that the single nearest came early may be chance.
const WATCHED_MIN: usize = 10;
/// In the order of their signs so many times more rows are compared than up to the last that was among those watched when it came.
const BEYOND: usize = 3;

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

/// The `keep` nearest of these slots, by what `scorer` measures. The caller is pinned, and saw each of them occupied since; those that died
/// meanwhile are found if he says so, else some of them may be left.
pub(super) fn scan_passing(
    slots: &Slots,
    scorer: Scorer,
    keep: usize,
    (passing, finds_removed): (&[u32], bool),
    stats: &mut WalkStats,
) -> Vec<Candidate> {
    let mut nearest = Top::with_limit(keep);
    let mut distances = Vec::with_capacity(GATHERED_MAX);
    for block in passing.chunks(GATHERED_MAX) {
        scorer.fetch_and_score(block, &mut distances);
        for candidate in scored(block, &distances) {
            // Asked of few: most are not near enough.
            let is_hit = || finds_removed || slots.is_readable(candidate.slot());
            if nearest.admits(candidate) && is_hit() {
                nearest.offer(candidate);
            }
        }
    }
    stats.distances += passing.len() as u64;
    nearest.into_sorted()
}

/// A scan of slots that come sorted by how near their signs say that they are. It goes on until the nearest k, or the nearest
/// [`WATCHED_MIN`], have come early among those that were compared: where signs tell nothing, to the end.
pub(super) struct SortedScan<'a> {
    slots: &'a Slots,
    scorer: Scorer<'a>,
    /// The nearest so far: when the last of them came says when it is enough.
    watched: Top,
    nearest: Top,
    compared: usize,
    /// It ends when so many were compared.
    enough: usize,
}

impl<'a> SortedScan<'a> {
    /// For the `keep` nearest, where the nearest `k` of them are wanted, of which `first` at least are compared.
    pub(super) fn new(
        slots: &'a Slots,
        scorer: Scorer<'a>,
        (k, keep, first): (usize, usize, usize),
    ) -> SortedScan<'a> {
        SortedScan {
            slots,
            scorer,
            watched: Top::with_tight_limit(k.max(WATCHED_MIN)),
            nearest: Top::with_limit(keep + DYING),
            compared: 0,
            enough: first,
        }
    }

    /// Compares the next ones; whether that is enough. The caller is pinned, and saw each of them occupied since.
    pub(super) fn takes_enough(&mut self, sorted: &[u32]) -> bool {
        let mut distances = Vec::with_capacity(GATHERED_MAX);
        for block in sorted.chunks(GATHERED_MAX) {
            if self.compared >= self.enough {
                return true;
            }
            self.scorer.fetch_and_score(block, &mut distances);
            for (candidate, place) in scored(block, &distances).zip(self.compared + 1..) {
                self.nearest.offer(candidate);
                if self.watched.admits(candidate) {
                    self.watched.offer(candidate);
                    self.enough = self.enough.max(BEYOND * place);
                }
            }
            self.compared += block.len();
        }
        self.compared >= self.enough
    }

    /// The nearest; unless the caller wants them, without those that were seen to die meanwhile.
    pub(super) fn into_nearest(self, finds_removed: bool, stats: &mut WalkStats) -> Vec<Candidate> {
        stats.distances += self.compared as u64;
        let mut nearest = self.nearest.into_sorted();
        nearest.retain(|candidate| finds_removed || self.slots.is_readable(candidate.slot()));
        nearest
    }
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

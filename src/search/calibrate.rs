//! How well the graph of a collection, or of a field of documents, finds what an exact scan finds, measured with queries like those that are asked, and
//! which ef therefore keeps a promised recall.
//!
//! Recall here is that of the graph: against a scan of the vectors as they are stored. What quantisation loses on top is
//! estimated ([`ceiling`]), because the vectors as given are not there any more.

use super::Hit;
use crate::index::{
    IndexKind, Listed, Metric, Neighbour, Quantization, ScanBy, Target, VectorIndex, WalkOptions,
    WalkStats,
};
use crate::keyspace::calibration::{ASKED_MIN, Calibration, Curve, CurvePoint, QuerySource};
use crate::keyspace::collection::Collection;
use crossbeam_epoch as epoch;
use rayon::prelude::*;
use std::sync::Arc;

/// Queries of a measurement in the middle of a search, which waits for it, and of the first one with queries that were asked.
const QUICK_SAMPLE: usize = 192;
/// Queries of a measurement in the background, at most.
pub const SAMPLE: usize = 512;
/// An ef is measured, then one larger by this factor.
const EF_STEP: f64 = 1.3;
/// No larger ef is measured.
const EF_MAX: usize = 2_000;
/// Nor any beyond one that finds as much as this.
const RECALL_ENOUGH: f64 = 0.9995;
/// A made query: so much of one element, the rest of another (ann.md, 11).
const MADE_OF_FIRST: f32 = 0.6;
/// The k that curves are measured for, and powers of two beyond them; a search for another k reads the curve of the next larger
/// one.
const KS: [usize; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/// A curve is renewed once the collection has changed by a fifth.
const CHANGE_DIVISOR: u64 = 5;
/// It also is once distances are known to grow with rank otherwise, by such a share.
const SPREAD_TOLERANCE: f32 = 0.02;
/// Once all queries are remembered that may be: it is renewed after so many more were asked.
const ASKED_ANEW: u64 = 4_096;

/// For searches whose client did not say how many candidates to keep: nobody waits for a measurement longer than this takes one
/// core, in nanoseconds.
const UNASKED_NS_MAX: f64 = 250e6;
/// What they keep where nothing is measured.
const EF_UNMEASURED: usize = 100;

/// What can be calibrated: an index, and what is known of its recall.
pub trait Subject: Sync {
    /// The index.
    fn index(&self) -> &VectorIndex;
    /// Where curves and queries are kept.
    fn calibration(&self) -> &Calibration;
    /// Number of inserts and updates since it was made.
    fn inserts(&self) -> u64;
    /// A query's vector as it is searched for.
    fn prepare(&self, vector: &[f32]) -> Vec<f32> {
        vector.to_vec()
    }
}

impl Subject for Collection {
    fn index(&self) -> &VectorIndex {
        Collection::index(self)
    }

    fn calibration(&self) -> &Calibration {
        Collection::calibration(self)
    }

    fn inserts(&self) -> u64 {
        Collection::inserts(self)
    }

    fn prepare(&self, vector: &[f32]) -> Vec<f32> {
        Collection::prepare(self, vector)
    }
}

/// Something with curves that are renewed in the background.
pub trait Renewable: Send + Sync {
    /// Renews one curve that does not fit any more; whether there was one.
    fn renew(&self, at_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool;
}

impl Renewable for Collection {
    fn renew(&self, at_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool {
        renew(self, at_ms, breathe)
    }
}

/// What a search with a promise does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Candidates for the walk; none: only a scan finds that much.
    pub ef: Option<usize>,
    /// The recall that is expected, of the k nearest by the vectors as given.
    pub expected: f64,
    /// What a scan finds of them.
    pub ceiling: f64,
    /// The queries that this was measured with; none: everything is compared, and nothing was measured.
    pub source: Option<QuerySource>,
}

impl Effort {
    /// Everything is compared.
    pub const SCAN: Effort = Effort {
        ef: None,
        expected: 1.0,
        ceiling: 1.0,
        source: None,
    };
}

/// The k whose curve a search for `k` hits reads.
fn class_of(k: usize) -> usize {
    let class = KS.into_iter().find(|class| *class >= k);
    class.unwrap_or_else(|| k.next_power_of_two())
}

/// The effort that finds `recall` of the `k` nearest on average. Where nothing was measured yet, this measures, a little.
pub fn effort(subject: &dyn Subject, k: usize, of_elements: bool, recall: f64) -> Effort {
    if subject.index().options().kind == IndexKind::Flat {
        return Effort::SCAN;
    }
    let calibration = subject.calibration();
    let class = class_of(k);
    let known = calibration.curve(class, of_elements);
    let is_enough = |curve: &Arc<Curve>| !is_makeshift(subject, curve);
    // Nobody waits for another's measurement: who measures may be waiting for this very thread to do a part of it.
    let turn = match known.as_ref().is_some_and(is_enough) {
        true => None,
        false => calibration.measuring(),
    };
    let curve = match (known, turn) {
        (known, Some(_turn)) => measure_quickly(subject, class, of_elements, known),
        (Some(curve), None) => curve,
        // Nothing is known yet: a scan keeps every promise.
        (None, None) => return Effort::SCAN,
    };
    effort_on(&curve, recall).unwrap_or(Effort {
        ef: None,
        expected: curve.ceiling,
        ceiling: curve.ceiling,
        source: Some(curve.source),
    })
}

/// The ef for a search of the `k` nearest whose client did not say how much effort it is worth: the one that finds `recall` of them
/// by what is known. Where nothing is, or of an index that was half as large, this measures, unless that takes long or somebody does.
pub fn usual_ef(subject: &dyn Subject, k: usize, recall: f64) -> usize {
    let class = class_of(k);
    let known = subject.calibration().curve(class, false);
    let curve = match is_usable(subject, known.as_deref()) {
        true => known,
        false => match subject.calibration().measuring() {
            Some(_turn) if is_quick(subject) => Some(measure_quickly(subject, class, false, known)),
            Some(_turn) if known.is_none() => Some(subject.calibration().put(unmeasured(class))),
            _ => known,
        },
    };
    let Some(curve) = curve else {
        return EF_UNMEASURED.max(2 * k);
    };
    let most = || curve.points.last().map(|last| last.ef);
    let found = effort_on(&curve, recall).and_then(|effort| effort.ef);
    found.or_else(most).unwrap_or(EF_UNMEASURED).max(k)
}

/// A curve that is due, for whoever renews curves.
fn unmeasured(k: usize) -> Curve {
    Curve {
        k,
        source: QuerySource::Made,
        sample: 0,
        elements: 0,
        inserts: 0,
        asked: 0,
        at_ms: 0,
        spread: 0.0,
        ceiling: 1.0,
        points: Vec::new(),
    }
}

/// Whether [`usual_ef`] would measure.
pub fn would_measure(subject: &dyn Subject, k: usize) -> bool {
    let known = subject.calibration().curve(class_of(k), false);
    !is_usable(subject, known.as_deref()) && is_quick(subject)
}

fn is_usable(subject: &dyn Subject, curve: Option<&Curve>) -> bool {
    curve.is_some_and(|curve| {
        subject.index().len() <= 2 * curve.elements && !is_of_other_spread(subject, curve)
    })
}

fn is_quick(subject: &dyn Subject) -> bool {
    let scan_ns = super::plan::scan_codes_ns(subject.index());
    QUICK_SAMPLE as f64 * scan_ns <= UNASKED_NS_MAX
}

/// Whether a curve was measured with made queries though there are such that were asked, or before these told how distances grow.
fn is_makeshift(subject: &dyn Subject, curve: &Curve) -> bool {
    let was_made =
        curve.source == QuerySource::Made && subject.calibration().asked_count() >= ASKED_MIN;
    was_made || is_of_other_spread(subject, curve)
}

fn is_of_other_spread(subject: &dyn Subject, curve: &Curve) -> bool {
    let now = subject.index().spread();
    (curve.spread - now).abs() > SPREAD_TOLERANCE * now
}

/// Measures in the middle of a search, unless somebody just did; `old` is what was known before. Holds the turn.
fn measure_quickly(
    subject: &dyn Subject,
    k: usize,
    of_elements: bool,
    old: Option<Arc<Curve>>,
) -> Arc<Curve> {
    let calibration = subject.calibration();
    let newer = calibration.curve(k, of_elements);
    if let Some(newer) =
        newer.filter(|newer| old.as_ref().is_none_or(|old| !Arc::ptr_eq(newer, old)))
    {
        return newer;
    }
    let sample = queries(subject, of_elements, QUICK_SAMPLE);
    calibration.put(measure(subject, k, &sample, 0, &|| ()))
}

/// Reads a curve; none if only a scan finds enough.
fn effort_on(curve: &Curve, recall: f64) -> Option<Effort> {
    // What quantisation loses is lost to the graph as well.
    let wanted = recall / curve.ceiling;
    let (ef, found) = match wanted < RECALL_ENOUGH {
        true => curve.ef_for(wanted)?,
        // More than there is: as good as it gets, without paying for a scan that finds no more.
        false if curve.ceiling < 1.0 => curve
            .ef_for(RECALL_ENOUGH - 0.0005)
            .or_else(|| curve.points.last().map(|last| (last.ef, last.recall)))?,
        false => return None,
    };
    Some(Effort {
        ef: Some(ef),
        expected: found * curve.ceiling,
        ceiling: curve.ceiling,
        source: Some(curve.source),
    })
}

/// Queries to measure with.
pub struct Sample {
    source: QuerySource,
    vectors: Vec<Vec<f32>>,
    asked: u64,
}

impl Sample {
    /// Where they came from.
    pub fn source(&self) -> QuerySource {
        self.source
    }

    /// Their vectors.
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }
}

/// Up to `max` queries: elements, or queries that were asked, or made ones while too few were.
pub fn queries(subject: &dyn Subject, of_elements: bool, max: usize) -> Sample {
    let calibration = subject.calibration();
    let asked = calibration.seen();
    let (source, vectors) = if of_elements {
        (QuerySource::Elements, elements(subject, max))
    } else if calibration.asked_count() >= ASKED_MIN {
        // The latest of them replace the oldest in no order: any part of them is a sample.
        let kept = calibration.asked();
        let step = kept.len().div_ceil(max.max(1));
        let some = kept.iter().step_by(step.max(1));
        let vectors = some.map(|query| subject.prepare(query)).collect();
        (QuerySource::Asked, vectors)
    } else {
        let firsts = elements(subject, 2 * max);
        let pairs = firsts.chunks_exact(2);
        let made = pairs.map(|pair| blend(&pair[0], &pair[1])).collect();
        (QuerySource::Made, made)
    };
    Sample {
        source,
        vectors,
        asked,
    }
}

/// Vectors of up to `max` elements, spread over the collection.
fn elements(subject: &dyn Subject, max: usize) -> Vec<Vec<f32>> {
    let index = subject.index();
    let _pin = epoch::pin();
    let slots = (0..max as u64).filter_map(|n| index.random_slot(super::filter::spread(n)));
    slots.map(|slot| index.decode_under_pin(slot)).collect()
}

/// A vector between two, nearer to the first; both count by their direction and their own length.
fn blend(first: &[f32], second: &[f32]) -> Vec<f32> {
    let pairs = first.iter().zip(second);
    let mixed = pairs.map(|(a, b)| MADE_OF_FIRST * a + (1.0 - MADE_OF_FIRST) * b);
    mixed.collect()
}

/// Measures a curve. `breathe` is called between the steps of a measurement: it may sleep, to leave the cores to others.
pub fn measure(
    subject: &dyn Subject,
    k: usize,
    sample: &Sample,
    at_ms: u64,
    breathe: &(dyn Fn() + Sync),
) -> Curve {
    let (elements, spread) = (subject.index().len(), subject.index().spread());
    let inserts = subject.inserts();
    let wanted = k.min(elements).max(1);
    let questions: Vec<Question> = sample
        .vectors
        .par_iter()
        .map(|vector| {
            let question = Question::ask(subject, vector, wanted);
            breathe();
            question
        })
        .collect();
    let lost: Vec<f64> = questions.iter().filter_map(|q| q.ceiling).collect();
    let mut points: Vec<CurvePoint> = Vec::new();
    let mut ef = wanted;
    while !questions.is_empty() {
        points.push(point(subject, &questions, wanted, ef, breathe));
        let is_done = points
            .last()
            .is_some_and(|last| last.recall >= RECALL_ENOUGH);
        if is_done || ef >= EF_MAX.max(2 * k) || ef >= elements {
            break;
        }
        ef = ((ef as f64 * EF_STEP) as usize).max(ef + 1).min(elements);
    }
    Curve {
        k,
        source: sample.source,
        sample: questions.len(),
        elements,
        inserts,
        asked: sample.asked,
        at_ms,
        spread,
        ceiling: mean(&lost).unwrap_or(1.0),
        points,
    }
}

/// The k nearest by the stored form. Where codes are kept beside it, they say which vectors are worth comparing: they are a
/// quarter of the bytes, and so many more candidates than k leave none out.
fn nearest(index: &VectorIndex, target: &Target, k: usize) -> Vec<Neighbour> {
    let mut stats = WalkStats::default();
    let has_codes = matches!(
        index.options().quantization,
        Quantization::F32 | Quantization::F16
    );
    if !has_codes {
        return index.scan(target, k, None, None, &mut stats);
    }
    let live: Vec<u32> = (0..index.slots_end())
        .filter(|&slot| index.is_live(slot))
        .collect();
    let live = Listed::once(live);
    index.scan_passing(target, (k, 50 * k + 500), &live, ScanBy::Codes, &mut stats)
}

/// A query and its true answer.
struct Question {
    target: Target,
    truth: Vec<Neighbour>,
    ceiling: Option<f64>,
}

impl Question {
    /// Scans for the answer. A few more than k, because they tell how close the others were.
    fn ask(subject: &dyn Subject, vector: &[f32], k: usize) -> Question {
        let index = subject.index();
        let _pin = epoch::pin();
        let target = index.target(vector);
        let is_coded = index.options().quantization == Quantization::Int8;
        let more = if is_coded { 4 * k + 10 } else { k };
        let mut truth = nearest(index, &target, more);
        let ceiling = is_coded.then(|| ceiling(subject, vector, &truth, k));
        truth.truncate(k);
        Question {
            target,
            truth,
            ceiling,
        }
    }

    /// Share of the answer that is among `found`.
    fn recall(&self, found: &[Neighbour]) -> f64 {
        let farthest = self.truth.last().map(|last| last.distance);
        let found = found.iter().map(|neighbour| neighbour.distance);
        share_of(found, self.truth.len(), farthest)
    }
}

fn point(
    subject: &dyn Subject,
    questions: &[Question],
    k: usize,
    ef: usize,
    breathe: &(dyn Fn() + Sync),
) -> CurvePoint {
    let index = subject.index();
    let answers = questions.par_iter().map(|question| {
        let options = WalkOptions {
            k,
            ef,
            expansions_max: None,
            is_late: None,
        };
        let mut stats = WalkStats::default();
        let found = index.search(&question.target, &options, None, &mut stats);
        breathe();
        (question.recall(&found), stats.distances as f64)
    });
    let (recalls, distances): (Vec<f64>, Vec<f64>) = answers.unzip();
    let recall = mean(&recalls).unwrap_or(1.0);
    CurvePoint {
        ef,
        recall,
        error: standard_error(&recalls, recall),
        distances: mean(&distances).unwrap_or(0.0),
    }
}

/// Share of the k nearest by the vectors as given that a perfect search of the int8 codes finds, estimated: the k nearest by
/// the codes' distances, and by these distances with an error added as rounding makes it. A component is wrong by up to half a
/// step, evenly: by step / sqrt(12), so that a dot product is wrong by that times the other vector's length. `found`: the
/// nearest by codes, more than k.
fn ceiling(subject: &dyn Subject, vector: &[f32], found: &[Neighbour], k: usize) -> f64 {
    const TRIALS: u64 = 8;
    if found.is_empty() {
        return 1.0;
    }
    let deviations = deviations(subject.index(), vector, found);
    let kept = k.min(found.len()).max(1);
    let trial = |trial: u64| {
        let of_hits = found.iter().zip(&deviations).enumerate();
        let with_errors = of_hits.map(|(at, (hit, deviation))| {
            let error = deviation * normal(trial << 32 | at as u64);
            (f64::from(hit.distance) + error, at)
        });
        let mut order: Vec<(f64, usize)> = with_errors.collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order[..kept].iter().filter(|(_, at)| *at < kept).count() as f64 / kept as f64
    };
    (0..TRIALS).map(trial).sum::<f64>() / TRIALS as f64
}

/// The standard deviations of the distances of hits by their codes.
fn deviations(index: &VectorIndex, vector: &[f32], found: &[Neighbour]) -> Vec<f64> {
    let length = |vector: &[f32]| vector.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    let metric = index.options().metric;
    let is_cosine = metric == Metric::Cosine;
    let range = vector.iter().fold(0.0f32, |range, x| range.max(x.abs()));
    // Under cosine both sides have length 1.
    let (query_length, query_range) = match is_cosine {
        true => (
            1.0,
            f64::from(range) / length(vector).max(f64::MIN_POSITIVE),
        ),
        false => (length(vector), f64::from(range)),
    };
    // Squared L2 has twice the dot product in it.
    let factor = if metric == Metric::L2 { 2.0 } else { 1.0 };
    let deviation = |hit: &Neighbour| {
        let stored = index.stored_under_pin(hit.slot);
        let own_length = match is_cosine {
            true => 1.0,
            false => f64::from(stored.norm),
        };
        let of_row = query_length * f64::from(stored.range);
        let of_query = own_length * query_range;
        factor * of_row.hypot(of_query) / 127.0 / 12f64.sqrt()
    };
    found.iter().map(deviation).collect()
}

/// The n-th of a fixed sequence of numbers that look normally distributed: twelve even ones added up.
fn normal(n: u64) -> f64 {
    let even =
        |i: u64| super::filter::spread(n.wrapping_mul(12).wrapping_add(i)) as f64 / u64::MAX as f64;
    (0..12).map(even).sum::<f64>() - 6.0
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard error of a mean; 0 where all values are equal.
fn standard_error(values: &[f64], mean: f64) -> f64 {
    let n = values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / n.max(1.0)).sqrt() / n.max(1.0).sqrt()
}

/// Renews one curve that does not fit its collection any more; whether there was one.
pub fn renew(subject: &dyn Subject, at_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool {
    let calibration = subject.calibration();
    let curves = calibration.curves();
    let Some(stale) = curves.iter().find(|curve| is_stale(subject, curve)) else {
        return false;
    };
    let of_elements = stale.source == QuerySource::Elements;
    // What made queries told is far off at times: a few real ones soon are better than many later.
    let max = match stale.source == QuerySource::Made && calibration.asked_count() >= ASKED_MIN {
        true => QUICK_SAMPLE,
        false => SAMPLE,
    };
    let sample = queries(subject, of_elements, max);
    let curve = measure(subject, stale.k, &sample, at_ms, breathe);
    calibration.put(curve);
    true
}

/// Whether a curve speaks of a collection that was, or of queries that nobody asks any more.
fn is_stale(subject: &dyn Subject, curve: &Curve) -> bool {
    let calibration = subject.calibration();
    let changes = subject.inserts().abs_diff(curve.inserts)
        + subject.index().len().abs_diff(curve.elements) as u64;
    if changes * CHANGE_DIVISOR > curve.elements as u64 || is_of_other_spread(subject, curve) {
        return true;
    }
    // The first measurement was made in haste.
    let is_quick = curve.at_ms == 0;
    match curve.source {
        QuerySource::Elements => is_quick,
        QuerySource::Made => is_quick || calibration.asked_count() >= ASKED_MIN,
        QuerySource::Asked => {
            let new = calibration.seen() - curve.asked.min(calibration.seen());
            new > ASKED_ANEW || (curve.sample < SAMPLE && new >= curve.asked)
        }
    }
}

/// What searches of the stored form find at most of the `k` nearest by the vectors as given, mean over some queries; 1 where
/// they are stored as given, none where that is not known (bits).
pub fn mean_ceiling(subject: &dyn Subject, sample: &Sample, k: usize) -> Option<f64> {
    match subject.index().options().quantization {
        Quantization::F32 | Quantization::F16 => Some(1.0),
        Quantization::Bit => None,
        Quantization::Int8 => {
            let k = k.min(subject.index().len()).max(1);
            let questions = sample.vectors.par_iter();
            let ceilings: Vec<f64> = questions
                .filter_map(|vector| Question::ask(subject, vector, k).ceiling)
                .collect();
            Some(mean(&ceilings).unwrap_or(1.0))
        }
    }
}

/// Share of an exact answer that `found` has.
pub fn recall_of(found: &[Hit], truth: &[Hit]) -> f64 {
    let farthest = truth.last().map(|last| last.distance);
    share_of(found.iter().map(|hit| hit.distance), truth.len(), farthest)
}

/// Share of an exact answer of `wanted` hits, the last of them `farthest` away, that hits at these distances are. Whoever is as near
/// as the last one counts as it does: so many may be equal that which of them are called the nearest is chance.
fn share_of(found: impl Iterator<Item = f32>, wanted: usize, farthest: Option<f32>) -> f64 {
    let Some(farthest) = farthest else {
        return 1.0;
    };
    let near_enough = found.filter(|distance| *distance <= farthest).count();
    near_enough.min(wanted) as f64 / wanted as f64
}

/// Mean and standard error of the recalls of some queries.
pub fn mean_recall(recalls: &[f64]) -> (f64, f64) {
    let recall = mean(recalls).unwrap_or(1.0);
    (recall, standard_error(recalls, recall))
}

/// The ef that a search with a promise will take; none if nothing was measured yet, or if it will scan.
pub fn expected_ef(
    subject: &dyn Subject,
    k: usize,
    of_elements: bool,
    recall: f64,
) -> Option<usize> {
    let curve = subject.calibration().curve(class_of(k), of_elements)?;
    let is_final = !is_makeshift(subject, &curve);
    effort_on(&curve, recall).filter(|_| is_final)?.ef
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_sizes_of_answer_have_a_curve_and_none_is_smaller_than_asked_for() {
        let classes: std::collections::BTreeSet<usize> = (1..=100_000).map(class_of).collect();
        assert!((1..=100_000).all(|k| class_of(k) >= k));
        // 1,024 to 131,072.
        assert_eq!(classes.len(), KS.len() + 8, "{classes:?}");
    }
}

//! Runs a query on a collection: target, plan, walk or scan, then names for the slots that were found.
//!
//! Writers go on meanwhile. The epoch pin that is taken here keeps every slot that is seen from being reused; an element
//! that moved to a new slot is scored there again, one that went is dropped, one that was seen in both places counts once; one that
//! moved is compared in its new place, for it may have been seen in neither; and where that leaves a place that somebody else
//! should have, the search is done again.

use super::calibrate;
use super::expression::OverColumns;
use super::filter::Memo;
use super::follow::{Course, Passers, Search};
use super::plan::{self, Plan, PlanKind};
use super::query::{Answer, Explanation, Hit, Promise, Query, QueryError, QueryTarget};
use crate::index::{Neighbour, Quantization, Target, WalkStats};
use crate::keyspace::collection::Collection;
use crossbeam_epoch as epoch;
use hashbrown::HashSet;
use std::borrow::Cow;

/// The parts of a search, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The target was prepared, and its effort chosen.
    Prepared,
    /// It was decided how to search.
    Planned,
    /// The index was searched.
    Found,
    /// What was found has names.
    Named,
}

/// How often a search is done again because what it found changed before it had names.
const TORN_MAX: usize = 4;
/// Hits that are looked for then, beside twice as many as are wanted: an element that moves may be found in both slots, also for long
/// where the scheduler stops who moves it.
const EXTRA: usize = 64;

/// Answers `query` from `collection`.
pub fn run(collection: &Collection, query: &Query) -> Result<Answer, QueryError> {
    run_in_phases(collection, query, &mut |_| ())
}

/// The same; `end_of` is told when each phase ends.
pub fn run_in_phases(
    collection: &Collection,
    query: &Query,
    end_of: &mut dyn FnMut(Phase),
) -> Result<Answer, QueryError> {
    let _pin = epoch::pin();
    let index = collection.index();
    let target = &prepare_target(collection, &query.target)?;
    if let (true, QueryTarget::Vector(vector)) = (query.remember && !query.exact, &query.target) {
        collection.calibration().note(vector);
    }
    let elements = index.len();
    let (query, promise) = &keep_promise(collection, query);
    // Not by the number of elements: one that is being updated is in two slots for a moment, and crowds out no other.
    let slots = index.slots_end() as usize;
    let wanted = query.k.saturating_add(query.offset).min(slots);
    let ef = query.ef.max(wanted).min(slots);
    let explanation = unsearched(elements, ef, *promise);
    if elements == 0 || query.k == 0 {
        let hits = Vec::new();
        return Ok(Answer { hits, explanation });
    }
    end_of(Phase::Prepared);
    let attempt = Attempt {
        collection,
        query,
        target,
        wanted,
        ef,
        before: explanation,
    };
    let mut course = Course::default();
    let mut made = attempt.make(0, &mut course, end_of);
    for _ in 0..TORN_MAX {
        if !made.is_torn {
            break;
        }
        made = attempt.make(wanted + EXTRA, &mut course, &mut |_| ());
    }
    end_of(Phase::Named);
    Ok(made.answer)
}

/// One search for what a query wants, from what is known before it.
struct Attempt<'a> {
    collection: &'a Collection,
    query: &'a Query,
    target: &'a Target,
    /// Hits wanted.
    wanted: usize,
    /// Candidates of a walk.
    ef: usize,
    /// What there is to say before.
    before: Explanation,
}

/// What came of an attempt.
struct Made {
    answer: Answer,
    /// Whether somebody may be missing ([`Naming::name`]).
    is_torn: bool,
}

impl Attempt<'_> {
    /// Searches for `extra` hits more than are wanted, and names what was found. What it took is added to `course`.
    fn make(&self, extra: usize, course: &mut Course, end_of: &mut dyn FnMut(Phase)) -> Made {
        let Attempt {
            collection,
            query,
            target,
            ..
        } = *self;
        let slots = collection.index().slots_end() as usize;
        let wanted = (self.wanted + extra).min(slots.max(self.wanted));
        let ef = self.ef.max(wanted);
        // Before anything is looked at.
        let moves = collection.moves();
        let index = collection.index();
        let filter = query.filter.as_ref();
        let memo = filter.map(|filter| Memo::new(collection, filter));
        let plan = plan::choose(index, query, wanted, ef, memo.as_ref());
        end_of(Phase::Planned);
        // A walk along passing nodes finds what one without a filter finds with half of its candidates (ann.md, 11).
        let ef = match (plan.kind, self.before.promise) {
            (PlanKind::GraphTwoHop, Some(_)) => (2 * ef).min(slots),
            _ => ef,
        };
        let search = Search {
            index,
            target,
            wanted,
            ef,
            expansions_max: query.expansions_max,
            scan_by: query.scan_by(),
            passers: memo.as_ref().map(|memo| memo as &dyn Passers),
            is_late: None,
        };
        let found = search.find(&plan, self.before.candidates, course);
        end_of(Phase::Found);
        let naming = Naming {
            collection,
            target,
            sought: wanted,
            wanted: self.wanted,
            memo: memo.as_ref(),
        };
        let (hits, is_torn) = naming.name(found, moves);
        let explanation = Explanation {
            ef: plan.ef.unwrap_or(ef),
            ..explained(self.before.clone(), &plan, *course, memo.as_ref())
        };
        let hits = select(hits, query);
        Made {
            answer: Answer { hits, explanation },
            is_torn,
        }
    }
}

/// What there is to say before anything was searched.
fn unsearched(elements: usize, ef: usize, promise: Option<Promise>) -> Explanation {
    Explanation {
        plan: PlanKind::Scan,
        was_scanned_after: false,
        ef,
        candidates: elements,
        promise,
        walk: WalkStats::default(),
        filter_tests: 0,
        filter_passes: 0,
        pass_rate_sampled: None,
        columns: 0,
    }
}

/// What there is to say when everything was found.
fn explained(
    mut before: Explanation,
    plan: &Plan,
    course: Course,
    memo: Option<&Memo>,
) -> Explanation {
    if let (PlanKind::Scan | PlanKind::ScanPassing | PlanKind::FilterFirst, Some(promise)) =
        (plan.kind, &mut before.promise)
    {
        promise.expected = promise.ceiling;
        promise.is_kept = promise.ceiling >= promise.wanted;
    }
    let columns = memo.and_then(Memo::columns);
    Explanation {
        plan: course.plan,
        was_scanned_after: course.was_scanned_after,
        walk: course.walk,
        filter_tests: memo.map_or(0, Memo::tests),
        filter_passes: memo.map_or(0, Memo::passes_count),
        pass_rate_sampled: plan.pass_rate,
        columns: columns.map_or(0, OverColumns::fields_count),
        ..before
    }
}

/// The query with the effort that keeps its promise. A small collection is scanned in any case, and needs no calibration.
fn keep_promise<'q>(
    collection: &Collection,
    query: &'q Query,
) -> (Cow<'q, Query>, Option<Promise>) {
    let Some(wanted) = query
        .recall
        .filter(|_| !query.exact && !collection.is_empty())
    else {
        return (Cow::Borrowed(query), None);
    };
    let k = query.k.saturating_add(query.offset).min(collection.len());
    let of_elements = matches!(query.target, QueryTarget::Element(_));
    let index = collection.index();
    // What int8 codes lose is only known from a measurement.
    let is_exact = index.options().quantization != Quantization::Int8;
    let effort = match is_exact && plan::scans_anyway(index, query, k) {
        true => calibrate::Effort::SCAN,
        false => calibrate::effort(collection, k, of_elements, wanted),
    };
    let promise = Promise {
        wanted,
        expected: effort.expected,
        ceiling: effort.ceiling,
        is_kept: effort.expected >= wanted,
        source: effort.source,
    };
    let mut query = query.clone();
    match effort.ef {
        Some(ef) => query.ef = ef,
        None => query.exact = true,
    }
    (Cow::Owned(query), Some(promise))
}

fn prepare_target(collection: &Collection, target: &QueryTarget) -> Result<Target, QueryError> {
    let index = collection.index();
    match target {
        QueryTarget::Element(name) => {
            let vector = collection
                .vector_of(name)
                .ok_or(QueryError::NoSuchElement)?;
            // As if its vector were given: quantised anew, so that asking with an element or with what it shows is one.
            Ok(index.target(&vector))
        }
        QueryTarget::Vector(vector) => {
            let vector = match collection.schema().projected_from {
                Some(_) => Cow::Owned(collection.prepare(vector)),
                None => Cow::Borrowed(vector.as_slice()),
            };
            index.check_vector(&vector).map_err(QueryError::Vector)?;
            Ok(index.target(&vector))
        }
    }
}

/// Gives names to what an attempt found.
struct Naming<'a> {
    collection: &'a Collection,
    target: &'a Target,
    /// Hits looked for, and of these wanted.
    sought: usize,
    wanted: usize,
    /// Who passes the filter, if there is one.
    memo: Option<&'a Memo<'a>>,
}

impl Naming<'_> {
    /// Names what was found, nearest first, equal distances by name, no element twice; those who moved meanwhile among them, but none who is
    /// farther than others were looked for. `moves`: how many there had been before the search. Whether the answer is torn: an element
    /// went meanwhile, or moved away, and what would be in its place was not looked for; or more moved than are remembered.
    fn name(&self, found: Vec<Neighbour>, moves: u64) -> (Vec<Hit>, bool) {
        let count = found.len();
        // Up to here everybody was looked for; where there were fewer than wanted, everywhere.
        let farthest = found.last().filter(|_| count >= self.sought);
        let farthest = farthest.map(|last| last.distance);
        let is_near = |hit: &Hit| farthest.is_none_or(|most| hit.distance.total_cmp(&most).is_le());
        let moved = self.collection.moved_since(moves);
        let is_forgotten = moved.is_none();
        let moved = self.compare_moved(moved.unwrap_or_default(), &found);
        let mut hits: Vec<Hit> = found
            .into_iter()
            .chain(moved)
            .filter_map(|neighbour| self.hit(neighbour))
            .filter(is_near)
            .collect();
        hits.sort_by(|a, b| {
            a.distance
                .total_cmp(&b.distance)
                .then_with(|| a.element.name().cmp(b.element.name()))
        });
        // Names by what they say: an update leaves two elements of one name for a moment.
        let is_first: Vec<bool> = {
            let mut seen = HashSet::with_capacity(hits.len());
            hits.iter()
                .map(|hit| seen.insert(hit.element.name()))
                .collect()
        };
        let mut is_first = is_first.into_iter();
        hits.retain(|_| is_first.next().unwrap_or(false));
        let is_torn = is_forgotten || hits.len() < count.min(self.wanted);
        (hits, is_torn)
    }

    /// Of slots that elements moved to, those that were not found and pass the filter.
    fn compare_moved(&self, mut slots: Vec<u32>, found: &[Neighbour]) -> Vec<Neighbour> {
        if slots.is_empty() {
            return Vec::new();
        }
        slots.sort_unstable();
        slots.dedup();
        let known: HashSet<u32> = found.iter().map(|hit| hit.slot).collect();
        slots.retain(|slot| !known.contains(slot) && self.passes(*slot));
        let index = self.collection.index();
        let compared = slots.into_iter().map(|slot| Neighbour {
            distance: index.distance_under_pin(self.target, slot),
            slot,
        });
        compared.collect()
    }

    /// Whether who is in the slot now passes the filter.
    fn passes(&self, slot: u32) -> bool {
        self.memo.is_none_or(|memo| memo.evaluate(slot))
    }

    /// The element that was found in a slot, where it is now; none if it went, or does not pass the filter any more.
    fn hit(&self, found: Neighbour) -> Option<Hit> {
        let (slot, element) = self.collection.current(found.slot)?;
        let has_moved = slot != found.slot;
        let distance = match has_moved {
            // It had its name when it was looked up: it may be left meanwhile, and be read all the same.
            true => self
                .collection
                .index()
                .distance_under_pin(self.target, slot),
            false => found.distance,
        };
        (!has_moved || self.passes(slot)).then_some(Hit {
            distance,
            slot,
            element,
        })
    }
}

/// Those of the hits that were asked for.
fn select(mut hits: Vec<Hit>, query: &Query) -> Vec<Hit> {
    if let Some(radius) = query.radius {
        hits.truncate(hits.partition_point(|hit| hit.distance <= radius));
    }
    hits.drain(..query.offset.min(hits.len()));
    hits.truncate(query.k);
    hits
}

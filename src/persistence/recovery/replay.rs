//! Applying the log's changes on all cores, with the result that one after the other would have.
//!
//! Changes are gathered into lanes and run lane beside lane; a lane keeps the log's order. Changes to different elements
//! of a collection that is there go to different lanes, as they run in parallel on the live path. Other changes of
//! one key go to the key's lane. Before a key changes from one kind to the other, all lanes are run to their end; changes
//! of two keys or of a whole database run alone.

use super::RecoveryError;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::{Key, Keyspace, Value};
use crate::persistence::log::reader::Record;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// Changes gathered before the lanes run.
const GATHERED_MAX: usize = 8_192;
/// Lanes per core, so that uneven ones do not leave cores idle.
const LANES_PER_CORE: usize = 4;

/// Applies the records of a log.
pub(super) struct Replay<'a> {
    keyspace: &'a Keyspace,
    lanes: Vec<Vec<Step>>,
    gathered: usize,
    /// Keys with changes to elements in the lanes, and how many of those are removals.
    shared: HashMap<(usize, Key), usize, RandomState>,
    /// Keys with other changes in the lanes.
    exclusive: HashSet<(usize, Key), RandomState>,
    hasher: RandomState,
    /// The file of the gathered changes.
    path: PathBuf,
    failure: Option<RecoveryError>,
}

/// A change and where it came from.
struct Step {
    change: Change,
    number: u64,
    offset: u64,
}

/// A panic of one change.
struct Fault {
    number: u64,
    offset: u64,
}

impl<'a> Replay<'a> {
    pub(super) fn new(keyspace: &'a Keyspace) -> Replay<'a> {
        let lanes = rayon::current_num_threads() * LANES_PER_CORE;
        Replay {
            keyspace,
            lanes: (0..lanes).map(|_| Vec::new()).collect(),
            gathered: 0,
            shared: HashMap::default(),
            exclusive: HashSet::default(),
            hasher: RandomState::default(),
            path: PathBuf::new(),
            failure: None,
        }
    }

    /// Takes the changes of one record. After a failure it does nothing more.
    pub(super) fn take(&mut self, record: Record<'_>) {
        if record.path != self.path {
            self.run();
            record.path.clone_into(&mut self.path);
        }
        for (number, change) in (record.number..).zip(record.changes) {
            if self.failure.is_some() {
                return;
            }
            self.route(Step {
                change,
                number,
                offset: record.offset,
            });
        }
    }

    /// Applies what is gathered; the first change that panicked, if one did.
    pub(super) fn finish(mut self) -> Result<(), RecoveryError> {
        self.run();
        self.failure.map_or(Ok(()), Err)
    }

    fn route(&mut self, step: Step) {
        let key = (step.change.db, step.change.key.clone());
        match reach_of(&step.change) {
            Reach::Wide => return self.run_alone(step),
            Reach::Key => {
                if self.shared.contains_key(&key) {
                    self.run();
                }
                let lane = self.hasher.hash_one(&key);
                self.exclusive.insert(key);
                self.gather(lane, step);
            }
            Reach::Element => {
                if self.exclusive.contains(&key) {
                    self.run();
                }
                let removals = self.shared.get(&key).copied().unwrap_or(0);
                if !self.is_shared(&step.change, removals) {
                    return self.run_alone(step);
                }
                let lane = self.hasher.hash_one((&key, element_of(&step.change)));
                let removes = matches!(step.change.effect, Effect::Remove { .. });
                self.shared.insert(key, removals + usize::from(removes));
                self.gather(lane, step);
            }
        }
        if self.gathered >= GATHERED_MAX {
            self.run();
        }
    }

    /// Whether the change meets a collection that is there and stays, given how many removals wait before it.
    fn is_shared(&self, change: &Change, removals: usize) -> bool {
        let database = self.keyspace.database(change.db);
        let Some(Value::Collection(collection)) =
            database.peek(&change.key).map(|entry| entry.value)
        else {
            return false;
        };
        let may_empty =
            matches!(change.effect, Effect::Remove { .. }) && !collection.schema().declared;
        !may_empty || collection.len() > removals + 1
    }

    fn gather(&mut self, hash: u64, step: Step) {
        let lane = hash as usize % self.lanes.len();
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.push(step);
            self.gathered += 1;
        }
    }

    fn run_alone(&mut self, step: Step) {
        self.run();
        if self.failure.is_none() {
            self.failure = apply(self.keyspace, step)
                .err()
                .map(|fault| self.failure_of(fault));
        }
    }

    /// Runs all lanes to their end.
    fn run(&mut self) {
        if self.gathered > 0 && self.failure.is_none() {
            let keyspace = self.keyspace;
            let run_lane = |lane: &mut Vec<Step>| {
                let failed = lane.drain(..).find_map(|step| apply(keyspace, step).err());
                lane.clear();
                failed
            };
            let faults: Vec<Fault> = self.lanes.par_iter_mut().filter_map(run_lane).collect();
            let first = faults.into_iter().min_by_key(|fault| fault.number);
            self.failure = first.map(|fault| self.failure_of(fault));
        }
        self.gathered = 0;
        self.shared.clear();
        self.exclusive.clear();
    }

    fn failure_of(&self, Fault { number, offset }: Fault) -> RecoveryError {
        RecoveryError::Panicked {
            number,
            path: self.path.clone(),
            offset,
        }
    }
}

/// What a change touches.
enum Reach {
    /// An element of a collection.
    Element,
    /// One key.
    Key,
    /// Two keys, or a database.
    Wide,
}

fn reach_of(change: &Change) -> Reach {
    match &change.effect {
        Effect::Upsert(_) | Effect::Remove { .. } | Effect::SetAttributes { .. } => Reach::Element,
        Effect::Rename { .. } | Effect::Copy { .. } | Effect::Move { .. } => Reach::Wide,
        _ if change.is_world() => Reach::Wide,
        _ => Reach::Key,
    }
}

fn element_of(change: &Change) -> &[u8] {
    match &change.effect {
        Effect::Upsert(upsert) => &upsert.element,
        Effect::Remove { element } | Effect::SetAttributes { element, .. } => element,
        _ => &[],
    }
}

/// The panic itself is told by the process's hook.
fn apply(keyspace: &Keyspace, step: Step) -> Result<(), Fault> {
    let Step {
        change,
        number,
        offset,
    } = step;
    catch_unwind(AssertUnwindSafe(|| keyspace.apply(change, number)))
        .map_err(|_| Fault { number, offset })
}

//! How a command reaches the data: reading and writing under the right locks, alone or inside a transaction. A command does
//! not know which of the two it is.

use super::locks::{GateGuards, Patience};
use super::{Engine, Locked};
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::documents::filling::on_all_cores;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::{Keyspace, Value, View};
use crate::persistence::log::EncodedRecord;
use parking_lot::{Mutex, RwLockReadGuard, RwLockWriteGuard};
use rayon::prelude::*;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// So many vectors for one collection are worth the cores of others.
const PARALLEL_UPSERTS: usize = 16;

/// What a change to keys holds: their gates, and the world behind them.
type KeyLocks<'e> = (GateGuards<'e>, RwLockReadGuard<'e, ()>);

/// A record that was logged, with the numbers of its changes; it has to be applied.
type Logged = (Vec<Change>, RangeInclusive<u64>);

/// What a command decided: the reply, and what changes (nothing is a fine answer).
pub struct Decision<T> {
    /// The reply, or what it is made of.
    pub reply: T,
    /// The changes, in order, as one atomic record.
    pub changes: Vec<Change>,
}

impl<T> Decision<T> {
    /// A reply without a change.
    pub fn unchanged(reply: T) -> Decision<T> {
        Decision {
            reply,
            changes: Vec::new(),
        }
    }

    /// A reply with one change.
    pub fn one(reply: T, change: Change) -> Decision<T> {
        Decision {
            reply,
            changes: vec![change],
        }
    }

    /// A reply with changes.
    pub fn with(reply: T, changes: Vec<Change>) -> Decision<T> {
        Decision { reply, changes }
    }
}

/// One command's way to the data.
pub struct Access<'e> {
    engine: &'e Engine,
    patience: Patience,
    transaction: Option<&'e Transaction<'e>>,
    now_ms: Cell<u64>,
    last_number: Cell<u64>,
    /// Whether look-ups of keys count as hits and misses.
    counts_look_ups: bool,
    /// Whether a look-up is the key's last access.
    touches: bool,
    /// Whether the caller has entered the turnstiles that its keys lead through.
    has_entered: bool,
}

impl<'e> Access<'e> {
    pub(super) fn new(engine: &'e Engine, patience: Patience) -> Access<'e> {
        Access {
            engine,
            patience,
            transaction: None,
            now_ms: Cell::new(engine.now_ms()),
            last_number: Cell::new(0),
            counts_look_ups: false,
            touches: true,
            has_entered: false,
        }
    }

    /// For a command that began in its turn ([`Engine::in_turn`]).
    pub fn in_turn(self) -> Access<'e> {
        Access {
            has_entered: true,
            ..self
        }
    }

    /// For a command that only reads: the keys that it looks up count as hits and misses.
    pub fn counting(self) -> Access<'e> {
        Access {
            counts_look_ups: true,
            ..self
        }
    }

    /// For a client that leaves no mark: the keys that it looks up keep their time of last access.
    pub fn without_touching(self) -> Access<'e> {
        Access {
            touches: false,
            ..self
        }
    }

    /// The engine behind it.
    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// The time of this command, in milliseconds since 1970; the same through a transaction. It is that of its beginning until a
    /// change has waited for its turn.
    pub fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// Whether it runs inside EXEC.
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Whether it may wait for locks (it runs aside, or inside EXEC).
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Number of the last change this command made; 0 if none. The reply waits for it.
    pub fn last_number(&self) -> u64 {
        self.last_number.get()
    }

    /// Looks without any gate: for searches, and for commands that go through many keys.
    pub fn view(&self, db: usize) -> View<'e> {
        let view = self.engine.keyspace().view(db, self.now_ms());
        let view = match self.touches {
            true => view,
            false => view.without_touching(),
        };
        match self.counts_look_ups {
            true => view.counting(self.engine.stats()),
            false => view,
        }
    }

    /// Reads one key.
    pub fn read<T>(
        &self,
        db: usize,
        key: &[u8],
        look: impl FnOnce(&View) -> T,
    ) -> Result<T, Locked> {
        if self.transaction.is_some() {
            return Ok(look(&self.view(db)));
        }
        let _world = self.engine.locks().world_shared(self.patience)?;
        let _gate = self.engine.locks().gate_shared(db, key, self.patience)?;
        Ok(look(&self.view(db)))
    }

    /// Reads several keys of one database at one moment.
    pub fn read_keys<T>(
        &self,
        db: usize,
        keys: &[&[u8]],
        look: impl FnOnce(&View) -> T,
    ) -> Result<T, Locked> {
        if self.transaction.is_some() {
            return Ok(look(&self.view(db)));
        }
        let _world = self.engine.locks().world_shared(self.patience)?;
        let _gates = self
            .engine
            .locks()
            .gates_shared(keys.iter().map(|key| (db, *key)), self.patience)?;
        Ok(look(&self.view(db)))
    }

    /// Changes keys of one database: `decide` looks at them and says what changes; nothing else happens to them meanwhile.
    pub fn write<T, E: From<Locked>>(
        &self,
        db: usize,
        keys: &[&[u8]],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        let keys: smallvec::SmallVec<[(usize, &[u8]); 4]> =
            keys.iter().map(|key| (db, *key)).collect();
        self.write_across(db, &keys, decide)
    }

    /// As `write`, for keys of several databases (MOVE, COPY).
    pub fn write_across<T, E: From<Locked>>(
        &self,
        db: usize,
        keys: &[(usize, &[u8])],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        if self.transaction.is_some() {
            return self.decide_inside(db, keys, decide);
        }
        let all = keys.iter().copied();
        self.take_turn(all.clone(), || {
            let _locks = self.engine.lock_keys(all, self.patience)?;
            self.note_time();
            self.decide_and_commit(db, keys, decide)
        })
    }

    /// Changes one element: writers of other elements of the same collection go on meanwhile. The key's gate is taken alone
    /// when the collection is not there yet, or may go with this element.
    pub fn write_element<T, E: From<Locked>>(
        &self,
        db: usize,
        key: &[u8],
        element: &[u8],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        if self.transaction.is_some() {
            return self.decide_inside(db, &[(db, key)], decide);
        }
        let _world = self.engine.locks().world_shared(self.patience)?;
        let gate = self.engine.locks().gate_shared(db, key, self.patience)?;
        // Whatever is there now is what is decided about.
        self.note_time();
        if let Some(Value::Collection(collection)) = self.view(db).get(key)
            && let Some(_leaving) = collection.may_leave(1)
        {
            let _stripe = self
                .engine
                .locks()
                .stripe(collection.id(), element, self.patience)?;
            return self.decide_and_commit(db, &[], decide);
        }
        drop(gate);
        let _gates = self
            .engine
            .locks()
            .gates_exclusive([(db, key)], self.patience)?;
        self.note_time();
        self.decide_and_commit(db, &[(db, key)], decide)
    }

    /// As `write_element`, for different elements of one collection: `decide` is asked for each of them, by its place, and each
    /// decision is a record of its own; they are applied on all cores. None, and nothing done, unless the collection is there
    /// and keeps some elements whatever happens to these.
    pub fn write_elements<T, E>(
        &self,
        db: usize,
        key: &[u8],
        elements: &[&[u8]],
        mut decide: impl FnMut(&View, usize) -> Result<Decision<T>, E>,
    ) -> Result<Option<Vec<Result<T, E>>>, Locked> {
        if self.transaction.is_some() {
            return Ok(None);
        }
        let locks = self.engine.locks();
        let _world = locks.world_shared(self.patience)?;
        let _gate = locks.gate_shared(db, key, self.patience)?;
        self.note_time();
        let collection = match self.view(db).get(key) {
            Some(Value::Collection(collection)) => collection,
            _ => return Ok(None),
        };
        let Some(_leaving) = collection.may_leave(elements.len()) else {
            return Ok(None);
        };
        let _stripes = locks.stripes(collection.id(), elements, self.patience)?;
        let view = self.view(db);
        // All is decided before anything is logged: what is logged has to be applied.
        let decided = (0..elements.len()).map(|at| decide(&view, at)).collect();
        let (replies, records) = self.log_each(decided);
        // No lock is waited for in here: who waited could hold up the threads that the holder needs.
        records
            .into_par_iter()
            .for_each(|(changes, numbers)| self.engine.apply_record(changes, &numbers));
        Ok(Some(replies))
    }

    /// As `write`, for several different keys, each apart from the others: `decide` is asked for each of them, by its place, and
    /// each decision is a record of its own. They are applied in their order, then vectors are linked on all cores. None, and nothing
    /// done, inside a transaction.
    pub fn write_apart<T, E>(
        &self,
        db: usize,
        keys: &[&[u8]],
        mut decide: impl FnMut(&View, usize) -> Result<Decision<T>, E>,
    ) -> Result<Option<Vec<Result<T, E>>>, Locked> {
        if self.transaction.is_some() {
            return Ok(None);
        }
        let all = keys.iter().map(|key| (db, *key));
        self.take_turn(all.clone(), || {
            let _locks = self.engine.lock_keys(all, self.patience)?;
            self.note_time();
            let view = self.view(db);
            // All is decided before anything is logged: what is logged has to be applied.
            let decided = keys.iter().enumerate().map(|(at, key)| {
                let Decision { reply, changes } = decide(&view, at)?;
                let changes = self.after_expiries(&[(db, *key)], changes);
                Ok(Decision { reply, changes })
            });
            let (replies, records) = self.log_each(decided.collect());
            self.engine.apply_apart(records);
            Ok(Some(replies))
        })
    }

    fn take_turn<'k, T, E: From<Locked>>(
        &self,
        keys: impl Iterator<Item = (usize, &'k [u8])> + Clone,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        match self.has_entered {
            true => change(),
            false => self.engine.in_turn(keys, self.patience, change),
        }
    }

    /// As `write_world`, in the turn of these indexes.
    pub fn write_world_in_turn<T, E: From<Locked>>(
        &self,
        db: usize,
        indexes: &[Arc<DocumentIndex>],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        if self.transaction.is_some() {
            return self.write_world(db, decide);
        }
        self.engine
            .in_turn_of(indexes, self.patience, || self.write_world(db, decide))
    }

    /// A change that may have waited sees what is there when it goes on: what expired meanwhile is not.
    fn note_time(&self) {
        if self.patience != Patience::Try {
            self.now_ms.set(self.engine.now_ms());
        }
    }

    /// Logs decisions, each as a record of its own: the replies, and what is to be applied.
    fn log_each<T, E>(
        &self,
        decided: Vec<Result<Decision<T>, E>>,
    ) -> (Vec<Result<T, E>>, Vec<Logged>) {
        let mut records = Vec::with_capacity(decided.len());
        let replies = decided.into_iter().map(|decided| {
            let Decision { reply, changes } = decided?;
            if !changes.is_empty() {
                let (last, numbers) = self.engine.append(&changes);
                self.last_number.set(last);
                records.push((changes, numbers));
            }
            Ok(reply)
        });
        (replies.collect(), records)
    }

    /// Changes databases as a whole: nothing else runs meanwhile.
    pub fn write_world<T, E: From<Locked>>(
        &self,
        db: usize,
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        if self.transaction.is_some() {
            return self.decide_inside(db, &[], decide);
        }
        let _world = self.engine.locks().world_exclusive(self.patience)?;
        self.note_time();
        self.decide_and_commit(db, &[], decide)
    }

    fn decide_and_commit<T, E>(
        &self,
        db: usize,
        keys: &[(usize, &[u8])],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        let Decision { reply, changes } = decide(&self.view(db))?;
        let changes = self.after_expiries(keys, changes);
        if !changes.is_empty() {
            self.last_number.set(self.engine.commit(changes));
        }
        Ok(reply)
    }

    fn decide_inside<T, E>(
        &self,
        db: usize,
        keys: &[(usize, &[u8])],
        decide: impl FnOnce(&View) -> Result<Decision<T>, E>,
    ) -> Result<T, E> {
        let Decision { reply, changes } = decide(&self.view(db))?;
        let changes = self.after_expiries(keys, changes);
        if let Some(transaction) = self.transaction {
            transaction.apply(changes);
        }
        Ok(reply)
    }

    /// Puts the removal of what has expired in front of changes to it: a later reader of the log has no clock.
    fn after_expiries(&self, keys: &[(usize, &[u8])], changes: Vec<Change>) -> Vec<Change> {
        if changes.is_empty() {
            return changes;
        }
        let mut all: Vec<Change> = keys
            .iter()
            .filter_map(|(db, key)| self.expiry_of(*db, key))
            .collect();
        if all.is_empty() {
            return changes;
        }
        all.extend(changes);
        all
    }

    pub(super) fn expiry_of(&self, db: usize, key: &[u8]) -> Option<Change> {
        let entry = self.engine.keyspace().database(db).peek(key)?;
        if entry.is_expired(self.now_ms()) {
            return Some(Change::new(db, key, Effect::Delete));
        }
        let Value::Hash(hash) = &entry.value else {
            return None;
        };
        let fields = hash.expired(self.now_ms());
        (!fields.is_empty()).then(|| Change::new(db, key, Effect::HashDelete { fields }))
    }
}

impl Engine {
    /// What a change to keys takes: the world, shared, and the keys' gates.
    pub(super) fn lock_keys<'e, 'k>(
        &'e self,
        keys: impl Iterator<Item = (usize, &'k [u8])>,
        patience: Patience,
    ) -> Result<KeyLocks<'e>, Locked> {
        let world = self.locks().world_shared(patience)?;
        Ok((self.locks().gates_exclusive(keys, patience)?, world))
    }

    /// Logs and applies one record of changes; the number of the last. The caller holds the locks.
    pub(super) fn commit(&self, changes: Vec<Change>) -> u64 {
        let (last, numbers) = self.append(&changes);
        self.apply_record(changes, &numbers);
        last
    }

    /// Logs one record of changes; the number of the last, and all numbers, which are in flight now.
    fn append(&self, changes: &[Change]) -> (u64, RangeInclusive<u64>) {
        let record = EncodedRecord::of(changes);
        let mut numbers = 0..=0;
        let last = self.log().append(&record, |drawn| {
            self.data().flight.enter(drawn.clone());
            numbers = drawn;
        });
        (last, numbers)
    }

    /// Applies a record that was logged.
    fn apply_record(&self, changes: Vec<Change>, numbers: &RangeInclusive<u64>) {
        self.apply_all(changes, *numbers.start());
        self.data().flight.land(numbers);
    }

    /// Applies records that were logged, then links the vectors of their documents on all cores.
    fn apply_apart(&self, records: Vec<Logged>) {
        let (mut unlinked, mut landing) = (Vec::new(), Vec::with_capacity(records.len()));
        for (mut changes, numbers) in records {
            // What a key went through before its last change is linked at once: the last one may take it away again.
            let last = changes.pop();
            for (change, number) in changes.into_iter().zip(numbers.clone()) {
                self.apply(change, number);
            }
            if let Some(change) = last {
                let left = self.apply_with(change, *numbers.end(), Keyspace::apply_unlinked);
                unlinked.extend(left.into_iter().map(|linking| Mutex::new(Some(linking))));
            }
            landing.push(numbers);
        }
        let indexes = self.keyspace().indexes();
        on_all_cores(&unlinked, |linking| {
            let linking = linking.lock().take();
            let link = || {
                linking
                    .into_iter()
                    .for_each(|linking| indexes.link(linking))
            };
            end_on_panic(link, || "linking a document".to_owned());
        });
        for numbers in landing {
            self.data().flight.land(&numbers);
        }
    }

    /// Applies the changes of one record. Many vectors for one collection are linked on all cores.
    fn apply_all(&self, mut changes: Vec<Change>, first_number: u64) {
        let upserts = match changes.len() {
            ..PARALLEL_UPSERTS => 0,
            _ => Change::leading_upserts(&changes),
        };
        let mut number = first_number;
        if upserts >= PARALLEL_UPSERTS {
            let others = changes.split_off(upserts);
            let mut batch = std::mem::replace(&mut changes, others).into_iter();
            // The one that makes the collection, if it is not there.
            batch
                .by_ref()
                .take(1)
                .for_each(|change| self.apply(change, number));
            let batch: Vec<(Change, u64)> = batch.zip(number + 1..).collect();
            batch
                .into_par_iter()
                .for_each(|(change, number)| self.apply(change, number));
            number += upserts as u64;
        }
        for (change, number) in changes.into_iter().zip(number..) {
            self.apply(change, number);
        }
    }

    /// Applies a change that is in the log, or will be.
    fn apply(&self, change: Change, number: u64) {
        self.apply_with(change, number, Keyspace::apply);
    }

    fn apply_with<T>(
        &self,
        change: Change,
        number: u64,
        apply: impl FnOnce(&Keyspace, Change, u64) -> T,
    ) -> T {
        self.note_watched(&change);
        let what = || format!("applying change {number}");
        end_on_panic(|| apply(self.keyspace(), change, number), what)
    }

    /// Runs `commands` as one transaction: alone with its keys. Its changes become one record, which recovery takes whole or not at
    /// all.
    pub fn transaction<T>(
        &self,
        scope: &Scope,
        patience: Patience,
        commands: impl FnOnce(&Transaction<'_>) -> T,
    ) -> Result<(T, u64), Locked> {
        let run = || {
            let _locks = match scope.is_world {
                true => TransactionLocks::World(self.locks().world_exclusive(patience)?),
                false => TransactionLocks::Keys(self.lock_keys(borrowed(&scope.keys), patience)?),
            };
            let cut = self.locks().cut_shared(patience)?;
            Ok(self.run_transaction(commands, cut))
        };
        match scope.changes_world {
            true => self.in_turn_of(&self.keyspace().indexes().all(), patience, run),
            false => self.in_turn(borrowed(&scope.changed), patience, run),
        }
    }

    fn run_transaction<T>(
        &self,
        commands: impl FnOnce(&Transaction<'_>) -> T,
        cut: RwLockReadGuard<'_, ()>,
    ) -> (T, u64) {
        let transaction = Transaction {
            engine: self,
            now_ms: self.now_ms(),
            number: self.log().last_number() + 1,
            record: RefCell::default(),
        };
        let ran = catch_unwind(AssertUnwindSafe(|| commands(&transaction)));
        let result = ran.unwrap_or_else(|panic| transaction.give_up(panic));
        let record = transaction.record.into_inner();
        let mut last = 0;
        if record.count > 0 {
            last = self.log().append(&record, |drawn| {
                self.data().flight.enter(drawn.clone());
                self.data().flight.land(&drawn);
            });
        }
        drop(cut);
        (result, last)
    }
}

/// Half a change is worse than none: a panic ends the process, and recovery starts from the log.
fn end_on_panic<T>(act: impl FnOnce() -> T, what: impl FnOnce() -> String) -> T {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| {
        tracing::error!(
            "{} panicked; the process ends, the log has what was acknowledged",
            what()
        );
        std::process::abort()
    })
}

/// What a transaction is about; keys with their databases.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Those that it names or depends on.
    pub keys: Vec<(usize, Vec<u8>)>,
    /// Those of them that it may change.
    pub changed: Vec<(usize, Vec<u8>)>,
    /// Whether it needs the whole world for itself.
    pub is_world: bool,
    /// Whether it may change others than the keys that it names.
    pub changes_world: bool,
}

fn borrowed(keys: &[(usize, Vec<u8>)]) -> impl Iterator<Item = (usize, &[u8])> + Clone {
    keys.iter().map(|(db, key)| (*db, &**key))
}

/// Held until a transaction ends; the fields are never read, only dropped.
#[allow(dead_code)]
enum TransactionLocks<'a> {
    World(RwLockWriteGuard<'a, ()>),
    Keys(KeyLocks<'a>),
}

/// A transaction under way: its locks are held, its changes are applied one by one and logged at its end.
pub struct Transaction<'e> {
    engine: &'e Engine,
    now_ms: u64,
    /// What its changes are marked with: the next number when it began. The cut lock keeps a cut from falling between.
    number: u64,
    record: RefCell<EncodedRecord>,
}

impl Transaction<'_> {
    /// A way to the data for one command of the transaction.
    pub fn access(&self) -> Access<'_> {
        Access {
            engine: self.engine,
            patience: Patience::Wait,
            transaction: Some(self),
            now_ms: Cell::new(self.now_ms),
            last_number: Cell::new(0),
            counts_look_ups: false,
            touches: true,
            has_entered: true,
        }
    }

    /// What is applied already can be neither logged as a whole nor taken back: the process ends, and recovery finds nothing of
    /// the transaction. Without changes the panic is the command's alone.
    fn give_up(&self, panic: Box<dyn Any + Send>) -> ! {
        if self
            .record
            .try_borrow()
            .is_ok_and(|record| record.count == 0)
        {
            resume_unwind(panic);
        }
        tracing::error!(
            "a transaction panicked between its changes; the process ends, the log has what was acknowledged"
        );
        std::process::abort()
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut record = self.record.borrow_mut();
        for change in changes {
            record.push(&change);
            self.engine.apply(change, self.number);
        }
    }
}

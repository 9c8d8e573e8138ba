//! Columns while elements come, change and go.

use super::*;
use crate::index::{IndexKind, IndexOptions, Metric, Quantization, WalkedOn};
use crate::keyspace::change::{Change, Effect, Upsert};
use crate::keyspace::collection::{Collection, Schema};
use crate::keyspace::{Keyspace, Value};
use bytes::Bytes;

const ELEMENTS: usize = 3000;

/// Seeded numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) % sides as u64) as usize
    }
}

struct Model {
    keyspace: Keyspace,
    number: AtomicU64,
}

impl Model {
    fn new() -> Model {
        let model = Model {
            keyspace: Keyspace::new(1, 3),
            number: AtomicU64::new(1),
        };
        let schema = Schema {
            index: IndexOptions {
                dim: 2,
                metric: Metric::L2,
                quantization: Quantization::F32,
                kind: IndexKind::Flat,
                m: 16,
                ef_construction: 100,
                walked_on: WalkedOn::Codes,
            },
            projected_from: None,
            declared: true,
            recall: None,
        };
        model.apply(Effect::CreateCollection {
            schema: Box::new(schema),
        });
        model
    }

    fn apply(&self, effect: Effect) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.keyspace.apply(Change::new(0, b"c", effect), number);
    }

    fn put(&self, name: &str, attributes: &str) {
        self.apply(Effect::Upsert(Box::new(Upsert {
            element: Bytes::copy_from_slice(name.as_bytes()),
            vector: vec![1.0, 2.0],
            schema: None,
            ef: None,
            attributes: Some(Bytes::copy_from_slice(attributes.as_bytes())),
        })));
    }

    fn set_attributes(&self, name: &str, attributes: &str) {
        self.apply(Effect::SetAttributes {
            element: Bytes::copy_from_slice(name.as_bytes()),
            attributes: Bytes::copy_from_slice(attributes.as_bytes()),
        });
    }

    fn remove(&self, name: &str) {
        self.apply(Effect::Remove {
            element: Bytes::copy_from_slice(name.as_bytes()),
        });
    }

    fn collection(&self) -> Arc<Collection> {
        match self.keyspace.view(0, 0).get(b"c") {
            Some(Value::Collection(collection)) => collection,
            _ => panic!("the collection is there"),
        }
    }
}

fn fields(names: &[&str]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| name.as_bytes().into()).collect()
}

fn filled(collection: &Collection, names: &[&str]) -> Vec<Arc<Column>> {
    let columns = collection.columns_of(&fields(names), Urgency::High);
    columns.expect("columns that are asked for urgently are made")
}

/// What the column says of a slot must be what its element's attributes say.
fn check_slot(collection: &Collection, column: &Column, slot: u32, context: &str) {
    let expected = collection.element(slot).map_or(Cell::MISSING, |element| {
        element.test_attributes(|attributes| column.cell_of(attributes))
    });
    let is_unfilled = column.get(slot) == Cell::UNFILLED;
    assert!(
        column.get(slot) == expected || is_unfilled,
        "{context}, slot {slot}: {:?} for {expected:?}",
        column.get(slot)
    );
}

#[test]
fn cells_follow_their_elements_through_every_kind_of_change() {
    let model = Model::new();
    (0..ELEMENTS).for_each(|n| model.put(&format!("e{n}"), &format!("{{\"n\": {n}}}")));
    let collection = model.collection();
    let column = filled(&collection, &["n"]).remove(0);
    let cell = |name: &str| column.get(collection.slot_of(name.as_bytes()).expect("it is there"));
    assert_eq!(cell("e77").held(), Held::Number(77.0));
    model.set_attributes("e77", "{\"n\": \"x\"}");
    assert!(matches!(cell("e77").held(), Held::Text(_)));
    model.set_attributes("e77", "");
    assert_eq!(cell("e77").held(), Held::Missing);
    model.put("e78", "{\"n\": null}");
    assert_eq!(cell("e78").held(), Held::Null);
    model.put("new", "{\"n\": [1]}");
    assert!(matches!(cell("new").held(), Held::Array(_)));
    let slot = collection.slot_of(b"e79").expect("it is there");
    model.remove("e79");
    // Until nobody can see the slot any more it keeps what was in it.
    let is_blank = (0..1_000_000).any(|_| {
        crossbeam_epoch::pin().flush();
        // Whichever thread comes to it gives the slot back.
        match column.get(slot) {
            Cell::MISSING => true,
            cell => {
                assert_eq!(cell.held(), Held::Number(79.0));
                false
            }
        }
    });
    assert!(is_blank, "slot {slot} was never given back");
    // Far more than there were: new segments.
    (0..ELEMENTS).for_each(|n| model.put(&format!("f{n}"), &format!("{{\"n\": {n}}}")));
    for slot in 0..collection.index().slots_end() {
        check_slot(&collection, &column, slot, "at the end");
        assert_ne!(column.get(slot), Cell::UNFILLED, "slot {slot}");
    }
}

#[test]
fn columns_are_made_from_the_second_search_on_a_part_by_each() {
    let model = Model::new();
    let elements = 3 * FILLED_PER_SEARCH;
    (0..elements).for_each(|n| model.put(&format!("e{n}"), "{\"n\": 1}"));
    let collection = model.collection();
    let ask = || {
        let found = collection.columns_of(&fields(&["n"]), Urgency::Low);
        (found.is_some(), collection.columns().listed().len())
    };
    assert_eq!(ask(), (false, 0));
    assert_eq!(ask(), (false, 1));
    let asked = (0..).find(|_| ask().0).expect("some day");
    assert!((1..=3).contains(&asked), "{asked}");
    assert!(collection.memory().columns >= u64::from(elements) * 8);
    model.keyspace.column_budget().drop_all();
    assert_eq!(collection.memory().columns, 0);
    assert_eq!(ask(), (false, 0), "remembered anew");
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_when_memory_is_short() {
    let model = Model::new();
    (0..ELEMENTS).for_each(|n| model.put(&format!("e{n}"), "{\"a\": 1, \"b\": 2, \"c\": 3}"));
    let collection = model.collection();
    ["a", "b", "a"]
        .iter()
        .for_each(|name| drop(filled(&collection, &[name])));
    let two = collection.memory().columns;
    let budget = model.keyspace.column_budget();
    budget.set_bytes_max(two + two / 4);
    drop(filled(&collection, &["c"]));
    let listed = |name: &str| {
        let listed = collection.columns().listed();
        listed
            .iter()
            .any(|column| column.field() == name.as_bytes())
    };
    assert!(listed("a") && listed("c") && !listed("b"));
    budget.set_bytes_max(0);
    assert_eq!(collection.memory().columns, 0);
    assert!(
        collection
            .columns_of(&fields(&["a"]), Urgency::High)
            .is_none()
    );
}

#[test]
fn filling_never_undoes_what_a_writer_recorded_since_the_attributes_were_read() {
    let column = Column::new(b"n");
    column.begin(200);
    let read = |slot: u32, take: &mut dyn FnMut(Option<&[u8]>)| {
        if slot == 5 {
            column.record(slot, Some(b"{\"n\": 2}"));
        }
        take(Some(b"{\"n\": 1}"));
    };
    column.fill(u32::MAX, &read);
    assert!(column.is_filled());
    assert_eq!(column.get(4).held(), Held::Number(1.0));
    assert_eq!(column.get(5).held(), Held::Number(2.0));
}

/// Writers change elements of their own and look at once whether the columns know; others make columns and drop them.
#[test]
fn columns_are_never_older_than_what_their_writers_were_told() {
    let seed = 0xce11;
    let model = Model::new();
    for n in 0..ELEMENTS {
        model.put(
            &format!("e{n}"),
            &format!("{{\"a\": {n}, \"b\": \"t{n}\"}}"),
        );
    }
    let collection = model.collection();
    let is_over = AtomicBool::new(false);
    let (model, collection, is_over) = (&model, &*collection, &is_over);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| scope.spawn(move || write(model, collection, writer, seed)))
            .collect();
        scope.spawn(move || {
            for round in 0.. {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                let _pin = crossbeam_epoch::pin();
                for column in collection
                    .columns_of(&fields(&["a", "b"]), Urgency::High)
                    .iter()
                    .flatten()
                {
                    assert!(column.is_filled());
                }
                if round % 3 == 0 {
                    model.keyspace.column_budget().drop_all();
                }
            }
        });
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        is_over.store(true, Ordering::Release);
        assert!(ends.iter().all(Result::is_ok), "a writer failed");
    });
    for column in filled(collection, &["a", "b"]) {
        for slot in 0..collection.index().slots_end() {
            check_slot(collection, &column, slot, "at the end");
        }
    }
}

fn write(model: &Model, collection: &Collection, writer: usize, seed: u64) {
    let mut dice = Dice(seed + writer as u64);
    for round in 0..6000 {
        let name = format!("e{}", dice.roll(ELEMENTS / 3) * 3 + writer);
        let attributes = format!("{{\"b\": \"w{}\", \"a\": {round}}}", dice.roll(50));
        match dice.roll(4) {
            0 => model.remove(&name),
            1 if collection.contains(name.as_bytes()) => model.set_attributes(&name, &attributes),
            _ => model.put(&name, &attributes),
        }
        let _pin = crossbeam_epoch::pin();
        let Some(slot) = collection.slot_of(name.as_bytes()) else {
            continue;
        };
        for column in collection.columns().listed() {
            let context = format!("seed {seed} writer {writer} round {round}");
            check_slot(collection, &column, slot, &context);
        }
    }
}

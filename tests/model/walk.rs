//! What a save sees: the state at its cut, entry by entry, whatever is changed while it walks.

use super::{DATABASES, Story, seeds};
use rhumb::keyspace::collection::{Collection, Stored};
use rhumb::keyspace::digest::{KeyState, ValueState, exact_state, value_state};
use rhumb::keyspace::table::SHARDS;
use rhumb::keyspace::{Key, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A key as it was collected: a collection's elements follow later.
type Collected = BTreeMap<(usize, Key), (Value, Option<u64>)>;

#[test]
fn a_walk_sees_the_state_at_its_cut_whatever_changes_meanwhile() {
    for seed in seeds(6) {
        let mut story = Story::begin(seed);
        (0..2_000).for_each(|_| story.go_on());
        for save in 0..3 {
            walk_once(&mut story, &format!("seed {seed}, save {save}"));
        }
    }
}

/// One save by hand; begun anew when a flush or a swap cancels it.
fn walk_once(story: &mut Story, what: &str) {
    loop {
        let cut = story.changes.len() as u64;
        let expected = exact_state(&story.keyspace);
        let save = story.keyspace.save_clock().begin(cut);
        let Some(found) = walk(story, save, cut) else {
            continue;
        };
        story.keyspace.cancel_save();
        for (key, state) in &expected {
            assert_eq!(
                found.get(key),
                Some(state),
                "{what}: {:?}",
                String::from_utf8_lossy(&key.1)
            );
        }
        assert_eq!(found.len(), expected.len(), "{what}: keys too many");
        return;
    }
}

/// All that a save collects; none if it was cancelled. Between two steps the story goes on.
fn walk(story: &mut Story, save: u64, cut: u64) -> Option<BTreeMap<(usize, Key), KeyState>> {
    let mut collected = Collected::new();
    for step in 0..DATABASES * SHARDS {
        let (db, shard) = (step / SHARDS, step % SHARDS);
        for saved in story.keyspace.walk_keys(db, shard, save, cut) {
            let surplus = collected.insert((db, saved.key), (saved.value, saved.expires_at_ms));
            assert!(surplus.is_none(), "a key is seen once");
        }
        if step % 8 == 0 {
            story.go_on();
        }
        if !story.keyspace.save_clock().is_running(save) {
            return None;
        }
    }
    let mut state = BTreeMap::new();
    for (key, (value, expires_at_ms)) in collected {
        let value = match value {
            Value::Collection(collection) => walk_collection(story, &collection, save, cut)?,
            whole => value_state(&whole),
        };
        state.insert(
            key,
            KeyState {
                value,
                expires_at_ms,
            },
        );
    }
    Some(state)
}

fn walk_collection(
    story: &mut Story,
    collection: &Arc<Collection>,
    save: u64,
    cut: u64,
) -> Option<ValueState> {
    let mut elements: BTreeMap<_, (Stored, _)> = BTreeMap::new();
    let mut slots = Vec::new();
    for segment in 0..collection.segments() {
        for saved in collection.walk(segment, save, cut) {
            slots.push(saved.slot);
            let surplus = elements.insert(saved.name, (saved.stored, saved.attributes));
            assert!(surplus.is_none(), "an element is seen once");
        }
        // Removals and additions, so that slots are used again behind the walk and before it.
        (0..10).for_each(|_| story.go_on());
        if !story.keyspace.save_clock().is_running(save) {
            return None;
        }
    }
    slots.sort_unstable();
    assert!(slots.is_sorted_by(|a, b| a < b), "a slot is seen once");
    Some(ValueState::Collection {
        schema: collection.schema().clone(),
        elements,
    })
}

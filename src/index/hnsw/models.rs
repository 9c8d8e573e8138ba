//! What threads may do to each other in the graph, as models that loom runs in every order of their steps (tests/loom/lib.rs):
//! the code is that of this room, on loom's atomics. Rows of vectors are cells that loom watches, so a model also fails when a
//! vector is touched before its writing is known, or while it is written.
//!
//! Each model has been seen to fail with what it watches over taken away; its comment says what that was.

use super::graph::{Graph, Linking};
use crate::index::signs::Signs;
use crate::index::{
    IndexKind, IndexOptions, LinkOptions, Metric, Neighbour, Quantization, VectorIndex,
    WalkOptions, WalkStats, WalkedOn,
};
use loom::thread;
use std::sync::Arc;

/// Runs a model in every order of steps in which threads are interrupted at most `interruptions` times in all where they
/// could go on. Most faults need one to three.
fn explore(interruptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// An empty index of lines of numbers; M is 2.
fn empty() -> Arc<VectorIndex> {
    Arc::new(VectorIndex::new(IndexOptions {
        dim: 1,
        metric: Metric::L2,
        quantization: Quantization::Int8,
        kind: IndexKind::Hnsw,
        m: 2,
        ef_construction: 4,
        walked_on: WalkedOn::Codes,
    }))
}

/// Live nodes of these levels without links, in slots 0, 1, ..., of the numbers 1, 2, ...
fn unlinked(levels: &[u8]) -> Arc<VectorIndex> {
    let index = empty();
    for (slot, &level) in levels.iter().enumerate() {
        add_unlinked(&index, slot as f32 + 1.0, level);
    }
    index
}

/// What an insert does, but for the links.
fn add_unlinked(index: &VectorIndex, number: f32, level: u8) -> u32 {
    let (slot, graph) = (index.reserve(&[number]), graph(index));
    graph.set_level(slot, level);
    index.slots.make_live(slot);
    graph.enter_level(slot, level);
    graph.raise_entry(slot, level);
    slot
}

/// Inserts a number at level 0.
fn insert(index: &VectorIndex, number: f32, force_graph: bool) {
    let options = LinkOptions {
        ef: None,
        force_graph,
    };
    index.connect(index.reserve(&[number]), u64::MAX, options);
}

fn graph(index: &VectorIndex) -> &Graph {
    index.graph.as_ref().expect("not a flat index")
}

fn link(index: &VectorIndex, a: u32, b: u32) {
    let linking = graph(index).pinned(&crossbeam_epoch::pin()).link(0, a, b);
    assert_eq!(linking, Linking::Linked);
}

fn unlink(index: &VectorIndex, a: u32, b: u32) {
    graph(index).pinned(&crossbeam_epoch::pin()).unlink(0, a, b);
}

/// All that a search for 0 finds, each hit compared with the number that lies in its slot.
fn search(index: &VectorIndex) -> Vec<u32> {
    let options = WalkOptions {
        k: 4,
        ef: 4,
        expansions_max: None,
        is_late: None,
    };
    // Held until the numbers are compared, as whoever fetches names and attributes holds one.
    let _pin = crossbeam_epoch::pin();
    let target = index.target(&[0.0]);
    let hits = index.search(&target, &options, None, &mut WalkStats::default());
    let slot_of = |hit: &Neighbour| {
        let number = index.stored_under_pin(hit.slot).range;
        let expected = number * number;
        assert!(
            (hit.distance - expected).abs() <= expected * 1e-3,
            "{hit:?} is {number}"
        );
        hit.slot
    };
    hits.iter().map(slot_of).collect()
}

/// Fails when `link` or `drop_from` stores without Release, and without the fence of `neighbours`.
#[test]
fn a_row_that_changes_leads_to_written_vectors_only() {
    explore(3, || {
        let index = unlinked(&[0, 0, 0]);
        link(&index, 0, 1);
        link(&index, 0, 2);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                let new = add_unlinked(&index, 4.0, 0);
                link(&index, 0, new);
                unlink(&index, 0, 1);
            }
        });
        let guard = crossbeam_epoch::pin();
        let pinned = graph(&index).pinned(&guard);
        let seen = pinned.neighbours(0, 0);
        // Before, in between and after: 1 2, 1 2 3, 3 2. The walk may miss what moves, or meet it twice.
        assert!(seen.iter().all(|slot| [1, 2, 3].contains(slot)), "{seen:?}");
        for slot in seen {
            let stored = index.vectors.stored(slot, 1.0, &guard);
            assert_eq!(stored.range, slot as f32 + 1.0);
            let back = pinned.neighbours(0, slot);
            assert!(back.iter().all(|&slot| slot == 0), "{slot}: {back:?}");
        }
        drop(guard);
        writer.join().unwrap();
    });
}

/// Fails when `link` stores without Release, and without the fence of `score_batch`.
#[test]
fn a_search_beside_an_insert_finds_all_that_was_there() {
    explore(3, || {
        let index = unlinked(&[0, 0]);
        link(&index, 0, 1);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || insert(&index, 3.0, true)
        });
        let found = search(&index);
        assert!(found == [0, 1] || found == [0, 1, 2], "{found:?}");
        writer.join().unwrap();
        index.check().unwrap();
        assert_eq!(search(&index), [0, 1, 2]);
    });
}

/// Fails when `NodeLock` takes without Acquire or leaves without Release, and when `lock_both` takes one lock.
#[test]
fn edges_that_two_writers_change_stay_mutual() {
    explore(3, || {
        let index = unlinked(&[0, 0, 0]);
        link(&index, 0, 2);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                link(&index, 0, 1);
                unlink(&index, 2, 0);
            }
        });
        link(&index, 2, 1);
        link(&index, 1, 0);
        writer.join().unwrap();
        index.check().unwrap();
    });
}

/// Fails when `lock_both` takes one lock, and when `NodeLock` leaves without Release. One walks and one scans for its neighbours.
#[test]
fn nodes_that_are_inserted_at_once_are_linked_both_ways() {
    explore(2, || {
        let index = unlinked(&[0]);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || insert(&index, 2.0, true)
        });
        insert(&index, 3.0, false);
        writer.join().unwrap();
        index.check().unwrap();
        assert_eq!(index.len(), 3);
    });
}

/// Fails when `free_later` frees at once.
#[test]
fn a_slot_is_not_reused_while_it_is_scored() {
    explore(3, || {
        let index = unlinked(&[0, 0]);
        link(&index, 0, 1);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                index.remove(1);
                index.reserve(&[3.0])
            }
        });
        let found = search(&index);
        assert!(found == [0] || found == [0, 1], "{found:?}");
        writer.join().unwrap();
    });
}

/// Fails when `Slot::state` loads or `Slot::set` stores without ordering, and when `stored` looks before it is pinned.
#[test]
fn a_vector_is_read_whole_or_not_at_all_while_its_slot_is_reused() {
    explore(3, || {
        let index = unlinked(&[0, 0]);
        let writer = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                index.remove(1);
                index.reserve(&[3.0])
            }
        });
        let number = index.stored(1).range;
        assert!([2.0, 3.0, 0.0].contains(&number), "{number}");
        writer.join().unwrap();
    });
}

/// Fails when a node becomes the entry point without its lock, or without a look whether it lives.
#[test]
fn the_entry_point_is_no_node_that_came_and_went_meanwhile() {
    explore(3, || {
        let index = unlinked(&[1, 0]);
        let other = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                let high = add_unlinked(&index, 3.0, 1);
                index.remove(high);
            }
        });
        index.remove(0);
        other.join().unwrap();
        index.check().unwrap();
    });
}

/// Fails when `replace_entry` does not raise the highest node, or raises once.
#[test]
fn a_higher_node_that_came_meanwhile_becomes_the_entry_point() {
    explore(3, || {
        let index = unlinked(&[1, 0]);
        let other = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                let gone = add_unlinked(&index, 3.0, 1);
                let high = add_unlinked(&index, 4.0, 1);
                index.remove(gone);
                high
            }
        });
        index.remove(0);
        let high = other.join().unwrap();
        // For `check`, which looks at layer 0 too.
        link(&index, 1, high);
        index.check().unwrap();
    });
}

/// Fails when a node becomes the entry point without its lock or a look whether it lives, and when `replace_entry` does not
/// choose again after the one that it chose has gone.
#[test]
fn two_that_go_leave_the_entry_point_to_who_stays() {
    explore(3, || {
        let index = unlinked(&[1, 1, 0]);
        let other = thread::spawn({
            let index = Arc::clone(&index);
            move || index.remove(1)
        });
        index.remove(0);
        other.join().unwrap();
        index.check().unwrap();
    });
}

/// Fails when a node becomes the entry point without its lock, also if whoever did it looks afterwards whether it lives: in
/// between a reader may come that the deferred call does not wait for.
#[test]
fn the_entry_point_is_no_slot_that_is_reused() {
    explore(4, || {
        let index = unlinked(&[0, 0]);
        let other = thread::spawn({
            let index = Arc::clone(&index);
            move || {
                index.remove(1);
                let pin = crossbeam_epoch::pin();
                let Some(entry) = graph(&index).entry() else {
                    return;
                };
                let number = index.vectors.stored(entry.slot, 1.0, &pin).range;
                assert_eq!(number, entry.slot as f32 + 1.0);
            }
        });
        index.remove(0);
        index.reserve(&[4.0]);
        other.join().unwrap();
    });
}

/// Fails without the fence of `add` or that of `make_some`, and when `add` looks before the vector is written.
#[test]
fn a_vector_that_comes_while_signs_are_made_has_its_own() {
    explore(3, || {
        let index = unlinked(&[0]);
        let signs = Arc::new(Signs::new(1));
        let writer = thread::spawn({
            let (index, signs) = (Arc::clone(&index), Arc::clone(&signs));
            move || {
                let slot = index.reserve(&[2.0]);
                signs.add(slot, &index.vectors);
                slot
            }
        });
        let guard = crossbeam_epoch::pin();
        let is_complete = signs.make_some(&index.slots, &index.vectors, &guard);
        drop(guard);
        let slots = [0, writer.join().unwrap()];
        assert!(is_complete);
        let differing = signs.compare(index.target(&[1.0]).walked(), &slots, None);
        assert_eq!(differing.sorted(0..=0), slots);
    });
}

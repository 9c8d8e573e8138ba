//! Tests of lists, edges and the entry point alone.

use super::graph::{Entry, Graph, LEVEL_MAX, Linking, level_from};
use crate::index::slots::{Slots, mix};
use crate::index::vectors::Vectors;
use crate::index::{IndexKind, IndexOptions, Metric, Quantization, WalkedOn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `nodes` live nodes of `level`, without links.
fn graph(m: u32, nodes: u32, level: u8) -> Graph {
    let options = IndexOptions {
        dim: 1,
        metric: Metric::L2,
        quantization: Quantization::Int8,
        kind: IndexKind::Hnsw,
        m,
        ef_construction: 10,
        walked_on: WalkedOn::Codes,
    };
    let (vectors, slots) = (Arc::new(Vectors::new(&options)), Arc::new(Slots::default()));
    let graph = Graph::new(&options, Arc::clone(&vectors), Arc::clone(&slots));
    for i in 0..nodes {
        let slot = slots.take(|segment, count| vectors.ensure(segment, count));
        slots.reserve(slot, vectors.write(slot, &[i as f32]));
        graph.set_level(slot, level);
        slots.make_live(slot);
        graph.enter_level(slot, level);
        graph.raise_entry(slot, level);
    }
    graph
}

#[test]
fn an_edge_goes_both_ways_and_lists_have_no_holes() {
    let graph = graph(4, 10, 1);
    let guard = crossbeam_epoch::pin();
    let pinned = graph.pinned(&guard);
    for layer in [0, 1] {
        for other in 1..=4 {
            assert_eq!(pinned.link(layer, 0, other), Linking::Linked);
        }
        assert_eq!(
            pinned.link(layer, 3, 0),
            Linking::Linked,
            "an edge that is there already"
        );
        pinned.unlink(layer, 2, 0);
        pinned.unlink(layer, 2, 0);
        assert_eq!(pinned.neighbours(layer, 0), [1, 4, 3]);
        assert_eq!(
            (pinned.neighbours(layer, 2), pinned.neighbours(layer, 4)),
            (vec![], vec![0])
        );
    }
}

#[test]
fn full_and_dying_nodes_take_no_edge() {
    let graph = graph(2, 10, 1);
    let guard = crossbeam_epoch::pin();
    let pinned = graph.pinned(&guard);
    (1..=4).for_each(|other| assert_eq!(pinned.link(0, 0, other), Linking::Linked));
    assert_eq!(
        (pinned.link(0, 0, 5), pinned.link(0, 5, 0)),
        (Linking::Full(0), Linking::Full(0))
    );
    (1..=2).for_each(|other| assert_eq!(pinned.link(1, 0, other), Linking::Linked));
    assert_eq!(pinned.link(1, 7, 0), Linking::Full(0));
    pinned.make_dying(6);
    assert_eq!(
        (pinned.link(0, 6, 7), pinned.link(0, 7, 6)),
        (Linking::Dead, Linking::Dead)
    );
    assert!(pinned.neighbours(0, 7).is_empty());
}

#[test]
fn a_list_taken_under_its_lock_misses_no_link_that_moves() {
    let graph = graph(8, 14, 0);
    let is_done = AtomicBool::new(false);
    let guard = crossbeam_epoch::pin();
    (1..14).for_each(|other| assert_eq!(graph.pinned(&guard).link(0, 0, other), Linking::Linked));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let guard = crossbeam_epoch::pin();
            let pinned = graph.pinned(&guard);
            // The first seven come and go, and the others move into their places.
            for round in 0..50_000 {
                let other = 1 + round % 7;
                pinned.unlink(0, 0, other);
                pinned.link(0, 0, other);
            }
            is_done.store(true, Ordering::SeqCst);
        });
        let pinned = graph.pinned(&guard);
        while !is_done.load(Ordering::SeqCst) {
            let taken = pinned.all_neighbours(0, 0);
            assert!((8..14).all(|kept| taken.contains(&kept)), "{taken:?}");
        }
    });
}

#[test]
fn levels_are_geometric() {
    let levels = (0..100_000).map(|i| level_from(mix(i), 16));
    let at_least_one = levels.clone().filter(|&level| level >= 1).count();
    let at_least_two = levels.filter(|&level| level >= 2).count();
    assert!((5_900..6_600).contains(&at_least_one), "{at_least_one}");
    assert!((300..480).contains(&at_least_two), "{at_least_two}");
    assert_eq!((level_from(u64::MAX, 16), level_from(0, 2)), (0, LEVEL_MAX));
}

#[test]
fn the_entry_point_goes_up_only() {
    let graph = graph(4, 3, 1);
    assert_eq!(graph.entry(), Some(Entry { level: 1, slot: 0 }));
    graph.raise_entry(2, 1);
    assert_eq!(graph.entry(), Some(Entry { level: 1, slot: 0 }));
    graph.raise_entry(2, 5);
    assert_eq!(graph.entry(), Some(Entry { level: 5, slot: 2 }));
    assert_eq!(graph.highest(1).map(|entry| entry.level), Some(1));
}

#[test]
fn lists_of_upper_layers_are_used_again() {
    let graph = graph(4, 100, 2);
    let before = graph.memory();
    for round in 0..50 {
        let level = [0, 3, 1, 2][round % 4];
        (0..100).for_each(|slot| graph.set_level(slot, level));
    }
    // At most the runs of each length that were ever needed at once.
    assert!(
        graph.memory() <= before + 2 * 100 * 6 * 16,
        "{} after {before}",
        graph.memory()
    );
}

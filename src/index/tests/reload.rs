//! A graph that was saved is the one that is loaded; a damaged one is mended.

use super::*;

#[test]
fn a_loaded_graph_is_the_one_that_was_saved() {
    for (metric, quantization) in kinds() {
        let (index, mut random) = filled(16, metric, quantization, 700);
        (0..700).step_by(7).for_each(|slot| index.remove(slot));
        let (loaded, anew) = load(index.options(), save(&index));
        assert_eq!(
            (loaded.check(), anew),
            (Ok(()), 0),
            "{metric:?} {quantization:?}"
        );
        assert_eq!(save(&loaded).0, save(&index).0);
        for slot in (0..700).filter(|&slot| index.is_live(slot)) {
            assert_eq!(loaded.links(slot), index.links(slot));
        }
        let target = index.target(&random.vector(16));
        assert_eq!(search(&loaded, &target, 10, 50).len(), 10);
        // The slots that were free are taken first.
        assert_eq!(add(&loaded, &random.vector(16), 1) % 7, 0);
        assert_eq!(loaded.check(), Ok(()));
    }
}

#[test]
fn a_damaged_graph_is_mended() {
    let (index, mut random) = filled(16, Metric::Cosine, Quantization::Int8, 2000);
    let (vectors, mut nodes) = save(&index);
    for node in &mut nodes {
        match random.below(10) {
            // Saved before a neighbour was linked, or after it was dropped.
            0..3 => drop(node.layers[0].pop()),
            3 => node.layers[0] = vec![node.slot, 1_000_000, 5, 5, u32::MAX],
            4 => node.layers.truncate(1),
            5 => node.layers.iter_mut().for_each(Vec::clear),
            _ => (),
        }
    }
    nodes.retain(|node| node.slot % 11 != 0);
    let (loaded, anew) = load(index.options(), (vectors, nodes));
    assert_eq!(loaded.check(), Ok(()));
    assert!(anew > 100 && anew < 2000, "{anew} linked anew");
    let recall = mean_recall(&loaded, &mut random, 100);
    assert!(recall > 0.97, "recall {recall}");
}

#[test]
fn two_islands_are_joined_by_a_load() {
    let (index, _) = filled(16, Metric::Cosine, Quantization::Int8, 1000);
    let (vectors, mut nodes) = save(&index);
    for node in &mut nodes {
        let half = node.slot % 2;
        node.layers
            .iter_mut()
            .for_each(|links| links.retain(|link| link % 2 == half));
    }
    let (loaded, anew) = load(index.options(), (vectors, nodes));
    assert_eq!(loaded.check(), Ok(()));
    assert!(anew >= 400, "{anew} linked anew");
}

#[test]
fn a_load_without_nodes_builds_the_graph() {
    for quantization in [Quantization::F32, Quantization::Bit] {
        let (index, mut random) = filled(64, Metric::Cosine, quantization, 1500);
        let (loaded, anew) = load(index.options(), (save(&index).0, Vec::new()));
        assert_eq!(loaded.check(), Ok(()));
        assert!(anew >= 1499);
        let recall = mean_recall(&loaded, &mut random, 100);
        assert!(recall > 0.97, "{quantization:?}: recall {recall}");
    }
}

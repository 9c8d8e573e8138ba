//! The table there and back, and what is refused.

use super::records::{collection_key, extras_key};
use super::*;
use crate::keyspace::collection::{IndexKind, IndexOptions, Metric, Quantization, WalkedOn};
use crate::persistence::disk;
use crate::persistence::snapshot::image::Kind;
use std::path::Path;

/// A manifest with one of each.
pub(in crate::persistence::snapshot) fn sample(generation: u64) -> Manifest {
    let index = IndexOptions {
        dim: 3,
        metric: Metric::Cosine,
        quantization: Quantization::Int8,
        kind: IndexKind::Hnsw,
        m: 16,
        ef_construction: 200,
        walked_on: WalkedOn::Stored,
    };
    let schema = Schema {
        index,
        projected_from: Some(9),
        declared: true,
        recall: Some(950_000),
    };
    let pack = PackId {
        generation,
        number: 0,
    };
    let place = Place {
        kind: Kind::Names,
        owner: 4,
        part: 2,
        piece: 0,
    };
    let header = ImageHeader::of(place, 17, 1, b"payload");
    let state = State {
        generation,
        cut: 17,
        lineage: 5,
        seed: 6,
        next_collection_id: 7,
        databases: 16,
        keys: 1,
    };
    Manifest {
        state,
        collections: [(
            4,
            CollectionRecord {
                schema,
                inserts: 9,
                changed: 8,
                elements: 1,
            },
        )]
        .into(),
        packs: [(pack, 200)].into(),
        images: [(place, ImageRecord::new(&header, pack, 40))].into(),
    }
}

#[test]
fn a_manifest_comes_back() {
    let manifest = sample(3);
    assert_eq!(
        Manifest::decode(&manifest.encode(), Path::new("m")).unwrap(),
        manifest
    );
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let bytes = sample(3).encode();
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&bad, Path::new("m")).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(
            Manifest::decode(&bytes[..len], Path::new("m")).is_err(),
            "cut to {len}"
        );
    }
}

#[test]
fn a_table_that_contradicts_itself_is_refused() {
    let refuses = |spoil: &dyn Fn(&mut Manifest)| {
        let mut manifest = sample(3);
        spoil(&mut manifest);
        assert!(Manifest::decode(&manifest.encode(), Path::new("m")).is_err());
    };
    refuses(&|manifest| manifest.packs.clear());
    refuses(&|manifest| manifest.collections.clear());
    refuses(&|manifest| manifest.packs.values_mut().for_each(|bytes| *bytes = 60));
    refuses(&|manifest| {
        manifest
            .images
            .values_mut()
            .for_each(|image| image.bytes = u64::MAX)
    });
    refuses(&|manifest| {
        manifest
            .images
            .values_mut()
            .for_each(|image| image.cut = 18)
    });
    refuses(&|manifest| {
        manifest
            .images
            .values_mut()
            .for_each(|image| image.form = 1)
    });
}

/// The bytes are a format: old directories must stay readable when types move.
#[test]
fn the_record_of_a_collection_has_the_bytes_of_the_page() {
    let record = sample(3).records().remove(&collection_key(4)).unwrap();
    let expected: Vec<u8> = [
        &3u32.to_le_bytes()[..],
        &[0, 0, 0, 0],
        &[2, 0, 0, 0],
        &[1, 0, 0, 0],
        &16u32.to_le_bytes(),
        &200u32.to_le_bytes(),
        &[1, 9, 0, 0, 0],
        &[1],
        &9u64.to_le_bytes(),
        &8u64.to_le_bytes(),
        &1u64.to_le_bytes(),
    ]
    .concat();
    assert_eq!(&record[5..], expected);
    assert_eq!(record[0], 1);
    let record = sample(3).records().remove(&extras_key(4)).unwrap();
    let expected = [&[1, 0, 0, 0, 1][..], &950_000u32.to_le_bytes()].concat();
    assert_eq!(&record[5..], expected);
}

#[test]
fn generations_are_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "MANIFEST-9",
        "MANIFEST-10",
        "MANIFEST-11.tmp",
        "MANIFEST-x",
        "OTHER-3",
        "MANIFEST-",
    ] {
        std::fs::write(dir.path().join(name), b"").unwrap();
    }
    assert_eq!(
        generations(&disk::RealDisk, dir.path(), false).unwrap(),
        vec![9, 10]
    );
    assert_eq!(
        generations(&disk::RealDisk, dir.path(), true).unwrap(),
        vec![9, 10, 11]
    );
}

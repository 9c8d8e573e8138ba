//! Indexes over documents: what a snapshot brings back of them is what their documents make of them anew.

use super::*;
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::filling::take_up;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::schema::{self, Schema as IndexSchema};
use crate::keyspace::documents::words::Words;
use std::ops::Bound;

const DEFINITION: &str = "PREFIX 1 d: LANGUAGE_FIELD tongue SCHEMA kind TAG WITHSUFFIXTRIE size NUMERIC \
     title TEXT WEIGHT 3 body TEXT WITHSUFFIXTRIE place GEO area GEOSHAPE FLAT v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

const DOCUMENTS: u64 = 1_200;
const WORDS: [&str; 8] = [
    "amber", "running", "Runner", "der", "fjord", "flints", "the", "zwölf",
];

fn index_schema() -> Arc<IndexSchema> {
    let words: Vec<&[u8]> = DEFINITION.split_whitespace().map(str::as_bytes).collect();
    Arc::new(schema::create(&mut Words::new(&words)).unwrap())
}

fn create(writer: &mut Writer) {
    let schema = index_schema();
    writer.apply(INDEXED_DB, "idx", Effect::CreateIndex { schema });
}

fn text(random: &mut Random) -> String {
    let count = 1 + random.below(6);
    let words = (0..count).map(|_| WORDS[random.below(8) as usize]);
    let common = words.collect::<Vec<_>>().join(" ");
    format!("{common} w{}", random.below(2_000))
}

fn put(writer: &mut Writer, random: &mut Random, document: u64) {
    let vector = [random.below(999) as f32, random.below(999) as f32];
    let vector: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let place = format!("{},{}", random.below(90), random.below(80));
    let area = format!("POINT ({} 1)", random.below(50));
    let all = [
        ("kind", bytes(&format!("k{},both", random.below(30)))),
        ("size", bytes(&random.below(500).to_string())),
        ("title", bytes(&text(random))),
        ("body", bytes(&text(random))),
        ("place", bytes(&place)),
        ("area", bytes(&area)),
        (
            "tongue",
            bytes(["german", "english"][random.below(2) as usize]),
        ),
        ("v", Bytes::from(vector)),
    ];
    let some = all.into_iter();
    let some = some.filter(|(name, _)| *name == "size" || random.below(5) > 0);
    let fields = some.map(|(name, value)| (bytes(name), value)).collect();
    let expiry = Expiry::Keep;
    let effect = Effect::HashSet { fields, expiry };
    writer.apply(INDEXED_DB, &format!("d:{document}"), effect);
}

/// Writes, now and then removes, and sometimes spoils a document.
fn alter(writer: &mut Writer, random: &mut Random) {
    let document = random.below(DOCUMENTS);
    match random.below(8) {
        0 => writer.apply(INDEXED_DB, &format!("d:{document}"), Effect::Delete),
        1 => writer.set_field(INDEXED_DB, &format!("d:{document}"), "size", "no number"),
        _ => put(writer, random, document),
    }
}

pub(super) fn with_documents(random: &mut Random) -> Writer {
    let mut writer = Writer::new();
    create(&mut writer);
    let database = writer.keyspace.database(INDEXED_DB);
    writer.keyspace.indexes().fill_all(&database);
    (0..DOCUMENTS).for_each(|document| put(&mut writer, random, document));
    // So often that there are more ids than are saved together.
    (0..4_000).for_each(|_| alter(&mut writer, random));
    writer
}

/// All that an index knows, by the names of keys.
fn facts(index: &DocumentIndex) -> BTreeMap<String, String> {
    let state = index.read();
    let key = |id| String::from_utf8_lossy(state.documents.get(id).unwrap().key()).into_owned();
    let mut facts = BTreeMap::new();
    for document in state.documents.values() {
        let (length, most) = (document.length, document.frequency_max);
        let values: Vec<_> = document.values().collect();
        let held = format!("{} {length} {most} {values:?}", document.score);
        let key = String::from_utf8_lossy(document.key());
        assert!(facts.insert(key.into_owned(), held).is_none());
    }
    let mut note = |what: String, mut keys: Vec<String>| {
        keys.sort();
        assert!(facts.insert(what, keys.join("; ")).is_none());
    };
    for (word, postings) in state.words.iter() {
        let held = postings.iter().map(|(id, posting)| {
            let places = posting.places(u128::MAX);
            format!(
                "{} {:x} {} {places:?}",
                key(id),
                posting.fields,
                posting.frequency
            )
        });
        note(format!("word {word}"), held.collect());
    }
    for part in ["unn", "öl", "w1"] {
        let words = state.words.having(part, 2).unwrap();
        note(
            format!("part {part}"),
            words.into_iter().map(str::to_owned).collect(),
        );
    }
    for (at, field) in state.fields.iter().enumerate() {
        note(
            format!("{at} present"),
            field.present.iter().map(key).collect(),
        );
        for (tag, ids) in &field.tags {
            note(format!("{at} tag {tag}"), ids.iter().map(key).collect());
        }
        for low in (0..500).step_by(37) {
            let (low, high) = (f64::from(low), f64::from(low) + 50.0);
            let found = field
                .numbers
                .between(Bound::Included(low), Bound::Excluded(high));
            note(format!("{at} from {low}"), found.iter().map(key).collect());
        }
        let points = field.present.iter();
        let points = points.map(|id| format!("{} {:?}", key(id), field.points.of(id)));
        note(format!("{at} points"), points.collect());
        let shapes = field.shapes.ids().iter();
        let shapes = shapes.map(|id| format!("{} {:?}", key(id), field.shapes.of(id)));
        note(format!("{at} shapes"), shapes.collect());
    }
    facts.insert("length".to_owned(), state.length.to_string());
    facts.insert("places".to_owned(), format!("{:?}", state.words.places()));
    facts
}

/// Requires that the loaded index is what one is that is made now, and that nothing is left of it when its documents go.
fn check(keyspace: &Keyspace, told: &str) {
    let database = keyspace.database(INDEXED_DB);
    let index = keyspace.indexes().get(b"idx").unwrap();
    let fresh = DocumentIndex::new(b"fresh", index_schema());
    for document in 0..DOCUMENTS {
        take_up(&fresh, format!("d:{document}").as_bytes(), &database);
    }
    let (found, expected) = (facts(&index), facts(&fresh));
    for (what, held) in &expected {
        assert_eq!(found.get(what), Some(held), "{told}, {what}");
    }
    assert_eq!(found.len(), expected.len(), "{told}");
    index.vectors(6).unwrap().check().unwrap();
    let mut writer = Writer::new();
    for document in 0..DOCUMENTS {
        let key = format!("d:{document}");
        let change = Change::new(INDEXED_DB, key.as_bytes(), Effect::Delete);
        writer.number += 1;
        keyspace.apply(change, (1 << 40) + writer.number);
    }
    let empty = DocumentIndex::new(b"empty", index_schema());
    assert_eq!(facts(&index), facts(&empty), "{told}");
}

#[test]
fn an_index_comes_back_without_being_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = with_documents(&mut Random(1));
    let index = writer.keyspace.indexes().get(b"idx").unwrap();
    let in_order = |index: &DocumentIndex| -> Vec<Key> {
        let state = index.read();
        state.documents.values().map(|it| it.key().into()).collect()
    };
    let before = in_order(&index);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!((loaded.taken, loaded.indexed), (before.len() as u64, 0));
    // Some may have few links after so many removals.
    assert!(loaded.relinked * 50 < loaded.taken, "{loaded:?}");
    let index = keyspace.indexes().get(b"idx").unwrap();
    assert_eq!(in_order(&index), before, "answers come in this order");
    assert_eq!(index.ids_end() as usize, before.len() + 1);
    check(&keyspace, "at rest");
}

#[test]
fn documents_that_are_written_during_the_walk_are_indexed_as_they_were_at_the_cut() {
    for seed in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let mut random = Random(seed);
        let mut writer = with_documents(&mut random);
        // Keys first; then writes between any two parts of the index.
        let mut step = 0;
        let mut act = |writer: &mut Writer| {
            step += 1;
            if step > 3 * SHARDS || step % 8 == 0 {
                alter(writer, &mut random);
            }
        };
        save_while(&mut writer, dir.path(), &RealDisk, &mut act).unwrap();
        assert!(step > 3 * SHARDS + 20, "the index has parts");
        let (keyspace, loaded) = load_now(dir.path()).unwrap();
        let told = format!("seed {seed}, {loaded:?}");
        assert!(loaded.taken > 100 && loaded.indexed > 100, "{told}");
        check(&keyspace, &told);
    }
}

#[test]
fn a_schema_that_was_altered_is_taken_up_where_it_has_more_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let mut writer = with_documents(&mut random);
    for document in (0..DOCUMENTS).step_by(10) {
        writer.set_field(INDEXED_DB, &format!("d:{document}"), "extra", "found");
    }
    let words = format!("{DEFINITION} extra TAG");
    let words: Vec<&[u8]> = words.split_whitespace().map(str::as_bytes).collect();
    let mut schema = schema::create(&mut Words::new(&words)).unwrap();
    schema.skips_initial_scan = true;
    let schema = Arc::new(schema);
    writer.apply(INDEXED_DB, "idx", Effect::CreateIndex { schema });
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    let index = keyspace.indexes().get(b"idx").unwrap();
    let tagged = index.read().fields[7].tags["found"].len();
    assert_eq!(loaded.indexed, tagged, "{loaded:?}");
    assert!(loaded.taken > 4 * tagged, "{loaded:?}");
    assert_eq!(loaded.taken + tagged, index.len() as u64);
}

#[test]
fn snapshots_without_documents_of_indexes_are_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = with_documents(&mut Random(3));
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let good = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let without = |kinds: &[Kind]| {
        let mut manifest = good.clone();
        manifest
            .images
            .retain(|place, _| !kinds.contains(&place.kind));
        manifest.write(&RealDisk, dir.path()).unwrap();
        let (keyspace, loaded) = load_now(dir.path()).unwrap();
        check(&keyspace, &format!("without {kinds:?}"));
        loaded
    };
    let all = [
        Kind::Documents,
        Kind::Words,
        Kind::Tags,
        Kind::Numbers,
        Kind::DocumentIds,
    ];
    assert_eq!(without(&all).taken, 0);
    assert_eq!(without(&[Kind::DocumentIds]).taken, 0);
    assert_eq!(without(&[Kind::Documents]).taken, 0);
    let loaded = without(&[Kind::DocumentLinks]);
    assert!(
        loaded.taken > 0 && loaded.indexed > loaded.taken,
        "{loaded:?}"
    );
}

/// The damaged images that a load told of, by calling `look` with what was loaded and what is told of it; each image of an index is
/// damaged in several places, one after the other.
pub(super) fn damage_each(
    dir: &Path,
    kinds: &[Kind],
    mut look: impl FnMut(Kind, &Path, Result<(Keyspace, Loaded), SnapshotError>),
) {
    let manifest = Manifest::read(&RealDisk, dir, 1).unwrap();
    for &kind in kinds {
        let mut images = manifest.images.iter();
        let (place, image) = images.find(|(place, _)| place.kind == kind).unwrap();
        let path = pack::path(dir, image.pack());
        let good = std::fs::read(&path).unwrap();
        let header = image.header(*place).encode();
        let offset = good.windows(header.len()).position(|at| at == header);
        for at in [0, 47, 48, 60, image.header(*place).bytes as usize + 47] {
            let mut bad = good.clone();
            bad[offset.unwrap() + at] ^= 4;
            std::fs::write(&path, &bad).unwrap();
            look(kind, &path, load_now(dir));
        }
        std::fs::write(&path, &good).unwrap();
    }
}

#[test]
fn damaged_images_of_indexes_are_made_anew_from_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = with_documents(&mut Random(5));
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let kinds = [
        Kind::Documents,
        Kind::Words,
        Kind::Tags,
        Kind::Numbers,
        Kind::DocumentIds,
        Kind::DocumentLinks,
    ];
    let state = exact_state(&writer.keyspace);
    damage_each(dir.path(), &kinds, |kind, path, loaded| {
        let (keyspace, loaded) = loaded.unwrap();
        let told = format!("{kind:?} {loaded:?}");
        let [damaged] = &loaded.damaged[..] else {
            panic!("{told}");
        };
        assert_eq!(&*damaged.name, b"idx");
        let path = path.display().to_string();
        assert!(damaged.why.starts_with(&path), "{told}");
        match kind {
            // Documents without a vector are what they were.
            Kind::DocumentLinks => assert!(loaded.taken > 0 && loaded.indexed > loaded.taken),
            // No vector has to be linked again, but for those that had few links before.
            _ => assert!(
                loaded.taken == 0 && loaded.relinked * 50 < loaded.indexed,
                "{told}"
            ),
        }
        assert!(exact_state(&keyspace) == state, "{told}");
        check(&keyspace, &told);
    });
}

#[test]
fn damaged_definitions_of_indexes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = with_documents(&mut Random(6));
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    damage_each(
        dir.path(),
        &[Kind::Indexes, Kind::Keys],
        |kind, path, loaded| match loaded {
            Err(SnapshotError::Damaged { path: told, .. }) => assert_eq!(told, path),
            other => panic!("{kind:?}: {:?}", other.map(|(_, loaded)| loaded)),
        },
    );
}

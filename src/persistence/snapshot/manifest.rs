//! The manifest: what a snapshot consists of. Its rename is the commit of a save. The catalogue (catalog.rs) keeps the same
//! records under the same keys.

use super::cursor::{Cursor, Fault};
use super::image::{BASE, HEADER_BYTES, ImageHeader, Kind, Place};
use super::{SnapshotError, crc32c, record};
use crate::keyspace::collection::{Schema, WalkedOn};
use crate::persistence::disk::{self, Disk};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"RHUMBMAN";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 32;
/// A longer file is not read at all; a billion elements need a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 30;
const PREFIX: &str = "MANIFEST-";

/// What a snapshot consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Numbers that are there once.
    pub state: State,
    /// Collections by id.
    pub collections: BTreeMap<u64, CollectionRecord>,
    /// Packs and their lengths in bytes.
    pub packs: BTreeMap<PackId, u64>,
    /// Images and where they are.
    pub images: BTreeMap<Place, ImageRecord>,
}

/// Numbers that a snapshot has once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which save made it.
    pub generation: u64,
    /// Number whose state it shows.
    pub cut: u64,
    /// Drawn once per data directory; its log carries it too.
    pub lineage: u64,
    /// The seed of the data directory: levels of graph nodes are drawn from it.
    pub seed: u64,
    /// No collection had this id or a higher one.
    pub next_collection_id: u64,
    /// Number of databases when it was made.
    pub databases: u32,
    /// Number of keys.
    pub keys: u64,
}

/// A collection's options and counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionRecord {
    /// What it was made with.
    pub schema: Schema,
    /// Inserts and updates since it was made.
    pub inserts: u64,
    /// Number of the last change of an element.
    pub changed: u64,
    /// Number of elements.
    pub elements: u64,
}

/// Options of a collection that are not the usual ones. They have a record of their own, which is written only where it says
/// something: who does not know them refuses the snapshot, and one without them is read by all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Extras {
    walked_on: WalkedOn,
    recall: Option<u32>,
}

impl Extras {
    fn of(schema: &Schema) -> Extras {
        Extras {
            walked_on: schema.index.walked_on,
            recall: schema.recall,
        }
    }
}

/// A pack's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId {
    /// The save that wrote it.
    pub generation: u64,
    /// Its number in that save.
    pub number: u32,
}

/// Where an image is, and what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    form: u8,
    cut: u64,
    generation: u64,
    number: u32,
    offset: u64,
    bytes: u64,
    crc: u32,
    entries: u32,
}

impl ImageRecord {
    /// An image whose header stands at `offset` of `pack`.
    pub(super) fn new(header: &ImageHeader, pack: PackId, offset: u64) -> ImageRecord {
        ImageRecord {
            form: BASE,
            cut: header.cut,
            generation: pack.generation,
            number: pack.number,
            offset,
            bytes: header.bytes,
            crc: header.crc,
            entries: header.entries,
        }
    }

    /// The pack that it lies in.
    pub fn pack(&self) -> PackId {
        PackId {
            generation: self.generation,
            number: self.number,
        }
    }

    /// Offset of its header in the pack, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The header that must stand there.
    pub fn header(&self, place: Place) -> ImageHeader {
        ImageHeader {
            place,
            cut: self.cut,
            bytes: self.bytes,
            entries: self.entries,
            crc: self.crc,
        }
    }

    /// End of its payload in the pack; none if the numbers are absurd.
    fn end(&self) -> Option<u64> {
        self.offset
            .checked_add(HEADER_BYTES as u64)?
            .checked_add(self.bytes)
    }
}

/// Records by key, as the manifest's body and the catalogue hold them.
pub(super) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

impl Manifest {
    /// The table as records.
    pub(super) fn records(&self) -> Records {
        let mut records = Records::new();
        let mut put = |key: Vec<u8>, record: Vec<u8>| drop(records.insert(key, record));
        let state = state_key();
        let encoded = record::encode(&state, &self.state);
        put(state, encoded);
        for (id, collection) in &self.collections {
            let key = collection_key(*id);
            let encoded = record::encode(&key, collection);
            put(key, encoded);
            let extras = Extras::of(&collection.schema);
            if extras != Extras::default() {
                let key = extras_key(*id);
                let encoded = record::encode(&key, &extras);
                put(key, encoded);
            }
        }
        for (pack, bytes) in &self.packs {
            let key = pack_key(*pack);
            let encoded = record::encode(&key, bytes);
            put(key, encoded);
        }
        for (place, image) in &self.images {
            let key = image_key(*place);
            let encoded = record::encode(&key, image);
            put(key, encoded);
        }
        records
    }

    /// The table of records, complete and without contradictions.
    pub(super) fn from_records<'a>(
        records: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Manifest, Fault> {
        let mut state = None;
        let mut collections = BTreeMap::<u64, CollectionRecord>::new();
        let (mut extras, mut packs, mut images) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (key, record) in records {
            let mut cursor = Cursor::new(key);
            match cursor.u8()? {
                b's' => state = Some(record::decode(key, record)?),
                b'c' => {
                    collections.insert(big_u64(&mut cursor)?, record::decode(key, record)?);
                }
                b'o' => {
                    let found: Extras = record::decode(key, record)?;
                    extras.push((big_u64(&mut cursor)?, found));
                }
                b'p' => {
                    let pack = PackId {
                        generation: big_u64(&mut cursor)?,
                        number: big_u32(&mut cursor)?,
                    };
                    packs.insert(pack, record::decode(key, record)?);
                }
                b'i' => drop(images.insert(place_of(&mut cursor)?, record::decode(key, record)?)),
                _ => return Err("a record has a key that is not known"),
            }
            cursor.finish()?;
        }
        let state = state.ok_or("the record of the snapshot's numbers is missing")?;
        for (id, extras) in extras {
            let collection = collections
                .get_mut(&id)
                .ok_or("options belong to a collection that is not listed")?;
            collection.schema.index.walked_on = extras.walked_on;
            collection.schema.recall = extras.recall;
        }
        let manifest = Manifest {
            state,
            collections,
            packs,
            images,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// That every image lies in a pack that is listed, and speaks of something that is.
    fn check(&self) -> Result<(), Fault> {
        for (place, image) in &self.images {
            let pack = self
                .packs
                .get(&image.pack())
                .ok_or("an image lies in a pack that is not listed")?;
            if image.end().is_none_or(|end| end > *pack) {
                return Err("an image ends behind its pack");
            }
            if image.form != BASE {
                return Err("an image has a form that is not known");
            }
            if image.cut > self.state.cut {
                return Err("an image is later than its snapshot");
            }
            if place.kind.is_of_collection() && !self.collections.contains_key(&place.owner) {
                return Err("an image belongs to a collection that is not listed");
            }
        }
        let options = self
            .collections
            .values()
            .map(|collection| &collection.schema.index);
        for index in options {
            if !(1..=65_536).contains(&index.dim) || !(1..=4_096).contains(&index.m) {
                return Err("a collection's options are out of bounds");
            }
        }
        Ok(())
    }

    /// The file's content.
    pub fn encode(&self) -> Vec<u8> {
        let records = self.records();
        let body = body(&records);
        let mut out = Vec::with_capacity(HEAD_BYTES + body.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(records.len() as u32).to_le_bytes());
        out.extend_from_slice(&(body.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32c(&body).to_le_bytes());
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    /// The table of a file's content; `path` is for errors.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Manifest, SnapshotError> {
        let damaged = |offset| move |what| SnapshotError::damaged(path, offset, what);
        let (head, body) = bytes
            .split_at_checked(HEAD_BYTES)
            .ok_or("it ends too early")
            .map_err(damaged(0))?;
        let (count, crc) = decode_head(head, body.len(), path)?;
        if crc32c(body) != crc {
            return Err(SnapshotError::damaged(
                path,
                HEAD_BYTES as u64,
                "the checksum does not fit",
            ));
        }
        let records = split_body(body, count).map_err(damaged(HEAD_BYTES as u64))?;
        Manifest::from_records(records.into_iter()).map_err(damaged(HEAD_BYTES as u64))
    }

    /// Reads the manifest of a generation.
    pub fn read(disk: &dyn Disk, dir: &Path, generation: u64) -> Result<Manifest, SnapshotError> {
        let path = path(dir, generation);
        let len = disk.len(&path).map_err(SnapshotError::io(&path))?;
        if len > FILE_BYTES_MAX {
            return Err(SnapshotError::damaged(&path, 0, "it is too long"));
        }
        let bytes = disk.read(&path).map_err(SnapshotError::io(&path))?;
        let manifest = Manifest::decode(&bytes, &path)?;
        if manifest.state.generation != generation {
            return Err(SnapshotError::damaged(
                &path,
                0,
                "it is of another generation than its name",
            ));
        }
        Ok(manifest)
    }

    /// Writes it: the commit of a save.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), SnapshotError> {
        let path = path(dir, self.state.generation);
        disk::replace(disk, &path, &self.encode()).map_err(SnapshotError::io(&path))
    }
}

/// Path of a generation's manifest.
pub fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation}"))
}

/// Path of a manifest that was not committed.
pub(super) fn temporary_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation}.tmp"))
}

/// Generations of the manifests in a directory, oldest first; with `unfinished` also of those that were not committed.
pub fn generations(
    disk: &dyn Disk,
    dir: &Path,
    unfinished: bool,
) -> Result<Vec<u64>, SnapshotError> {
    let names = disk.list(dir).map_err(SnapshotError::io(dir))?;
    let number = |name: &str| {
        let rest = name.strip_prefix(PREFIX)?;
        let digits = if unfinished {
            rest.strip_suffix(".tmp").unwrap_or(rest)
        } else {
            rest
        };
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let mut found: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The body that the records make.
pub(super) fn body(records: &Records) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, record) in records {
        body.push(key.len() as u8);
        body.extend_from_slice(&(record.len() as u32).to_le_bytes());
        body.extend_from_slice(key);
        body.extend_from_slice(record);
    }
    body
}

/// Number of records and the body's CRC.
fn decode_head(head: &[u8], body_len: usize, path: &Path) -> Result<(u32, u32), SnapshotError> {
    let damaged = |what| SnapshotError::damaged(path, 0, what);
    let mut cursor = Cursor::new(head);
    if cursor.take(8).map_err(damaged)? != MAGIC {
        return Err(damaged("it does not begin as a manifest"));
    }
    let (version, count) = (
        cursor.u32().map_err(damaged)?,
        cursor.u32().map_err(damaged)?,
    );
    let (len, crc) = (
        cursor.u64().map_err(damaged)?,
        cursor.u32().map_err(damaged)?,
    );
    let covered = head
        .split_last_chunk::<4>()
        .map_or(head, |(covered, _)| covered);
    if cursor.u32().map_err(damaged)? != crc32c(covered) {
        return Err(damaged("the checksum of its header does not fit"));
    }
    if version != VERSION {
        return Err(SnapshotError::Version {
            path: path.to_owned(),
            found: version,
        });
    }
    if len != body_len as u64 {
        return Err(damaged("it has another length than it says"));
    }
    Ok((count, crc))
}

/// Keys and records, as they lie in a body.
type Rows<'a> = Vec<(&'a [u8], &'a [u8])>;

fn split_body(body: &[u8], count: u32) -> Result<Rows<'_>, Fault> {
    let mut cursor = Cursor::new(body);
    let mut records = Vec::new();
    while !cursor.is_empty() {
        let (key_len, record_len) = (cursor.u8()?, cursor.u32()?);
        records.push((
            cursor.take(usize::from(key_len))?,
            cursor.take(record_len as usize)?,
        ));
    }
    if records.len() as u64 == u64::from(count) {
        Ok(records)
    } else {
        Err("it has another number of records")
    }
}

fn state_key() -> Vec<u8> {
    vec![b's']
}

fn collection_key(id: u64) -> Vec<u8> {
    [&b"c"[..], &id.to_be_bytes()].concat()
}

fn extras_key(id: u64) -> Vec<u8> {
    [&b"o"[..], &id.to_be_bytes()].concat()
}

fn pack_key(pack: PackId) -> Vec<u8> {
    [
        &b"p"[..],
        &pack.generation.to_be_bytes(),
        &pack.number.to_be_bytes(),
    ]
    .concat()
}

fn image_key(place: Place) -> Vec<u8> {
    let Place {
        kind,
        owner,
        part,
        piece,
    } = place;
    [
        &[b'i', kind as u8][..],
        &owner.to_be_bytes(),
        &part.to_be_bytes(),
        &piece.to_be_bytes(),
    ]
    .concat()
}

fn place_of(cursor: &mut Cursor<'_>) -> Result<Place, Fault> {
    let kind = Kind::of(cursor.u8()?)?;
    Ok(Place {
        kind,
        owner: big_u64(cursor)?,
        part: big_u32(cursor)?,
        piece: big_u32(cursor)?,
    })
}

fn big_u64(cursor: &mut Cursor<'_>) -> Result<u64, Fault> {
    cursor.u64().map(u64::swap_bytes)
}

fn big_u32(cursor: &mut Cursor<'_>) -> Result<u32, Fault> {
    cursor.u32().map(u32::swap_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::keyspace::collection::{IndexKind, IndexOptions, Metric, Quantization};

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
}

//! The table as records, by keys whose byte order is that of their numbers: the body of the manifest's file, and what the
//! catalogue has.

use super::{CollectionRecord, ImageRecord, Manifest, PackId};
use crate::keyspace::collection::{Schema, WalkedOn};
use crate::persistence::snapshot::cursor::{Cursor, Fault};
use crate::persistence::snapshot::image::{BASE, Kind, Place};
use crate::persistence::snapshot::record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Records by key, as the manifest's body and the catalogue hold them.
pub(in crate::persistence::snapshot) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// The first byte of a record's key: what it is about.
const STATE: u8 = b's';
const COLLECTION: u8 = b'c';
const EXTRAS: u8 = b'o';
const PACK: u8 = b'p';
const IMAGE: u8 = b'i';

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

impl Manifest {
    /// The table as records.
    pub(in crate::persistence::snapshot) fn records(&self) -> Records {
        let mut records = Records::new();
        put(&mut records, state_key(), &self.state);
        for (id, collection) in &self.collections {
            put(&mut records, collection_key(*id), collection);
            let extras = Extras::of(&collection.schema);
            if extras != Extras::default() {
                put(&mut records, extras_key(*id), &extras);
            }
        }
        for (pack, bytes) in &self.packs {
            put(&mut records, pack_key(*pack), bytes);
        }
        for (place, image) in &self.images {
            put(&mut records, image_key(*place), image);
        }
        records
    }

    /// The table of records, complete and without contradictions.
    pub(in crate::persistence::snapshot) fn from_records<'a>(
        records: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Manifest, Fault> {
        let mut state = None;
        let mut collections = BTreeMap::new();
        let (mut extras, mut packs, mut images) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (key, record) in records {
            let mut cursor = Cursor::new(key);
            match cursor.u8()? {
                STATE => state = Some(record::decode(key, record)?),
                COLLECTION => {
                    collections.insert(big_u64(&mut cursor)?, record::decode(key, record)?);
                }
                EXTRAS => extras.push((big_u64(&mut cursor)?, record::decode(key, record)?)),
                PACK => drop(packs.insert(pack_of(&mut cursor)?, record::decode(key, record)?)),
                IMAGE => drop(images.insert(place_of(&mut cursor)?, record::decode(key, record)?)),
                _ => return Err("a record has a key that is not known"),
            }
            cursor.finish()?;
        }
        for (id, extras) in extras {
            add_extras(&mut collections, id, extras)?;
        }
        let manifest = Manifest {
            state: state.ok_or("the record of the snapshot's numbers is missing")?,
            collections,
            packs,
            images,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// That every image lies in a pack that is listed, and speaks of something that is; and that options are within bounds.
    fn check(&self) -> Result<(), Fault> {
        for (place, image) in &self.images {
            self.check_image(place, image)?;
        }
        for collection in self.collections.values() {
            let index = &collection.schema.index;
            if !(1..=65_536).contains(&index.dim) || !(1..=4_096).contains(&index.m) {
                return Err("a collection's options are out of bounds");
            }
        }
        Ok(())
    }

    fn check_image(&self, place: &Place, image: &ImageRecord) -> Result<(), Fault> {
        let pack = self.packs.get(&image.pack());
        let pack = pack.ok_or("an image lies in a pack that is not listed")?;
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
        Ok(())
    }
}

fn put<T: Serialize>(records: &mut Records, key: Vec<u8>, value: &T) {
    let record = record::encode(&key, value);
    records.insert(key, record);
}

fn add_extras(
    collections: &mut BTreeMap<u64, CollectionRecord>,
    id: u64,
    extras: Extras,
) -> Result<(), Fault> {
    let collection = collections.get_mut(&id);
    let collection = collection.ok_or("options belong to a collection that is not listed")?;
    collection.schema.index.walked_on = extras.walked_on;
    collection.schema.recall = extras.recall;
    Ok(())
}

/// The body that the records make.
pub(in crate::persistence::snapshot) fn body(records: &Records) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, record) in records {
        body.push(key.len() as u8);
        body.extend_from_slice(&(record.len() as u32).to_le_bytes());
        body.extend_from_slice(key);
        body.extend_from_slice(record);
    }
    body
}

fn state_key() -> Vec<u8> {
    vec![STATE]
}

pub(super) fn collection_key(id: u64) -> Vec<u8> {
    [&[COLLECTION][..], &id.to_be_bytes()].concat()
}

pub(super) fn extras_key(id: u64) -> Vec<u8> {
    [&[EXTRAS][..], &id.to_be_bytes()].concat()
}

fn pack_key(pack: PackId) -> Vec<u8> {
    [
        &[PACK][..],
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
        &[IMAGE, kind as u8][..],
        &owner.to_be_bytes(),
        &part.to_be_bytes(),
        &piece.to_be_bytes(),
    ]
    .concat()
}

fn pack_of(cursor: &mut Cursor<'_>) -> Result<PackId, Fault> {
    Ok(PackId {
        generation: big_u64(cursor)?,
        number: big_u32(cursor)?,
    })
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

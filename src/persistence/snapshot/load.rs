//! Loading a snapshot: which one counts, and its images back into a keyspace, on all cores.

use super::SnapshotError;
use super::catalog::Catalog;
use super::cursor::Fault;
use super::documents::{self, Definition};
use super::elements::{self, Payload};
use super::image::{Kind, Place};
use super::keys::{self, LoadedKey, LoadedValue};
use super::manifest::{self, CollectionRecord, ImageRecord, Manifest};
use super::pack::{self, PackReader};
use crate::keyspace::collection::{Collection, SavedElement, SavedNode};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::filling::LoadedIndex;
use crate::keyspace::documents::index::links_of;
use crate::keyspace::documents::saved::{SavedIndex, SavedVector};
use crate::keyspace::documents::schema::{self, FieldKind, Schema};
use crate::keyspace::documents::words::Words;
use crate::keyspace::{Entry, Key, Keyspace, Value};
use crate::persistence::disk::Disk;
use parking_lot::Mutex;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which snapshot a directory has.
#[derive(Debug)]
pub enum Found {
    /// None was ever committed.
    None,
    /// The newest one.
    Newest(Manifest),
    /// An older one, because nothing tells any more what the newest consists of. It may be used only if the log has
    /// every number after its cut.
    Older {
        /// The older one.
        manifest: Manifest,
        /// What happened to the newest.
        damage: SnapshotError,
        /// The cut of the newest: the log must reach it.
        newest_cut: u64,
    },
}

/// Looks for the newest snapshot: by its manifest, or if that is damaged by the catalogue's table of the same generation.
pub fn find(disk: &dyn Disk, dir: &Path, catalog: &Catalog) -> Result<Found, SnapshotError> {
    let mut generations = manifest::generations(disk, dir, false)?;
    let Some(newest) = generations.pop() else {
        // A catalogue is written after a manifest; without any, somebody lost it.
        return Ok(catalog.table().map_or(Found::None, Found::Newest));
    };
    let damage = match Manifest::read(disk, dir, newest) {
        Ok(manifest) => return Ok(Found::Newest(manifest)),
        Err(error @ SnapshotError::Version { .. }) => return Err(error),
        Err(error) => error,
    };
    if let Some(table) = catalog
        .table()
        .filter(|table| table.state.generation == newest)
    {
        return Ok(Found::Newest(table));
    }
    let older = generations
        .iter()
        .rev()
        .find_map(|older| Manifest::read(disk, dir, *older).ok());
    match older.zip(pack::cut_of(disk, dir, newest)) {
        Some((manifest, newest_cut)) => Ok(Found::Older {
            manifest,
            damage,
            newest_cut,
        }),
        None => Err(damage),
    }
}

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys.
    pub keys: u64,
    /// Elements of collections.
    pub elements: u64,
    /// Elements that had to be linked anew.
    pub relinked: u64,
    /// Documents of indexes that were taken as they were.
    pub taken: u64,
    /// Documents of indexes that were indexed anew.
    pub indexed: u64,
    /// Bytes of its packs.
    pub bytes: u64,
    /// Indexes that are damaged in the snapshot.
    pub damaged: Vec<DamagedIndex>,
}

/// An index that is damaged in the snapshot. It was made anew from its keys, which are whole, as far as it had to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedIndex {
    /// Its name.
    pub name: Key,
    /// What is damaged, with file and offset.
    pub why: String,
}

impl fmt::Display for DamagedIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, why) = (self.name.escape_ascii(), &self.why);
        write!(f, "the index {name} was made anew from its keys: {why}")
    }
}

/// Loads the images of `manifest` into an empty keyspace that was made with its seed.
pub fn load(
    manifest: &Manifest,
    keyspace: &Keyspace,
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Loaded, SnapshotError> {
    let state = &manifest.state;
    let loader = Loader {
        manifest,
        keyspace,
        packs: PackReader::open(disk, dir, &manifest.packs, state.lineage)?,
        path: manifest::path(dir, state.generation),
    };
    keyspace.raise_collection_id(state.next_collection_id);
    let (collections, relinked) = loader.collections()?;
    let keys = loader.keys(Mutex::new(collections))?;
    let (indexes, damaged) = loader.indexes()?;
    let elements = manifest
        .collections
        .values()
        .map(|collection| collection.elements)
        .sum();
    Ok(Loaded {
        keys,
        elements,
        relinked: relinked + indexes.relinked as u64,
        taken: indexes.taken as u64,
        indexed: indexes.indexed as u64,
        bytes: manifest.packs.values().sum(),
        damaged,
    })
}

struct Loader<'a> {
    manifest: &'a Manifest,
    keyspace: &'a Keyspace,
    packs: PackReader<'a>,
    path: PathBuf,
}

/// Images of one segment.
type SegmentImages<'a> = HashMap<Kind, (Place, &'a ImageRecord)>;

impl Loader<'_> {
    /// Makes the indexes again, once their documents are there; of all of them, what was done, and which are damaged.
    fn indexes(&self) -> Result<(LoadedIndex, Vec<DamagedIndex>), SnapshotError> {
        let (mut all, mut damaged) = (LoadedIndex::default(), Vec::new());
        for (place, definition) in self.definitions()?.into_iter().enumerate() {
            match definition {
                Definition::Index(name, words) => {
                    let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
                    let schema = schema::create(&mut Words::new(&words))
                        .map_err(|_| self.contradiction("an index's words do not make one"))?;
                    let mut note = |why: &SnapshotError| {
                        let (name, why) = (name.clone(), why.to_string());
                        damaged.push(DamagedIndex { name, why });
                    };
                    let loaded = self.index(place as u64, &name, schema, &mut note)?;
                    all.relinked += loaded.relinked;
                    all.taken += loaded.taken;
                    all.indexed += loaded.indexed;
                }
                Definition::Alias(alias, name) => {
                    self.keyspace.indexes().set_alias(&alias, &name);
                }
            }
        }
        Ok((all, damaged))
    }

    fn definitions(&self) -> Result<Vec<Definition>, SnapshotError> {
        let mut found = self.images(Kind::Indexes);
        let Some((place, image)) = found.next() else {
            return Ok(Vec::new());
        };
        let bytes = self.packs.payload(*place, image)?;
        documents::decode_definitions(payload_of(&(*place, image), &bytes))
            .map_err(|what| self.packs.fault(image, what))
    }

    /// Makes an index again. All that its images hold its keys tell too: what is damaged is noted and made anew, the words of
    /// documents without the links of their vectors, or these without those.
    fn index(
        &self,
        owner: u64,
        name: &[u8],
        schema: Schema,
        note: &mut dyn FnMut(&SnapshotError),
    ) -> Result<LoadedIndex, SnapshotError> {
        let mut saved = self.saved_documents(owner, &schema).unwrap_or_else(|why| {
            note(&why);
            SavedIndex::default()
        });
        saved.vectors = self.saved_vectors(owner, &schema).unwrap_or_else(|why| {
            note(&why);
            Vec::new()
        });
        let (database, schema) = (self.keyspace.database(INDEXED_DB), Arc::new(schema));
        let load = |saved| {
            let indexes = self.keyspace.indexes();
            indexes.load(name, Arc::clone(&schema), &database, saved)
        };
        if let Some(loaded) = load(saved) {
            return Ok(loaded);
        }
        let why = self.contradiction("a word of an index comes twice");
        note(&why);
        let links_alone = SavedIndex {
            vectors: self.saved_vectors(owner, &schema).unwrap_or_default(),
            ..SavedIndex::default()
        };
        load(links_alone).ok_or(why)
    }

    /// The vectors of an index, with their links.
    fn saved_vectors(
        &self,
        owner: u64,
        schema: &Schema,
    ) -> Result<Vec<(usize, Vec<SavedVector>)>, SnapshotError> {
        let vectors = self.decode_all(Kind::DocumentLinks, owner, |place, payload| {
            let m = links_of(schema, place.piece as usize)
                .ok_or("links belong to a field without vectors")?;
            documents::decode_vectors(place.part, m, payload)
        })?;
        let by_field = vectors.into_iter();
        let by_field = by_field.map(|(place, part)| (place.piece as usize, part));
        Ok(by_field.collect())
    }

    /// All that there is of an index but its vectors.
    fn saved_documents(&self, owner: u64, schema: &Schema) -> Result<SavedIndex, SnapshotError> {
        let documents = self.decode_all(Kind::Documents, owner, |place, payload| {
            documents::decode_documents(place.part, payload)
        })?;
        let words = self.decode_all(Kind::Words, owner, |_, payload| {
            documents::decode_words(payload)
        })?;
        let is_of = |place: &Place, fits: fn(&FieldKind) -> bool| {
            let field = schema.fields.get(place.piece as usize);
            let is_one = field.is_some_and(|field| fits(&field.kind));
            is_one.then_some(()).ok_or("a field is of another kind")
        };
        let mut fields = self.decode_all(Kind::Tags, owner, |place, payload| {
            is_of(place, |kind| matches!(kind, FieldKind::Tag { .. }))?;
            documents::decode_tags(payload)
        })?;
        fields.extend(self.decode_all(Kind::Numbers, owner, |place, payload| {
            is_of(place, |kind| *kind == FieldKind::Numeric)?;
            documents::decode_numbers(payload)
        })?);
        let ids = self.decode_all(Kind::DocumentIds, owner, |_, payload| {
            documents::decode_ids(payload)
        })?;
        Ok(SavedIndex {
            alive: ids
                .into_iter()
                .map(|(_, ids)| ids)
                .next()
                .unwrap_or_default(),
            documents: documents.into_iter().flat_map(|(_, part)| part).collect(),
            words: words.into_iter().flat_map(|(_, part)| part).collect(),
            fields: fields
                .into_iter()
                .map(|(place, part)| (place.piece as usize, part))
                .collect(),
            vectors: Vec::new(),
        })
    }

    /// What the images of one kind of an index hold, in the order of their places.
    fn decode_all<T: Send>(
        &self,
        kind: Kind,
        owner: u64,
        decode: impl Fn(&Place, Payload<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<Vec<(Place, T)>, SnapshotError> {
        let images = self.images(kind).filter(|(place, _)| place.owner == owner);
        let images: Vec<(&Place, &ImageRecord)> = images.collect();
        let decoded = images.into_par_iter().map(|(place, image)| {
            let bytes = self.packs.payload(*place, image)?;
            let content = decode(place, payload_of(&(*place, image), &bytes))
                .map_err(|what| self.packs.fault(image, what))?;
            Ok((*place, content))
        });
        decoded.collect()
    }

    fn images(&self, kind: Kind) -> impl Iterator<Item = (&Place, &ImageRecord)> {
        let images = self.manifest.images.iter();
        images.filter(move |(place, _)| place.kind == kind)
    }

    /// Something that the table promised and the images do not have.
    fn contradiction(&self, what: &'static str) -> SnapshotError {
        SnapshotError::damaged(&self.path, 0, what)
    }

    /// All collections by id, and how many elements were linked anew.
    fn collections(&self) -> Result<(HashMap<u64, Arc<Collection>>, u64), SnapshotError> {
        let mut segments: BTreeMap<u64, BTreeMap<u32, SegmentImages<'_>>> = BTreeMap::new();
        for (place, image) in self
            .manifest
            .images
            .iter()
            .filter(|(place, _)| place.kind.is_of_collection())
        {
            let images = segments
                .entry(place.owner)
                .or_default()
                .entry(place.part)
                .or_default();
            images.insert(place.kind, (*place, image));
        }
        let none = BTreeMap::new();
        let loaded: Vec<(u64, Arc<Collection>, usize)> = self
            .manifest
            .collections
            .par_iter()
            .map(|(id, record)| {
                let segments = segments.get(id).unwrap_or(&none);
                let (collection, relinked) = self.collection(*id, record, segments)?;
                Ok((*id, collection, relinked))
            })
            .collect::<Result<_, SnapshotError>>()?;
        let relinked = loaded.iter().map(|(.., relinked)| *relinked as u64).sum();
        Ok((
            loaded
                .into_iter()
                .map(|(id, collection, _)| (id, collection))
                .collect(),
            relinked,
        ))
    }

    fn collection(
        &self,
        id: u64,
        record: &CollectionRecord,
        segments: &BTreeMap<u32, SegmentImages<'_>>,
    ) -> Result<(Arc<Collection>, usize), SnapshotError> {
        let clock = Arc::clone(self.keyspace.save_clock());
        let collection = Arc::new(Collection::new(
            id,
            record.schema.clone(),
            self.keyspace.seed(),
            clock,
            Arc::clone(self.keyspace.column_budget()),
        ));
        let nodes: Vec<Vec<SavedNode>> = segments
            .par_iter()
            .map(|(segment, images)| self.segment(&collection, *segment, images))
            .collect::<Result<_, SnapshotError>>()?;
        // Two elements of one name would count once.
        if collection.len() as u64 != record.elements {
            return Err(
                self.contradiction("a collection has another number of elements than recorded")
            );
        }
        let nodes = nodes.into_iter().flatten().collect();
        let relinked = collection.load_graph(nodes, record.inserts, record.changed);
        Ok((collection, relinked))
    }

    /// Puts the elements of a segment in their slots; its links are for later, when all slots are there.
    fn segment(
        &self,
        collection: &Collection,
        segment: u32,
        images: &SegmentImages<'_>,
    ) -> Result<Vec<SavedNode>, SnapshotError> {
        let (Some(names), Some(vectors)) = (images.get(&Kind::Names), images.get(&Kind::Vectors))
        else {
            return Err(self.contradiction("a segment has no names or no vectors"));
        };
        let options = &collection.schema().index;
        let elements = {
            let names_bytes = self.packs.payload(names.0, names.1)?;
            let vectors_bytes = self.packs.payload(vectors.0, vectors.1)?;
            let attributes = images.get(&Kind::Attributes);
            let attributes_bytes = attributes
                .map(|(place, image)| self.packs.payload(*place, image))
                .transpose()?;
            let attributes = attributes
                .zip(attributes_bytes.as_deref())
                .map(|(image, bytes)| payload_of(image, bytes));
            let (names_of, vectors_of) = (
                payload_of(names, &names_bytes),
                payload_of(vectors, &vectors_bytes),
            );
            elements::decode_elements(segment, options, names_of, vectors_of, attributes)
                .map_err(|what| self.packs.fault(names.1, what))?
        };
        let changed = self.manifest.state.cut;
        elements
            .iter()
            .for_each(|element| collection.load_element(element, changed));
        let Some(links) = images.get(&Kind::Links) else {
            return Ok(Vec::new());
        };
        let bytes = self.packs.payload(links.0, links.1)?;
        elements::decode_links(
            segment,
            options,
            payload_of(links, &bytes),
            &births_of(&elements),
        )
        .map_err(|what| self.packs.fault(links.1, what))
    }

    /// Puts all keys in their places; each collection goes to the one key that names it. Returns their number.
    fn keys(
        &self,
        collections: Mutex<HashMap<u64, Arc<Collection>>>,
    ) -> Result<u64, SnapshotError> {
        let mut shards: BTreeMap<(u64, u32), Vec<(Place, &ImageRecord)>> = BTreeMap::new();
        for (place, image) in self
            .manifest
            .images
            .iter()
            .filter(|(place, _)| place.kind == Kind::Keys)
        {
            shards
                .entry((place.owner, place.part))
                .or_default()
                .push((*place, image));
        }
        let keys: u64 = shards
            .par_iter()
            .map(|((db, _), pieces)| self.shard(*db, pieces, &collections))
            .sum::<Result<u64, SnapshotError>>()?;
        if keys != self.manifest.state.keys {
            return Err(self.contradiction("there is another number of keys than recorded"));
        }
        if !collections.lock().is_empty() {
            return Err(self.contradiction("a collection has no key"));
        }
        Ok(keys)
    }

    fn shard(
        &self,
        db: u64,
        pieces: &[(Place, &ImageRecord)],
        collections: &Mutex<HashMap<u64, Arc<Collection>>>,
    ) -> Result<u64, SnapshotError> {
        let configured = self.keyspace.databases();
        if db >= configured as u64 {
            return Err(SnapshotError::Databases {
                found: db,
                configured,
            });
        }
        let mut loaded: Vec<LoadedKey> = Vec::new();
        for (expected, (place, image)) in pieces.iter().enumerate() {
            if place.piece as usize != expected {
                return Err(self.contradiction("a piece of a shard is missing"));
            }
            let bytes = self.packs.payload(*place, image)?;
            let entries = image.header(*place).entries;
            keys::decode(&bytes, entries, self.keyspace.seed(), &mut loaded)
                .map_err(|what| self.packs.fault(image, what))?;
        }
        let count = loaded.len() as u64;
        for LoadedKey {
            key,
            value,
            expires_at_ms,
        } in loaded
        {
            let value = match value {
                LoadedValue::String(bytes) => Value::String(bytes),
                LoadedValue::Set(set) => Value::Set(Arc::new(set)),
                LoadedValue::SortedSet(set) => Value::SortedSet(Arc::new(set)),
                LoadedValue::List(list) => Value::List(Arc::new(list)),
                LoadedValue::Hash(hash) => Value::Hash(Arc::new(hash)),
                LoadedValue::Json(document) => Value::Json(Arc::new(document)),
                LoadedValue::Collection(id) => {
                    let collection = collections.lock().remove(&id);
                    Value::Collection(collection.ok_or_else(|| {
                        self.contradiction("a key names a collection that is not there")
                    })?)
                }
            };
            let changed = self.manifest.state.cut;
            self.keyspace
                .load_entry(db as usize, &key, Entry::new(value, expires_at_ms, changed));
        }
        Ok(count)
    }
}

fn payload_of<'a>((place, image): &(Place, &ImageRecord), bytes: &'a [u8]) -> Payload<'a> {
    Payload {
        entries: image.header(*place).entries,
        bytes,
    }
}

fn births_of(elements: &[SavedElement]) -> HashMap<u32, u32> {
    elements
        .iter()
        .map(|element| (element.slot, element.birth))
        .collect()
}

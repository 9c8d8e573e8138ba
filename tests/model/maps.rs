//! The obvious maps: what each change means, without shards, slots or graphs.

use bytes::Bytes;
use rhumb::keyspace::change::{Change, Effect, Expiry, Upsert};
use rhumb::keyspace::collection::{Collection, Metric, Quantization, Schema};
use rhumb::keyspace::json::{Edit, Json, Place, Step};
use rhumb::keyspace::list::End;
use rhumb::keyspace::projection::project;
use rhumb::keyspace::{Entry, Key, Keyspace, Value};
use std::collections::{BTreeMap, BTreeSet};

/// An element: its vector as the index was given it, and its attributes.
pub type Element = (Vec<f32>, Option<Bytes>);

/// What a key holds.
#[derive(Clone, Debug)]
pub enum Row {
    /// A string.
    Text(Vec<u8>),
    /// Members.
    Set(BTreeSet<Bytes>),
    /// Members with scores.
    SortedSet(BTreeMap<Bytes, f64>),
    /// Elements in order.
    List(Vec<Bytes>),
    /// Fields with values and expiries.
    Hash(BTreeMap<Bytes, (Bytes, Option<u64>)>),
    /// A JSON document.
    Json(serde_json::Value),
    /// Elements under a schema.
    Collection {
        /// The schema.
        schema: Schema,
        /// The elements.
        elements: BTreeMap<Bytes, Element>,
    },
}

/// All databases: rows with their expiries.
#[derive(Clone, Debug)]
pub struct Maps(Vec<BTreeMap<Key, (Row, Option<u64>)>>);

impl Maps {
    /// Empty databases.
    pub fn new(databases: usize) -> Maps {
        Maps(vec![BTreeMap::new(); databases])
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &Key, &Row)> {
        let databases = self.0.iter().enumerate();
        databases.flat_map(|(db, rows)| rows.iter().map(move |(key, (row, _))| (db, key, row)))
    }

    /// A row.
    pub fn row(&self, db: usize, key: &[u8]) -> Option<&Row> {
        self.0[db].get(key).map(|(row, _)| row)
    }

    /// Applies a change.
    pub fn apply(&mut self, change: &Change) {
        let (db, key) = (change.db, &change.key);
        match &change.effect {
            // Indexes hold nothing of their own; tests/documents.rs compares them with a model.
            Effect::CreateIndex { .. }
            | Effect::DropIndex
            | Effect::SetAlias { .. }
            | Effect::DropAlias => {}
            Effect::Set { value, expiry } => {
                let old = self.0[db].get(key).and_then(|(_, expiry)| *expiry);
                let row = Row::Text(value.to_vec());
                self.0[db].insert(key.clone(), (row, expiry_after(*expiry, old)));
            }
            Effect::Append { suffix } => self.text(db, key, |text| text.extend_from_slice(suffix)),
            Effect::SetRange { offset, part } => self.text(db, key, |text| {
                let end = offset + part.len();
                text.resize(text.len().max(end), 0);
                text[*offset..end].copy_from_slice(part);
            }),
            Effect::SetAdd { members } => {
                let row = self.made(db, key, || Row::Set(BTreeSet::new()));
                if let Row::Set(set) = row {
                    set.extend(members.iter().cloned());
                }
            }
            Effect::SetRemove { members } => self.collected(db, key, |row| {
                let Row::Set(set) = row else { return };
                for member in members {
                    set.remove(member);
                }
            }),
            Effect::SortedSetAdd { members } => {
                let row = self.made(db, key, || Row::SortedSet(BTreeMap::new()));
                let Row::SortedSet(set) = row else { return };
                for (score, member) in members {
                    // Both zeros are kept as the positive one.
                    set.insert(member.clone(), score + 0.0);
                }
            }
            Effect::SortedSetRemove { members } => self.collected(db, key, |row| {
                let Row::SortedSet(set) = row else { return };
                for member in members {
                    set.remove(member);
                }
            }),
            Effect::ListPush { end, elements } => {
                let row = self.made(db, key, || Row::List(Vec::new()));
                let Row::List(list) = row else { return };
                for element in elements {
                    let place = if *end == End::Front { 0 } else { list.len() };
                    list.insert(place, element.clone());
                }
            }
            Effect::ListPop { .. }
            | Effect::ListSet { .. }
            | Effect::ListInsert { .. }
            | Effect::ListRemove { .. }
            | Effect::ListTrim { .. } => self.collected(db, key, |row| {
                if let Row::List(list) = row {
                    alter_list(list, &change.effect);
                }
            }),
            Effect::Delete => drop(self.0[db].remove(key)),
            Effect::ExpireAt { at_ms } => self.expire(db, key, Some(*at_ms)),
            Effect::Persist => self.expire(db, key, None),
            Effect::Rename { to } => {
                if let Some(row) = self.0[db].remove(key) {
                    self.0[db].insert(to.clone(), row);
                }
            }
            Effect::Copy { to_db, to } => {
                if let Some(row) = self.0[db].get(key).cloned() {
                    self.0[*to_db].insert(to.clone(), row);
                }
            }
            Effect::Move { to_db } => {
                if let Some(row) = self.0[db].remove(key) {
                    self.0[*to_db].insert(key.clone(), row);
                }
            }
            Effect::FlushDb => self.0[db].clear(),
            Effect::FlushAll => self.0.iter_mut().for_each(BTreeMap::clear),
            Effect::SwapDb { with } => self.0.swap(db, *with),
            Effect::HashSet { fields, expiry } => {
                let row = self.0[db]
                    .entry(key.clone())
                    .or_insert((Row::Hash(BTreeMap::new()), None));
                let (Row::Hash(hash), _) = row else { return };
                for (name, value) in fields {
                    let old = hash.get(name).and_then(|(_, expiry)| *expiry);
                    hash.insert(name.clone(), (value.clone(), expiry_after(*expiry, old)));
                }
            }
            Effect::HashDelete { fields } => self.hash(db, key, |hash| {
                fields.iter().for_each(|name| drop(hash.remove(name)));
            }),
            Effect::HashExpireAt { at_ms, fields } => {
                self.expire_fields(db, key, fields, Some(*at_ms))
            }
            Effect::HashPersist { fields } => self.expire_fields(db, key, fields, None),
            Effect::Json { place, edit } => self.json(db, key, place, edit),
            Effect::CreateCollection { schema } => {
                let row = Row::Collection {
                    schema: (**schema).clone(),
                    elements: BTreeMap::new(),
                };
                self.0[db].insert(key.clone(), (row, None));
            }
            Effect::Upsert(upsert) => self.upsert(db, key, upsert),
            Effect::Remove { element } => {
                self.elements(db, key, |elements| drop(elements.remove(element)))
            }
            Effect::SetAttributes {
                element,
                attributes,
            } => self.elements(db, key, |elements| {
                let found = elements.get_mut(element);
                found.into_iter().for_each(|(_, held)| {
                    *held = Some(attributes.clone()).filter(|new| !new.is_empty())
                });
            }),
        }
    }

    fn made(&mut self, db: usize, key: &Key, make: impl FnOnce() -> Row) -> &mut Row {
        let rows = &mut self.0[db];
        &mut rows.entry(key.clone()).or_insert_with(|| (make(), None)).0
    }

    /// Alters a row that is there; it goes when it is empty.
    fn collected(&mut self, db: usize, key: &Key, alter: impl FnOnce(&mut Row)) {
        let Some((row, _)) = self.0[db].get_mut(key) else {
            return;
        };
        alter(row);
        let is_empty = match row {
            Row::Set(set) => set.is_empty(),
            Row::SortedSet(set) => set.is_empty(),
            Row::List(list) => list.is_empty(),
            _ => false,
        };
        if is_empty {
            self.0[db].remove(key);
        }
    }

    fn text(&mut self, db: usize, key: &Key, alter: impl FnOnce(&mut Vec<u8>)) {
        let row = self.0[db]
            .entry(key.clone())
            .or_insert((Row::Text(Vec::new()), None));
        if let (Row::Text(text), _) = row {
            alter(text);
        }
    }

    fn hash(
        &mut self,
        db: usize,
        key: &Key,
        alter: impl FnOnce(&mut BTreeMap<Bytes, (Bytes, Option<u64>)>),
    ) {
        if let Some((Row::Hash(hash), _)) = self.0[db].get_mut(key) {
            alter(hash);
            if hash.is_empty() {
                self.0[db].remove(key);
            }
        }
    }

    fn json(&mut self, db: usize, key: &Key, place: &Place, edit: &Edit) {
        if let (true, Edit::Set(root)) = (place.is_root(), edit) {
            let row = self.0[db]
                .entry(key.clone())
                .or_insert((Row::Json(serde_json::Value::Null), None));
            if let (Row::Json(document), _) = row {
                *document = plain(root);
            }
        } else if let Some((Row::Json(document), _)) = self.0[db].get_mut(key) {
            edit_plain(document, place, edit);
        }
    }

    fn expire_fields(&mut self, db: usize, key: &Key, fields: &[Bytes], at_ms: Option<u64>) {
        self.hash(db, key, |hash| {
            for name in fields {
                hash.get_mut(name)
                    .into_iter()
                    .for_each(|(_, expiry)| *expiry = at_ms);
            }
        });
    }

    fn expire(&mut self, db: usize, key: &Key, at_ms: Option<u64>) {
        self.0[db]
            .get_mut(key)
            .into_iter()
            .for_each(|(_, expiry)| *expiry = at_ms);
    }

    fn elements(
        &mut self,
        db: usize,
        key: &Key,
        alter: impl FnOnce(&mut BTreeMap<Bytes, Element>),
    ) {
        if let Some((Row::Collection { schema, elements }, _)) = self.0[db].get_mut(key) {
            alter(elements);
            if elements.is_empty() && !schema.declared {
                self.0[db].remove(key);
            }
        }
    }

    fn upsert(&mut self, db: usize, key: &Key, upsert: &Upsert) {
        if !self.0[db].contains_key(key) {
            let Some(schema) = upsert.schema.clone() else {
                return;
            };
            let row = Row::Collection {
                schema,
                elements: BTreeMap::new(),
            };
            self.0[db].insert(key.clone(), (row, None));
        }
        let Some((Row::Collection { schema, elements }, _)) = self.0[db].get_mut(key) else {
            return;
        };
        let vector = match schema.projected_from {
            Some(_) => project(&upsert.vector, schema.index.dim),
            None => upsert.vector.clone(),
        };
        let old = elements
            .get(&upsert.element)
            .and_then(|(_, attributes)| attributes.clone());
        let attributes = match &upsert.attributes {
            Some(given) => Some(given.clone()).filter(|given| !given.is_empty()),
            None => old,
        };
        elements.insert(upsert.element.clone(), (vector, attributes));
    }
}

/// What the changes to places of a list mean.
fn alter_list(list: &mut Vec<Bytes>, effect: &Effect) {
    match effect {
        Effect::ListPop { end, count } => {
            let count = *count.min(&list.len());
            let places = match end {
                End::Front => 0..count,
                End::Back => list.len() - count..list.len(),
            };
            list.drain(places);
        }
        Effect::ListSet { place, element } => {
            let found = list.get_mut(*place);
            found.into_iter().for_each(|old| *old = element.clone());
        }
        Effect::ListInsert {
            side,
            pivot,
            element,
        } => {
            let found = list.iter().position(|other| other == pivot);
            let places = found
                .into_iter()
                .map(|at| at + usize::from(*side == End::Back));
            places.for_each(|place| list.insert(place, element.clone()));
        }
        Effect::ListRemove {
            end,
            count,
            element,
        } => {
            let mut places: Vec<usize> =
                (0..list.len()).filter(|at| list[*at] == element).collect();
            if *end == End::Back {
                places.reverse();
            }
            places.truncate(*count);
            places.sort_unstable();
            places
                .iter()
                .rev()
                .for_each(|place| drop(list.remove(*place)));
        }
        Effect::ListTrim { first, last } => {
            list.truncate(last + 1);
            list.drain(..*first.min(&list.len()));
        }
        _ => {}
    }
}

fn plain(json: &Json) -> serde_json::Value {
    serde_json::from_slice(&json.node().to_text()).expect("the text of a document is JSON")
}

/// Alters members of an object, and what is in them: as deep as the drawn changes go.
fn edit_plain(document: &mut serde_json::Value, place: &Place, edit: &Edit) {
    use serde_json::Value;
    let (Value::Object(object), [Step::Name(name)]) = (document, place.steps()) else {
        return;
    };
    match (object.get_mut(&**name), edit) {
        (_, Edit::Set(value)) => drop(object.insert(name.to_string(), plain(value))),
        (Some(_), Edit::Delete) => drop(object.swap_remove(&**name)),
        (Some(Value::String(text)), Edit::Append(suffix)) => text.push_str(suffix),
        (Some(Value::Array(elements)), Edit::Insert { at, values }) if *at <= elements.len() => {
            drop(elements.splice(at..at, values.iter().map(plain)));
        }
        (Some(Value::Array(elements)), Edit::Pop { at }) if *at < elements.len() => {
            elements.remove(*at);
        }
        (Some(Value::Array(elements)), Edit::Trim { start, len }) => {
            *elements = elements.iter().skip(*start).take(*len).cloned().collect();
        }
        _ => {}
    }
}

fn expiry_after(expiry: Expiry, old: Option<u64>) -> Option<u64> {
    match expiry {
        Expiry::Clear => None,
        Expiry::Keep => old,
        Expiry::At(at_ms) => Some(at_ms),
    }
}

/// Compares everything in a keyspace with the maps, and looks every graph over.
#[track_caller]
pub fn assert_equal(keyspace: &Keyspace, maps: &Maps, what: &str) {
    for (db, rows) in maps.0.iter().enumerate() {
        let database = keyspace.database(db);
        for (key, (row, expires_at_ms)) in rows {
            let what = format!("{what}: {} in database {db}", String::from_utf8_lossy(key));
            let entry = database
                .peek(key)
                .unwrap_or_else(|| panic!("{what} is missing"));
            assert_eq!(entry.expires_at_ms(), *expires_at_ms, "{what}");
            assert_holds(&entry, row, &what);
        }
        assert_eq!(database.len(), rows.len(), "{what}: keys of database {db}");
        let has_expiry = |(row, expiry): &&(Row, Option<u64>)| {
            let field_expires = |hash: &BTreeMap<_, (_, Option<u64>)>| {
                hash.values().any(|(_, expiry)| expiry.is_some())
            };
            expiry.is_some() || matches!(row, Row::Hash(hash) if field_expires(hash))
        };
        assert_eq!(
            database.expiring(),
            rows.values().filter(has_expiry).count(),
            "{what}: expiring keys of database {db}"
        );
    }
}

#[track_caller]
fn assert_holds(entry: &Entry, row: &Row, what: &str) {
    match (&entry.value, row) {
        (Value::String(bytes), Row::Text(text)) => assert_eq!(bytes[..], text[..], "{what}"),
        (Value::Set(set), Row::Set(members)) => {
            let found: BTreeSet<Bytes> = set.iter().cloned().collect();
            assert_eq!(found, *members, "{what}");
            let bytes: usize = members.iter().map(Bytes::len).sum();
            assert_eq!((set.len(), set.bytes()), (members.len(), bytes), "{what}");
        }
        (Value::SortedSet(set), Row::SortedSet(scores)) => {
            let mut expected: Vec<(f64, &Bytes)> = scores.iter().map(|(m, s)| (*s, m)).collect();
            expected.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
            let found = set.iter().map(|item| (item.score, &item.member));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{what}");
            let is_same = |(member, score): (&Bytes, &f64)| {
                set.score(member).map(f64::to_bits) == Some(score.to_bits())
            };
            assert!(scores.iter().all(is_same), "{what}");
        }
        (Value::List(list), Row::List(elements)) => {
            assert!(
                list.iter().eq(elements),
                "{what}: {list:?}, not {elements:?}"
            );
            assert_eq!(list.len(), elements.len(), "{what}");
        }
        (Value::Hash(hash), Row::Hash(fields)) => {
            let found = hash.iter().map(|field| {
                let value = (field.value.to_bytes(), field.expires_at_ms);
                (field.name.to_bytes(), value)
            });
            assert_eq!(found.collect::<BTreeMap<_, _>>(), *fields, "{what}");
            let bytes: usize = fields
                .iter()
                .map(|(name, (value, _))| name.len() + value.len())
                .sum();
            assert_eq!((hash.len(), hash.bytes()), (fields.len(), bytes), "{what}");
        }
        (Value::Json(document), Row::Json(expected)) => {
            let text = String::from_utf8_lossy(&document.root().to_text()).into_owned();
            assert_eq!(text, expected.to_string(), "{what}");
            let bytes = document.root().heap_bytes();
            assert_eq!(document.bytes(), bytes, "{what}: bytes");
        }
        (Value::Collection(collection), Row::Collection { schema, elements }) => {
            assert_eq!(collection.schema(), schema, "{what}");
            assert_elements(collection, elements, what);
        }
        (_, row) => panic!("{what}: not {row:?}"),
    }
}

#[track_caller]
fn assert_elements(collection: &Collection, elements: &BTreeMap<Bytes, Element>, what: &str) {
    for (name, (vector, attributes)) in elements {
        let what = format!("{what}: {}", String::from_utf8_lossy(name));
        let (slot, element) = collection
            .find(name)
            .unwrap_or_else(|| panic!("{what} is missing"));
        assert_eq!(
            element.attributes().as_deref(),
            attributes.as_ref(),
            "{what}"
        );
        assert_kept(
            collection.schema(),
            vector,
            &collection.index().decode(slot),
            &what,
        );
    }
    let with_attributes = elements
        .values()
        .filter(|(_, attributes)| attributes.is_some())
        .count();
    assert_eq!(
        (collection.len(), collection.index().len()),
        (elements.len(), elements.len()),
        "{what}"
    );
    assert_eq!(
        collection.attributes_count(),
        with_attributes as u64,
        "{what}"
    );
    collection
        .index()
        .check()
        .unwrap_or_else(|fault| panic!("{what}: {fault}"));
}

/// Whether collections of this schema give vectors back to the bit.
pub fn is_exact(schema: &Schema) -> bool {
    schema.index.quantization == Quantization::F32
}

/// A stored vector is the one that was given, as far as its form can say it.
#[track_caller]
fn assert_kept(schema: &Schema, given: &[f32], kept: &[f32], what: &str) {
    let largest = given.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let is_near = |bound: f32| given.iter().zip(kept).all(|(a, b)| (a - b).abs() <= bound);
    let is_right = match schema.index.quantization {
        Quantization::F32 => given == kept,
        Quantization::F16 => is_near(largest / 1024.0),
        Quantization::Int8 => is_near(largest / 127.0 * 0.51),
        Quantization::Bit => given
            .iter()
            .zip(kept)
            .all(|(a, b)| (*a > 0.0) == (*b > 0.0)),
    };
    assert!(
        is_right && given.len() == kept.len(),
        "{what}: {kept:?}, not {given:?}"
    );
}

/// The k nearest elements by distance, computed as the metric is defined.
pub fn nearest<'m>(
    schema: &Schema,
    elements: &'m BTreeMap<Bytes, Element>,
    target: &[f32],
    k: usize,
) -> Vec<(f32, &'m Bytes)> {
    let distance = |vector: &[f32]| {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let distance = match schema.index.metric {
            Metric::Cosine => {
                let norms = (dot(vector, vector) * dot(target, target)).sqrt();
                if norms > 0.0 {
                    1.0 - dot(vector, target) / norms
                } else {
                    1.0
                }
            }
            Metric::L2 => vector
                .iter()
                .zip(target)
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum(),
            Metric::InnerProduct => 1.0 - dot(vector, target),
        };
        distance as f32
    };
    let mut all: Vec<(f32, &Bytes)> = elements
        .iter()
        .map(|(name, (vector, _))| (distance(vector), name))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(k);
    all
}

//! Applying changes: the one place where keys are altered, on the live path and in recovery alike. Cannot fail: a change that
//! finds nothing to alter (its key is gone, or holds something else) does nothing.

use super::change::{Change, Effect, Expiry, Upsert};
use super::collection::{Collection, Schema};
use super::documents::{INDEXED_DB, Linking};
use super::hash::Hash;
use super::json::{Document, Edit, Json, Place};
use super::list::{End, List};
use super::set::Set;
use super::sorted_set::SortedSet;
use super::table::{Database, Outcome};
use super::{Entry, Keyspace, Value};
use crate::index::LinkOptions;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Keyspace {
    /// Applies one change under its number. The engine holds the gates that the change asks for; recovery keeps the same order.
    pub fn apply(&self, change: Change, number: u64) {
        for linking in self.apply_unlinked(change, number) {
            self.indexes().link(linking);
        }
    }

    /// As `apply`, but for linking the vectors of documents, which takes long and may be done beside others: the caller does it
    /// ([`Indexes::link`](super::documents::Indexes::link)) before it lets go of the keys.
    pub fn apply_unlinked(&self, change: Change, number: u64) -> Vec<Linking> {
        let followed = match self.indexes().is_empty() {
            true => Vec::new(),
            false => change.altered_keys(),
        };
        self.alter(change, number);
        let mut left = Vec::new();
        for (db, key) in followed {
            if db == INDEXED_DB {
                left.extend(self.indexes().refresh(&key, &self.database(db)));
            }
        }
        left
    }

    fn alter(&self, change: Change, number: u64) {
        let database = self.database(change.db);
        let key = &*change.key;
        match change.effect {
            Effect::CreateIndex { schema } => {
                self.indexes()
                    .create(key, schema, &self.database(INDEXED_DB));
            }
            Effect::DropIndex => self.indexes().drop_index(key),
            Effect::SetAlias { index } => self.indexes().set_alias(key, &index),
            Effect::DropAlias => self.indexes().drop_alias(key),
            Effect::Set { value, expiry } => self.set(&database, key, value, expiry, number),
            Effect::Append { suffix } => {
                self.alter_string(&database, key, number, |old| old.extend_from_slice(&suffix))
            }
            Effect::SetRange { offset, part } => {
                self.alter_string(&database, key, number, |old| overwrite(old, offset, &part));
            }
            Effect::SetAdd { members } => self.set_add(&database, key, members, number),
            Effect::SetRemove { members } => self.alter_set(&database, key, number, |set| {
                for member in &members {
                    set.remove(member);
                }
            }),
            Effect::SortedSetAdd { members } => {
                self.sorted_set_add(&database, key, members, number)
            }
            Effect::SortedSetRemove { members } => {
                self.alter_sorted_set(&database, key, number, |set| {
                    for member in &members {
                        set.remove(member);
                    }
                })
            }
            Effect::ListPush { end, elements } => {
                self.list_push(&database, key, end, elements, number)
            }
            Effect::ListPop { end, count } => {
                self.alter_list(&database, key, number, |list| list.cut(end, count))
            }
            Effect::ListSet { place, element } => self.alter_list(&database, key, number, |list| {
                list.set(place, Bytes::copy_from_slice(&element));
            }),
            Effect::ListInsert {
                side,
                pivot,
                element,
            } => self.alter_list(&database, key, number, |list| {
                insert_beside(list, side, &pivot, &element);
            }),
            Effect::ListRemove {
                end,
                count,
                element,
            } => self.alter_list(&database, key, number, |list| {
                list.remove(end, count, &element);
            }),
            Effect::ListTrim { first, last } => self.alter_list(&database, key, number, |list| {
                list.cut(End::Back, list.len().saturating_sub(last.saturating_add(1)));
                list.cut(End::Front, first);
            }),
            Effect::Delete => drop(database.remove(key, number, self.save_clock())),
            Effect::ExpireAt { at_ms } => self.set_expiry(&database, key, Some(at_ms), number),
            Effect::Persist => self.set_expiry(&database, key, None, number),
            Effect::Rename { to } => self.move_key(&database, key, &database, &to, number),
            Effect::Copy { to_db, to } => {
                self.copy(&database, key, &self.database(to_db), &to, number)
            }
            Effect::Move { to_db } => {
                self.move_key(&database, key, &self.database(to_db), key, number)
            }
            Effect::FlushDb => self.flush(change.db),
            Effect::FlushAll => (0..self.databases()).for_each(|db| self.flush(db)),
            Effect::SwapDb { with } => self.swap(change.db, with),
            Effect::HashSet { fields, expiry } => {
                self.hash_set(&database, key, fields, expiry, number)
            }
            Effect::HashDelete { fields } => self.alter_hash(&database, key, number, |hash| {
                for field in &fields {
                    hash.remove(field);
                }
            }),
            Effect::HashExpireAt { at_ms, fields } => {
                self.alter_hash(&database, key, number, |hash| {
                    fields
                        .iter()
                        .for_each(|field| hash.set_expiry(field, Some(at_ms)));
                })
            }
            Effect::HashPersist { fields } => self.alter_hash(&database, key, number, |hash| {
                fields.iter().for_each(|field| hash.set_expiry(field, None));
            }),
            Effect::Json { place, edit } => self.edit_json(&database, key, &place, edit, number),
            Effect::CreateCollection { schema } => {
                drop(self.create_collection(&database, key, *schema, number))
            }
            Effect::Upsert(upsert) => self.upsert(&database, key, *upsert, number),
            Effect::Remove { element } => self.remove_element(&database, key, &element, number),
            Effect::SetAttributes {
                element,
                attributes,
            } => {
                if let Some(collection) = collection_of(&database, key) {
                    collection.set_attributes(&element, &attributes, number);
                }
            }
        }
    }

    fn set(&self, database: &Database, key: &[u8], value: Bytes, expiry: Expiry, number: u64) {
        let expires_at_ms = match expiry {
            Expiry::Clear => None,
            Expiry::At(at) => Some(at),
            Expiry::Keep => database.peek(key).and_then(|entry| entry.expires_at_ms),
        };
        // A copy: the argument is a slice of the connection's read buffer and would keep all of it.
        let value = Value::String(Bytes::copy_from_slice(&value));
        database.insert(
            key,
            Entry {
                value,
                expires_at_ms,
                changed: number,
            },
            self.save_clock(),
        );
    }

    fn alter_string(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut BytesMut),
    ) {
        let empty = || Some(Value::String(Bytes::new()));
        database.alter(key, number, self.save_clock(), empty, |entry| {
            if let Value::String(bytes) = &mut entry.value {
                let mut altered = owned(std::mem::take(bytes));
                alter(&mut altered);
                *bytes = altered.freeze();
            }
            Outcome::Keep
        });
    }

    fn set_expiry(&self, database: &Database, key: &[u8], at_ms: Option<u64>, number: u64) {
        database.alter(
            key,
            number,
            self.save_clock(),
            || None,
            |entry| {
                entry.expires_at_ms = at_ms;
                Outcome::Keep
            },
        );
    }

    fn move_key(&self, from: &Database, key: &[u8], to: &Database, name: &[u8], number: u64) {
        if let Some(entry) = from.remove(key, number, self.save_clock()) {
            to.insert(
                name,
                Entry {
                    changed: number,
                    ..entry
                },
                self.save_clock(),
            );
        }
    }

    fn copy(&self, from: &Database, key: &[u8], to: &Database, name: &[u8], number: u64) {
        let Some(entry) = from.peek(key) else { return };
        let value = match &entry.value {
            Value::Collection(collection) => {
                Value::Collection(collection.copy(self.draw_collection_id(), self.seed(), number))
            }
            shared => shared.clone(),
        };
        to.insert(
            name,
            Entry {
                value,
                changed: number,
                ..entry
            },
            self.save_clock(),
        );
    }

    /// A running save cannot see what was there, so it is cancelled; the engine starts it anew.
    /// Indexes over the database's documents go with it.
    fn flush(&self, db: usize) {
        self.cancel_save();
        if db == INDEXED_DB {
            self.indexes().clear();
        }
        let empty = Arc::new(Database::new(self.seed()));
        let old = std::mem::replace(&mut self.databases.write()[db], empty);
        // Outside the lock: it may take long.
        drop(old);
    }

    /// Forgets everything, without a change: before a snapshot is loaded again.
    pub fn clear(&self) {
        (0..self.databases()).for_each(|db| self.flush(db));
    }

    fn swap(&self, a: usize, b: usize) {
        self.cancel_save();
        self.databases.write().swap(a, b);
        if a == INDEXED_DB || b == INDEXED_DB {
            self.indexes().refill(&self.database(INDEXED_DB));
        }
    }

    /// Ends the running save, done or not: nothing more is kept for it.
    pub fn cancel_save(&self) {
        if self.save_clock().running().is_some() {
            self.save_clock().end();
            (0..self.databases()).for_each(|db| self.database(db).forget_side_lists());
        }
    }

    fn hash_set(
        &self,
        database: &Database,
        key: &[u8],
        fields: Vec<(Bytes, Bytes)>,
        expiry: Expiry,
        number: u64,
    ) {
        let seed = self.seed();
        let make = || Some(Value::Hash(Arc::new(Hash::new(seed))));
        database.alter(key, number, self.save_clock(), make, |entry| {
            if let Value::Hash(hash) = &mut entry.value {
                let hash = Arc::make_mut(hash);
                for (name, value) in fields {
                    let expires_at_ms = match expiry {
                        Expiry::Clear => None,
                        Expiry::At(at) => Some(at),
                        Expiry::Keep => hash.get(&name, 0).and_then(|field| field.expires_at_ms),
                    };
                    hash.set(&name, &value, expires_at_ms);
                }
                hash.settle_expiry();
            }
            Outcome::Keep
        });
    }

    fn alter_hash(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut Hash),
    ) {
        database.alter(
            key,
            number,
            self.save_clock(),
            || None,
            |entry| match &mut entry.value {
                Value::Hash(hash) => {
                    let hash = Arc::make_mut(hash);
                    alter(hash);
                    hash.settle_expiry();
                    if hash.is_empty() {
                        Outcome::Remove
                    } else {
                        Outcome::Keep
                    }
                }
                _ => Outcome::Keep,
            },
        );
    }

    fn set_add(&self, database: &Database, key: &[u8], members: Vec<Bytes>, number: u64) {
        let seed = self.seed();
        let make = || Some(Value::Set(Arc::new(Set::new(seed))));
        database.alter(key, number, self.save_clock(), make, |entry| {
            if let Value::Set(set) = &mut entry.value {
                let set = Arc::make_mut(set);
                for member in members {
                    set.insert(Bytes::copy_from_slice(&member));
                }
            }
            Outcome::Keep
        });
    }

    fn alter_set(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut Set),
    ) {
        self.alter_value(database, key, number, |value| match value {
            Value::Set(set) => {
                let set = Arc::make_mut(set);
                alter(set);
                set.is_empty()
            }
            _ => false,
        });
    }

    fn sorted_set_add(
        &self,
        database: &Database,
        key: &[u8],
        members: Vec<(f64, Bytes)>,
        number: u64,
    ) {
        let seed = self.seed();
        let make = || Some(Value::SortedSet(Arc::new(SortedSet::new(seed))));
        database.alter(key, number, self.save_clock(), make, |entry| {
            if let Value::SortedSet(set) = &mut entry.value {
                let set = Arc::make_mut(set);
                for (score, member) in members {
                    set.insert(Bytes::copy_from_slice(&member), score);
                }
            }
            Outcome::Keep
        });
    }

    fn alter_sorted_set(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut SortedSet),
    ) {
        self.alter_value(database, key, number, |value| match value {
            Value::SortedSet(set) => {
                let set = Arc::make_mut(set);
                alter(set);
                set.is_empty()
            }
            _ => false,
        });
    }

    fn list_push(
        &self,
        database: &Database,
        key: &[u8],
        end: End,
        elements: Vec<Bytes>,
        number: u64,
    ) {
        let make = || Some(Value::List(Arc::default()));
        database.alter(key, number, self.save_clock(), make, |entry| {
            if let Value::List(list) = &mut entry.value {
                let list = Arc::make_mut(list);
                for element in elements {
                    list.push(end, Bytes::copy_from_slice(&element));
                }
            }
            Outcome::Keep
        });
    }

    fn alter_list(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut List),
    ) {
        self.alter_value(database, key, number, |value| match value {
            Value::List(list) => {
                let list = Arc::make_mut(list);
                alter(list);
                list.is_empty()
            }
            _ => false,
        });
    }

    /// Alters a value that is there; removes the key if `alter` says that it became empty.
    fn alter_value(
        &self,
        database: &Database,
        key: &[u8],
        number: u64,
        alter: impl FnOnce(&mut Value) -> bool,
    ) {
        let make = || None;
        database.alter(key, number, self.save_clock(), make, |entry| {
            match alter(&mut entry.value) {
                true => Outcome::Remove,
                false => Outcome::Keep,
            }
        });
    }

    fn edit_json(&self, database: &Database, key: &[u8], place: &Place, edit: Edit, number: u64) {
        let makes = place.is_root() && matches!(edit, Edit::Set(_));
        let make = || makes.then(|| Value::Json(Arc::new(Document::new(Json::Null))));
        database.alter(key, number, self.save_clock(), make, |entry| {
            if let Value::Json(document) = &mut entry.value {
                match edit {
                    // Not altered but replaced: what a reader or a running save still holds is not copied first.
                    Edit::Set(root) if makes => *document = Arc::new(Document::new(root)),
                    edit => drop(Arc::make_mut(document).edit(place, edit)),
                }
            }
            Outcome::Keep
        });
    }

    fn create_collection(
        &self,
        database: &Database,
        key: &[u8],
        schema: Schema,
        number: u64,
    ) -> Arc<Collection> {
        let clock = Arc::clone(self.save_clock());
        let collection = Arc::new(Collection::new(
            self.draw_collection_id(),
            schema,
            self.seed(),
            clock,
            Arc::clone(self.column_budget()),
        ));
        let value = Value::Collection(Arc::clone(&collection));
        database.insert(
            key,
            Entry {
                value,
                expires_at_ms: None,
                changed: number,
            },
            self.save_clock(),
        );
        collection
    }

    fn upsert(&self, database: &Database, key: &[u8], upsert: Upsert, number: u64) {
        let collection = match (collection_of(database, key), upsert.schema) {
            (Some(collection), _) => collection,
            (None, Some(schema)) => self.create_collection(database, key, schema, number),
            (None, None) => return,
        };
        let options = LinkOptions {
            ef: upsert.ef,
            force_graph: self.force_graph.load(Ordering::Relaxed),
        };
        collection.upsert(
            &upsert.element,
            &upsert.vector,
            options,
            upsert.attributes,
            number,
        );
    }

    fn remove_element(&self, database: &Database, key: &[u8], element: &[u8], number: u64) {
        let Some(collection) = collection_of(database, key) else {
            return;
        };
        if collection.remove(element, number)
            && collection.is_empty()
            && !collection.schema().declared
        {
            database.remove(key, number, self.save_clock());
        }
    }

    /// Loading: puts a key as a snapshot has it.
    pub fn load_entry(&self, db: usize, key: &[u8], entry: Entry) {
        self.database(db).insert(key, entry, self.save_clock());
    }

    /// The keys of one shard of one database as they were at the cut; see save.rs.
    pub fn walk_keys(
        &self,
        db: usize,
        shard: usize,
        save: u64,
        cut: u64,
    ) -> Vec<super::table::SavedKey> {
        let saved = self.database(db).walk(shard, save, cut);
        self.save_clock()
            .unpin(saved.iter().map(super::table::SavedKey::bytes).sum());
        saved
    }
}

/// Nothing happens if no element equals `pivot`.
fn insert_beside(list: &mut List, side: End, pivot: &[u8], element: &[u8]) {
    let found = list.iter().position(|other| other == pivot);
    if let Some(place) = found {
        let place = place + usize::from(side == End::Back);
        list.insert(place, Bytes::copy_from_slice(element));
    }
}

fn collection_of(database: &Database, key: &[u8]) -> Option<Arc<Collection>> {
    match database.peek(key)?.value {
        Value::Collection(collection) => Some(collection),
        _ => None,
    }
}

/// The string to be altered in place, with the room that it grew by before; a copy if a reader or a running save holds it.
fn owned(string: Bytes) -> BytesMut {
    string
        .try_into_mut()
        .unwrap_or_else(|shared| BytesMut::from(&*shared))
}

fn overwrite(string: &mut BytesMut, offset: usize, part: &[u8]) {
    let end = offset + part.len();
    if string.len() < end {
        string.resize(end, 0);
    }
    string[offset..end].copy_from_slice(part);
}

//! Applying changes: the one place where keys are altered, on the live path and in recovery alike. Cannot fail: a change that
//! finds nothing to alter (its key is gone, or holds something else) does nothing.
//!
//! What each change does stands in the file of its family. Arguments are often slices of a connection's read buffer, or of a
//! record of the log, and would keep all of it: what stays in the keyspace is copied.

mod collections;
mod databases;
mod hashes;
mod json;
mod keys;
mod lists;
mod sets;
mod strings;

use super::change::{Change, Effect};
use super::documents::{INDEXED_DB, Linking};
use super::table::{Database, Outcome};
use super::{Entry, Keyspace, Value};
use std::sync::Arc;

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
        if self.indexes().is_empty() {
            self.alter(change, number);
            return Vec::new();
        }
        let followed = change.altered_keys();
        let is_renamed = matches!(change.effect, Effect::Rename { .. });
        self.alter(change, number);
        if let ([(INDEXED_DB, from), (_, to)], true) = (&followed[..], is_renamed) {
            return self.indexes().rename(from, to, &self.database(INDEXED_DB));
        }
        let mut left = Vec::new();
        for (db, key) in followed {
            if db == INDEXED_DB {
                left.extend(self.indexes().refresh(&key, &self.database(db)));
            }
        }
        left
    }

    fn alter(&self, change: Change, number: u64) {
        let subject = Subject {
            keyspace: self,
            database: self.database(change.db),
            key: &change.key,
            number,
        };
        match change.effect {
            Effect::Set { value, expiry } => subject.set_string(&value, expiry),
            Effect::Append { suffix } => subject.append(&suffix),
            Effect::SetRange { offset, part } => subject.set_range(offset, &part),
            Effect::SetAdd { members } => subject.add_to_set(&members),
            Effect::SetRemove { members } => subject.remove_from_set(&members),
            Effect::SortedSetAdd { members } => subject.add_to_sorted_set(&members),
            Effect::SortedSetRemove { members } => subject.remove_from_sorted_set(&members),
            Effect::ListPush { end, elements } => subject.push(end, &elements),
            Effect::ListPop { end, count } => subject.alter_list(|list| list.cut(end, count)),
            Effect::ListSet { place, element } => subject.set_element(place, &element),
            Effect::ListInsert {
                side,
                pivot,
                element,
            } => subject.insert_element(side, &pivot, &element),
            Effect::ListRemove {
                end,
                count,
                element,
            } => subject.alter_list(|list| list.remove(end, count, &element)),
            Effect::ListTrim { first, last } => subject.trim(first, last),
            Effect::Delete => subject.delete(),
            Effect::ExpireAt { at_ms } => subject.set_expiry(Some(at_ms)),
            Effect::Persist => subject.set_expiry(None),
            Effect::Rename { to } => subject.move_to(change.db, &to),
            Effect::Copy { to_db, to } => subject.copy_to(to_db, &to),
            Effect::Move { to_db } => subject.move_to(to_db, &change.key),
            Effect::FlushDb => self.flush(change.db),
            Effect::FlushAll => self.clear(),
            Effect::SwapDb { with } => self.swap(change.db, with),
            Effect::HashSet { fields, expiry } => subject.set_fields(&fields, expiry),
            Effect::HashDelete { fields } => subject.remove_fields(&fields),
            Effect::HashExpireAt { at_ms, fields } => subject.expire_fields(&fields, Some(at_ms)),
            Effect::HashPersist { fields } => subject.expire_fields(&fields, None),
            Effect::Json { place, edit } => subject.edit_json(&place, edit),
            Effect::CreateIndex { schema } => self.create_index(&change.key, schema),
            Effect::DropIndex => self.indexes().drop_index(&change.key),
            Effect::SetAlias { index } => self.indexes().set_alias(&change.key, &index),
            Effect::DropAlias => self.indexes().drop_alias(&change.key),
            Effect::CreateCollection { schema } => drop(subject.create_collection(*schema)),
            Effect::Upsert(upsert) => subject.upsert(*upsert),
            Effect::Remove { element } => subject.remove_element(&element),
            Effect::SetAttributes {
                element,
                attributes,
            } => subject.set_attributes(&element, &attributes),
        }
    }
}

/// The key that a change is about, and the change's number.
struct Subject<'c> {
    keyspace: &'c Keyspace,
    database: Arc<Database>,
    key: &'c [u8],
    number: u64,
}

impl Subject<'_> {
    /// Puts a value in place of whatever the key holds.
    fn put(&self, value: Value, expires_at_ms: Option<u64>) {
        let entry = Entry::new(value, expires_at_ms, self.number);
        let clock = self.keyspace.save_clock();
        self.database.insert(self.key, entry, clock);
    }

    /// Alters what the key holds, or what `make` makes if it is missing.
    fn alter_or_make(&self, make: impl FnOnce() -> Option<Value>, alter: impl FnOnce(&mut Value)) {
        let clock = self.keyspace.save_clock();
        let alter = |entry: &mut Entry| {
            alter(&mut entry.value);
            Outcome::Keep
        };
        self.database
            .alter(self.key, self.number, clock, make, alter);
    }

    /// Alters a value that is there; removes the key if `alter` says that it became empty.
    fn alter(&self, alter: impl FnOnce(&mut Value) -> bool) {
        let clock = self.keyspace.save_clock();
        let make = || None;
        let alter = |entry: &mut Entry| match alter(&mut entry.value) {
            true => Outcome::Remove,
            false => Outcome::Keep,
        };
        self.database
            .alter(self.key, self.number, clock, make, alter);
    }
}

//! The closed list of alterations. A command decides which ones; the engine numbers, logs and applies them; recovery
//! applies them again. Applying cannot fail: whatever can be refused was refused before.
//!
//! Adding one: a variant here, its apply (apply/), its word (persistence/log/words/), a line in docs/log-format.md,
//! a case in the model test.

use super::Key;
use super::collection::Schema;
use super::documents::schema;
use super::json::{Edit, Place};
use super::list::End;
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

/// One alteration of one key (or of a database as a whole: then `key` is empty).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Database number.
    pub db: usize,
    /// The key it alters; of RENAME, COPY and MOVE the source.
    pub key: Key,
    /// What happens.
    pub effect: Effect,
}

/// What becomes of a key's (or field's) expiry when its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It has none afterwards.
    Clear,
    /// It keeps the one it has.
    Keep,
    /// It expires at this time, in milliseconds since 1970.
    At(u64),
}

/// What a change does.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Writes a string, whatever was there.
    Set {
        /// The whole new value.
        value: Bytes,
        /// The key's expiry afterwards.
        expiry: Expiry,
    },
    /// Appends to a string (made if missing).
    Append {
        /// What is added at the end.
        suffix: Bytes,
    },
    /// Overwrites a part of a string, padded with zero bytes up to `offset` (made if missing).
    SetRange {
        /// Where the part begins, in bytes.
        offset: usize,
        /// The part.
        part: Bytes,
    },
    /// Adds members to a set (made if missing).
    SetAdd {
        /// The members.
        members: Vec<Bytes>,
    },
    /// Removes members of a set; the key goes with its last member.
    SetRemove {
        /// The members.
        members: Vec<Bytes>,
    },
    /// Sets the scores of members of a sorted set (made if missing).
    SortedSetAdd {
        /// Members with their new scores, none of which is NaN.
        members: Vec<(f64, Bytes)>,
    },
    /// Removes members of a sorted set; the key goes with its last member.
    SortedSetRemove {
        /// The members.
        members: Vec<Bytes>,
    },
    /// Adds elements to a list (made if missing), one after the other.
    ListPush {
        /// At which end.
        end: End,
        /// The elements.
        elements: Vec<Bytes>,
    },
    /// Removes elements of a list; the key goes with its last element.
    ListPop {
        /// At which end.
        end: End,
        /// How many.
        count: usize,
    },
    /// Replaces an element of a list.
    ListSet {
        /// Its place.
        place: usize,
        /// The new element.
        element: Bytes,
    },
    /// Puts an element beside the first one that equals another.
    ListInsert {
        /// On which side of it.
        side: End,
        /// What the other equals.
        pivot: Bytes,
        /// The new element.
        element: Bytes,
    },
    /// Removes elements of a list that equal one; the key goes with its last element.
    ListRemove {
        /// From which end they are counted.
        end: End,
        /// How many, at most.
        count: usize,
        /// What they equal.
        element: Bytes,
    },
    /// Keeps some elements of a list that are next to each other; the key goes if there are none.
    ListTrim {
        /// The place of the first one that is kept.
        first: usize,
        /// The place of the last one.
        last: usize,
    },
    /// Removes the key. Nothing if it is missing.
    Delete,
    /// Sets the key's expiry, in milliseconds since 1970 (also in the past: expiry itself is a `Delete`).
    ExpireAt {
        /// The time.
        at_ms: u64,
    },
    /// Takes the key's expiry away.
    Persist,
    /// Moves value and expiry to another name in the same database, replacing what is there.
    Rename {
        /// The new name.
        to: Key,
    },
    /// Copies value and expiry, replacing what is there.
    Copy {
        /// Database of the copy.
        to_db: usize,
        /// Name of the copy.
        to: Key,
    },
    /// Moves the key to another database under the same name.
    Move {
        /// That database.
        to_db: usize,
    },
    /// Empties the database.
    FlushDb,
    /// Empties all databases.
    FlushAll,
    /// Exchanges the contents of two databases.
    SwapDb {
        /// The other database.
        with: usize,
    },
    /// Sets fields of a hash (made if missing).
    HashSet {
        /// Fields and their new values.
        fields: Vec<(Bytes, Bytes)>,
        /// The fields' expiry afterwards.
        expiry: Expiry,
    },
    /// Removes fields of a hash; the key goes with its last field.
    HashDelete {
        /// The fields.
        fields: Vec<Bytes>,
    },
    /// Sets the expiry of fields that exist.
    HashExpireAt {
        /// The time, in milliseconds since 1970.
        at_ms: u64,
        /// The fields.
        fields: Vec<Bytes>,
    },
    /// Takes the expiry of fields away.
    HashPersist {
        /// The fields.
        fields: Vec<Bytes>,
    },
    /// Alters a JSON document at one place. Setting the root makes the document if the key is missing.
    Json {
        /// Where.
        place: Place,
        /// What.
        edit: Edit,
    },
    /// Makes an index over documents of database 0; the key is the index's name.
    CreateIndex {
        /// What it is made of.
        schema: Arc<schema::Schema>,
    },
    /// Drops the index whose name is the key; the documents stay.
    DropIndex,
    /// Makes the key another name of an index, whatever it stood for.
    SetAlias {
        /// The index's own name.
        index: Key,
    },
    /// Forgets the alias that is the key.
    DropAlias,
    /// Makes an empty declared collection.
    CreateCollection {
        /// Its schema.
        schema: Box<Schema>,
    },
    /// Adds an element or replaces its vector. Makes the collection if it is missing.
    Upsert(Box<Upsert>),
    /// Removes an element; a collection that was not declared goes with its last element.
    Remove {
        /// Its name.
        element: Bytes,
    },
    /// Sets an element's attributes; empty takes them away.
    SetAttributes {
        /// Its name.
        element: Bytes,
        /// The attributes as given.
        attributes: Bytes,
    },
}

/// An element with its vector, as a front-end decided it.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert {
    /// Name of the element.
    pub element: Bytes,
    /// The vector as given, before projection: `schema.input_dim()` components.
    pub vector: Vec<f32>,
    /// The collection's schema: what it has, or what it is made with if it is missing. None, from the log: the collection
    /// was declared, its own schema counts (and if it is missing, nothing happens).
    pub schema: Option<Schema>,
    /// Replaces ef_construction for this insert.
    pub ef: Option<u32>,
    /// Attributes: none leaves them as they are, empty takes them away.
    pub attributes: Option<Bytes>,
}

impl Change {
    /// A change of one key.
    pub fn new(db: usize, key: &[u8], effect: Effect) -> Change {
        Change {
            db,
            key: key.into(),
            effect,
        }
    }

    /// How many of the first changes upsert different elements of one key: their order does not matter, once the first one has made
    /// sure that the key is there.
    pub fn leading_upserts(changes: &[Change]) -> usize {
        let Some(first) = changes.first() else {
            return 0;
        };
        let mut elements = HashSet::new();
        let is_repeated = |change: &Change| match &change.effect {
            Effect::Upsert(upsert) => {
                (change.db, &change.key) != (first.db, &first.key)
                    || !elements.insert(upsert.element.clone())
            }
            _ => true,
        };
        let end = changes.iter().position(is_repeated);
        end.unwrap_or(changes.len())
    }

    /// Whether it alters a database as a whole, or looks at all of its keys.
    pub fn is_world(&self) -> bool {
        matches!(
            self.effect,
            Effect::FlushDb
                | Effect::FlushAll
                | Effect::SwapDb { .. }
                | Effect::CreateIndex { .. }
                | Effect::DropIndex
                | Effect::SetAlias { .. }
                | Effect::DropAlias
        )
    }

    /// The keys, each with its database, whose document it may alter, make or take away. Of databases as a whole it names none, nor
    /// of elements of a collection: these change on all cores at once, on threads that must not wait for an index.
    pub fn altered_keys(&self) -> Vec<(usize, Key)> {
        let own = (self.db, self.key.clone());
        match &self.effect {
            _ if self.is_world() => Vec::new(),
            Effect::Upsert(_) | Effect::Remove { .. } | Effect::SetAttributes { .. } => Vec::new(),
            // A document keeps its values, and its place among equal ones, until it is deleted.
            Effect::ExpireAt { .. } | Effect::Persist => Vec::new(),
            Effect::Rename { to } => vec![own, (self.db, to.clone())],
            Effect::Copy { to_db, to } => vec![(*to_db, to.clone())],
            Effect::Move { to_db } => vec![own, (*to_db, self.key.clone())],
            _ => vec![own],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_altered_by_what_writes_keys_and_not_by_elements() {
        let altered = |effect| Change::new(0, b"key", effect).altered_keys();
        let own: (usize, Key) = (0, (*b"key").into());
        let element = Bytes::from_static(b"element");
        assert_eq!(altered(Effect::Delete), vec![own.clone()]);
        let to: Key = (*b"to").into();
        let rename = Effect::Rename { to: to.clone() };
        assert_eq!(altered(rename), [own, (0, to.clone())]);
        let copy = Effect::Copy {
            to_db: 3,
            to: to.clone(),
        };
        assert_eq!(altered(copy), [(3, to)]);
        assert_eq!(altered(Effect::Remove { element }), []);
        assert_eq!(altered(Effect::ExpireAt { at_ms: 1 }), []);
        assert_eq!(altered(Effect::Persist), []);
        assert_eq!(altered(Effect::FlushAll), []);
    }
}

//! The part `FIELDS numfields field ...` of requests, and the fields of a hash as a command alters them one by one.

use crate::commands::args::Args;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::Arg;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::hash::Hash;
use crate::keyspace::{Key, View};
use crate::protocol::number;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// `FIELDS numfields field [field ...]`
pub const FIELDS: Arg = Arg::Option(
    "FIELDS",
    &[Arg::Int("numfields"), Arg::Multiple(&Arg::Str("field"))],
);

/// What may be wrong with FIELDS where it is the rest of the request; for the pages.
pub const FIELDS_ERRORS: &[(&str, &str)] = &[
    (
        "ERR Mandatory argument FIELDS is missing or not at the right position",
        "Another word stands where FIELDS must.",
    ),
    (
        "ERR Number of fields must be a positive integer",
        "The number of fields is none, or below one.",
    ),
    (
        "ERR The `numfields` parameter must match the number of arguments",
        "More or fewer fields follow than the number says.",
    ),
];

/// The number of fields that `word` gives; the command's own error if it is none.
pub fn parse_count(word: &[u8], max: i64, refusal: Refusal) -> Result<usize> {
    number::parse_i64(word)
        .filter(|count| (1..=max).contains(count))
        .map(|count| count as usize)
        .ok_or(refusal)
}

/// FIELDS where it must stand next, and be the rest of the request (HTTL, HPERSIST, HGETDEL).
pub fn take_fields(args: &mut Args) -> Result<Vec<Bytes>> {
    if !args.take("FIELDS") {
        return Err(Refusal::line(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ));
    }
    const BAD_COUNT: Refusal = Refusal::line("ERR Number of fields must be a positive integer");
    let count = parse_count(args.word()?, i64::MAX, BAD_COUNT)?;
    if count != args.left() {
        return Err(Refusal::line(
            "ERR The `numfields` parameter must match the number of arguments",
        ));
    }
    Ok(args.rest().collect())
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Deleted,
    ExpiresAt(u64),
    Persisted,
}

/// A hash with the alterations that a command decided so far: a field that a request names twice is met as the first
/// mention left it.
pub struct Draft {
    hash: Arc<Hash>,
    now_ms: u64,
    db: usize,
    key: Key,
    /// Altered fields, in the order of their first alteration.
    altered: Vec<Bytes>,
    fates: HashMap<Bytes, Fate>,
}

impl Draft {
    /// The hash as it is.
    pub fn new(hash: Arc<Hash>, view: &View, key: &[u8]) -> Draft {
        Draft {
            hash,
            now_ms: view.now_ms,
            db: view.db,
            key: key.into(),
            altered: Vec::new(),
            fates: HashMap::new(),
        }
    }

    /// The field's value, unless the field is missing.
    pub fn value(&self, name: &Bytes) -> Option<Bytes> {
        if self.fates.get(name) == Some(&Fate::Deleted) {
            return None;
        }
        let field = self.hash.get(name, self.now_ms)?;
        Some(field.value.to_bytes())
    }

    /// The field's expiry (none: never), unless the field is missing.
    pub fn expiry(&self, name: &Bytes) -> Option<Option<u64>> {
        match self.fates.get(name) {
            Some(Fate::Deleted) => None,
            Some(Fate::ExpiresAt(at_ms)) => Some(Some(*at_ms)),
            Some(Fate::Persisted) => Some(None),
            None => Some(self.hash.get(name, self.now_ms)?.expires_at_ms),
        }
    }

    /// Deletes a field that is there.
    pub fn delete(&mut self, name: &Bytes) {
        self.alter(name, Fate::Deleted);
    }

    /// Lets a field that is there expire at `at_ms`.
    pub fn expire(&mut self, name: &Bytes, at_ms: u64) {
        self.alter(name, Fate::ExpiresAt(at_ms));
    }

    /// Takes the expiry of a field away.
    pub fn persist(&mut self, name: &Bytes) {
        self.alter(name, Fate::Persisted);
    }

    fn alter(&mut self, name: &Bytes, fate: Fate) {
        if self.fates.insert(name.clone(), fate).is_none() {
            self.altered.push(name.clone());
        }
    }

    /// The changes that make it so: at most one of each kind, as one command sets one time.
    pub fn into_changes(self) -> Vec<Change> {
        let (mut deleted, mut persisted, mut expiring) = (Vec::new(), Vec::new(), Vec::new());
        let mut at_ms = 0;
        for name in self.altered {
            match self.fates.get(&name) {
                Some(Fate::Deleted) => deleted.push(name),
                Some(Fate::Persisted) => persisted.push(name),
                Some(Fate::ExpiresAt(at)) => {
                    at_ms = *at;
                    expiring.push(name);
                }
                None => {}
            }
        }
        let mut changes = Vec::new();
        let mut add = |fields: Vec<Bytes>, effect: fn(Vec<Bytes>, u64) -> Effect| {
            if !fields.is_empty() {
                changes.push(Change::new(self.db, &self.key, effect(fields, at_ms)));
            }
        };
        add(deleted, |fields, _| Effect::HashDelete { fields });
        add(persisted, |fields, _| Effect::HashPersist { fields });
        add(expiring, |fields, at_ms| Effect::HashExpireAt {
            at_ms,
            fields,
        });
        changes
    }
}

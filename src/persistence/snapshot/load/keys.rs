//! Keys, each in its place; a collection goes to the one key that names it.

use super::collections::Collections;
use super::{Loader, Located};
use crate::keyspace::{Entry, Value};
use crate::persistence::snapshot::SnapshotError;
use crate::persistence::snapshot::image::Kind;
use crate::persistence::snapshot::keys::{self, LoadedKey, LoadedValue};
use parking_lot::Mutex;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Loader<'_> {
    /// Puts all keys in their places. Returns their number.
    pub(super) fn keys(&self, collections: Mutex<Collections>) -> Result<u64, SnapshotError> {
        let mut shards: BTreeMap<(u64, u32), Vec<Located<'_>>> = BTreeMap::new();
        for (place, image) in self.images(Kind::Keys) {
            let pieces = shards.entry((place.owner, place.part)).or_default();
            pieces.push((place, image));
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
        pieces: &[Located<'_>],
        collections: &Mutex<Collections>,
    ) -> Result<u64, SnapshotError> {
        let configured = self.keyspace.databases();
        if db >= configured as u64 {
            let found = db;
            return Err(SnapshotError::Databases { found, configured });
        }
        let loaded = self.pieces(pieces)?;
        let count = loaded.len() as u64;
        for loaded in loaded {
            let value = self.value(&loaded.key, loaded.value, collections)?;
            let entry = Entry::new(value, loaded.expires_at_ms, self.manifest.state.cut);
            self.keyspace.load_entry(db as usize, &loaded.key, entry);
        }
        Ok(count)
    }

    /// The keys of a shard: values may go on from piece to piece.
    fn pieces(&self, pieces: &[Located<'_>]) -> Result<Vec<LoadedKey>, SnapshotError> {
        let mut loaded = Vec::new();
        for (expected, piece) in pieces.iter().enumerate() {
            if piece.0.piece as usize != expected {
                return Err(self.contradiction("a piece of a shard is missing"));
            }
            let seed = self.keyspace.seed();
            self.read(*piece, |payload| {
                keys::decode(payload.bytes, payload.entries, seed, &mut loaded)
            })?;
        }
        Ok(loaded)
    }

    fn value(
        &self,
        key: &[u8],
        loaded: LoadedValue,
        collections: &Mutex<Collections>,
    ) -> Result<Value, SnapshotError> {
        Ok(match loaded {
            LoadedValue::String(bytes) => Value::String(bytes.into()),
            LoadedValue::Set(set) => Value::Set(Arc::new(set)),
            LoadedValue::SortedSet(set) => Value::SortedSet(Arc::new(set)),
            LoadedValue::List(list) => Value::List(Arc::new(list)),
            LoadedValue::Hash(hash) => Value::Hash(Arc::new(hash)),
            LoadedValue::Json(document) => Value::Json(Arc::new(document)),
            LoadedValue::Collection(id) => {
                let found = collections.lock().remove(&id);
                let what = "a key names a collection that is not there";
                let found = found.ok_or_else(|| self.contradiction(what))?;
                self.calibrate(key, &found);
                Value::Collection(found)
            }
        })
    }
}

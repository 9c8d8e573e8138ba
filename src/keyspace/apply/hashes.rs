//! What changes do to hashes. A hash that a reader or a running save holds is not altered but copied first, as all shared values are.

use super::Subject;
use crate::keyspace::Value;
use crate::keyspace::change::Expiry;
use crate::keyspace::hash::Hash;
use bytes::Bytes;
use std::sync::Arc;

impl Subject<'_> {
    pub(super) fn set_fields(&self, fields: &[(Bytes, Bytes)], expiry: Expiry) {
        let make = || Some(Value::Hash(Arc::new(Hash::default())));
        self.alter_or_make(make, |value| {
            if let Value::Hash(hash) = value {
                let hash = Arc::make_mut(hash);
                for (name, value) in fields {
                    hash.set(name, value, expiry_after(expiry, hash, name));
                }
                hash.settle_expiry();
            }
        });
    }

    pub(super) fn remove_fields(&self, fields: &[Bytes]) {
        self.alter_hash(|hash| {
            for field in fields {
                hash.remove(field);
            }
        });
    }

    pub(super) fn expire_fields(&self, fields: &[Bytes], at_ms: Option<u64>) {
        self.alter_hash(|hash| {
            for field in fields {
                hash.set_expiry(field, at_ms);
            }
        });
    }

    fn alter_hash(&self, alter: impl FnOnce(&mut Hash)) {
        self.alter(|value| match value {
            Value::Hash(hash) => {
                let hash = Arc::make_mut(hash);
                alter(hash);
                hash.settle_expiry();
                hash.is_empty()
            }
            _ => false,
        });
    }
}

/// When a field that is written expires.
fn expiry_after(expiry: Expiry, hash: &Hash, name: &[u8]) -> Option<u64> {
    match expiry {
        Expiry::Clear => None,
        Expiry::At(at_ms) => Some(at_ms),
        Expiry::Keep => hash.get(name, 0).and_then(|field| field.expires_at_ms),
    }
}

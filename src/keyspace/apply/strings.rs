//! What changes do to strings.

use super::Subject;
use crate::keyspace::Value;
use crate::keyspace::change::Expiry;
use bytes::BytesMut;

impl Subject<'_> {
    pub(super) fn set_string(&self, value: &[u8], expiry: Expiry) {
        let expires_at_ms = match expiry {
            Expiry::Clear => None,
            Expiry::At(at) => Some(at),
            Expiry::Keep => {
                let entry = self.database.peek(self.key);
                entry.and_then(|entry| entry.expires_at_ms())
            }
        };
        self.put(Value::String(value.into()), expires_at_ms);
    }

    pub(super) fn append(&self, suffix: &[u8]) {
        self.alter_string(|string| string.extend_from_slice(suffix));
    }

    pub(super) fn set_range(&self, offset: usize, part: &[u8]) {
        self.alter_string(|string| overwrite(string, offset, part));
    }

    fn alter_string(&self, alter: impl FnOnce(&mut BytesMut)) {
        let empty = || Some(Value::String(b""[..].into()));
        self.alter_or_make(empty, |value| {
            if let Value::String(string) = value {
                string.alter(alter);
            }
        });
    }
}

fn overwrite(string: &mut BytesMut, offset: usize, part: &[u8]) {
    let end = offset + part.len();
    if string.len() < end {
        string.resize(end, 0);
    }
    string[offset..end].copy_from_slice(part);
}

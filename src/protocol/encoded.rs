//! Encoded replies on their way to a socket: bytes of their own, and between them large strings that are shared with whoever
//! holds them, so that a value of many megabytes is sent without a copy.

use bytes::{Bytes, BytesMut};

/// Strings of at least so many bytes are shared; copying shorter ones is cheaper than a write of their own.
const SHARED_BYTES_MIN: usize = 64 * 1024;

/// A sequence of bytes to be sent.
#[derive(Debug, Default)]
pub struct Encoded {
    own: BytesMut,
    shared: Vec<Shared>,
    shared_bytes: usize,
}

/// A string that stands before the byte `at` of `own`.
#[derive(Debug)]
struct Shared {
    at: usize,
    bytes: Bytes,
}

/// A place between two replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    own: usize,
    shared: usize,
}

impl Encoded {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.own.len() + self.shared_bytes
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are reserved here, shared ones not counted.
    pub fn capacity(&self) -> usize {
        self.own.capacity()
    }

    /// The place after all that there is.
    pub fn end(&self) -> Mark {
        Mark {
            own: self.own.len(),
            shared: self.shared.len(),
        }
    }

    /// Forgets all bytes and keeps the room for them.
    pub fn clear(&mut self) {
        self.own.clear();
        self.shared.clear();
        self.shared_bytes = 0;
    }

    /// Room for `more` bytes.
    pub(super) fn reserve(&mut self, more: usize) {
        self.own.reserve(more);
    }

    /// Appends a copy.
    pub fn put(&mut self, bytes: &[u8]) {
        self.own.extend_from_slice(bytes);
    }

    /// Appends a string that may be shared.
    pub(super) fn put_string(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            return self.put(bytes);
        }
        self.push_shared(self.own.len(), bytes.clone());
    }

    fn push_shared(&mut self, at: usize, bytes: Bytes) {
        self.shared_bytes += bytes.len();
        self.shared.push(Shared { at, bytes });
    }

    /// Appends what stands in `other` between two marks of it.
    pub fn extend(&mut self, other: &Encoded, from: Mark, to: Mark) {
        let base = self.own.len();
        if let Some(own) = other.own.get(from.own..to.own) {
            self.put(own);
        }
        for shared in other.shared.get(from.shared..to.shared).unwrap_or_default() {
            self.push_shared(base + shared.at - from.own, shared.bytes.clone());
        }
    }

    /// All bytes in order, in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.shared.iter().map(|shared| shared.at);
        let starts = std::iter::once(0).chain(ends.clone());
        let own = starts
            .zip(ends.chain(std::iter::once(self.own.len())))
            .map(|(start, end)| self.own.get(start..end).unwrap_or_default());
        let shared = self.shared.iter().map(|shared| &shared.bytes[..]);
        let shared = shared.chain(std::iter::once(&[][..]));
        own.zip(shared)
            .flat_map(|(own, shared)| [own, shared])
            .filter(|piece| !piece.is_empty())
    }

    /// All bytes in one piece: a copy, for tests and for what is small.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces().collect::<Vec<_>>().concat()
    }
}

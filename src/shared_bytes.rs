//! Bytes that several hold and nobody alters: a long value of a hash, which replies send and indexes compare with. They are an allocation of
//! just their size, and a handle on them is one word, because there is another for each index that has the vector.

use bytes::Bytes;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A handle. Cloning it counts; the bytes stay where they are.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedBytes(Arc<Held>);

#[derive(PartialEq, Eq)]
struct Held {
    bytes: Box<[u8]>,
}

// There is one for each vector of each index.
const _: () = assert!(size_of::<Option<SharedBytes>>() == 8);

impl SharedBytes {
    /// Bytes that they take beside themselves: two counts, and where they are.
    pub const OVERHEAD: usize = 2 * size_of::<usize>() + size_of::<Held>();

    /// What is read to find the bytes; for whoever asks the CPU for it before.
    pub fn place(&self) -> (*const u8, usize) {
        (Arc::as_ptr(&self.0).cast(), size_of::<Held>())
    }

    /// The same bytes for a reply, which keeps them as long as it is there.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> SharedBytes {
        let bytes = bytes.into();
        SharedBytes(Arc::new(Held { bytes }))
    }
}

impl From<&[u8]> for SharedBytes {
    fn from(bytes: &[u8]) -> SharedBytes {
        bytes.to_vec().into()
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_and_replies_share_the_bytes() {
        let vector = SharedBytes::from(&b"a packed vector"[..]);
        let (handle, reply) = (vector.clone(), vector.to_bytes());
        assert_eq!(vector.as_ptr(), handle.as_ptr());
        assert_eq!(vector.as_ptr(), reply.as_ptr());
        drop((vector, handle));
        assert_eq!(reply, "a packed vector");
    }
}

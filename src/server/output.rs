//! The replies of one pipeline, encoded, and which of them must be taken back if the log cannot be written.

use crate::commands::Session;
use crate::commands::session::Replies;
use crate::protocol::{Reply, Version};
use bytes::BytesMut;
use std::ops::Range;

/// A buffer that grew beyond this is not kept for the next pipeline.
const KEPT_BYTES: usize = 64 * 1024;

/// Encoded replies that were not sent yet.
#[derive(Default)]
pub struct Output {
    bytes: BytesMut,
    /// Where the replies to writes stand.
    writes: Vec<Range<usize>>,
}

impl Output {
    /// Adds a reply in the session's protocol version, unless CLIENT REPLY says otherwise.
    pub fn push(&mut self, reply: &Reply, session: &Session, is_write: bool) {
        if session.replies != Replies::On {
            return;
        }
        let start = self.bytes.len();
        reply.write(session.version, &mut self.bytes);
        if is_write {
            self.writes.push(start..self.bytes.len());
        }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Puts an error in place of every reply to a write: what they acknowledge is not on disk.
    pub fn refuse_writes(&mut self, line: &str, version: Version) {
        let old = std::mem::take(&mut self.bytes);
        let mut done = 0;
        for range in std::mem::take(&mut self.writes) {
            self.bytes.extend_from_slice(&old[done..range.start]);
            Reply::error(line).write(version, &mut self.bytes);
            done = range.end;
        }
        self.bytes.extend_from_slice(&old[done..]);
    }

    /// Everything so far, to be sent.
    pub fn take(&mut self) -> BytesMut {
        self.writes.clear();
        std::mem::take(&mut self.bytes)
    }

    /// The buffer of `take`, after it was sent.
    pub fn give_back(&mut self, mut bytes: BytesMut) {
        if bytes.capacity() <= KEPT_BYTES {
            bytes.clear();
            self.bytes = bytes;
        }
    }
}

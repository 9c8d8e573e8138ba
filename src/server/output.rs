//! The replies of one pipeline, encoded, and which of them must be taken back if the log cannot be written.

use crate::commands::Session;
use crate::commands::session::Replies;
use crate::protocol::encoded::{Encoded, Mark};
use crate::protocol::{Reply, Version};

/// A buffer that grew beyond this is not kept for the next pipeline.
const KEPT_BYTES: usize = 64 * 1024;

/// Encoded replies that were not sent yet.
#[derive(Default)]
pub struct Output {
    bytes: Encoded,
    /// Where the replies to writes begin and end.
    writes: Vec<(Mark, Mark)>,
}

impl Output {
    /// Adds a reply in the session's protocol version, unless CLIENT REPLY says otherwise.
    pub fn push(&mut self, reply: &Reply, session: &mut Session, is_write: bool) {
        let replies = session.replies;
        session.replies = replies.after_command();
        if replies != Replies::On {
            return;
        }
        let start = self.bytes.end();
        reply.write(session.version, &mut self.bytes);
        if is_write {
            self.writes.push((start, self.bytes.end()));
        }
    }

    /// Adds what no request asked for, encoded.
    pub fn push_told(&mut self, bytes: &[u8]) {
        self.bytes.put(bytes);
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
        let mut done = Encoded::default().end();
        for (start, end) in std::mem::take(&mut self.writes) {
            self.bytes.extend(&old, done, start);
            Reply::error(line).write(version, &mut self.bytes);
            done = end;
        }
        self.bytes.extend(&old, done, old.end());
    }

    /// Everything so far, to be sent.
    pub fn take(&mut self) -> Encoded {
        self.writes.clear();
        std::mem::take(&mut self.bytes)
    }

    /// The buffer of `take`, after it was sent.
    pub fn give_back(&mut self, mut bytes: Encoded) {
        if bytes.capacity() <= KEPT_BYTES {
            bytes.clear();
            self.bytes = bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Client;
    use std::sync::Arc;

    /// What a session whose CLIENT REPLY is in `state` gets of three replies, and the state after them.
    #[track_caller]
    fn check(state: Replies, sent: &str, after: Replies) {
        let client = Client::new(1, "", "", 0, 0, Box::new(|| ()));
        let mut session = Session::new(Arc::new(client), true);
        session.replies = state;
        let mut output = Output::default();
        for n in 1..=3 {
            output.push(&Reply::Int(n), &mut session, false);
        }
        assert_eq!(String::from_utf8_lossy(&output.take().to_vec()), sent);
        assert_eq!(session.replies, after);
    }

    #[test]
    fn client_reply_holds_back_what_it_says() {
        check(Replies::On, ":1\r\n:2\r\n:3\r\n", Replies::On);
        check(Replies::Off, "", Replies::Off);
        // The first of the three is the reply to CLIENT REPLY SKIP itself.
        check(Replies::SkipNext, ":3\r\n", Replies::On);
        check(Replies::Skipping, ":2\r\n:3\r\n", Replies::On);
    }

    #[test]
    fn replies_to_writes_are_replaced_and_the_others_stay() {
        let client = Client::new(1, "", "", 0, 0, Box::new(|| ()));
        let mut session = Session::new(Arc::new(client), true);
        let mut output = Output::default();
        for (n, is_write) in [(1, false), (2, true), (3, false), (4, true)] {
            output.push(&Reply::Int(n), &mut session, is_write);
        }
        output.refuse_writes("MISCONF no", Version::Resp2);
        let sent = output.take();
        assert_eq!(
            &sent.to_vec()[..],
            b":1\r\n-MISCONF no\r\n:3\r\n-MISCONF no\r\n"
        );
    }
}

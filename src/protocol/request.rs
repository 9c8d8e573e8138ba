//! Requests: the incremental parser of what clients send, and the request that it cuts out of the read buffer.
//!
//! A request is an array of bulk strings (`*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`) or an inline command (`ECHO hi\r\n`). The
//! parser remembers how far it came (`position`), so bytes are looked at once however the network cuts them. A finished
//! frame leaves the buffer as one reference-counted slice; its arguments are ranges of that slice.
//!
//! Every count and length is checked against [`Limits`] before anything follows from it, and the list of arguments
//! grows as arguments arrive: a client pays with bytes for what it makes the server hold.

use std::fmt;
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use super::inline;
use super::number;
use super::reply::Reply;

/// Bytes of an inline command or of the line that announces a length.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Arguments of one request.
const ARGUMENTS_MAX: i64 = i32::MAX as i64;
/// Arguments of one request before the client has authenticated.
const ARGUMENTS_MAX_BEFORE_AUTH: i64 = 10;
/// Bytes of one argument before the client has authenticated.
const BULK_BYTES_MAX_BEFORE_AUTH: i64 = 16 * 1024;

/// What the parser accepts at the moment; the connection hands it in with every call because AUTH and CONFIG SET change it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Whether the client may use the server; before that requests must be small.
    pub authenticated: bool,
    /// Bytes of one argument (`proto-max-bulk-len`).
    pub bulk_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            authenticated: true,
            bulk_bytes_max: 512 * 1024 * 1024,
        }
    }
}

/// Why a client's bytes are no request. The connection answers [`ProtocolError::reply`] and closes: what follows in the
/// buffer has no meaning any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The number after `*` is not one, or over INT_MAX.
    InvalidMultibulkLength,
    /// The number after `$` is not one, negative, or over `proto-max-bulk-len`.
    InvalidBulkLength,
    /// An argument begins with something else than `$`.
    ExpectedDollar {
        /// The byte that came instead.
        got: u8,
    },
    /// An inline command opens a quote and does not close it.
    UnbalancedQuotes,
    /// An inline command over 64 KiB.
    TooBigInline,
    /// No end of line within 64 KiB of a `*`.
    TooBigMultibulkCount,
    /// No end of line within 64 KiB of a `$`.
    TooBigBulkCount,
    /// More than 10 arguments before authentication.
    UnauthenticatedMultibulk,
    /// An argument over 16 KiB before authentication.
    UnauthenticatedBulk,
    /// `POST` or `Host:`: a browser was lured into talking to this port. Closed without an answer, and logged.
    CrossProtocol,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::InvalidBulkLength => "invalid bulk length",
            Self::ExpectedDollar { got } => {
                return write!(f, "expected '$', got '{}'", char::from(*got));
            }
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::TooBigInline => "too big inline request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            Self::UnauthenticatedBulk => "unauthenticated bulk length",
            Self::CrossProtocol => "possible cross protocol scripting",
        })
    }
}

impl std::error::Error for ProtocolError {}

impl ProtocolError {
    /// The error line for the client; `None` where the connection is closed silently.
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Self::CrossProtocol => None,
            other => Some(Reply::error(format!("ERR Protocol error: {other}"))),
        }
    }
}

/// Where the arguments lie in their frame: start and end, in bytes.
type Ranges = SmallVec<[(u32, u32); 8]>;

/// One request: the bytes of its frame, and where in them the arguments are. Never empty: argument 0 is the command.
///
/// The frame shares the connection's read buffer. Whoever keeps an argument beyond the request copies it, or a
/// four-byte value holds a whole buffer.
#[derive(Clone, Debug)]
pub struct Request {
    frame: Bytes,
    args: Ranges,
}

impl Request {
    /// A request of the given arguments, copied one after the other; for callers that have no wire. `None` without
    /// arguments, or when they exceed 4 GiB together.
    pub fn from_args<A: AsRef<[u8]>>(args: impl IntoIterator<Item = A>) -> Option<Request> {
        let mut frame = Vec::new();
        let mut ranges = Ranges::new();
        for arg in args {
            let start = u32::try_from(frame.len()).ok()?;
            frame.extend_from_slice(arg.as_ref());
            ranges.push((start, u32::try_from(frame.len()).ok()?));
        }
        (!ranges.is_empty()).then(|| Request {
            frame: Bytes::from(frame),
            args: ranges,
        })
    }

    /// Number of arguments, the command's name included; at least 1.
    #[allow(clippy::len_without_is_empty)] // A request has a command, it is never empty.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Argument `i`, if there are that many.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        self.frame.get(self.range(i)?)
    }

    /// Argument `i`; 0 is the command's name.
    ///
    /// # Panics
    /// When `i` is not below [`len`](Request::len): arity is checked before arguments are read.
    pub fn arg(&self, i: usize) -> &[u8] {
        match self.get(i) {
            Some(arg) => arg,
            None => panic!("argument {i} of a request of {}", self.args.len()),
        }
    }

    /// Argument `i` as a slice that shares the frame.
    ///
    /// # Panics
    /// As [`arg`](Request::arg).
    pub fn bytes(&self, i: usize) -> Bytes {
        self.frame.slice_ref(self.arg(i))
    }

    /// All arguments, the command's name first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.arg(i))
    }

    /// Bytes that the request holds in memory beside the struct itself.
    pub fn byte_len(&self) -> usize {
        self.frame.len()
    }

    fn range(&self, i: usize) -> Option<Range<usize>> {
        self.args
            .get(i)
            .map(|&(start, end)| start as usize..end as usize)
    }
}

impl PartialEq for Request {
    /// Equal when the arguments are, however they were framed.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Parses the requests of one connection; it belongs to that connection's read buffer.
///
/// Invariants between calls: the current frame starts at byte 0 of the buffer; the bytes before `position` are
/// understood; `position <= scanned`, and no `\r` (inline: `\n`) lies between them.
#[derive(Debug, Default)]
pub struct RequestParser {
    position: usize,
    scanned: usize,
    /// Arguments that the current frame still lacks; 0 between frames.
    arguments_left: u32,
    /// Length of the argument whose bytes begin at `position`, once its `$` line was read.
    bulk_length: Option<usize>,
    args: Ranges,
    missing: usize,
    /// Bytes looked at so far: the test's proof that nothing is parsed twice.
    #[cfg(test)]
    pub(super) steps: usize,
}

impl RequestParser {
    /// A parser for an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the next request out of `buffer`, or returns `None` when more bytes must be read first. `buffer` must be
    /// the one of the calls before, only grown at its end. After an error the connection is lost.
    pub fn next(
        &mut self,
        buffer: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Request>, ProtocolError> {
        self.missing = 0;
        loop {
            if self.arguments_left > 0 {
                return self.next_arguments(buffer, limits);
            }
            let Some(&first) = buffer.first() else {
                return Ok(None);
            };
            let progress = if first == b'*' {
                self.next_header(buffer, limits)?
            } else {
                self.next_inline(buffer)?
            };
            match progress {
                Progress::Incomplete => return Ok(None),
                Progress::Ignored | Progress::Begun => {}
                Progress::Finished(request) => return Ok(Some(request)),
            }
        }
    }

    /// Bytes that the argument being received still lacks, its line end included: what the caller may want room for
    /// before it reads on. 0 when that is not known. A hint from the wire: reserve it in steps, not at once.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Arguments there is room for: the test's proof that counts from the wire allocate nothing.
    #[cfg(test)]
    pub(super) fn argument_capacity(&self) -> usize {
        self.args.capacity()
    }

    /// `*n\r\n`.
    fn next_header(
        &mut self,
        buffer: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Progress, ProtocolError> {
        let Some(line) = self.line(buffer, b'\r', ProtocolError::TooBigMultibulkCount)? else {
            return Ok(Progress::Incomplete);
        };
        let line_length = line.len() + 2;
        let count = number_after_type(line)
            .filter(|&count| count <= ARGUMENTS_MAX)
            .ok_or(ProtocolError::InvalidMultibulkLength)?;
        if count > ARGUMENTS_MAX_BEFORE_AUTH && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        if count <= 0 {
            self.drop_front(buffer, line_length);
            return Ok(Progress::Ignored);
        }
        self.arguments_left = count as u32;
        self.move_to(line_length);
        Ok(Progress::Begun)
    }

    /// `$n\r\n<n bytes>\r\n`, as often as the header said.
    fn next_arguments(
        &mut self,
        buffer: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Request>, ProtocolError> {
        while self.arguments_left > 0 {
            let length = match self.bulk_length {
                Some(length) => length,
                None => match self.next_bulk_length(buffer, limits)? {
                    Some(length) => length,
                    None => return Ok(None),
                },
            };
            let start = self.position;
            let end = start + length;
            // As in Redis the two bytes after an argument are taken for a line end without looking at them.
            if buffer.len() < end + 2 {
                self.missing = end + 2 - buffer.len();
                return Ok(None);
            }
            self.args.push((start as u32, end as u32));
            self.bulk_length = None;
            self.arguments_left -= 1;
            self.move_to(end + 2);
        }
        let request = Request {
            frame: buffer.split_to(self.position).freeze(),
            args: std::mem::take(&mut self.args),
        };
        self.move_to(0);
        Ok(Some(request))
    }

    /// Reads one `$n\r\n` and stands behind it; `None` while it is incomplete.
    fn next_bulk_length(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        let Some(line) = self.line(buffer, b'\r', ProtocolError::TooBigBulkCount)? else {
            return Ok(None);
        };
        let got = line.first().copied().unwrap_or(b'\r');
        if got != b'$' {
            return Err(ProtocolError::ExpectedDollar { got });
        }
        let length = number_after_type(line).ok_or(ProtocolError::InvalidBulkLength)?;
        let is_allowed = u64::try_from(length).is_ok_and(|length| length <= limits.bulk_bytes_max);
        let start = self.position + line.len() + 2;
        // Ranges are u32; the connection's own cap (client-query-buffer-limit) comes much earlier.
        let fits = start as u64 + length.unsigned_abs() <= u64::from(u32::MAX) - 2;
        if !is_allowed || !fits {
            return Err(ProtocolError::InvalidBulkLength);
        }
        if length > BULK_BYTES_MAX_BEFORE_AUTH && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.move_to(start);
        self.bulk_length = Some(length as usize);
        Ok(self.bulk_length)
    }

    /// A line of words; LF alone ends it too, and an empty one is ignored.
    fn next_inline(&mut self, buffer: &mut BytesMut) -> Result<Progress, ProtocolError> {
        let Some(line) = self.line(buffer, b'\n', ProtocolError::TooBigInline)? else {
            return Ok(Progress::Incomplete);
        };
        let line_length = line.len() + 1;
        let words = inline::split_arguments(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        if words.first().is_some_and(|name| is_http(name)) {
            return Err(ProtocolError::CrossProtocol);
        }
        self.drop_front(buffer, line_length);
        Ok(Request::from_args(words).map_or(Progress::Ignored, Progress::Finished))
    }

    /// The line at `position` without its end. `None` while it is incomplete; `too_long` when it exceeds 64 KiB, cut or
    /// whole. A line that ends in `\r` has one more byte, which is not looked at (as in Redis).
    fn line<'b>(
        &mut self,
        buffer: &'b [u8],
        end: u8,
        too_long: ProtocolError,
    ) -> Result<Option<&'b [u8]>, ProtocolError> {
        let limit = buffer.len().min(self.position + LINE_BYTES_MAX + 1);
        let from = self.scanned.max(self.position);
        let unseen = buffer.get(from..limit).unwrap_or_default();
        let found = unseen.iter().position(|&byte| byte == end);
        #[cfg(test)]
        {
            self.steps += found.map_or(unseen.len(), |offset| offset + 1);
        }
        self.scanned = found.map_or(limit, |offset| from + offset);
        let length = self.scanned - self.position;
        let terminator = if end == b'\r' { 2 } else { 1 };
        if length > LINE_BYTES_MAX {
            Err(too_long)
        } else if found.is_none() || buffer.len() < self.scanned + terminator {
            Ok(None)
        } else {
            Ok(buffer.get(self.position..self.scanned))
        }
    }

    fn move_to(&mut self, position: usize) {
        self.position = position;
        self.scanned = position;
    }

    fn drop_front(&mut self, buffer: &mut BytesMut, length: usize) {
        buffer.advance(length);
        self.move_to(0);
    }
}

/// What a look at the start of a frame led to.
enum Progress {
    /// Its line is not there yet.
    Incomplete,
    /// It asked for nothing: an empty line, `*0`, `*-1`.
    Ignored,
    /// Arguments follow.
    Begun,
    /// An inline command.
    Finished(Request),
}

/// The number in a line such as `*3` or `$-1`.
fn number_after_type(line: &[u8]) -> Option<i64> {
    number::parse_i64(line.get(1..)?)
}

/// Whether a browser speaks: the first words of an HTTP request's body-carrying line and of its header.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:")
}

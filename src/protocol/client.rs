//! The client's end of the wire, for tools and tests: commands out, replies in, both versions of the protocol.
//!
//! A reply is decoded in two steps. The scanner looks for its end and remembers how far it came, so that megabytes in
//! small reads are looked at once; it also bounds depth and size. Only a whole frame is then decoded, recursively but no
//! deeper than the scanner allowed, and without a count that the frame has not paid for with bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use std::fmt;

use super::number;

/// Aggregates within aggregates that a reply may have.
const DEPTH_MAX: usize = 128;
/// Bytes of the smallest element: `_\r\n`.
const ELEMENT_BYTES_MIN: u64 = 3;

/// Appends a command as an array of bulk strings.
pub fn encode_command<A: AsRef<[u8]>>(args: &[A], out: &mut BytesMut) {
    let mut digits = itoa::Buffer::new();
    out.put_u8(b'*');
    out.put_slice(digits.format(args.len()).as_bytes());
    out.put_slice(b"\r\n");
    for arg in args.iter().map(AsRef::as_ref) {
        out.put_u8(b'$');
        out.put_slice(digits.format(arg.len()).as_bytes());
        out.put_slice(b"\r\n");
        out.put_slice(arg);
        out.put_slice(b"\r\n");
    }
}

/// A decoded reply. What RESP2 has no kind for arrives as what the server fell back to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `+`
    Simple(String),
    /// `-` and `!`: the whole line, its code first.
    Error(String),
    /// `:`
    Int(i64),
    /// `#`
    Bool(bool),
    /// `,`
    Double(f64),
    /// `(`: the digits.
    BigNumber(Bytes),
    /// `$`
    Bulk(Bytes),
    /// `=`, without its format word.
    Verbatim(Bytes),
    /// `_`, `$-1`, `*-1`
    Null,
    /// `*`
    Array(Vec<Value>),
    /// `%`, in the order of the wire.
    Map(Vec<(Value, Value)>),
    /// `~`
    Set(Vec<Value>),
    /// `>`
    Push(Vec<Value>),
}

impl Value {
    /// The bytes of anything that is text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(text) => Some(text.as_bytes()),
            Value::Bulk(bytes) | Value::Verbatim(bytes) | Value::BigNumber(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Text, as far as it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// An integer, a boolean, or text that is an integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Bool(yes) => Some(i64::from(*yes)),
            other => number::parse_i64(other.as_bytes()?),
        }
    }

    /// A double, an integer, or text that is a double (RESP2 sends them so).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Double(x) => Some(*x),
            Value::Int(n) => Some(*n as f64),
            other => parse_wire_double(other.as_bytes()?),
        }
    }

    /// The items of an array, set or push.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// Keys and values of a map, or of the flat array that RESP2 has in its place.
    pub fn as_pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Value::Array(items) => {
                let (pairs, rest) = items.as_chunks::<2>();
                rest.is_empty()
                    .then(|| pairs.iter().map(|[key, value]| (key, value)).collect())
            }
            _ => None,
        }
    }

    /// The server's error as `Err`, anything else as `Ok`.
    pub fn into_result(self) -> Result<Value, String> {
        match self {
            Value::Error(line) => Err(line),
            value => Ok(value),
        }
    }
}

/// Why bytes from a server are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More aggregates within aggregates than any server sends.
    TooDeep,
    /// Larger than the decoder was told to accept.
    TooLarge,
    /// Not RESP: what was expected instead.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "reply nested over {DEPTH_MAX} levels"),
            Self::TooLarge => write!(f, "reply over the accepted size"),
            Self::Malformed(expected) => write!(f, "reply is not RESP: expected {expected}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Decodes the replies of one connection; it belongs to that connection's read buffer.
#[derive(Debug)]
pub struct ReplyDecoder {
    scanner: Scanner,
    frame_bytes_max: usize,
}

impl ReplyDecoder {
    /// A decoder of replies of at most `frame_bytes_max` bytes each.
    pub fn new(frame_bytes_max: usize) -> Self {
        ReplyDecoder {
            scanner: Scanner::default(),
            frame_bytes_max,
        }
    }

    /// Takes the next reply out of `buffer`, or returns `None` when more bytes must be read first. `buffer` must be the one
    /// of the calls before, only grown at its end. After an error the connection is lost.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Value>, DecodeError> {
        if !self.scanner.scan(buffer, self.frame_bytes_max)? {
            return Ok(None);
        }
        let scanner = std::mem::take(&mut self.scanner);
        let mut frame = buffer.split_to(scanner.position).freeze();
        decode(&mut frame).map(Some)
    }
}

/// Looks for the end of a frame that begins at byte 0 of the buffer.
#[derive(Debug, Default)]
struct Scanner {
    /// Bytes that are understood.
    position: usize,
    /// Bytes that were searched for the end of the line at `position`.
    searched: usize,
    /// End of the string that begins at `position`, line end included; 0 outside of one.
    string_end: usize,
    /// For each open aggregate the elements that it still lacks, the outermost first.
    open: SmallVec<[u64; 8]>,
}

impl Scanner {
    /// Whether the frame is whole; `position` is its end then.
    fn scan(&mut self, buffer: &[u8], bytes_max: usize) -> Result<bool, DecodeError> {
        loop {
            if self.string_end > buffer.len() {
                return Ok(false);
            }
            if self.string_end > 0 {
                self.move_to(self.string_end);
                self.string_end = 0;
            } else {
                let Some(line) = self.line(buffer, bytes_max)? else {
                    return Ok(false);
                };
                if self.begin(line, bytes_max)? {
                    continue;
                }
            }
            if self.close() {
                return Ok(true);
            }
        }
    }

    /// The line at `position` without its end, which is then behind the scanner; `None` while it is incomplete.
    fn line<'b>(
        &mut self,
        buffer: &'b [u8],
        bytes_max: usize,
    ) -> Result<Option<&'b [u8]>, DecodeError> {
        let from = self.searched.max(self.position);
        let unseen = buffer.get(from..).unwrap_or_default();
        let Some(offset) = unseen.iter().position(|&byte| byte == b'\n') else {
            self.searched = buffer.len();
            return if buffer.len() > bytes_max {
                Err(DecodeError::TooLarge)
            } else {
                Ok(None)
            };
        };
        let line = buffer.get(self.position..from + offset).unwrap_or_default();
        self.move_to(from + offset + 1);
        if self.position > bytes_max {
            return Err(DecodeError::TooLarge);
        }
        let line = line.strip_suffix(b"\r");
        line.map(Some)
            .ok_or(DecodeError::Malformed("\\r before \\n"))
    }

    /// Begins the element that `line` announces; whether anything of it is still to come.
    fn begin(&mut self, line: &[u8], bytes_max: usize) -> Result<bool, DecodeError> {
        let (&kind, rest) = line.split_first().ok_or(DecodeError::Malformed("a type"))?;
        let elements = match kind {
            b'+' | b'-' | b':' | b'#' | b',' | b'_' | b'(' => return Ok(false),
            b'$' | b'=' | b'!' => {
                let Some(length) = parse_length(rest)? else {
                    return Ok(false);
                };
                let end = (self.position as u64)
                    .saturating_add(length)
                    .saturating_add(2);
                if end > bytes_max as u64 {
                    return Err(DecodeError::TooLarge);
                }
                self.string_end = end as usize;
                return Ok(true);
            }
            b'*' | b'~' | b'>' => parse_length(rest)?.unwrap_or(0),
            b'%' => parse_length(rest)?.unwrap_or(0).saturating_mul(2),
            // Attributes stand before the element that they describe, in its place.
            b'|' => parse_length(rest)?
                .unwrap_or(0)
                .saturating_mul(2)
                .saturating_add(1),
            _ => return Err(DecodeError::Malformed("a type")),
        };
        if elements.saturating_mul(ELEMENT_BYTES_MIN) > bytes_max as u64 {
            return Err(DecodeError::TooLarge);
        }
        if elements > 0 {
            if self.open.len() == DEPTH_MAX {
                return Err(DecodeError::TooDeep);
            }
            self.open.push(elements);
        }
        Ok(elements > 0)
    }

    /// One element is complete, and with it the aggregates whose last it was; whether nothing is open any more.
    fn close(&mut self) -> bool {
        while let Some(lacking) = self.open.last_mut() {
            *lacking -= 1;
            if *lacking > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }

    fn move_to(&mut self, position: usize) {
        self.position = position;
        self.searched = position;
    }
}

/// A length or count; `None` for -1, which means null.
fn parse_length(digits: &[u8]) -> Result<Option<u64>, DecodeError> {
    match number::parse_i64(digits) {
        Some(-1) => Ok(None),
        Some(length) if length >= 0 => Ok(Some(length as u64)),
        _ => Err(DecodeError::Malformed("a length")),
    }
}

/// Decodes the element at the head of `frame`, of which the scanner has seen the end.
fn decode(frame: &mut Bytes) -> Result<Value, DecodeError> {
    let line = take_line(frame)?;
    let (&kind, rest) = line.split_first().ok_or(DecodeError::Malformed("a type"))?;
    let text = || String::from_utf8_lossy(rest).into_owned();
    match kind {
        b'+' => Ok(Value::Simple(text())),
        b'-' => Ok(Value::Error(text())),
        b':' => number::parse_i64(rest)
            .map(Value::Int)
            .ok_or(DecodeError::Malformed("an integer")),
        b',' => parse_wire_double(rest)
            .map(Value::Double)
            .ok_or(DecodeError::Malformed("a double")),
        b'(' => Ok(Value::BigNumber(line.slice_ref(rest))),
        b'_' => Ok(Value::Null),
        b'#' => match rest {
            b"t" => Ok(Value::Bool(true)),
            b"f" => Ok(Value::Bool(false)),
            _ => Err(DecodeError::Malformed("t or f")),
        },
        _ => match parse_length(rest)? {
            None => Ok(Value::Null),
            Some(length) => decode_sized(kind, length as usize, frame),
        },
    }
}

/// Decodes what has a length or a count.
fn decode_sized(kind: u8, length: usize, frame: &mut Bytes) -> Result<Value, DecodeError> {
    match kind {
        b'$' => take_string(frame, length).map(Value::Bulk),
        b'!' => {
            let line = take_string(frame, length)?;
            Ok(Value::Error(String::from_utf8_lossy(&line).into_owned()))
        }
        b'=' => {
            let mut text = take_string(frame, length)?;
            if text.get(3) != Some(&b':') {
                return Err(DecodeError::Malformed("a format and a colon"));
            }
            text.advance(4);
            Ok(Value::Verbatim(text))
        }
        b'*' => decode_items(length, frame).map(Value::Array),
        b'~' => decode_items(length, frame).map(Value::Set),
        b'>' => decode_items(length, frame).map(Value::Push),
        b'%' => decode_pairs(length, frame).map(Value::Map),
        b'|' => {
            decode_pairs(length, frame)?;
            decode(frame)
        }
        _ => Err(DecodeError::Malformed("a type")),
    }
}

fn decode_items(count: usize, frame: &mut Bytes) -> Result<Vec<Value>, DecodeError> {
    (0..count).map(|_| decode(frame)).collect()
}

fn decode_pairs(count: usize, frame: &mut Bytes) -> Result<Vec<(Value, Value)>, DecodeError> {
    (0..count)
        .map(|_| Ok((decode(frame)?, decode(frame)?)))
        .collect()
}

fn take_line(frame: &mut Bytes) -> Result<Bytes, DecodeError> {
    let end = frame.iter().position(|&byte| byte == b'\n');
    let mut line = frame.split_to(end.ok_or(DecodeError::Malformed("a line"))? + 1);
    line.truncate(line.len().saturating_sub(2));
    Ok(line)
}

fn take_string(frame: &mut Bytes, length: usize) -> Result<Bytes, DecodeError> {
    if frame.len() < length + 2 {
        return Err(DecodeError::Malformed("the whole string"));
    }
    let string = frame.split_to(length);
    if frame.split_to(2) != b"\r\n"[..] {
        return Err(DecodeError::Malformed("\\r\\n behind a string"));
    }
    Ok(string)
}

/// A double as servers write it, `nan` included.
fn parse_wire_double(text: &[u8]) -> Option<f64> {
    if text.eq_ignore_ascii_case(b"nan") || text.eq_ignore_ascii_case(b"-nan") {
        return Some(f64::NAN);
    }
    number::parse_double(text)
}

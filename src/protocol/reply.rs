//! Replies: what a command answers, and how that is written in each version of the protocol.
//!
//! Commands build one [`Reply`] without knowing the client's version; where RESP2 has no word for a kind, the one that
//! Redis falls back to is written (a map becomes a flat array, a boolean a number, a double a string).

use bytes::Bytes;

use super::encoded::Encoded;
use super::number;

/// The version of the protocol that a client chose with HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// What every connection starts with.
    #[default]
    Resp2,
    /// Has maps, sets, booleans, doubles, nulls, verbatim strings and pushed messages.
    Resp3,
}

impl Version {
    /// The version that `HELLO n` asks for, if there is one.
    pub fn from_number(n: i64) -> Option<Version> {
        match n {
            2 => Some(Version::Resp2),
            3 => Some(Version::Resp3),
            _ => None,
        }
    }

    /// 2 or 3.
    pub fn number(self) -> i64 {
        match self {
            Version::Resp2 => 2,
            Version::Resp3 => 3,
        }
    }
}

/// One answer, or one pushed message.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A fixed word: `+OK`.
    Simple(&'static str),
    /// A simple string that was put together; line ends in it are written as spaces.
    Text(String),
    /// A whole error line without its `-`: code, space, message. Line ends in it are written as spaces.
    Error(String),
    /// `:1`.
    Int(i64),
    /// `#t`; RESP2 `:1`.
    Bool(bool),
    /// `,0.5`; RESP2 a bulk string of the same text.
    Double(f64),
    /// Any bytes.
    Bulk(Bytes),
    /// Text for people (INFO): `=n\r\ntxt:`; RESP2 a bulk string.
    Verbatim(String),
    /// Nothing where a string would be: `_`; RESP2 `$-1`.
    Null,
    /// Nothing where an array would be: `_`; RESP2 `*-1`.
    NullArray,
    /// Replies in order.
    Array(Vec<Reply>),
    /// Keys and values; RESP2 a flat array.
    Map(Vec<(Reply, Reply)>),
    /// An array of arrays of two; RESP2 a flat array (HRANDFIELD WITHVALUES).
    Pairs(Vec<(Reply, Reply)>),
    /// Unordered and unique; RESP2 an array.
    Set(Vec<Reply>),
    /// A message that answers no request; RESP2 an array.
    Push(Vec<Reply>),
    /// Nothing at all is written.
    None,
}

impl Reply {
    /// `+OK`.
    pub fn ok() -> Reply {
        Reply::Simple("OK")
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let own = match self {
            Reply::Text(text) | Reply::Error(text) | Reply::Verbatim(text) => text.len(),
            Reply::Bulk(bytes) => bytes.len(),
            Reply::Array(parts) | Reply::Set(parts) | Reply::Push(parts) => {
                parts.iter().map(Reply::bytes).sum()
            }
            Reply::Map(pairs) | Reply::Pairs(pairs) => {
                let pairs = pairs.iter();
                pairs.map(|(one, other)| one.bytes() + other.bytes()).sum()
            }
            _ => 0,
        };
        size_of::<Reply>() + own
    }

    /// A number of things.
    pub fn count(n: usize) -> Reply {
        Reply::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// An error line, without its `-`: `ERR syntax error`. Line ends at its end are left out: what a client sent may stand there.
    pub fn error(line: impl Into<String>) -> Reply {
        let mut line = line.into();
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Reply::Error(line)
    }

    /// A bulk string of a copy of the bytes (a `String` or `Vec` is taken as it is).
    pub fn bulk(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply::Bulk(Bytes::from(bytes.into()))
    }

    /// A bulk string, or null where there is none.
    pub fn bulk_or_null(bytes: Option<Bytes>) -> Reply {
        bytes.map_or(Reply::Null, Reply::Bulk)
    }

    /// A bulk string of a fixed text, without a copy.
    pub fn bulk_static(text: &'static str) -> Reply {
        Reply::Bulk(Bytes::from_static(text.as_bytes()))
    }

    /// A map of values by names, as bulk strings.
    pub fn named<const N: usize>(fields: [(&'static str, Reply); N]) -> Reply {
        let fields = fields.into_iter();
        let named = fields.map(|(name, value)| (Reply::bulk_static(name), value));
        Reply::Map(named.collect())
    }

    /// The same, with names as simple strings.
    pub fn simply_named<const N: usize>(fields: [(&'static str, Reply); N]) -> Reply {
        let fields = fields.into_iter();
        let named = fields.map(|(name, value)| (Reply::Simple(name), value));
        Reply::Map(named.collect())
    }

    /// An array of bulk strings.
    pub fn bulks<B: Into<Vec<u8>>>(all: impl IntoIterator<Item = B>) -> Reply {
        Reply::Array(all.into_iter().map(Reply::bulk).collect())
    }

    /// Whether the client will see an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }

    /// Appends the reply to `out` as a client of `version` reads it.
    pub fn write(&self, version: Version, out: &mut Encoded) {
        let is_resp3 = version == Version::Resp3;
        match self {
            Reply::Simple(text) => write_line(b'+', text.as_bytes(), out),
            Reply::Text(text) => write_text_line(b'+', text, out),
            Reply::Error(line) => write_text_line(b'-', line, out),
            Reply::Int(n) => write_number(b':', *n, out),
            Reply::Bool(yes) if is_resp3 => write_line(b'#', if *yes { b"t" } else { b"f" }, out),
            Reply::Bool(yes) => write_number(b':', i64::from(*yes), out),
            Reply::Double(x) if is_resp3 => write_line(b',', &number::double_text(*x), out),
            Reply::Double(x) => write_bulk(&number::double_text(*x), out),
            Reply::Bulk(bytes) => write_string(bytes, out),
            Reply::Verbatim(text) if is_resp3 => write_verbatim(text, out),
            Reply::Verbatim(text) => write_bulk(text.as_bytes(), out),
            Reply::Null | Reply::NullArray if is_resp3 => out.put(b"_\r\n"),
            Reply::Null => out.put(b"$-1\r\n"),
            Reply::NullArray => out.put(b"*-1\r\n"),
            Reply::Array(items) => write_items(b'*', items, version, out),
            Reply::Set(items) => {
                write_items(if is_resp3 { b'~' } else { b'*' }, items, version, out)
            }
            Reply::Push(items) => {
                write_items(if is_resp3 { b'>' } else { b'*' }, items, version, out)
            }
            Reply::Map(pairs) => write_map(pairs, version, out),
            Reply::Pairs(pairs) => write_pairs(pairs, version, out),
            Reply::None => {}
        }
    }
}

impl From<i64> for Reply {
    fn from(n: i64) -> Reply {
        Reply::Int(n)
    }
}

impl From<bool> for Reply {
    fn from(yes: bool) -> Reply {
        Reply::Bool(yes)
    }
}

impl From<Bytes> for Reply {
    fn from(bytes: Bytes) -> Reply {
        Reply::Bulk(bytes)
    }
}

/// The head of an aggregate of `n` items; the caller writes the items.
fn write_head(kind: u8, n: usize, out: &mut Encoded) {
    write_line(kind, itoa::Buffer::new().format(n).as_bytes(), out);
}

fn write_number(kind: u8, n: i64, out: &mut Encoded) {
    write_line(kind, itoa::Buffer::new().format(n).as_bytes(), out);
}

/// `text` must hold no line end.
fn write_line(kind: u8, text: &[u8], out: &mut Encoded) {
    out.reserve(text.len() + 3);
    out.put(&[kind]);
    out.put(text);
    out.put(b"\r\n");
}

/// A line of text from anywhere: a line end inside would end the reply early and let its rest pass for another one.
fn write_text_line(kind: u8, text: &str, out: &mut Encoded) {
    if !text.contains(['\r', '\n']) {
        return write_line(kind, text.as_bytes(), out);
    }
    write_line(kind, text.replace(['\r', '\n'], " ").as_bytes(), out);
}

fn write_bulk(bytes: &[u8], out: &mut Encoded) {
    write_head(b'$', bytes.len(), out);
    out.reserve(bytes.len() + 2);
    out.put(bytes);
    out.put(b"\r\n");
}

fn write_string(bytes: &Bytes, out: &mut Encoded) {
    write_head(b'$', bytes.len(), out);
    out.put_string(bytes);
    out.put(b"\r\n");
}

/// The length counts the format word and its colon.
fn write_verbatim(text: &str, out: &mut Encoded) {
    write_head(b'=', text.len() + 4, out);
    out.put(b"txt:");
    out.put(text.as_bytes());
    out.put(b"\r\n");
}

fn write_items(kind: u8, items: &[Reply], version: Version, out: &mut Encoded) {
    write_head(kind, items.len(), out);
    for item in items {
        item.write(version, out);
    }
}

fn write_map(pairs: &[(Reply, Reply)], version: Version, out: &mut Encoded) {
    match version {
        Version::Resp2 => write_head(b'*', pairs.len() * 2, out),
        Version::Resp3 => write_head(b'%', pairs.len(), out),
    }
    for (key, value) in pairs {
        key.write(version, out);
        value.write(version, out);
    }
}

fn write_pairs(pairs: &[(Reply, Reply)], version: Version, out: &mut Encoded) {
    if version == Version::Resp2 {
        return write_map(pairs, version, out);
    }
    write_head(b'*', pairs.len(), out);
    for (first, second) in pairs {
        write_head(b'*', 2, out);
        first.write(version, out);
        second.write(version, out);
    }
}

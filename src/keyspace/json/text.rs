//! JSON text, read and written. Reading is serde_json's, so that its messages name the line and column; writing is our own,
//! because it can be laid out as a client asks and writes floats in one fixed form.

use super::{DEPTH_MAX, Document, Elements, Json, Node, Object, PACKED_MIN};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Why a text is not JSON, with line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

/// What is written between the parts of a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout<'a> {
    /// Before each element or member, once per level.
    pub indent: &'a str,
    /// Before each element or member, and before the end of a container that has some.
    pub newline: &'a str,
    /// Behind each colon.
    pub space: &'a str,
}

impl Json {
    /// Reads a text: one value, at most 127 containers deep.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        serde_json::from_str(text).map_err(|error| JsonError(error.to_string()))
    }
}

impl Document {
    /// Reads the text of a whole document, which may be deeper than a value that comes from outside.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Document, JsonError> {
        if nesting(text) > DEPTH_MAX {
            return Err(JsonError("nested too deep".to_owned()));
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.disable_recursion_limit();
        let root = Json::deserialize(&mut deserializer);
        let root = root.and_then(|root| deserializer.end().map(|()| root));
        root.map(Document::new)
            .map_err(|error| JsonError(error.to_string()))
    }
}

/// How deep the brackets of a text are nested, strings left out.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut is_in_string) = (0usize, 0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_in_string = !is_in_string,
            b'\\' => drop(bytes.next()),
            b'[' | b'{' if !is_in_string => depth += 1,
            b']' | b'}' if !is_in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

impl Node<'_> {
    /// Its text without blanks.
    pub fn to_text(self) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(&Layout::default(), 0, &mut text);
        text
    }

    /// Appends its text, `level` levels deep in a text that began before.
    pub fn write(self, layout: &Layout<'_>, level: usize, out: &mut Vec<u8>) {
        match self {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Bool(true) => out.extend_from_slice(b"true"),
            Node::Bool(false) => out.extend_from_slice(b"false"),
            Node::Int(number) => write_digits(number, out),
            Node::Uint(number) => write_digits(number, out),
            Node::Float(number) => write_float(number, out),
            Node::Text(text) => write_string(text, out),
            Node::Array(elements) => layout.array(elements.iter(), level, out),
            Node::Object(object) => {
                let members = object.iter().map(|(name, value)| (name, value.node()));
                layout.object(members, level, out, |value, level, out| {
                    value.write(layout, level, out);
                });
            }
        }
    }
}

impl Layout<'_> {
    /// Appends an array of these nodes.
    pub fn array<'d>(
        &self,
        nodes: impl Iterator<Item = Node<'d>>,
        level: usize,
        out: &mut Vec<u8>,
    ) {
        out.push(b'[');
        let mut is_empty = true;
        for node in nodes {
            if !is_empty {
                out.push(b',');
            }
            self.line(level + 1, out);
            node.write(self, level + 1, out);
            is_empty = false;
        }
        if !is_empty {
            self.line(level, out);
        }
        out.push(b']');
    }

    /// Appends an object of these members; `write` appends what is under a name.
    pub fn object<'n, T>(
        &self,
        members: impl Iterator<Item = (&'n str, T)>,
        level: usize,
        out: &mut Vec<u8>,
        write: impl Fn(T, usize, &mut Vec<u8>),
    ) {
        out.push(b'{');
        let mut is_empty = true;
        for (name, value) in members {
            if !is_empty {
                out.push(b',');
            }
            self.line(level + 1, out);
            write_string(name, out);
            out.push(b':');
            out.extend_from_slice(self.space.as_bytes());
            write(value, level + 1, out);
            is_empty = false;
        }
        if !is_empty {
            self.line(level, out);
        }
        out.push(b'}');
    }

    fn line(&self, level: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.newline.as_bytes());
        (0..level).for_each(|_| out.extend_from_slice(self.indent.as_bytes()));
    }
}

fn write_digits(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The fewest digits that read back as the same float, always with a point or an exponent, which has no sign when positive:
/// `2.0`, `1e308`, `1e-7`.
fn write_float(number: f64, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number).bytes();
    out.extend(text.filter(|byte| *byte != b'+'));
}

/// In quotes; control characters, quotes and backslashes are escaped, nothing else.
fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[written..at]);
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            out.extend_from_slice(b"00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        written = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
    out.push(b'"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

/// Builds a tree from what serde_json finds.
struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Json, E> {
        Ok(Json::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Uint(number), Json::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        // Floats are collected as such until something else comes: an embedding never exists in a larger form.
        let mut floats: Vec<f64> = Vec::new();
        let mut elements: Vec<Json> = Vec::new();
        while let Some(element) = seq.next_element()? {
            match element {
                Json::Float(float) if elements.is_empty() => floats.push(float),
                other => {
                    elements.extend(floats.drain(..).map(Json::Float));
                    elements.push(other);
                }
            }
        }
        if floats.len() >= PACKED_MIN {
            return Ok(Json::Floats(floats.into()));
        }
        elements.extend(floats.drain(..).map(Json::Float));
        elements.shrink_to_fit();
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(Box<str>, Json)> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(Box::new(Object::new(members))))
    }
}

impl Elements<'_> {
    /// Its text without blanks.
    pub fn to_text(self) -> Vec<u8> {
        Node::Array(self).to_text()
    }
}

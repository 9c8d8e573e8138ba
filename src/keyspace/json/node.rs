//! How a JSON value is looked at: a view that is copied freely and hides how arrays are kept.

use super::{Json, Object, Step};
use std::cmp::Ordering;

/// A value inside a document, or a constant of a path.
#[derive(Clone, Copy, Debug)]
pub enum Node<'d> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without point and exponent, within 64 bits.
    Int(i64),
    /// As `Int`, above its range.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(&'d str),
    /// An array.
    Array(Elements<'d>),
    /// An object.
    Object(&'d Object),
}

/// The elements of an array.
#[derive(Clone, Copy, Debug)]
pub enum Elements<'d> {
    /// Of any kind.
    Mixed(&'d [Json]),
    /// Floats and nothing else; an array of floats may be `Mixed` as well.
    Floats(&'d [f64]),
}

impl<'d> From<&'d Json> for Node<'d> {
    fn from(json: &'d Json) -> Node<'d> {
        match json {
            Json::Null => Node::Null,
            Json::Bool(yes) => Node::Bool(*yes),
            Json::Int(number) => Node::Int(*number),
            Json::Uint(number) => Node::Uint(*number),
            Json::Float(number) => Node::Float(*number),
            Json::Text(text) => Node::Text(text),
            Json::Array(elements) => Node::Array(Elements::Mixed(elements)),
            Json::Floats(floats) => Node::Array(Elements::Floats(floats)),
            Json::Object(object) => Node::Object(object),
        }
    }
}

impl<'d> Node<'d> {
    /// A copy that stands alone.
    pub fn to_json(self) -> Json {
        match self {
            Node::Null => Json::Null,
            Node::Bool(yes) => Json::Bool(yes),
            Node::Int(number) => Json::Int(number),
            Node::Uint(number) => Json::Uint(number),
            Node::Float(number) => Json::Float(number),
            Node::Text(text) => Json::Text(text.into()),
            Node::Array(Elements::Mixed(elements)) => Json::Array(elements.to_vec()),
            Node::Array(Elements::Floats(floats)) => Json::Floats(floats.into()),
            Node::Object(object) => Json::Object(Box::new(object.clone())),
        }
    }

    /// Bytes on the heap, about.
    pub fn heap_bytes(self) -> usize {
        match self {
            Node::Text(text) => text.len(),
            Node::Array(Elements::Mixed(elements)) => {
                let inner: usize = elements.iter().map(Json::heap_bytes).sum();
                inner + size_of_val(elements)
            }
            Node::Array(Elements::Floats(floats)) => size_of_val(floats),
            Node::Object(object) => object.heap_bytes(),
            _ => 0,
        }
    }

    /// Its number as a float, if it is one.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Node::Int(number) => Some(number as f64),
            Node::Uint(number) => Some(number as f64),
            Node::Float(number) => Some(number),
            _ => None,
        }
    }

    /// Its string, if it is one.
    pub fn as_str(self) -> Option<&'d str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its elements, if it is an array.
    pub fn as_array(self) -> Option<Elements<'d>> {
        match self {
            Node::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(self) -> Option<&'d Object> {
        match self {
            Node::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The node one step further down.
    pub fn step(self, step: &Step) -> Option<Node<'d>> {
        match (self, step) {
            (Node::Object(object), Step::Name(name)) => object.get(name).map(Json::node),
            (Node::Array(elements), Step::At(at)) => elements.get(*at),
            _ => None,
        }
    }

    /// Elements or members that it holds; 0 for a scalar.
    pub fn len(self) -> usize {
        match self {
            Node::Array(elements) => elements.len(),
            Node::Object(object) => object.len(),
            _ => 0,
        }
    }

    /// Whether it holds nothing: an empty container, or a scalar.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// How two scalars of a kind stand to each other; numbers are compared as numbers, whatever their kind.
    pub fn order(self, other: Node<'_>) -> Option<Ordering> {
        match (self, other) {
            (Node::Null, Node::Null) => Some(Ordering::Equal),
            (Node::Bool(a), Node::Bool(b)) => Some(a.cmp(&b)),
            (Node::Int(a), Node::Int(b)) => Some(a.cmp(&b)),
            (Node::Uint(a), Node::Uint(b)) => Some(a.cmp(&b)),
            (Node::Text(a), Node::Text(b)) => Some(a.cmp(b)),
            (a, b) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        }
    }
}

/// Numbers of different kinds differ (1 is not 1.0), the order of names makes no difference.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Node::Null, Node::Null) => true,
            (Node::Bool(a), Node::Bool(b)) => a == b,
            (Node::Int(a), Node::Int(b)) => a == b,
            (Node::Uint(a), Node::Uint(b)) => a == b,
            (Node::Float(a), Node::Float(b)) => a == b,
            (Node::Text(a), Node::Text(b)) => a == b,
            (Node::Array(a), Node::Array(b)) => a.len() == b.len() && a.iter().eq(b.iter()),
            (Node::Object(a), Node::Object(b)) => {
                let same = |(name, value): (&str, &Json)| b.get(name) == Some(value);
                a.len() == b.len() && a.iter().all(same)
            }
            _ => false,
        }
    }
}

impl<'d> Elements<'d> {
    /// Number of elements.
    pub fn len(self) -> usize {
        match self {
            Elements::Mixed(elements) => elements.len(),
            Elements::Floats(floats) => floats.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at a position.
    pub fn get(self, at: usize) -> Option<Node<'d>> {
        match self {
            Elements::Mixed(elements) => elements.get(at).map(Json::node),
            Elements::Floats(floats) => floats.get(at).map(|float| Node::Float(*float)),
        }
    }

    /// The elements in order.
    pub fn iter(self) -> impl Iterator<Item = Node<'d>> {
        (0..self.len()).filter_map(move |at| self.get(at))
    }
}

//! The JSON document: a value of a key, kept as a tree that is smaller than its text in most cases, with the order of names
//! and the kind of each number as they were given. Text in and out is in text.rs, alterations in edit.rs, questions in path/.
//!
//! A document is at most [`DEPTH_MAX`] containers deep, so that every walk over it may recurse. Whoever alters one sees to
//! that before (edit.rs says how deep a place and a value come).

mod edit;
mod node;
mod object;
pub mod path;
mod place;
#[cfg(test)]
pub(super) mod tests;
mod text;

pub use edit::Edit;
pub use node::{Elements, Node};
pub use object::Object;
pub use path::{Found, JsonPath};
pub use place::{Place, Step};
pub use text::{JsonError, Layout};

/// Containers within each other in a document, at most; in a value that is read from text it is 127. Walks over a document
/// recurse that deep on stacks of 2 MiB.
pub const DEPTH_MAX: usize = 512;

/// Arrays of at least so many floats and nothing else are packed.
const PACKED_MIN: usize = 4;

/// One JSON value.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without point and exponent, within 64 bits.
    Int(i64),
    /// As `Int`, above its range.
    Uint(u64),
    /// Any other number; finite.
    Float(f64),
    /// A string.
    Text(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An array of floats: 8 bytes each, for embeddings. Equal to an `Array` of the same.
    Floats(Box<[f64]>),
    /// An object.
    Object(Box<Object>),
}

// Every number of an array that is not packed costs this much.
const _: () = assert!(size_of::<Json>() == 24);

impl Json {
    /// An array, packed if it can be.
    pub fn array(elements: Vec<Json>) -> Json {
        let is_float = |element: &Json| matches!(element, Json::Float(_));
        if elements.len() < PACKED_MIN || !elements.iter().all(is_float) {
            return Json::Array(elements);
        }
        let floats = elements.iter().map(|element| match element {
            Json::Float(float) => *float,
            _ => unreachable!("all are floats"),
        });
        Json::Floats(floats.collect())
    }

    /// An empty object.
    pub fn empty_object() -> Json {
        Json::Object(Box::default())
    }

    /// How it is looked at.
    pub fn node(&self) -> Node<'_> {
        Node::from(self)
    }

    /// Containers within each other: 0 for a scalar, 1 for `[]`.
    pub fn depth(&self) -> usize {
        let inner = match self {
            Json::Array(elements) => elements.iter().map(Json::depth).max(),
            Json::Floats(_) => None,
            Json::Object(object) => object.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        1 + inner.unwrap_or(0)
    }

    /// Bytes on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        self.node().heap_bytes()
    }
}

/// Numbers of different kinds differ (1 is not 1.0), the order of names makes no difference.
impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.node() == other.node()
    }
}

/// A whole document, with its size.
#[derive(Clone, Debug)]
pub struct Document {
    root: Json,
    bytes: usize,
}

impl Document {
    /// A document of this root.
    pub fn new(root: Json) -> Document {
        let bytes = root.heap_bytes();
        Document { root, bytes }
    }

    /// Its root.
    pub fn root(&self) -> Node<'_> {
        self.root.node()
    }

    /// Bytes on the heap, about; known without a walk.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The node at a place.
    pub fn at(&self, place: &Place) -> Option<Node<'_>> {
        place
            .steps()
            .iter()
            .try_fold(self.root(), |node, step| node.step(step))
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.root == other.root
    }
}

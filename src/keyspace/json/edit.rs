//! Alterations of a document, each at one concrete place. An alteration that finds nothing to alter does nothing.

use super::{Document, Json, Object, Place, Step};

/// What is altered at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Replaces the node, or adds a member to an object.
    Set(Json),
    /// Removes a member or an element; the root stays.
    Delete,
    /// Merges a patch into the node (RFC 7396).
    Merge(Json),
    /// Adds to the end of a string.
    Append(Box<str>),
    /// Inserts elements into an array.
    Insert {
        /// Position of the first; at most the length.
        at: usize,
        /// The elements.
        values: Vec<Json>,
    },
    /// Removes an element of an array.
    Pop {
        /// Its position.
        at: usize,
    },
    /// Keeps a range of an array.
    Trim {
        /// Position of the first that stays.
        start: usize,
        /// How many stay.
        len: usize,
    },
}

impl Edit {
    /// Bytes on the heap of what it brings.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Edit::Set(value) | Edit::Merge(value) => value.heap_bytes(),
            Edit::Append(suffix) => suffix.len(),
            Edit::Insert { values, .. } => {
                let inner: usize = values.iter().map(Json::heap_bytes).sum();
                inner + size_of_val(&**values)
            }
            Edit::Delete | Edit::Pop { .. } | Edit::Trim { .. } => 0,
        }
    }

    /// How many containers deep the document is at least afterwards, when it is done at `place`.
    pub fn depth_at(&self, place: &Place) -> usize {
        let depth = match self {
            Edit::Set(value) | Edit::Merge(value) => value.depth(),
            Edit::Insert { values, .. } => 1 + values.iter().map(Json::depth).max().unwrap_or(0),
            _ => 0,
        };
        place.steps().len() + depth
    }
}

impl Document {
    /// Alters the document; whether there was something to alter.
    pub fn edit(&mut self, place: &Place, edit: Edit) -> bool {
        // Bytes are counted where something changes, never over the whole document.
        let (done, removed, added) = match (edit, place.steps().split_last()) {
            (Edit::Set(value), Some((last, parent))) => self.set(parent, last, value),
            (Edit::Delete, Some((last, parent))) => self.delete(parent, last),
            (Edit::Delete, None) => NOTHING,
            (Edit::Merge(patch), Some((last, parent))) if self.is_packed(parent) => {
                self.set(parent, last, merged(Json::Null, patch))
            }
            (edit, _) => match self.node_mut(place.steps()) {
                Some(node) => alter(node, edit),
                None => NOTHING,
            },
        };
        self.bytes = (self.bytes + added).saturating_sub(removed);
        done
    }

    /// Whether the elements there are floats that are packed, so that none of them can be altered by itself.
    fn is_packed(&mut self, steps: &[Step]) -> bool {
        matches!(self.node_mut(steps), Some(Json::Floats(_)))
    }

    fn node_mut(&mut self, steps: &[Step]) -> Option<&mut Json> {
        steps
            .iter()
            .try_fold(&mut self.root, |node, step| match (node, step) {
                (Json::Object(object), Step::Name(name)) => object.get_mut(name),
                (Json::Array(elements), Step::At(at)) => elements.get_mut(*at),
                _ => None,
            })
    }

    fn set(&mut self, parent: &[Step], last: &Step, value: Json) -> Counted {
        match (self.node_mut(parent), last) {
            (Some(Json::Object(object)), Step::Name(name)) => {
                let added = value.heap_bytes();
                match object.insert(name, value) {
                    Some(old) => (true, old.heap_bytes(), added),
                    None => (true, 0, added + Object::member_bytes(name)),
                }
            }
            (Some(parent), Step::At(at)) => match (parent, value) {
                (Json::Array(elements), value) => replace(elements.get_mut(*at), value),
                (Json::Floats(floats), Json::Float(float)) => {
                    let slot = floats.get_mut(*at);
                    slot.map_or(NOTHING, |slot| {
                        *slot = float;
                        (true, 0, 0)
                    })
                }
                (parent, value) => unpacked(parent, |elements| {
                    replace(elements.get_mut(*at), value) != NOTHING
                }),
            },
            _ => NOTHING,
        }
    }

    fn delete(&mut self, parent: &[Step], last: &Step) -> Counted {
        match (self.node_mut(parent), last) {
            (Some(Json::Object(object)), Step::Name(name)) => match object.remove(name) {
                Some(old) => (true, old.heap_bytes() + Object::member_bytes(name), 0),
                None => NOTHING,
            },
            (Some(parent), Step::At(at)) => alter(parent, Edit::Pop { at: *at }),
            _ => NOTHING,
        }
    }
}

/// Whether something was altered, bytes that went, bytes that came.
type Counted = (bool, usize, usize);
const NOTHING: Counted = (false, 0, 0);

/// Alters a node itself.
fn alter(node: &mut Json, edit: Edit) -> Counted {
    match (node, edit) {
        (node, Edit::Set(value)) => replace(Some(node), value),
        (node, Edit::Merge(patch)) => {
            let before = node.heap_bytes();
            *node = merged(std::mem::replace(node, Json::Null), patch);
            (true, before, node.heap_bytes())
        }
        (Json::Text(text), Edit::Append(suffix)) => {
            *text = [&**text, &*suffix].concat().into();
            (true, 0, suffix.len())
        }
        (Json::Array(elements), edit) => alter_elements(elements, edit),
        // An array that is altered element by element is no embedding: it stays unpacked.
        (node @ Json::Floats(_), edit) => {
            unpacked(node, |elements| alter_elements(elements, edit) != NOTHING)
        }
        _ => NOTHING,
    }
}

fn alter_elements(elements: &mut Vec<Json>, edit: Edit) -> Counted {
    let bytes = |elements: &[Json]| {
        let inner: usize = elements.iter().map(Json::heap_bytes).sum();
        inner + size_of_val(elements)
    };
    match edit {
        Edit::Insert { at, values } if at <= elements.len() => {
            let added = bytes(&values);
            elements.splice(at..at, values);
            (true, 0, added)
        }
        Edit::Pop { at } if at < elements.len() => {
            let old = elements.remove(at);
            (true, bytes(&[old]), 0)
        }
        Edit::Trim { start, len } => {
            let before = bytes(elements);
            elements.truncate(start.saturating_add(len));
            elements.drain(..start.min(elements.len()));
            elements.shrink_to_fit();
            (true, before, bytes(elements))
        }
        _ => NOTHING,
    }
}

fn replace(slot: Option<&mut Json>, value: Json) -> Counted {
    let Some(slot) = slot else { return NOTHING };
    let added = value.heap_bytes();
    let old = std::mem::replace(slot, value);
    (true, old.heap_bytes(), added)
}

/// Alters the elements of an array, which is unpacked first and stays so.
fn unpacked(node: &mut Json, alter: impl FnOnce(&mut Vec<Json>) -> bool) -> Counted {
    let before = node.heap_bytes();
    if let Json::Floats(floats) = node {
        *node = Json::Array(floats.iter().map(|float| Json::Float(*float)).collect());
    }
    let done = match node {
        Json::Array(elements) => alter(elements),
        _ => false,
    };
    (done, before, node.heap_bytes())
}

/// RFC 7396, section 2: members of the patch replace members, null removes them, anything but an object replaces all.
fn merged(node: Json, patch: Json) -> Json {
    let Json::Object(patch) = patch else {
        return patch;
    };
    let mut object = match node {
        Json::Object(object) => object,
        _ => Box::default(),
    };
    let mut new = Vec::new();
    for (name, value) in patch.into_members() {
        match (object.get_mut(&name), value) {
            (Some(_), Json::Null) => drop(object.remove(&name)),
            (None, Json::Null) => {}
            (Some(old), value) => *old = merged(std::mem::replace(old, Json::Null), value),
            (None, value) => new.push((name, merged(Json::Null, value))),
        }
    }
    object.append(new);
    Json::Object(object)
}

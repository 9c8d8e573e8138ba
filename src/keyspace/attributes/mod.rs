//! How attributes are read: top-level fields out of an element's JSON text (json.rs), and texts as numbers (number.rs). The
//! filter language and the columns that stand in for the text both read through here, so that they can not disagree.

pub mod json;
pub mod number;

use std::borrow::Cow;

/// The value of a field; it borrows from the attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// The JSON null.
    Null,
    /// A number; true is 1 and false is 0.
    Number(f64),
    /// A string without its escapes.
    Text(Cow<'a, [u8]>),
    /// An array, as JSON text that was read through once.
    Array(&'a [u8]),
}

/// The number that arithmetic and ordering see in a text: 0 where it spells none.
pub fn number_of(text: &[u8]) -> f64 {
    if text.len() <= number::TEXT_BYTES_MAX {
        number::read(text).unwrap_or(0.0)
    } else {
        0.0
    }
}

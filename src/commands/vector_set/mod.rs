//! Vector sets: the V* commands of Redis to the byte, and the native ones (VCREATE, VSEARCH, VMADD, VMSEARCH, VRECALL)
//! beside them.
//!
//! - [`vector`]: vectors as requests give them; [`errors`]: this family's error lines;
//! - [`add`], [`remove`], [`create`]: what changes a set; [`similar`], [`search`]: what asks it; [`batch`]: many vectors at once;
//!   [`look`], [`names`]: what shows it; [`recall`]: how much of the truth it finds.
//!
//! Where a Vector Sets command of Redis has a defect (crashes on absurd counts, accepts vectors that poison an element, gives
//! an empty attribute to a new element), the command here does what its reference says instead.

mod add;
mod batch;
pub mod calibrator;
mod create;
mod errors;
mod look;
mod names;
mod recall;
mod remove;
mod scores;
mod search;
mod similar;
mod vector;

#[cfg(test)]
mod tests;

use super::Call;
use super::error::{self, Result};
use super::table::{Arg, Command};
use crate::keyspace::collection::{Collection, Element};
use crate::keyspace::{Value, View};
use crate::protocol::Reply;
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    add::VADD,
    similar::VSIM,
    remove::VREM,
    look::VCARD,
    look::VDIM,
    look::VEMB,
    look::VLINKS,
    look::VINFO,
    remove::VSETATTR,
    look::VGETATTR,
    names::VRANDMEMBER,
    names::VISMEMBER,
    names::VRANGE,
    create::VCREATE,
    search::VSEARCH,
    batch::VMADD,
    batch::VMSEARCH,
    recall::VRECALL,
];

/// EF and M, and how many components a vector may have.
const EF_MAX: i64 = 1_000_000;
const M_MIN: i64 = 4;
const M_MAX: i64 = 4096;
const DIM_MAX: i64 = 65_536;
/// What a set is made with when VADD or VCREATE does not say.
const EF_CONSTRUCTION: u32 = 200;
const M: u32 = 16;

const FP32: Arg = Arg::Option("FP32", &[Arg::Str("vector")]);
const VALUES: Arg = Arg::Option(
    "VALUES",
    &[Arg::Int("num"), Arg::Multiple(&Arg::Double("value"))],
);
const ELE: Arg = Arg::Option("ELE", &[Arg::Str("element")]);

/// The collection under `key`, if the key is there.
fn collection(view: &View, key: &[u8]) -> Result<Option<Arc<Collection>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::Collection(collection)) => Ok(Some(collection)),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

/// Reads the collection under the next word; `missing` answers for a key that is not there.
fn read(call: &mut Call, missing: Reply, look: impl FnOnce(&Collection) -> Reply) -> Result {
    let key = call.args.word()?;
    call.access.read(call.db(), key, |view| {
        Ok(collection(view, key)?.map_or(missing, |collection| look(&collection)))
    })?
}

/// An element's attributes as a reply.
fn attributes(element: &Element) -> Reply {
    element
        .attributes()
        .map_or(Reply::Null, |attributes| Reply::Bulk((*attributes).clone()))
}

/// An element's name as a reply.
fn name(element: &Element) -> Reply {
    Reply::bulk(element.name())
}

//! FT.ALIASADD, FT.ALIASUPDATE, FT.ALIASDEL and the forms that may be repeated: other names of indexes.

use super::indexes::{index, wrong_arity_within};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::{Key, View};
use crate::protocol::Reply;

/// What is wrong where a name is an index's own.
const NO_ALIAS: &str = "Alias does not belong to provided spec";

const FLAGS: Flags = flags(&[Flags::WRITE, Flags::WORLD]);

/// FT.ALIASADD alias index
pub const ALIASADD: Command = Command {
    name: "FT.ALIASADD",
    summary: "Gives an index another name.",
    group: Group::Search,
    since: "1.0.0",
    args: &[Arg::Str("alias"), Arg::Str("index")],
    arity: Some(-3),
    flags: FLAGS,
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.ALIASADD animals pets", "OK"),
        ("FT.SEARCH animals *", "1) (integer) 0"),
        ("FT.ALIASADD animals pets", "(error) Alias already exists"),
    ],
    run: |call| set(call, Taken::Refused),
    ..COMMAND
};

/// FT.ALIASUPDATE alias index
pub const ALIASUPDATE: Command = Command {
    name: "FT.ALIASUPDATE",
    summary: "Gives an index another name, which may be that of another one so far.",
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.ALIASUPDATE animals pets", "OK"),
        ("FT.ALIASUPDATE animals cars", "(error) cars: no such index"),
    ],
    run: |call| set(call, Taken::Moved),
    ..ALIASADD
};

/// FT.ALIASDEL alias
pub const ALIASDEL: Command = Command {
    name: "FT.ALIASDEL",
    summary: "Takes another name from an index.",
    group: Group::Search,
    since: "1.0.0",
    args: &[Arg::Str("alias")],
    arity: Some(-2),
    flags: FLAGS,
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.ALIASADD animals pets", "OK"),
        ("FT.ALIASDEL animals", "OK"),
        ("FT.ALIASDEL animals", "(error) Alias does not exist"),
    ],
    run: |call| delete(call, false),
    ..COMMAND
};

/// FT._ALIASADDIFNX alias index
pub const ALIASADDIFNX: Command = Command {
    name: "FT._ALIASADDIFNX",
    summary: "Gives an index another name, unless it has it.",
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT._ALIASADDIFNX animals pets", "OK"),
        ("FT._ALIASADDIFNX animals pets", "OK"),
    ],
    run: |call| set(call, Taken::KeptByItsOwn),
    ..ALIASADD
};

/// FT._ALIASDELIFX alias
pub const ALIASDELIFX: Command = Command {
    name: "FT._ALIASDELIFX",
    summary: "Takes another name from an index, if it has it.",
    examples: &[("FT._ALIASDELIFX animals", "OK")],
    run: |call| delete(call, true),
    ..ALIASDEL
};

/// What happens where the name is another one's already.
#[derive(Clone, Copy, PartialEq)]
enum Taken {
    Refused,
    Moved,
    /// Nothing, if it is that index's; refused otherwise.
    KeptByItsOwn,
}

/// The index that has this alias.
fn aliased(view: &View, alias: &[u8]) -> Option<Key> {
    let aliases = view.keyspace().indexes().aliases();
    let mut aliases = aliases.into_iter();
    aliases
        .find(|(known, _)| **known == *alias)
        .map(|(_, index)| index)
}

fn set(call: &mut Call, taken: Taken) -> Result {
    let (alias, name) = (call.args.word()?, call.args.word()?);
    if !call.args.is_done() {
        // What goes by the index looks for it first.
        if taken != Taken::KeptByItsOwn {
            index(&call.access.view(INDEXED_DB), name)?;
        }
        return Err(wrong_arity_within(call));
    }
    call.access.write_world(INDEXED_DB, |view| {
        let unknown = Refusal::line("Unknown index name (or name is an alias itself)");
        let index = match index(view, name) {
            Err(_) if taken == Taken::KeptByItsOwn => return Err(unknown),
            index => index?,
        };
        let is_index = |name: &[u8]| view.keyspace().indexes().is_index(name);
        // Whoever moves an alias takes it from its index first.
        if taken == Taken::Moved && is_index(alias) {
            return Err(Refusal::line(NO_ALIAS));
        }
        if !is_index(name) {
            return Err(unknown);
        }
        if is_index(alias) {
            return Err(Refusal::line("Alias conflicts with an existing index name"));
        }
        match (aliased(view, alias), taken) {
            (Some(owner), Taken::KeptByItsOwn) if *owner == *index.name() => {
                return Ok(Decision::unchanged(Reply::ok()));
            }
            (None, _) | (Some(_), Taken::Moved) => {}
            (Some(_), _) => return Err(Refusal::line("Alias already exists")),
        }
        let index = index.name().into();
        let change = Change::new(INDEXED_DB, alias, Effect::SetAlias { index });
        Ok(Decision::one(Reply::ok(), change))
    })
}

fn delete(call: &mut Call, may_be_missing: bool) -> Result {
    let alias = call.args.word()?;
    if !call.args.is_done() {
        return Err(wrong_arity_within(call));
    }
    call.access.write_world(INDEXED_DB, |view| {
        if view.keyspace().indexes().is_index(alias) {
            return Err(Refusal::line(NO_ALIAS));
        }
        match aliased(view, alias) {
            Some(_) => {
                let change = Change::new(INDEXED_DB, alias, Effect::DropAlias);
                Ok(Decision::one(Reply::ok(), change))
            }
            None if may_be_missing => Ok(Decision::unchanged(Reply::ok())),
            None => Err(Refusal::line("Alias does not exist")),
        }
    })
}

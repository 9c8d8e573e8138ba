//! FT.ALIASADD, FT.ALIASUPDATE and FT.ALIASDEL: other names of indexes.

use super::indexes::index;
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::documents::INDEXED_DB;
use crate::protocol::Reply;

const FLAGS: Flags = flags(&[Flags::WRITE, Flags::WORLD]);

/// FT.ALIASADD alias index
pub const ALIASADD: Command = Command {
    name: "FT.ALIASADD",
    summary: "Gives an index another name.",
    group: Group::Search,
    since: "1.0.0",
    args: &[Arg::Str("alias"), Arg::Str("index")],
    flags: FLAGS,
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.ALIASADD animals pets", "OK"),
        ("FT.SEARCH animals *", "1) (integer) 0"),
        ("FT.ALIASADD animals pets", "(error) Alias already exists"),
    ],
    run: |call| set(call, false),
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
    run: |call| set(call, true),
    ..ALIASADD
};

/// FT.ALIASDEL alias
pub const ALIASDEL: Command = Command {
    name: "FT.ALIASDEL",
    summary: "Takes another name from an index.",
    group: Group::Search,
    since: "1.0.0",
    args: &[Arg::Str("alias")],
    flags: FLAGS,
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.ALIASADD animals pets", "OK"),
        ("FT.ALIASDEL animals", "OK"),
        ("FT.ALIASDEL animals", "(error) Alias does not exist"),
    ],
    run: delete,
    ..COMMAND
};

fn is_alias(view: &View, alias: &[u8]) -> bool {
    let aliases = view.keyspace().indexes().aliases();
    aliases.iter().any(|(known, _)| **known == *alias)
}

fn is_index(view: &View, name: &[u8]) -> bool {
    let all = view.keyspace().indexes().all();
    all.iter().any(|index| index.name() == name)
}

fn set(call: &mut Call, replaces: bool) -> Result {
    let (alias, name) = (call.args.word()?, call.args.word()?);
    call.access.write_world(INDEXED_DB, |view| {
        let index = index(view, name)?;
        if index.name() != name {
            return Err(Refusal::line(
                "Unknown index name (or name is an alias itself)",
            ));
        }
        if is_index(view, alias) {
            return Err(Refusal::line("Alias conflicts with an existing index name"));
        }
        if !replaces && is_alias(view, alias) {
            return Err(Refusal::line("Alias already exists"));
        }
        let index = index.name().into();
        let change = Change::new(INDEXED_DB, alias, Effect::SetAlias { index });
        Ok(Decision::one(Reply::ok(), change))
    })
}

fn delete(call: &mut Call) -> Result {
    let alias = call.args.word()?;
    call.access.write_world(INDEXED_DB, |view| {
        if is_index(view, alias) {
            return Err(Refusal::line("Alias does not belong to provided spec"));
        }
        if !is_alias(view, alias) {
            return Err(Refusal::line("Alias does not exist"));
        }
        let change = Change::new(INDEXED_DB, alias, Effect::DropAlias);
        Ok(Decision::one(Reply::ok(), change))
    })
}

//! FT.EXPLAIN, FT.EXPLAINCLI and FT.TAGVALS: what a query means, and which tags there are.

use super::arguments;
use super::explain::{explain, lines};
use super::find::{check_vectors, language, read_query, scorer};
use super::indexes::{bulk, index, wrong_arity_within};
use super::options::{Limits, Options};
use super::rows::check_format;
use super::schema::FieldKind;
use super::search;
use super::words::Words;
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::turns::Turn;
use crate::protocol::Reply;

/// `FT.EXPLAIN index query [option ...]`
pub const EXPLAIN: Command = Command {
    name: "FT.EXPLAIN",
    summary: "Shows how a query is understood.",
    group: Group::Search,
    since: "1.0.0",
    args: arguments::EXPLAIN,
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("FT.CREATE pets SCHEMA age NUMERIC", "OK"),
        (
            "FT.EXPLAIN pets '@age:[1 2]'",
            "\"NUMERIC {1.000000 <= @age <= 2.000000}\\n\"",
        ),
    ],
    run: |call| Ok(Reply::bulk(explained(call)?)),
    ..COMMAND
};

/// `FT.EXPLAINCLI index query [option ...]`
pub const EXPLAINCLI: Command = Command {
    name: "FT.EXPLAINCLI",
    summary: "Shows how a query is understood, a line at a time.",
    group: Group::Search,
    since: "1.0.0",
    args: arguments::EXPLAIN,
    flags: flags(&[Flags::READONLY]),
    run: |call| {
        let text = explained(call)?;
        let lines = lines(&text).map(|line| Reply::Text(line.to_owned()));
        Ok(Reply::Array(lines.collect()))
    },
    ..COMMAND
};

/// FT.TAGVALS index field
pub const TAGVALS: Command = Command {
    name: "FT.TAGVALS",
    summary: "Lists the values of a TAG field.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of values",
    args: &[Arg::Str("index"), Arg::Str("field")],
    arity: Some(-3),
    flags: flags(&[Flags::READONLY, Flags::DANGEROUS]),
    class: Class::Aside(Delay::Keys),
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("HSET pet:1 kind Cat", "(integer) 1"),
        ("FT.TAGVALS pets kind", "1) \"cat\""),
        ("FT.TAGVALS pets age", "(error) No such field"),
    ],
    run: tag_values,
    ..COMMAND
};

fn explained(call: &mut Call) -> Result<String> {
    let name = call.args.word()?;
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let index = index(&call.access.view(INDEXED_DB), name)?;
    let limits = Limits::of(&call.context.config);
    let request = search::read(&mut Words::of_query(&words), &limits)?;
    let mut options: Options = request.options;
    // What options add to the conditions is not shown.
    (options.slop, options.is_in_order) = (None, false);
    options.fields.clear();
    let language = language(&options, &index)?;
    scorer(&options, &limits)?;
    check_format(&options, index.schema(), call.session.version)?;
    let query = read_query(&index, &options, language)?;
    check_vectors(&index, &query)?;
    Ok(explain(
        &query,
        index.schema(),
        language,
        options.expansion(),
    ))
}

fn tag_values(call: &mut Call) -> Result {
    let (name, field) = (call.args.word()?, call.args.word()?);
    let index = index(&call.access.view(INDEXED_DB), name)?;
    if !call.args.is_done() {
        return Err(wrong_arity_within(call));
    }
    let fields = &index.schema().fields;
    let is_it = |known: &super::schema::Field| known.name.as_bytes() == field;
    let place = fields
        .iter()
        .position(is_it)
        .ok_or(Refusal::line("No such field"))?;
    if !matches!(fields[place].kind, FieldKind::Tag { .. }) {
        return Err(Refusal::line("Not a tag field"));
    }
    let state = index.read_in(Turn::Soon);
    let tags = state.fields[place].tags.keys();
    Ok(Reply::Set(tags.map(|tag| bulk(tag.as_bytes())).collect()))
}

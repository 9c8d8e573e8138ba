//! Reading values as text: JSON.GET, JSON.MGET.

use super::path::Path;
use super::{CLASS, LOOKS, document_of, errors, utf8};
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::table::{Arg, COMMAND, Command, Group, KeyPositions};
use crate::keyspace::json::{Document, Layout, Node};
use crate::protocol::{Reply, Version};

/// `JSON.GET key [INDENT indent] [NEWLINE newline] [SPACE space] [NOESCAPE] [FORMAT format] [path ...]`
pub const GET: Command = Command {
    name: "JSON.GET",
    summary: "Returns the values that paths lead to, as JSON.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("INDENT", &[Arg::Str("indent")])),
        Arg::Optional(&Arg::Option("NEWLINE", &[Arg::Str("newline")])),
        Arg::Optional(&Arg::Option("SPACE", &[Arg::Str("space")])),
        Arg::Optional(&Arg::Token("NOESCAPE")),
        Arg::Optional(&Arg::Option("FORMAT", &[Arg::Str("format")])),
        Arg::Optional(&Arg::Multiple(&Arg::Str("path"))),
    ],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO", "access"],
    errors: &[
        (
            "ERR Path does not exist",
            "A path of the older form leads nowhere.",
        ),
        (
            "Existing key has wrong Redis type",
            "The key holds another kind of value.",
        ),
        (
            "Error occurred at position <n>, <what>",
            "The path cannot be read; positions are counted from its `$`.",
        ),
        (
            "ERR the path asks for too many steps",
            "Answering would take more than 50 million steps.",
        ),
        (
            "ERR FORMAT argument is not supported on RESP2",
            "FORMAT is for clients that speak RESP3.",
        ),
        (
            "ERR wrong reply format",
            "FORMAT is not STRING, EXPAND1 or EXPAND.",
        ),
    ],
    examples: &[
        (r#"JSON.SET book $ '{"title":"Dune","year":1965}'"#, "OK"),
        ("JSON.GET book $.title", r#""[\"Dune\"]""#),
        ("JSON.GET book .year", r#""1965""#),
        (
            "JSON.GET book $.title $.year",
            r#""{\"$.title\":[\"Dune\"],\"$.year\":[1965]}""#,
        ),
        ("JSON.GET nothing $", "(nil)"),
    ],
    run: get,
    ..COMMAND
};

/// How values are put into a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As one JSON text.
    Text,
    /// Scalars as themselves, containers as JSON texts.
    Expand1,
    /// As themselves all the way down.
    Expand,
}

/// What the words of JSON.GET ask for.
struct Wanted<'r> {
    layout: Layout<'r>,
    format: Format,
    paths: Vec<Path<'r>>,
}

fn get(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let wanted = take_wanted(call)?;
    call.access
        .read(call.db(), key, |view| match document_of(view, key)? {
            None => Ok(Reply::Null),
            Some(document) => wanted.reply(&document),
        })?
}

fn take_wanted<'r>(call: &mut Call<'r>) -> Result<Wanted<'r>> {
    let mut wanted = Wanted {
        layout: Layout::default(),
        format: Format::Text,
        paths: Vec::new(),
    };
    let is_resp3 = call.session.version == Version::Resp3;
    while !call.args.is_done() {
        if call.args.take("INDENT") {
            wanted.layout.indent = take_text(call)?;
        } else if call.args.take("NEWLINE") {
            wanted.layout.newline = take_text(call)?;
        } else if call.args.take("SPACE") {
            wanted.layout.space = take_text(call)?;
        } else if call.args.take("FORMAT") {
            if !is_resp3 && wanted.paths.is_empty() {
                return Err(errors::FORMAT_NEEDS_RESP3);
            }
            let format = parse_format(take_text(call)?, "STRING")?;
            // The older servers' STRING is no other reply than the one without the word.
            wanted.format = if is_resp3 { format } else { Format::Text };
        } else if !call.args.take("NOESCAPE") {
            wanted.paths.push(Path::take(call)?);
        }
    }
    if wanted.paths.is_empty() {
        wanted.paths.push(Path::new(b".")?);
    }
    Ok(wanted)
}

fn take_text<'r>(call: &mut Call<'r>) -> Result<&'r str> {
    match call.args.try_next() {
        Some(word) => utf8(word),
        None => Err(error::wrong_arity(&call.command.lower_name())),
    }
}

/// A format of replies; `text` is what the command calls the one that is text.
pub fn parse_format(word: &str, text: &str) -> Result<Format> {
    match word {
        "EXPAND1" => Ok(Format::Expand1),
        "EXPAND" => Ok(Format::Expand),
        word if word == text => Ok(Format::Text),
        _ => Err(errors::WRONG_REPLY_FORMAT),
    }
}

impl Wanted<'_> {
    fn reply(&self, document: &Document) -> Result {
        if self.format != Format::Text {
            return self.expanded(document);
        }
        match &self.paths[..] {
            [path] if path.is_legacy => {
                let mut text = Vec::new();
                path.first(document)?.write(&self.layout, 0, &mut text);
                Ok(Reply::bulk(text))
            }
            [path] => {
                let mut text = Vec::new();
                let nodes = path.find(document)?;
                self.layout.array(nodes.into_iter(), 0, &mut text);
                Ok(Reply::bulk(text))
            }
            _ => self.by_path(document),
        }
    }

    /// An object with what each path leads to; a path that cannot be read is left out, as RedisJSON does.
    fn by_path(&self, document: &Document) -> Result {
        let all_legacy = self.paths.iter().all(|path| path.is_legacy);
        let mut members: Vec<(&str, Vec<Node>)> = Vec::new();
        for path in self.paths.iter().filter(|path| path.is_valid()) {
            let nodes = path.find(document)?;
            if all_legacy && nodes.is_empty() {
                return Err(errors::NO_PATH);
            }
            members.retain(|(text, _)| *text != path.text);
            members.push((path.text, nodes));
        }
        let mut text = Vec::new();
        let layout = &self.layout;
        layout.object(
            members.into_iter(),
            0,
            &mut text,
            |nodes, level, out| match all_legacy {
                true => nodes[0].write(layout, level, out),
                false => layout.array(nodes.into_iter(), level, out),
            },
        );
        Ok(Reply::bulk(text))
    }

    /// An array with an array for each path.
    fn expanded(&self, document: &Document) -> Result {
        let one = |path: &Path| {
            let nodes = match path.is_valid() {
                true => path.find(document)?,
                false => Vec::new(),
            };
            let replies = nodes.into_iter().map(|node| expand(node, self.format));
            Ok(Reply::Array(replies.collect()))
        };
        let replies: Result<Vec<Reply>> = self.paths.iter().map(one).collect();
        replies.map(Reply::Array)
    }
}

/// A node as a reply of RESP3.
pub fn expand(node: Node, format: Format) -> Reply {
    match node {
        Node::Null => Reply::Null,
        Node::Bool(yes) => Reply::Bool(yes),
        Node::Int(number) => Reply::Int(number),
        Node::Uint(number) => Reply::Double(number as f64),
        Node::Float(number) => Reply::Double(number),
        Node::Text(text) if format == Format::Expand => Reply::bulk(text),
        Node::Array(elements) if format == Format::Expand => {
            Reply::Array(elements.iter().map(|node| expand(node, format)).collect())
        }
        Node::Object(object) if format == Format::Expand => {
            let members = object.iter();
            let pair = |(name, value): (&str, &crate::keyspace::json::Json)| {
                (Reply::bulk(name), expand(value.node(), format))
            };
            Reply::Map(members.map(pair).collect())
        }
        other => Reply::bulk(other.to_text()),
    }
}

/// `JSON.MGET key [key ...] path`
pub const MGET: Command = Command {
    name: "JSON.MGET",
    summary: "Returns what a path leads to in several documents, as JSON.",
    group: Group::Json,
    complexity: "O(K * N), K the number of keys, N the size of a document",
    args: &[Arg::Multiple(&Arg::Key("key")), Arg::Str("path")],
    keys: Some(KeyPositions {
        first: 1,
        last: -2,
        step: 1,
    }),
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO", "access"],
    examples: &[
        (r#"JSON.SET a $ '{"n":1}'"#, "OK"),
        (r#"JSON.SET b $ '{"n":2}'"#, "OK"),
        (
            "JSON.MGET a b nothing $.n",
            "1) \"[1]\"\n2) \"[2]\"\n3) (nil)",
        ),
    ],
    run: mget,
    ..COMMAND
};

/// A key of another kind, and a path that cannot be read or leads nowhere, are null.
fn mget(call: &mut Call) -> Result {
    let mut keys: Vec<&[u8]> = call.args.rest_words().collect();
    let path = Path::new(keys.pop().unwrap_or_default())?;
    let layout = Layout::default();
    Ok(call.access.read_keys(call.db(), &keys, |view| {
        let text = |key: &&[u8]| {
            let document = document_of(view, key).ok().flatten()?;
            let mut text = Vec::new();
            match path.is_legacy {
                true => path.first(&document).ok()?.write(&layout, 0, &mut text),
                false => {
                    let nodes = path.find(&document).ok()?;
                    layout.array(nodes.into_iter(), 0, &mut text);
                }
            }
            Some(Reply::bulk(text))
        };
        let replies = keys.iter().map(|key| text(key).unwrap_or(Reply::Null));
        Reply::Array(replies.collect())
    })?)
}

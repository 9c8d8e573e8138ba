//! COMMAND: the table of commands as clients ask for it. Everything here is read off [`Table`]; the shapes are those of Redis.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{
    Arg, COMMAND, Command, Flags, Group, KeyPositions, Lookup, Table, flags,
};
use crate::commands::{Call, docs};
use crate::protocol::{Reply, Request, glob};

/// COMMAND and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "COMMAND",
        summary: "Describes all commands.",
        since: "2.8.13",
        arity: Some(-1),
        run: |_| {
            Ok(Reply::Array(
                top_level().map(|entry| entry.info()).collect(),
            ))
        },
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|COUNT",
        summary: "Answers how many commands there are, subcommands not counted.",
        since: "2.8.13",
        complexity: "O(1)",
        run: |_| Ok(Reply::count(top_level().count())),
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|LIST",
        summary: "Lists the names of commands, all or those that pass a filter.",
        since: "7.0.0",
        args: &[Arg::Optional(&Arg::Option(
            "FILTERBY",
            &[Arg::OneOf(&[
                Arg::Option("MODULE", &[Arg::Str("module-name")]),
                Arg::Option("ACLCAT", &[Arg::Str("category")]),
                Arg::Option("PATTERN", &[Arg::Pattern("pattern")]),
            ])],
        ))],
        examples: &[("COMMAND LIST FILTERBY PATTERN ec*", "1) \"echo\"")],
        run: list,
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|INFO",
        summary: "Describes commands: arity, flags, keys, categories, subcommands.",
        since: "2.8.13",
        args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("command-name")))],
        examples: &[("COMMAND INFO no-such-command", "1) (nil)")],
        run: info,
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|DOCS",
        summary: "Documents commands: summary, group, complexity, arguments.",
        since: "7.0.0",
        args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("command-name")))],
        examples: &[("COMMAND DOCS no-such-command", "(empty array)")],
        run: documentation,
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|GETKEYS",
        summary: "Answers the keys of a request.",
        since: "2.8.13",
        complexity: "O(N), N the number of arguments",
        args: REQUEST,
        examples: &[("COMMAND GETKEYS WATCH a b", "1) \"a\"\n2) \"b\"")],
        run: get_keys,
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|GETKEYSANDFLAGS",
        summary: "Answers the keys of a request, each with what is done to it.",
        since: "7.0.0",
        complexity: "O(N), N the number of arguments",
        args: REQUEST,
        run: get_keys_and_flags,
        ..INTROSPECTION
    },
    Command {
        name: "COMMAND|HELP",
        summary: "Explains the subcommands.",
        since: "5.0.0",
        complexity: "O(1)",
        run: docs::help,
        ..INTROSPECTION
    },
];

const INTROSPECTION: Command = Command {
    group: Group::Server,
    complexity: "O(N), N the number of commands",
    flags: flags(&[Flags::LOADING, Flags::STALE]),
    categories: &["@connection"],
    ..COMMAND
};

const REQUEST: &[Arg] = &[
    Arg::Str("command"),
    Arg::Optional(&Arg::Multiple(&Arg::Str("arg"))),
];

const INVALID_COMMAND: Refusal = Refusal::line("ERR Invalid command specified");
const INVALID_ARITY: Refusal =
    Refusal::line("ERR Invalid number of arguments specified for command");
const INVALID_ARGUMENTS: Refusal = Refusal::line("ERR Invalid arguments specified for command");
const NO_KEYS: Refusal = Refusal::line("ERR The command has no key arguments");

/// A name that clients know: a command, a container, or both (COMMAND itself).
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    /// None for a container that does nothing alone.
    command: Option<&'static Command>,
    /// Whether it has subcommands.
    is_container: bool,
}

/// All names but those of subcommands, in table order.
fn top_level() -> impl Iterator<Item = Entry> {
    let names = Table::all().top_level().iter();
    names.filter_map(|name| Entry::find(name.as_bytes()))
}

/// All names.
fn all_names() -> impl Iterator<Item = Entry> {
    top_level().flat_map(|entry| std::iter::once(entry).chain(entry.subcommands()))
}

impl Entry {
    /// The entry of a name as clients write it: `get`, `config`, `config|get`.
    fn find(name: &[u8]) -> Option<Entry> {
        let table = Table::all();
        let command = table.get(name).map(|place| table.commands()[place]);
        let container = table.container(name);
        Some(Entry {
            name: command.map(|command| command.name).or(container)?,
            command,
            is_container: container.is_some(),
        })
    }

    fn subcommands(self) -> impl Iterator<Item = Entry> {
        let table = Table::all();
        let places = self.is_container.then(|| table.subcommands(self.name));
        places.into_iter().flatten().map(|place| Entry {
            name: table.commands()[place].name,
            command: Some(table.commands()[place]),
            is_container: false,
        })
    }

    /// The name as COMMAND writes it; see [`Command::shown_name`].
    fn shown_name(self) -> String {
        self.command
            .map_or_else(|| self.name.to_ascii_lowercase(), Command::shown_name)
    }

    /// An entry of COMMAND INFO.
    fn info(self) -> Reply {
        let words =
            |words: Vec<&'static str>| Reply::Set(words.into_iter().map(Reply::Simple).collect());
        let KeyPositions { first, last, step } =
            self.command.map_or(NO_POSITIONS, Command::key_positions);
        let specifications = self.command.map_or(Vec::new(), key_specifications);
        Reply::Array(vec![
            Reply::bulk(self.shown_name()),
            Reply::Int(self.command.map_or(-2, Command::arity)),
            words(self.command.map(flag_words).unwrap_or_default()),
            Reply::Int(first),
            Reply::Int(last),
            Reply::Int(step),
            words(self.categories()),
            Reply::Set(Vec::new()),
            Reply::Set(specifications),
            self.subcommand_infos(),
        ])
    }

    /// An array, but where there is nothing a set, as in Redis.
    fn subcommand_infos(self) -> Reply {
        let infos: Vec<Reply> = self.subcommands().map(Entry::info).collect();
        match infos.is_empty() {
            true => Reply::Set(infos),
            false => Reply::Array(infos),
        }
    }

    fn categories(self) -> Vec<&'static str> {
        self.command.map_or_else(|| vec!["@slow"], categories)
    }

    /// The value of an entry of COMMAND DOCS.
    fn documentation(self) -> Reply {
        let text = Reply::bulk_static;
        let mut pairs = match self.command {
            Some(command) => vec![
                (text("summary"), text(command.summary)),
                (text("since"), text(command.since)),
                (text("group"), text(command.group.name())),
                (text("complexity"), text(command.complexity)),
            ],
            None => vec![(
                text("summary"),
                Reply::bulk(docs::container_summary(self.name)),
            )],
        };
        if let Some(module) = self.command.and_then(|command| command.group.module()) {
            pairs.push((text("module"), text(module)));
        }
        let args = self.command.map_or(&[][..], |command| command.args);
        if !args.is_empty() {
            let args = args.iter().map(argument).collect();
            pairs.push((text("arguments"), Reply::Array(args)));
        }
        let subcommands: Vec<(Reply, Reply)> = self
            .subcommands()
            .map(|sub| (Reply::bulk(sub.shown_name()), sub.documentation()))
            .collect();
        if !subcommands.is_empty() {
            pairs.push((text("subcommands"), Reply::Map(subcommands)));
        }
        Reply::Map(pairs)
    }
}

const NO_POSITIONS: KeyPositions = KeyPositions {
    first: 0,
    last: 0,
    step: 0,
};

fn flag_words(command: &Command) -> Vec<&'static str> {
    let words = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::PUBSUB, "pubsub"),
        (Flags::NO_SCRIPT, "noscript"),
        (Flags::LOADING, "loading"),
        (Flags::STALE, "stale"),
        (Flags::SKIP_SLOWLOG, "skip_slowlog"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::NO_MULTI, "no_multi"),
    ];
    let has = |flag: Flags| command.flags.has(flag);
    let mut set: Vec<&str> = words
        .iter()
        .filter_map(|(flag, word)| has(*flag).then_some(*word))
        .collect();
    set.extend(command.group.module().map(|_| "module"));
    set.extend(command.counted_keys().map(|_| "movablekeys"));
    set
}

/// ACL categories: what is done, how long it takes, and the group.
fn categories(command: &Command) -> Vec<&'static str> {
    let has = |flag: Flags| command.flags.has(flag);
    let told = [
        // DBSIZE, FLUSHALL and their kin stand among the commands of the server, and are about keys.
        (
            command.group == Group::Server && has(Flags::WORLD),
            "@keyspace",
        ),
        (has(Flags::WRITE), "@write"),
        (has(Flags::READONLY), "@read"),
        (has(Flags::ADMIN), "@admin"),
        (has(Flags::ADMIN) || has(Flags::DANGEROUS), "@dangerous"),
        (has(Flags::FAST), "@fast"),
        (!has(Flags::FAST), "@slow"),
    ];
    let told = told
        .iter()
        .filter_map(|(holds, category)| holds.then_some(*category));
    told.chain(command.group.category())
        .chain(command.categories.iter().copied())
        .collect()
}

/// What a command does to its first key, in the words of GETKEYSANDFLAGS.
fn key_flags(command: &Command) -> &'static [&'static str] {
    match command.key_flags {
        [] if command.flags.has(Flags::WRITE) => &["RW", "access", "update"],
        [] => &["RO", "access"],
        words => words,
    }
}

/// What it does to those after the first.
fn later_key_flags(command: &Command) -> &'static [&'static str] {
    match command.later_key_flags {
        [] => key_flags(command),
        words => words,
    }
}

fn flag_set(words: &[&'static str]) -> Reply {
    Reply::Set(words.iter().map(|word| Reply::Simple(word)).collect())
}

/// The key specifications that the key positions amount to.
fn key_specifications(command: &Command) -> Vec<Reply> {
    let text = Reply::bulk_static;
    let search = |kind, spec: &[(&'static str, i64)]| {
        let spec = spec.iter().map(|(name, n)| (text(name), Reply::Int(*n)));
        Reply::Map(vec![
            (text("type"), text(kind)),
            (text("spec"), Reply::Map(spec.collect())),
        ])
    };
    let specification = |flags: &[&'static str], begin, find| {
        Reply::Map(vec![
            (text("flags"), flag_set(flags)),
            (text("begin_search"), search("index", &[("index", begin)])),
            (text("find_keys"), find),
        ])
    };
    let range = |flags, first: i64, last: i64, step: i64| {
        // The last key counts from the first one, or from the end.
        let last = if last < 0 { last } else { last - first };
        let spec = [("lastkey", last), ("keystep", step), ("limit", 0)];
        specification(flags, first, search("range", &spec))
    };
    let (flags, later_flags) = (key_flags(command), later_key_flags(command));
    let KeyPositions { first, last, step } = command.key_positions();
    let ranges = match first {
        0 => Vec::new(),
        // The first key apart, where something else is done to it.
        _ if last != first && flags != later_flags => vec![
            range(flags, first, first, step),
            range(later_flags, first + step, last, step),
        ],
        _ => vec![range(flags, first, last, step)],
    };
    let counted_flags = if first > 0 { later_flags } else { flags };
    let counted = command.counted_keys().map(|(first, step)| {
        let spec = [("keynumidx", 0), ("firstkey", 1), ("keystep", step as i64)];
        specification(counted_flags, first as i64 - 1, search("keynum", &spec))
    });
    ranges.into_iter().chain(counted).collect()
}

/// An argument as COMMAND DOCS describes it.
fn argument(arg: &Arg) -> Reply {
    Argument::of(arg).reply()
}

/// An argument with the wrappings of the grammar taken off.
struct Argument<'a> {
    name: String,
    kind: &'static str,
    token: Option<&'static str>,
    is_optional: bool,
    is_multiple: bool,
    /// Whether its token stands before each of several.
    repeats_token: bool,
    parts: &'a [Arg],
}

impl<'a> Argument<'a> {
    fn of(arg: &'a Arg) -> Argument<'a> {
        let plain = |name: &str, kind| Argument {
            name: name.to_owned(),
            kind,
            token: None,
            is_optional: false,
            is_multiple: false,
            repeats_token: false,
            parts: &[],
        };
        match arg {
            Arg::Key(name) => plain(name, "key"),
            Arg::Str(name) => plain(name, "string"),
            Arg::Int(name) => plain(name, "integer"),
            Arg::Double(name) => plain(name, "double"),
            Arg::Time(name) => plain(name, "unix-time"),
            Arg::Pattern(name) => plain(name, "pattern"),
            Arg::Token(token) | Arg::Option(token, []) => Argument {
                token: Some(token),
                ..plain(&token.to_ascii_lowercase(), "pure-token")
            },
            Arg::Option(token, [only]) if Argument::of(only).may_follow_a_token() => {
                let only = Argument::of(only);
                let name = match only.parts {
                    [] => only.name,
                    _ => token.to_ascii_lowercase(),
                };
                Argument {
                    token: Some(token),
                    name,
                    ..only
                }
            }
            Arg::Option(token, parts) => Argument {
                token: Some(token),
                parts,
                ..plain(&token.to_ascii_lowercase(), "block")
            },
            Arg::Optional(arg) => Argument {
                is_optional: true,
                ..Argument::of(arg)
            },
            Arg::Multiple(arg) => {
                let one = Argument::of(arg);
                Argument {
                    is_multiple: true,
                    repeats_token: one.token.is_some(),
                    ..one
                }
            }
            Arg::OneOf(parts) => Argument {
                parts,
                ..plain(&joined_names(parts), "oneof")
            },
            Arg::Block(parts) => Argument {
                parts,
                ..plain(&joined_names(parts), "block")
            },
        }
    }

    /// Whether it can be described together with a token in front of it: it has none, and is always there.
    fn may_follow_a_token(&self) -> bool {
        self.token.is_none() && !self.is_optional
    }

    fn reply(self) -> Reply {
        let text = Reply::bulk_static;
        let mut pairs = vec![
            (text("name"), Reply::bulk(self.name.clone())),
            (text("type"), text(self.kind)),
        ];
        if self.parts.is_empty() {
            pairs.push((text("display_text"), Reply::bulk(self.name)));
        }
        if self.kind == "key" {
            // All keys of a command lie in its one specification.
            pairs.push((text("key_spec_index"), Reply::Int(0)));
        }
        if let Some(token) = self.token {
            pairs.push((text("token"), text(token)));
        }
        let flags = [
            (self.is_optional, "optional"),
            (self.is_multiple, "multiple"),
            (self.repeats_token, "multiple_token"),
        ];
        let flags: Vec<Reply> = flags
            .iter()
            .filter_map(|(is_set, word)| is_set.then_some(Reply::Simple(word)))
            .collect();
        if !flags.is_empty() {
            pairs.push((text("flags"), Reply::Set(flags)));
        }
        if !self.parts.is_empty() {
            let parts = self.parts.iter().map(argument);
            pairs.push((text("arguments"), Reply::Array(parts.collect())));
        }
        Reply::Map(pairs)
    }
}

/// A name for a group of arguments that has none: those of its parts.
fn joined_names(parts: &[Arg]) -> String {
    let names: Vec<String> = parts.iter().map(|part| Argument::of(part).name).collect();
    names.join("-")
}

fn list(call: &mut Call) -> Result {
    let names = |keep: &dyn Fn(Entry) -> bool| {
        let kept = all_names().filter(|entry| keep(*entry));
        Ok(Reply::bulks(kept.map(Entry::shown_name)))
    };
    if call.args.is_done() {
        return names(&|_| true);
    }
    if call.args.left() != 3 || !call.args.take("FILTERBY") {
        return Err(error::SYNTAX);
    }
    let filter = call.args.word()?.to_ascii_lowercase();
    let wanted = call.args.word()?;
    match filter.as_slice() {
        b"module" => names(&|entry| {
            let module = entry.command.and_then(|command| command.group.module());
            module.is_some_and(|module| module.as_bytes() == wanted)
        }),
        b"aclcat" => names(&|entry| {
            let is_it = |category: &&str| category.as_bytes()[1..].eq_ignore_ascii_case(wanted);
            entry.categories().iter().any(is_it)
        }),
        b"pattern" => names(&|entry| {
            glob::matches(
                wanted,
                entry.shown_name().as_bytes(),
                glob::Case::Insensitive,
            )
        }),
        _ => Err(error::SYNTAX),
    }
}

fn info(call: &mut Call) -> Result {
    if call.args.is_done() {
        return Ok(Reply::Array(top_level().map(Entry::info).collect()));
    }
    let describe = |name| Entry::find(name).map_or(Reply::Null, Entry::info);
    Ok(Reply::Array(call.args.rest_words().map(describe).collect()))
}

fn documentation(call: &mut Call) -> Result {
    let document = |entry: Entry| (Reply::bulk(entry.shown_name()), entry.documentation());
    if call.args.is_done() {
        return Ok(Reply::Map(top_level().map(document).collect()));
    }
    let entries = call.args.rest_words().filter_map(Entry::find);
    Ok(Reply::Map(entries.map(document).collect()))
}

fn get_keys(call: &mut Call) -> Result {
    let (command, request) = request_asked_about(call)?;
    Ok(Reply::bulks(command.keys_of(&request)))
}

fn get_keys_and_flags(call: &mut Call) -> Result {
    let (command, request) = request_asked_about(call)?;
    let flags =
        std::iter::once(key_flags(command)).chain(std::iter::repeat(later_key_flags(command)));
    let keys = command.keys_of(&request).zip(flags);
    let describe = |(key, flags)| Reply::Array(vec![Reply::bulk(key), flag_set(flags)]);
    Ok(Reply::Array(keys.map(describe).collect()))
}

/// The request behind COMMAND GETKEYS, and its command; it must have keys.
fn request_asked_about(call: &mut Call) -> Result<(&'static Command, Request)> {
    let request = Request::from_args(call.args.rest_words()).ok_or(INVALID_COMMAND)?;
    let Lookup::Found(place, _) = Table::all().lookup(&request) else {
        return Err(INVALID_COMMAND);
    };
    let command = Table::all().commands()[place];
    if !command.has_keys() {
        return Err(NO_KEYS);
    }
    if !Table::all().accepts(place, request.len()) {
        return Err(INVALID_ARITY);
    }
    if !command.has_all_counted_keys(&request) {
        return Err(INVALID_ARGUMENTS);
    }
    Ok((command, request))
}

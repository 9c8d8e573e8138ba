//! The pages under docs/commands/: one for each command, and an index by family.

use super::syntax::{is_long, short_syntax, syntax_lines};
use crate::commands::table::{Arg, Command, Group, Table};
use std::fmt::Write;

/// A file below docs/commands/.
pub struct Page {
    /// Its name.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// All pages.
pub fn pages() -> Vec<Page> {
    let commands = Table::all().commands();
    let mut pages = vec![Page {
        file: "README.md".to_owned(),
        text: index(commands),
    }];
    pages.extend(commands.iter().map(|command| Page {
        file: file_of(command),
        text: page(command),
    }));
    pages
}

fn file_of(command: &Command) -> String {
    format!("{}.md", command.lower_name().replace('|', "-"))
}

fn title(command: &Command) -> String {
    command.name.replace('|', " ")
}

/// Families in the order in which a newcomer wants them.
const GROUPS: &[Group] = &[
    Group::VectorSet,
    Group::Search,
    Group::Generic,
    Group::String,
    Group::Hash,
    Group::Json,
    Group::Set,
    Group::SortedSet,
    Group::List,
    Group::Transactions,
    Group::Connection,
    Group::Server,
];

fn index(commands: &[&Command]) -> String {
    let mut text = String::from(
        "# Commands\n\n\
         Generated from the table that the server itself works from (`src/commands/`); `RHUMB_UPDATE=1 cargo test --test table`\n\
         writes these pages anew.\n",
    );
    for group in GROUPS {
        let mut members: Vec<&&Command> = commands
            .iter()
            .filter(|command| command.group == *group)
            .collect();
        members.sort_by_key(|command| command.name);
        let _ = write!(text, "\n## {}\n\n| command | |\n|---|---|\n", group.title());
        for command in members {
            let (title, file) = (title(command), file_of(command));
            let _ = writeln!(text, "| [{title}]({file}) | {} |", cell(command.summary));
        }
    }
    text
}

/// A text as it may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn page(command: &Command) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n```\n{}\n```\n\n",
        title(command),
        command.summary,
        syntax_lines(command).join("\n")
    );
    let _ = writeln!(
        text,
        "- Family: {}\n- Time: {}\n- Since: {}",
        command.group.title().to_lowercase(),
        command.complexity,
        since(command)
    );
    let properties = properties(command);
    if !properties.is_empty() {
        let _ = writeln!(text, "- {properties}");
    }
    if !command.args.is_empty() {
        text.push_str("\n## Arguments\n\n");
        for arg in command.args {
            describe(arg, "", 0, &mut text);
        }
    }
    reply(command, &mut text);
    errors(command, &mut text);
    examples(command, &mut text);
    text
}

/// The version that had it first; native commands are younger than any Redis.
fn since(command: &Command) -> String {
    let own = env!("CARGO_PKG_VERSION").split('.').next();
    if command.since.split('.').next() == own && own == Some("0") {
        format!("Rhumb {}", command.since)
    } else {
        format!("Redis {}", command.since)
    }
}

/// What else its flags say, in words.
fn properties(command: &Command) -> String {
    use crate::commands::table::Flags;
    let words = [
        (Flags::WRITE, "changes data"),
        (Flags::READONLY, "only reads"),
        (Flags::DENYOOM, "is refused when memory is short"),
        (Flags::ADMIN, "is for operators"),
        (Flags::NO_AUTH, "works before AUTH"),
        (Flags::LOADING, "works while the server loads"),
        (Flags::NO_MULTI, "does not work inside MULTI"),
        (Flags::PROTECTED, "must be allowed by an option"),
    ];
    let set: Vec<&str> = words
        .iter()
        .filter_map(|(flag, word)| command.flags.has(*flag).then_some(*word))
        .collect();
    let joined = set.join("; ");
    let mut letters = joined.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// One argument as a line of a list, its parts below it.
fn describe(arg: &Arg, notes: &str, depth: usize, text: &mut String) {
    let mut line = |what: &str| {
        let _ = writeln!(
            text,
            "{}- `{}`: {what}{notes}",
            "  ".repeat(depth),
            short_syntax(arg)
        );
    };
    match arg {
        Arg::Key(_) => line("a key"),
        Arg::Str(_) => line("any bytes"),
        Arg::Int(_) => line("an integer"),
        Arg::Double(_) => line("a number"),
        Arg::Time(_) => line("a time since 1970"),
        Arg::Pattern(_) => line("a pattern with `*`, `?` and `[...]`"),
        Arg::Token(_) | Arg::Option(_, []) => line("as it stands"),
        Arg::Option(_, [only]) if !is_long(arg) => line(kind(only)),
        Arg::Option(_, parts) => {
            line("the word and what follows it");
            parts
                .iter()
                .for_each(|part| describe(part, "", depth + 1, text));
        }
        Arg::Optional(inner) => describe(inner, &format!("{notes}, may be left out"), depth, text),
        Arg::Multiple(inner) => describe(inner, &format!("{notes}, once or more"), depth, text),
        Arg::OneOf(parts) => {
            line("one of these");
            parts
                .iter()
                .for_each(|part| describe(part, "", depth + 1, text));
        }
        Arg::Block(parts) => {
            line("in this order");
            parts
                .iter()
                .for_each(|part| describe(part, "", depth + 1, text));
        }
    }
}

/// What follows a word.
fn kind(arg: &Arg) -> &'static str {
    match arg {
        Arg::Key(_) => "the word and a key",
        Arg::Int(_) => "the word and an integer",
        Arg::Double(_) => "the word and a number",
        Arg::Time(_) => "the word and a time since 1970",
        Arg::Pattern(_) => "the word and a pattern",
        Arg::OneOf(_) => "the word and one of these",
        _ => "the word and what follows it",
    }
}

fn reply(command: &Command, text: &mut String) {
    let Some(reply) = command.reply else { return };
    let _ = write!(
        text,
        "\n## {}\n\n{}\n\n| field | type | unit | |\n|---|---|---|---|\n",
        reply.title, reply.about
    );
    for field in reply.fields {
        let (kind, unit, what) = (field.kind, field.unit, cell(field.what));
        let _ = writeln!(text, "| `{}` | {kind} | {unit} | {what} |", field.name);
    }
}

fn errors(command: &Command, text: &mut String) {
    if command.errors.is_empty() {
        return;
    }
    text.push_str("\n## Errors\n\n| line | when |\n|---|---|\n");
    for (line, when) in command.errors {
        let _ = writeln!(text, "| `{}` | {} |", cell(line), cell(when));
    }
}

fn examples(command: &Command, text: &mut String) {
    if command.examples.is_empty() {
        return;
    }
    text.push_str("\n## Examples\n\n```\n");
    for (line, reply) in command.examples {
        let _ = writeln!(text, "> {line}\n{}", reply.replace('\r', "").trim_end());
    }
    text.push_str("```\n");
}

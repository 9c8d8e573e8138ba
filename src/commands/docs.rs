//! The table told to people: syntax lines, HELP replies, and the pages under docs/commands/; and replies as redis-cli shows
//! them.

mod pages;
mod syntax;

pub use pages::{Page, pages};
pub use syntax::{arg_syntax, syntax};

use super::Call;
use super::error::Result;
use super::table::Table;
use crate::protocol::{Reply, Version};

/// What a container is, in a sentence.
pub fn container_summary(container: &str) -> String {
    format!("Holds the subcommands of {container}.")
}

/// `CONTAINER HELP`: its subcommands, each with its syntax and summary.
pub fn help(call: &mut Call) -> Result {
    let container = call.command.name.split('|').next().unwrap_or_default();
    let head = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let mut lines = vec![head];
    let table = Table::all();
    for place in table.subcommands(container) {
        let command = table.commands()[place];
        let line = syntax(command);
        lines.push(line[container.len() + 1..].to_owned());
        lines.push(format!("    {}", command.summary));
    }
    Ok(Reply::Array(lines.into_iter().map(Reply::Text).collect()))
}

/// A reply as redis-cli shows it on a terminal.
pub fn render(reply: &Reply, version: Version) -> String {
    match reply {
        Reply::Simple(text) => (*text).to_owned(),
        Reply::Text(text) | Reply::Verbatim(text) => text.clone(),
        Reply::Error(line) => format!("(error) {line}"),
        Reply::Int(n) => format!("(integer) {n}"),
        Reply::Bool(b) if version == Version::Resp3 => format!("({b})"),
        Reply::Bool(b) => format!("(integer) {}", u8::from(*b)),
        Reply::Double(x) => {
            let text =
                String::from_utf8_lossy(&crate::protocol::number::double_text(*x)).into_owned();
            if version == Version::Resp3 {
                format!("(double) {text}")
            } else {
                format!("\"{text}\"")
            }
        }
        Reply::Bulk(bytes) => crate::protocol::inline::quote(bytes),
        Reply::Null | Reply::NullArray => "(nil)".to_owned(),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            render_list(items.iter(), version)
        }
        Reply::Map(pairs) if version == Version::Resp3 => render_map(pairs, version),
        Reply::Map(pairs) | Reply::Pairs(pairs) => {
            render_list(pairs.iter().flat_map(|(key, value)| [key, value]), version)
        }
        Reply::None => String::new(),
    }
}

fn render_list<'a>(items: impl Iterator<Item = &'a Reply>, version: Version) -> String {
    let lines: Vec<String> = items.map(|item| render(item, version)).collect();
    if lines.is_empty() {
        return "(empty array)".to_owned();
    }
    let width = lines.len().to_string().len();
    let numbered = lines.iter().zip(1..).map(|(line, n)| {
        let indented = line.replace('\n', &format!("\n{}", " ".repeat(width + 2)));
        format!("{n:>width$}) {indented}")
    });
    numbered.collect::<Vec<_>>().join("\n")
}

fn render_map(pairs: &[(Reply, Reply)], version: Version) -> String {
    if pairs.is_empty() {
        return "(empty hash)".to_owned();
    }
    let width = pairs.len().to_string().len();
    let numbered = pairs.iter().zip(1..).map(|((key, value), n)| {
        let value = render(value, version).replace('\n', "\n   ");
        format!("{n:>width$}# {} => {value}", render(key, version))
    });
    numbered.collect::<Vec<_>>().join("\n")
}

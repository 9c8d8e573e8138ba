//! Replies as redis-cli shows them, and the pages under docs/commands/ made from the table.

use crate::protocol::{Reply, Version};

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

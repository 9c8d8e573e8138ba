//! redis.conf.example, written from the table: each option with its help, its range and its default.

use super::table::{Changes, Effect, Row, TABLE};
use super::value::Kind;

/// Columns of a comment.
const WIDTH: usize = 80;

const HEAD: &str = "\
# Configuration of Rhumb, with every option at its default.
#
#     rhumb redis.conf                      reads a file in this form
#     rhumb redis.conf --port 7000          options on the command line come last and win
#     rhumb -                               reads the standard input
#
# A line is an option and its value; `#` begins a comment, at the start of a line only.
# Words with spaces stand in quotes. Sizes take units: 1k is 1000 bytes and 1kb is 1024,
# likewise m, mb, g and gb. A later line wins over an earlier one, `save` lines add up,
# and `include FILE` (wildcards allowed) reads another file at that place.
#
# The file of a Redis server works as it is: what has no effect here is named in the log,
# and what must not be passed over (users, renamed commands, replication, TLS) stops the
# start with its line. Two defaults differ from those of Redis: `appendonly yes`, and
# `io-threads 0`, which takes one thread per core.
";

/// The whole text of redis.conf.example.
pub fn text() -> String {
    let mut text = HEAD.to_string();
    let mut section = None;
    for row in TABLE {
        if section != Some(row.section) {
            section = Some(row.section);
            text.push_str(&headline(row.section.title()));
        }
        text.push_str(&entry(row));
    }
    text
}

fn headline(title: &str) -> String {
    let rest = "-".repeat(WIDTH - title.len() - 8);
    format!("\n# ---- {title} {rest}\n")
}

fn entry(row: &Row) -> String {
    let mut text = String::from("\n");
    for line in wrapped(row.help).into_iter().chain(wrapped(&facts(row))) {
        text.push_str(&format!("# {line}\n"));
    }
    for value in default_lines(row) {
        text.push_str(&format!("{} {value}\n", row.name));
    }
    text
}

/// What may be written, and when it may change.
pub fn facts(row: &Row) -> String {
    let range = match row.kind {
        Kind::Switch => "yes or no".to_string(),
        Kind::Integer { min, max, unit } => integer_range(min, max, unit),
        Kind::Bytes {
            min: 0,
            percent: true,
        } => "Bytes or a share in percent".to_string(),
        Kind::Bytes { min: 0, .. } => "Bytes".to_string(),
        Kind::Bytes { min, .. } => format!(
            "Bytes, at least {}",
            super::value::unit_text(min.unsigned_abs())
        ),
        Kind::Choice(choices) => format!("One of {}", choices.join(", ")),
        Kind::Flags(choices) => format!("Some of {}", choices.join(", ")),
        Kind::Text | Kind::Secret => "Text".to_string(),
        Kind::Words => "Words".to_string(),
        Kind::SavePoints => "Pairs of seconds and changes".to_string(),
        Kind::OutputLimits => "Class (normal, replica, pubsub), bytes, bytes, seconds".to_string(),
        Kind::EventClasses => "Letters of Ag$lshzxeKEtmdn".to_string(),
    };
    let when = match (row.changes, row.effect) {
        (Changes::WhileRunning, Effect::Served) => "CONFIG SET changes it",
        (Changes::WhileRunning, Effect::Kept) => "CONFIG SET takes it",
        (Changes::AtStart | Changes::Protected, _) => "fixed at start",
    };
    format!("({range}; {when}.)")
}

fn integer_range(min: i64, max: i64, unit: &str) -> String {
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(", {unit}")
    };
    match (min, max) {
        (i64::MIN..=-2, _) => format!("A number{unit}"),
        (_, ..2_147_483_647) => format!("{min} to {max}{unit}"),
        _ => format!("{min} or more{unit}"),
    }
}

/// The default as lines of a file; options that may have several lines get one for each part.
fn default_lines(row: &Row) -> Vec<String> {
    let words: Vec<&str> = row.default.split(' ').collect();
    let parts = match row.kind {
        Kind::SavePoints => 2,
        Kind::OutputLimits => 4,
        _ => return vec![row.default.to_string()],
    };
    words.chunks(parts).map(|part| part.join(" ")).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() + 3 <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

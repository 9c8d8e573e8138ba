//! Syntax as people read it: `SET key value [NX | XX]`, in one line or, where that would be too long, in several.

use crate::commands::table::{Arg, Command};

/// Columns of a line on a page.
const COLUMNS_MAX: usize = 100;
/// Columns of a group of words that is written out again where it may be repeated; a longer one is named by its first word.
const REPEATED_COLUMNS_MAX: usize = 40;
/// What a line inside something is indented by.
const STEP: usize = 2;

/// A command's syntax in one line.
pub fn syntax(command: &Command) -> String {
    let mut words = vec![command.name.replace('|', " ")];
    words.extend(command.args.iter().map(arg_syntax));
    words.join(" ")
}

/// Arguments as a syntax line writes them.
pub fn arg_syntax(arg: &Arg) -> String {
    let all = |args: &[Arg], between: &str| {
        let parts: Vec<String> = args.iter().map(arg_syntax).collect();
        parts.join(between)
    };
    match arg {
        Arg::Key(name) | Arg::Str(name) | Arg::Int(name) | Arg::Double(name) => (*name).to_owned(),
        Arg::Time(name) | Arg::Pattern(name) | Arg::Token(name) => (*name).to_owned(),
        Arg::Option(token, []) => (*token).to_owned(),
        Arg::Option(token, args) => format!("{token} {}", all(args, " ")),
        Arg::Optional(Arg::OneOf(args)) => format!("[{}]", all(args, " | ")),
        Arg::Optional(arg) => format!("[{}]", arg_syntax(arg)),
        Arg::Multiple(arg) => format!("{} {}", arg_syntax(arg), again(arg)),
        Arg::OneOf(args) => format!("<{}>", all(args, " | ")),
        Arg::Block(args) => all(args, " "),
    }
}

/// How a syntax line says that something may follow once more.
fn again(arg: &Arg) -> String {
    let mut one = arg_syntax(arg);
    if one.len() > REPEATED_COLUMNS_MAX {
        one = first_word(arg);
    }
    format!("[{one} ...]")
}

/// What something begins with.
fn first_word(arg: &Arg) -> String {
    match arg {
        Arg::Option(token, _) => (*token).to_owned(),
        Arg::Optional(arg) | Arg::Multiple(arg) => first_word(arg),
        Arg::Block([first, ..]) => first_word(first),
        Arg::OneOf(args) => {
            let words: Vec<String> = args.iter().map(first_word).collect();
            format!("<{}>", words.join(" | "))
        }
        other => arg_syntax(other),
    }
}

/// An argument as a syntax line writes it, or, where that is long, what it begins with.
pub fn short_syntax(arg: &Arg) -> String {
    match is_long(arg) {
        true => format!("{} ...", first_word(arg)),
        false => arg_syntax(arg),
    }
}

/// Whether an argument takes more than a line.
pub fn is_long(arg: &Arg) -> bool {
    arg_syntax(arg).len() > COLUMNS_MAX
}

/// A command's syntax; where one line would be too long, what may be left out and what follows it in a line each.
pub fn syntax_lines(command: &Command) -> Vec<String> {
    let whole = syntax(command);
    if whole.len() <= COLUMNS_MAX {
        return vec![whole];
    }
    let is_first = |arg: &&Arg| !matches!(arg, Arg::Optional(_));
    let first = command.args.iter().take_while(is_first).count();
    let mut lines = Lines(Vec::new());
    lines.fill(0, command.name.replace('|', " "), &command.args[..first]);
    for arg in &command.args[first..] {
        lines.add(STEP, arg);
    }
    lines.0
}

/// Lines of a syntax under way.
struct Lines(Vec<String>);

impl Lines {
    fn line(&mut self, indent: usize, text: &str) {
        self.0.push(format!("{}{text}", " ".repeat(indent)));
    }

    /// An argument that begins a line.
    fn add(&mut self, indent: usize, arg: &Arg) {
        let whole = arg_syntax(arg);
        if indent + whole.len() <= COLUMNS_MAX {
            return self.line(indent, &whole);
        }
        match arg {
            Arg::Optional(Arg::OneOf(args)) => self.alternatives(indent, ["[ ", " ]"], args),
            Arg::OneOf(args) => self.alternatives(indent, ["< ", " >"], args),
            Arg::Optional(arg) => {
                let from = self.0.len();
                self.add(indent, arg);
                self.0[from].insert(indent, '[');
                self.end_with("]");
            }
            Arg::Multiple(arg) => {
                self.add(indent, arg);
                self.line(indent, &again(arg));
            }
            Arg::Option(token, args) => self.fill(indent, (*token).to_owned(), args),
            Arg::Block([first, rest @ ..]) if indent + arg_syntax(first).len() <= COLUMNS_MAX => {
                self.fill(indent, arg_syntax(first), rest);
            }
            Arg::Block([first, rest @ ..]) => {
                self.add(indent, first);
                self.fill(indent, String::new(), rest);
            }
            _ => self.line(indent, &whole),
        }
    }

    /// Arguments behind what begins a line: as many in each line as there is room for.
    fn fill(&mut self, indent: usize, begin: String, args: &[Arg]) {
        let (mut line, mut line_indent) = (begin, indent);
        for arg in args {
            let text = arg_syntax(arg);
            if !line.is_empty() && line_indent + line.len() + 1 + text.len() <= COLUMNS_MAX {
                line = format!("{line} {text}");
                continue;
            }
            if !line.is_empty() {
                self.line(line_indent, &line);
            }
            line_indent = indent + STEP;
            line = match line_indent + text.len() <= COLUMNS_MAX {
                true => text,
                false => {
                    self.add(line_indent, arg);
                    String::new()
                }
            };
        }
        if !line.is_empty() {
            self.line(line_indent, &line);
        }
    }

    /// Each in a line of its own, behind the sign that begins all of them or parts it from the one before; fixed words, as many
    /// in each line as there is room for.
    fn alternatives(&mut self, indent: usize, [open, close]: [&str; 2], args: &[Arg]) {
        let is_word = |arg: &Arg| matches!(arg, Arg::Token(_));
        for (place, arg) in args.iter().enumerate() {
            let sign = if place == 0 { open } else { "| " };
            let word = arg_syntax(arg);
            if let Some(last) = self.0.last_mut()
                && place > 0
                && is_word(arg)
                && is_word(&args[place - 1])
                && last.len() + " | ".len() + word.len() <= COLUMNS_MAX
            {
                *last = format!("{last} | {word}");
                continue;
            }
            let from = self.0.len();
            self.add(indent + STEP, arg);
            self.0[from].replace_range(indent..indent + STEP, sign);
        }
        self.end_with(close);
    }

    fn end_with(&mut self, sign: &str) {
        if let Some(last) = self.0.last_mut() {
            last.push_str(sign);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Table;

    fn without_blanks(text: &str) -> String {
        text.split_whitespace().collect()
    }

    #[test]
    fn lines_are_short_and_say_what_one_line_would() {
        for command in Table::all().commands() {
            let lines = syntax_lines(command);
            let all = lines.join("\n");
            assert_eq!(
                without_blanks(&all),
                without_blanks(&syntax(command)),
                "{all}"
            );
            // Brackets are closed behind the last word, wherever that stands.
            let is_short = |line: &String| line.len() <= COLUMNS_MAX + " >]]".len();
            assert!(lines.iter().all(is_short), "{all}");
        }
    }

    #[test]
    fn a_long_group_is_not_written_twice() {
        let short = Arg::Block(&[Arg::Str("name"), Arg::Str("value")]);
        assert_eq!(again(&short), "[name value ...]");
        let long = Arg::Block(&[
            Arg::Str("field"),
            Arg::OneOf(&[Arg::Token("NUMERIC"), Arg::Token("GEOSHAPE")]),
            Arg::Optional(&Arg::Token("INDEXMISSING")),
        ]);
        assert_eq!(again(&long), "[field ...]");
    }
}

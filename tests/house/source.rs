//! A Rust file as tests/house.rs looks at it: code apart from comments and strings, tests apart from the rest, and the
//! rooms that its paths name. Not a parser: it knows just enough of the language to do that.

/// One line of a file.
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// Without comments and the contents of strings.
    pub code: String,
    /// As it stands.
    pub text: String,
    /// Behind `#[cfg(test)] mod`, or in a file of tests.
    pub is_test: bool,
}

/// One file.
pub struct Source {
    /// Its path below src/.
    pub file: String,
    pub lines: Vec<Line>,
}

impl Source {
    pub fn read(file: &str, text: &str) -> Source {
        let code = blank_words(text);
        let is_test_file = file.ends_with("tests.rs") || file.contains("/tests/");
        let tests_from = if is_test_file {
            0
        } else {
            first_test_line(&code)
        };
        let lines = text.lines().zip(code.lines()).enumerate();
        let lines = lines
            .map(|(at, (text, code))| Line {
                number: at + 1,
                code: code.to_string(),
                text: text.to_string(),
                is_test: at >= tests_from,
            })
            .collect();
        Source {
            file: file.to_string(),
            lines,
        }
    }

    /// Every room named by a path from the root of the crate, with its line: `crate::a::b`, `crate::{a, b::{c}}`,
    /// `rhumb::a` (main.rs) and `super::a` where that leaves the room.
    pub fn crate_paths(&self) -> Vec<(usize, String)> {
        let code: String = self
            .lines
            .iter()
            .map(|line| format!("{}\n", line.code))
            .collect();
        let mut found = Vec::new();
        for root in ["crate::", "rhumb::"] {
            for at in word_positions(&code, root) {
                let line = code[..at].matches('\n').count() + 1;
                found.extend(
                    heads(&code[at + root.len()..])
                        .into_iter()
                        .map(|head| (line, head)),
                );
            }
        }
        for line in &self.lines {
            found.extend(
                self.climbs(line)
                    .into_iter()
                    .map(|head| (line.number, head)),
            );
        }
        found
    }

    /// Heads of `super::super::head` in one line that reach the root of the crate.
    fn climbs(&self, line: &Line) -> Vec<String> {
        let module = self.file.trim_end_matches(".rs").trim_end_matches("/mod");
        // A `mod tests { }` inside the file is one deeper; other inline modules are not used for paths.
        let inline = line.is_test && !module.ends_with("tests");
        let depth = module.split('/').count() + usize::from(inline);
        let mut found = Vec::new();
        for at in word_positions(&line.code, "super::") {
            if line.code[..at].ends_with("super::") {
                continue;
            }
            let mut rest = &line.code[at..];
            let mut steps = 0;
            while let Some(after) = rest.strip_prefix("super::") {
                rest = after;
                steps += 1;
            }
            if steps >= depth {
                found.extend(heads(rest));
            }
        }
        found
    }
}

/// First names of what follows a path prefix: one name, or those of a group in braces.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let mut found = Vec::new();
    let mut depth = 1;
    let mut at_start = true;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => at_start = true,
            _ if character.is_whitespace() => {}
            _ => {
                if at_start {
                    found.push(name(&group[at..]));
                }
                at_start = false;
            }
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars()
        .take_while(|character| is_name(*character))
        .collect()
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether `word` stands in `text`, bounded by characters that no name holds (where the word itself ends in such).
pub fn has_word(text: &str, word: &str) -> bool {
    !word_positions(text, word).is_empty()
}

fn word_positions(text: &str, word: &str) -> Vec<usize> {
    let ends_in_name = word.ends_with(is_name);
    text.match_indices(word)
        .filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !(before.is_some_and(is_name) || ends_in_name && after.is_some_and(is_name))
        })
        .map(|(at, _)| at)
        .collect()
}

/// The line (from 0) where the tests of a file begin, or one past every line.
fn first_test_line(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    (0..lines.len())
        .find(|at| {
            lines[*at].starts_with("#[cfg(test)]")
                && lines[*at..]
                    .iter()
                    .take(4)
                    .any(|line| line.contains("mod ") && line.ends_with('{'))
        })
        .unwrap_or(usize::MAX)
}

/// The text with comments, characters and the contents of strings replaced by blanks; line breaks stay.
fn blank_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut last = ' ';
    while let Some(character) = rest.chars().next() {
        let taken = match character {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if !is_name(last) => raw_string(rest),
            '\'' => character_literal(rest),
            _ => 0,
        };
        if taken == 0 {
            code.push(character);
            last = character;
            rest = &rest[character.len_utf8()..];
        } else {
            code.extend(
                rest[..taken]
                    .chars()
                    .map(|blanked| if blanked == '\n' { '\n' } else { ' ' }),
            );
            last = ' ';
            rest = &rest[taken..];
        }
    }
    code
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"..."`, `r#"..."#`, `br"..."` or `b"..."`; 0 where none begins.
fn raw_string(text: &str) -> usize {
    let after_prefix = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    let Some(after) = after_prefix else {
        return if text.starts_with("b\"") {
            1 + string(&text[1..])
        } else {
            0
        };
    };
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return 0;
    }
    let begin = text.len() - after.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    text[begin..]
        .find(&end)
        .map_or(text.len(), |at| begin + at + end.len())
}

/// `'x'`, `'\n'`, `'\u{1}'`; 0 for a lifetime.
fn character_literal(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => text[2..]
            .char_indices()
            .skip(1)
            .find(|(_, character)| *character == '\'')
            .map_or(0, |(at, _)| at + 3),
        Some(_) => match characters.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

#[test]
fn comments_and_strings_are_blanked() {
    let blanked = |text: &str| {
        blank_words(text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(blanked("a // b\nc"), "a c");
    assert_eq!(blanked("a /* b /* c */ d */ e"), "a e");
    assert_eq!(blanked(r##"f("x\"y", r#"z"w"#, b"v") g"##), "f( , , ) g");
    assert_eq!(
        blanked(r"'a' '\'' '\\' '\u{41}' <'a> &'static str"),
        "<'a> &'static str"
    );
    assert_eq!(blanked("bar\"x\""), "bar");
}

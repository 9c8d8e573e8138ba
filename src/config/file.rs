//! Where the values at start come from: a redis.conf with its includes, then the words of the command line. Later lines win.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::table::{Id, Row, find};
use super::unserved::{self, Verdict};
use super::value::Value;
use super::{Config, Matches, Split};

/// Includes may nest so deep; more is a circle.
const INCLUDE_DEPTH_MAX: usize = 16;

/// What loading needs from outside: this room opens no file and knows no quoting and no patterns of its own.
pub struct Sources<'a> {
    /// Splits a line into words with the quoting of inline commands; `None` when quotes are unbalanced.
    pub split: Split,
    /// Matches a pattern against the name of a file.
    pub matches: Matches,
    /// Reads a file whole; `-` stands for the standard input.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// Lists the paths in a directory, for includes with wildcards.
    pub list: &'a dyn Fn(&Path) -> io::Result<Vec<PathBuf>>,
    /// Memory of the machine in bytes.
    pub memory_bytes: u64,
}

/// A configuration as it was loaded.
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// For the log: lines that have no effect, one text each, with file and line.
    pub warnings: Vec<String>,
}

/// A line that stops the start. `Display` gives the four lines that Redis prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Where the line stands, as a sentence without its end.
    place: String,
    /// The line, without passwords.
    line: String,
    /// What is wrong with it.
    why: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n*** FATAL CONFIG FILE ERROR (Rhumb {}) ***",
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(f, "{}", self.place)?;
        writeln!(f, ">>> '{}'", self.line)?;
        write!(f, "{}", self.why)
    }
}

impl std::error::Error for FileError {}

/// Loads `[redis.conf | -] [--directive value ...]`.
pub fn load(arguments: &[Vec<u8>], sources: &Sources) -> Result<Loaded, FileError> {
    let mut loader = Loader::new(sources, Config::new(sources.memory_bytes));
    let options = arguments
        .iter()
        .position(|word| word.starts_with(b"--"))
        .unwrap_or(arguments.len());
    let (files, options) = arguments.split_at(options);
    for (at, file) in files.iter().enumerate() {
        let path = path_of(file);
        let is_input = path == Path::new("-");
        if !is_input && at > 0 {
            let why = "only one configuration file can be given; options begin with --".to_string();
            return Err(FileError {
                place: COMMAND_LINE.to_string(),
                line: show(file),
                why,
            });
        }
        if !is_input {
            loader.config.file = Some(std::path::absolute(&path).unwrap_or_else(|_| path.clone()));
        }
        loader.file(&path, 0).map_err(|why| FileError {
            place: COMMAND_LINE.to_string(),
            line: show(file),
            why,
        })??;
    }
    for words in directives(options) {
        loader.command_line(&words)?;
    }
    Ok(Loaded {
        config: loader.config,
        warnings: loader.warnings,
    })
}

const COMMAND_LINE: &str = "Reading the command line";

/// Groups the words of the command line: each `--name` with what follows it.
fn directives(options: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
    for word in options {
        match (word.strip_prefix(b"--"), groups.last_mut()) {
            (None, Some(group)) => group.push(word.clone()),
            (name, _) => groups.push(vec![name.unwrap_or(word).to_vec()]),
        }
    }
    // `--save` alone switches saving off.
    for group in groups
        .iter_mut()
        .filter(|group| group.len() == 1 && group[0].eq_ignore_ascii_case(b"save"))
    {
        group.push(Vec::new());
    }
    groups
}

/// What became of a directive.
pub(super) enum Directive {
    /// An option takes a value; what the log should know about it.
    Sets(&'static Row, Value, Option<String>),
    /// Known, without effect.
    Ignored,
    /// `include` with its pattern.
    Include(PathBuf),
}

/// Reads the words of one directive. `current` gives the value that lines which add up add to.
pub(super) fn interpret(
    words: &[Vec<u8>],
    current: &dyn Fn(Id) -> Option<Value>,
) -> Result<Directive, String> {
    let unknown = || "Bad directive or wrong number of arguments".to_string();
    let (name, rest) = words.split_first().ok_or_else(unknown)?;
    if let Some(row) = find(name) {
        return interpret_option(row, rest, current(row.id));
    }
    if let Some(why) = unserved::refusal(name, rest) {
        return Err(why.to_string());
    }
    if name.eq_ignore_ascii_case(b"include") && rest.len() == 1 {
        return Ok(Directive::Include(path_of(&rest[0])));
    }
    if !unserved::has_no_effect(name) || rest.is_empty() {
        return Err(unknown());
    }
    Ok(Directive::Ignored)
}

fn interpret_option(
    row: &'static Row,
    words: &[Vec<u8>],
    current: Option<Value>,
) -> Result<Directive, String> {
    if words.is_empty() {
        return Err("wrong number of arguments".to_string());
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut value = row.kind.parse(&words, current.as_ref())?;
    unserved::check(row.id, &value)?;
    if let (Value::SavePoints(points), Some(Value::SavePoints(earlier))) = (&mut value, current)
        && !points.is_empty()
    {
        points.splice(0..0, earlier);
    }
    Ok(match unserved::judge(row, &value) {
        Verdict::Served => Directive::Sets(row, value, None),
        Verdict::NoEffect(why) => Directive::Sets(row, value, Some(why)),
        Verdict::NotServed(why) => {
            let why = format!("'{} {}': {why}", row.name, show(&row.kind.write(&value)));
            Directive::Sets(row, row.default_value(), Some(why))
        }
    })
}

/// Cuts a file into lines without their ends, in a form that [`interpret`] takes; comments and empty lines are `None`.
///
/// The error is the number of the line, from 1, whose quotes are unbalanced.
pub(super) fn split_line(line: &[u8], split: Split) -> Result<Option<Vec<Vec<u8>>>, String> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let words = split(line).ok_or("Unbalanced quotes in configuration line")?;
    Ok((!words.is_empty()).then_some(words))
}

struct Loader<'a> {
    sources: &'a Sources<'a>,
    config: Config,
    warnings: Vec<String>,
    /// Options that a line has set: save lines add up to those, not to the default.
    named: HashSet<Id>,
}

impl<'a> Loader<'a> {
    fn new(sources: &'a Sources<'a>, config: Config) -> Self {
        Loader {
            sources,
            config,
            warnings: Vec::new(),
            named: HashSet::new(),
        }
    }

    /// Loads a file. The outer error is a file that can not be read, the inner one a bad line in it.
    fn file(&mut self, path: &Path, depth: usize) -> Result<Result<(), FileError>, String> {
        if depth > INCLUDE_DEPTH_MAX {
            return Err("includes are nested too deep".to_string());
        }
        let text = (self.sources.read)(path)
            .map_err(|error| format!("can't open config file '{}': {error}", path.display()))?;
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let read = split_line(line, self.sources.split).and_then(|words| match words {
                Some(words) => self.directive(
                    &words,
                    &format!("{} line {}", path.display(), at + 1),
                    depth,
                ),
                None => Ok(Ok(())),
            });
            match read {
                Ok(Ok(())) => {}
                Ok(Err(inner)) => return Ok(Err(inner)),
                Err(why) => {
                    let of = if depth == 0 {
                        String::new()
                    } else {
                        format!(" of {}", path.display())
                    };
                    let place = format!("Reading the configuration file, at line {}{of}", at + 1);
                    return Ok(Err(FileError {
                        place,
                        line: show_line(line),
                        why,
                    }));
                }
            }
        }
        Ok(Ok(()))
    }

    fn command_line(&mut self, words: &[Vec<u8>]) -> Result<(), FileError> {
        self.directive(words, "command line", 0)
            .unwrap_or_else(|why| {
                let line = show_line(&words.join(&b' '));
                Err(FileError {
                    place: COMMAND_LINE.to_string(),
                    line,
                    why,
                })
            })
    }

    /// Follows one directive. Errors as for [`Loader::file`].
    fn directive(
        &mut self,
        words: &[Vec<u8>],
        place: &str,
        depth: usize,
    ) -> Result<Result<(), FileError>, String> {
        let current = |id: Id| {
            let adds_to = id != Id::Save || self.named.contains(&id);
            adds_to.then(|| self.config.value(id))
        };
        match interpret(words, &current)? {
            Directive::Sets(row, value, warning) => {
                self.named.insert(row.id);
                self.config.store(row.id, value);
                self.warnings
                    .extend(warning.map(|why| format!("{place}: {why}")));
            }
            Directive::Ignored => {
                self.warnings
                    .push(format!("{place}: '{}' has no effect here", show(&words[0])));
            }
            Directive::Include(pattern) => {
                for path in self.included(&pattern)? {
                    if let Err(inner) = self.file(&path, depth + 1)? {
                        return Ok(Err(inner));
                    }
                }
            }
        }
        Ok(Ok(()))
    }

    /// The files that an include names, in order. A pattern without any match includes nothing.
    fn included(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        let has_wildcard = |part: &Path| {
            part.as_os_str()
                .as_encoded_bytes()
                .iter()
                .any(|byte| b"*?[".contains(byte))
        };
        if !has_wildcard(pattern) {
            return Ok(vec![pattern.to_path_buf()]);
        }
        let mut found = vec![PathBuf::new()];
        for part in pattern
            .components()
            .map(|part| PathBuf::from(part.as_os_str()))
        {
            if !has_wildcard(&part) {
                found.iter_mut().for_each(|path| path.push(&part));
                continue;
            }
            let mut next: Vec<PathBuf> = found
                .iter()
                .flat_map(|path| self.entries(path, &part))
                .collect();
            next.sort();
            found = next;
        }
        Ok(found)
    }

    /// The entries of a directory that match; hidden ones only when the pattern asks for them.
    fn entries(&self, directory: &Path, pattern: &Path) -> Vec<PathBuf> {
        let directory = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        let pattern = pattern.as_os_str().as_encoded_bytes();
        let fits = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            (!name.starts_with(b".") || pattern.starts_with(b"."))
                && (self.sources.matches)(pattern, name)
        };
        (self.sources.list)(directory)
            .unwrap_or_default()
            .into_iter()
            .filter(fits)
            .collect()
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A line as it may be printed: a directive that holds a password shows its name only.
fn show_line(line: &[u8]) -> String {
    let line = line.trim_ascii();
    let name = line
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    if unserved::is_secret(name) {
        format!("{} ...", show(name))
    } else {
        show(line)
    }
}

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
    let mut loader = Loader {
        sources,
        config: Config::new(sources.memory_bytes),
        warnings: Vec::new(),
        named: HashSet::new(),
    };
    let options = arguments
        .iter()
        .position(|word| word.starts_with(b"--"))
        .unwrap_or(arguments.len());
    let (files, options) = arguments.split_at(options);
    for file in files {
        loader
            .argument_file(file)
            .map_err(|failure| failure.placed(COMMAND_LINE, file))?;
    }
    for words in directives(options) {
        let line = words.join(&b' ');
        loader
            .directive(&words, "command line", 0)
            .map_err(|failure| failure.placed(COMMAND_LINE, &line))?;
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

/// Splits a line into its words; comments and empty lines have none.
pub(super) fn split_line(line: &[u8], split: Split) -> Result<Vec<Vec<u8>>, String> {
    let line = line.trim_ascii();
    if line.starts_with(b"#") {
        return Ok(Vec::new());
    }
    split(line).ok_or_else(|| "Unbalanced quotes in configuration line".to_string())
}

/// What stops the loading, on its way out.
enum Failure {
    /// The reason; whoever holds the line adds the place.
    Bare(String),
    /// Complete: the line stands in a file that was included.
    Placed(FileError),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Bare(why)
    }
}

impl Failure {
    fn placed(self, place: &str, line: &[u8]) -> FileError {
        match self {
            Failure::Bare(why) => FileError {
                place: place.to_string(),
                line: show_line(line),
                why,
            },
            Failure::Placed(error) => error,
        }
    }
}

struct Loader<'a> {
    sources: &'a Sources<'a>,
    config: Config,
    warnings: Vec<String>,
    /// Options that a line has set: save lines add up to those, not to the default.
    named: HashSet<Id>,
}

impl Loader<'_> {
    /// Loads a file named on the command line; `-` is the standard input.
    fn argument_file(&mut self, file: &[u8]) -> Result<(), Failure> {
        let path = path_of(file);
        if path != Path::new("-") {
            if self.config.file.is_some() {
                let why = "only one configuration file can be given; options begin with --";
                return Err(Failure::Bare(why.to_string()));
            }
            self.config.file = Some(std::path::absolute(&path).unwrap_or_else(|_| path.clone()));
        }
        self.file(&path, 0)
    }

    fn file(&mut self, path: &Path, depth: usize) -> Result<(), Failure> {
        if depth > INCLUDE_DEPTH_MAX {
            return Err(Failure::Bare("includes are nested too deep".to_string()));
        }
        let read = (self.sources.read)(path);
        let text =
            read.map_err(|error| format!("can't open config file '{}': {error}", path.display()))?;
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let number = at + 1;
            let words = split_line(line, self.sources.split).map_err(Failure::Bare);
            let place = format!("{} line {number}", path.display());
            words
                .and_then(|words| self.directive(&words, &place, depth))
                .map_err(|failure| {
                    let of = if depth == 0 {
                        String::new()
                    } else {
                        format!(" of {}", path.display())
                    };
                    let place = format!("Reading the configuration file, at line {number}{of}");
                    Failure::Placed(failure.placed(&place, line))
                })?;
        }
        Ok(())
    }

    /// Follows one directive; no words are no directive. `place` says in warnings where it stands.
    fn directive(&mut self, words: &[Vec<u8>], place: &str, depth: usize) -> Result<(), Failure> {
        let Some(name) = words.first() else {
            return Ok(());
        };
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
                    .push(format!("{place}: '{}' has no effect here", show(name)));
            }
            Directive::Include(pattern) => {
                for path in self.included(&pattern) {
                    self.file(&path, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    /// The files that an include names, in order. A pattern without any match includes nothing.
    fn included(&self, pattern: &Path) -> Vec<PathBuf> {
        let has_wildcard = |part: &Path| {
            part.as_os_str()
                .as_encoded_bytes()
                .iter()
                .any(|byte| b"*?[".contains(byte))
        };
        if !has_wildcard(pattern) {
            return vec![pattern.to_path_buf()];
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
        found
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

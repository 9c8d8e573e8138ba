//! The configuration: every option once ([`table`]), the values that hold now ([`Config`]), and the files they come from.
//!
//! Rooms take plain values at start; what may change while the server runs is read through [`Config`] each time it is needed.
//! Numbers are atomics and cost one load; texts and lists are shared pointers, swapped whole.

pub mod example;
pub mod file;
mod rewrite;
mod settings;
pub mod table;
mod typed;
mod unserved;
pub mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use file::{FileError, Loaded, Sources, load};
pub use rewrite::Quoting;
pub use settings::{Applied, SetError};
pub use table::{Id, Row, TABLE};
pub use typed::{Appendfsync, Loglevel, OnSignal, Permission, Supervised};
pub use unserved::is_secret;
pub use value::{Kind, OutputLimit, SavePoint, Value};

/// Splits a line into words with the quoting of inline commands; `None` when quotes are unbalanced.
pub type Split = fn(&[u8]) -> Option<Vec<Vec<u8>>>;

/// Whether a pattern (first) matches a text (second).
pub type Matches = fn(&[u8], &[u8]) -> bool;

/// The value of every option, shared by all threads.
pub struct Config {
    cells: Box<[Cell]>,
    /// Held by whoever sets several values at once, so that two CONFIG SETs do not mix.
    setting: Mutex<()>,
    /// The file that CONFIG REWRITE edits.
    file: Option<PathBuf>,
    /// What a `maxmemory` in percent is a share of.
    memory_bytes: u64,
}

/// Where one value lives.
enum Cell {
    Number(AtomicI64),
    Shared(ArcSwap<Value>),
}

impl Default for Config {
    /// All defaults, on a machine of unknown memory.
    fn default() -> Self {
        Config::new(0)
    }
}

impl Config {
    /// All defaults. `memory_bytes` is what a share of the machine's memory is taken of.
    pub fn new(memory_bytes: u64) -> Self {
        let cells = TABLE
            .iter()
            .map(|row| Cell::holding(row.default_value()))
            .collect();
        Config {
            cells,
            setting: Mutex::new(()),
            file: None,
            memory_bytes,
        }
    }

    /// Defaults but for these options, written as on the command line: how tests and tools make one.
    ///
    /// The error names the option and says what is wrong with its value.
    pub fn with(pairs: &[(&str, &str)]) -> Result<Self, String> {
        let config = Config::default();
        for (name, text) in pairs {
            let words = [name.as_bytes().to_vec(), text.as_bytes().to_vec()];
            match file::interpret(&words, &|_| None) {
                Ok(file::Directive::Sets(row, value, None)) => config.store(row.id, value),
                Ok(_) => return Err(format!("{name} {text}: has no effect here")),
                Err(why) => return Err(format!("{name} {text}: {why}")),
            }
        }
        Ok(config)
    }

    /// The configuration file, as an absolute path; none when the server runs without one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The value of an option.
    pub fn value(&self, id: Id) -> Value {
        match &self.cells[id as usize] {
            Cell::Number(number) => Value::Number(number.load(Ordering::Relaxed)),
            Cell::Shared(value) => Value::clone(&value.load()),
        }
    }

    /// The value of an option as CONFIG GET writes it.
    pub fn text(&self, id: Id) -> Vec<u8> {
        TABLE[id as usize].kind.write(&self.value(id))
    }

    fn number(&self, id: Id) -> i64 {
        match &self.cells[id as usize] {
            Cell::Number(number) => number.load(Ordering::Relaxed),
            Cell::Shared(_) => unreachable!("{id:?} is no number"),
        }
    }

    fn shared(&self, id: Id) -> Arc<Value> {
        match &self.cells[id as usize] {
            Cell::Shared(value) => value.load_full(),
            Cell::Number(_) => unreachable!("{id:?} is a number"),
        }
    }

    fn store(&self, id: Id, value: Value) {
        match (&self.cells[id as usize], value) {
            (Cell::Number(cell), Value::Number(number)) => cell.store(number, Ordering::Relaxed),
            (Cell::Shared(cell), value) => cell.store(Arc::new(value)),
            (Cell::Number(_), value) => unreachable!("{id:?} can not hold {value:?}"),
        }
    }
}

impl Cell {
    fn holding(value: Value) -> Self {
        match value {
            Value::Number(number) => Cell::Number(AtomicI64::new(number)),
            value => Cell::Shared(ArcSwap::from_pointee(value)),
        }
    }
}

#[cfg(test)]
mod tests;

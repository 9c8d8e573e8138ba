//! The error lines of the commands, in the exact words of the servers that the commands come from; shared ones as constants,
//! a family's own beside its code.

use super::table::Delay;
use crate::engine::Locked;
use std::borrow::Cow;

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The error line to send, without the leading `-`.
    Error(Cow<'static, str>),
    /// It cannot be done on a thread that others wait for: run the command again where it can.
    NotHere(Delay),
}

/// A command's answer.
pub type Result<T = crate::protocol::Reply> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A fixed line.
    pub const fn line(line: &'static str) -> Refusal {
        Refusal::Error(Cow::Borrowed(line))
    }

    /// A line made for this request.
    pub fn made(line: String) -> Refusal {
        Refusal::Error(Cow::Owned(line))
    }
}

impl From<Locked> for Refusal {
    fn from(locked: Locked) -> Refusal {
        Refusal::NotHere(match locked {
            Locked::Keys => Delay::Keys,
            Locked::Postings => Delay::Postings,
            Locked::Work => Delay::Brief,
        })
    }
}

/// An option is unknown, or out of place.
pub const SYNTAX: Refusal = Refusal::line("ERR syntax error");
/// The key holds another kind of value.
pub const WRONG_TYPE: Refusal =
    Refusal::line("WRONGTYPE Operation against a key holding the wrong kind of value");
/// An argument is not a 64-bit integer.
pub const NOT_AN_INTEGER: Refusal = Refusal::line("ERR value is not an integer or out of range");
/// An argument is not a float.
pub const NOT_A_FLOAT: Refusal = Refusal::line("ERR value is not a valid float");
/// The key is missing.
pub const NO_SUCH_KEY: Refusal = Refusal::line("ERR no such key");
/// A position lies outside.
pub const OUT_OF_RANGE: Refusal = Refusal::line("ERR index out of range");
/// A database number lies outside.
pub const DB_OUT_OF_RANGE: Refusal = Refusal::line("ERR DB index is out of range");

/// The request has too few or too many words. `name` is in lower case, containers as `config|get`; RediSearch's commands are
/// named in capitals.
pub fn wrong_arity(name: &str) -> Refusal {
    let name = match name.starts_with("ft.") {
        true => name.to_uppercase(),
        false => name.to_owned(),
    };
    Refusal::made(format!(
        "ERR wrong number of arguments for '{name}' command"
    ))
}

/// An expiry that cannot be.
pub fn invalid_expire(name: &str) -> Refusal {
    Refusal::made(format!("ERR invalid expire time in '{name}' command"))
}

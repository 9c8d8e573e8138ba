//! Times as requests give them: how far from now or since 1970, in seconds or milliseconds.

use crate::commands::args::Args;
use crate::commands::error::{self, Result};
use crate::commands::table::Arg;
use crate::protocol::number;

/// How a number is to be read as a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeForm {
    /// Milliseconds per unit: 1000 or 1.
    unit_ms: i64,
    /// Since 1970, instead of from now.
    is_absolute: bool,
}

impl TimeForm {
    /// Seconds from now.
    pub const EX: TimeForm = TimeForm::new(1000, false);
    /// Milliseconds from now.
    pub const PX: TimeForm = TimeForm::new(1, false);
    /// Seconds since 1970.
    pub const EXAT: TimeForm = TimeForm::new(1000, true);
    /// Milliseconds since 1970.
    pub const PXAT: TimeForm = TimeForm::new(1, true);

    const fn new(unit_ms: i64, is_absolute: bool) -> TimeForm {
        TimeForm {
            unit_ms,
            is_absolute,
        }
    }

    /// The form that an option names: EX, PX, EXAT or PXAT, in any case.
    pub fn named(word: &[u8]) -> Option<TimeForm> {
        let forms = [
            ("EX", TimeForm::EX),
            ("PX", TimeForm::PX),
            ("EXAT", TimeForm::EXAT),
            ("PXAT", TimeForm::PXAT),
        ];
        forms
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, form)| form)
    }

    /// The time that `amount` means, in milliseconds since 1970; none if it does not fit.
    pub fn at_ms(self, amount: i64, now_ms: u64) -> Option<i64> {
        let base = if self.is_absolute { 0 } else { now_ms as i64 };
        amount.checked_mul(self.unit_ms)?.checked_add(base)
    }

    /// `at_ms` (milliseconds since 1970) in this form, rounded to the nearest unit.
    pub fn nearest(self, at_ms: u64, now_ms: u64) -> i64 {
        self.rounded(at_ms, now_ms, self.unit_ms / 2)
    }

    /// As `nearest`, rounded up.
    pub fn rounded_up(self, at_ms: u64, now_ms: u64) -> i64 {
        self.rounded(at_ms, now_ms, self.unit_ms - 1)
    }

    fn rounded(self, at_ms: u64, now_ms: u64, added_ms: i64) -> i64 {
        let base = if self.is_absolute { 0 } else { now_ms };
        let sum = i128::from(at_ms.saturating_sub(base)) + i128::from(added_ms);
        i64::try_from(sum / i128::from(self.unit_ms)).unwrap_or(i64::MAX)
    }

    /// The expiry of a string's value: above zero. `command` (lower case) is named in the error.
    pub fn expiry_ms(self, word: &[u8], now_ms: u64, command: &str) -> Result<u64> {
        let amount = number::parse_i64(word).ok_or(error::NOT_AN_INTEGER)?;
        let at_ms = self.at_ms(amount, now_ms).filter(|_| amount > 0);
        at_ms
            .map(|at| at as u64)
            .ok_or_else(|| error::invalid_expire(command))
    }
}

/// What the options of SET, GETEX and MSETEX say about the expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryOption<'r> {
    /// Nothing.
    Unsaid,
    /// The word of the command's own (KEEPTTL or PERSIST).
    Special,
    /// A time; its number is looked at later.
    Time(TimeForm, &'r [u8]),
}

impl<'r> ExpiryOption<'r> {
    /// Takes `word`, with the words that belong to it, if it is one of these options; whether it was. `special` is the word
    /// that the command has besides the times. A second option of another kind is a syntax error; of the same kind, it counts.
    pub fn accept(&mut self, word: &[u8], args: &mut Args<'r>, special: &str) -> Result<bool> {
        if word.eq_ignore_ascii_case(special.as_bytes()) {
            if let ExpiryOption::Time(..) = self {
                return Err(error::SYNTAX);
            }
            *self = ExpiryOption::Special;
            return Ok(true);
        }
        let Some(form) = TimeForm::named(word) else {
            return Ok(false);
        };
        match self {
            ExpiryOption::Special => return Err(error::SYNTAX),
            ExpiryOption::Time(other, _) if *other != form => return Err(error::SYNTAX),
            _ => *self = ExpiryOption::Time(form, args.word()?),
        }
        Ok(true)
    }

    /// The time, if one is given, in milliseconds since 1970. `command` (lower case) is named in the error.
    pub fn at_ms(self, now_ms: u64, command: &str) -> Result<Option<u64>> {
        match self {
            ExpiryOption::Time(form, word) => form.expiry_ms(word, now_ms, command).map(Some),
            _ => Ok(None),
        }
    }
}

/// EX, PX, EXAT, PXAT or KEEPTTL, as the grammar of several commands has them.
pub const TIMES_OR_KEEPTTL: Arg = Arg::OneOf(&[
    Arg::Option("EX", &[Arg::Int("seconds")]),
    Arg::Option("PX", &[Arg::Int("milliseconds")]),
    Arg::Option("EXAT", &[Arg::Time("unix-time-seconds")]),
    Arg::Option("PXAT", &[Arg::Time("unix-time-milliseconds")]),
    Arg::Token("KEEPTTL"),
]);

/// EX, PX, EXAT, PXAT or PERSIST, as the grammar of several commands has them.
pub const TIMES_OR_PERSIST: Arg = Arg::OneOf(&[
    Arg::Option("EX", &[Arg::Int("seconds")]),
    Arg::Option("PX", &[Arg::Int("milliseconds")]),
    Arg::Option("EXAT", &[Arg::Time("unix-time-seconds")]),
    Arg::Option("PXAT", &[Arg::Time("unix-time-milliseconds")]),
    Arg::Token("PERSIST"),
]);

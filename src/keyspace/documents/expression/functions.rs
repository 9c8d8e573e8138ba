//! The functions of expressions, in one table.

use super::geo::geodistance;
use super::time;
use super::value::lossy;
use super::{EvalError, FORMATTED_BYTES_MAX, Value};

type Result = std::result::Result<Value, EvalError>;

/// A function.
pub struct Function {
    /// In lower case; it is found in any.
    pub name: &'static str,
    /// Fewest and most arguments.
    pub(super) arguments: (usize, usize),
    pub(super) id: Id,
}

/// What a function does.
pub(super) enum Id {
    /// Something with the values of its arguments.
    Plain(fn(&[Value]) -> Result),
    /// Asks whether a value is there.
    Exists,
    /// Evaluates one of two arguments.
    Case,
    /// Asks the row.
    MatchedTerms,
}

/// Most arguments of `format`.
const MANY: usize = u16::MAX as usize;
/// Parts of a text that `split` gives.
const SPLIT_MAX: usize = 1024;

const FUNCTIONS: &[Function] = &[
    plain("log", 1, 1, |v| math(v, f64::ln)),
    plain("log2", 1, 1, |v| math(v, f64::log2)),
    plain("exp", 1, 1, |v| math(v, f64::exp)),
    plain("ceil", 1, 1, |v| math(v, f64::ceil)),
    plain("floor", 1, 1, |v| math(v, f64::floor)),
    plain("abs", 1, 1, |v| math(v, f64::abs)),
    plain("sqrt", 1, 1, |v| math(v, f64::sqrt)),
    plain("upper", 1, 1, |v| letters(v, u8::to_ascii_uppercase)),
    plain("lower", 1, 1, |v| letters(v, u8::to_ascii_lowercase)),
    plain("startswith", 2, 2, starts_with),
    plain("contains", 2, 2, contains),
    plain("strlen", 1, 1, length),
    plain("substr", 3, 3, substr),
    plain("format", 1, MANY, format),
    plain("split", 1, 3, split),
    plain("to_number", 1, 1, to_number),
    plain("to_str", 1, 1, |v| Ok(Value::Text(v[0].to_text()))),
    plain("timefmt", 1, 2, timefmt),
    plain("parsetime", 2, 2, parsetime),
    plain("minute", 1, 1, |v| moment(v, time::minute)),
    plain("hour", 1, 1, |v| moment(v, time::hour)),
    plain("day", 1, 1, |v| moment(v, time::day)),
    plain("month", 1, 1, |v| moment(v, time::month)),
    plain("dayofweek", 1, 1, |v| part(v, |date| date.weekday)),
    plain("dayofmonth", 1, 1, |v| part(v, |date| date.day)),
    plain("dayofyear", 1, 1, |v| part(v, |date| date.day_of_year)),
    plain("monthofyear", 1, 1, |v| part(v, |date| date.month)),
    plain("year", 1, 1, |v| part(v, |date| date.year)),
    plain("geodistance", 2, 4, geodistance),
    Function {
        name: "exists",
        arguments: (1, 1),
        id: Id::Exists,
    },
    Function {
        name: "case",
        arguments: (3, 3),
        id: Id::Case,
    },
    Function {
        name: "matched_terms",
        arguments: (0, 1),
        id: Id::MatchedTerms,
    },
];

const fn plain(
    name: &'static str,
    min: usize,
    max: usize,
    run: fn(&[Value]) -> Result,
) -> Function {
    Function {
        name,
        arguments: (min, max),
        id: Id::Plain(run),
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.name == other.name
    }
}

/// The function of that name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let is_it = |function: &&Function| function.name.eq_ignore_ascii_case(name);
    FUNCTIONS.iter().find(is_it)
}

/// The bytes of an argument that must be a text.
fn text<'v>(
    function: &'static str,
    values: &'v [Value],
    argument: usize,
) -> std::result::Result<&'v [u8], EvalError> {
    let text = values[argument].as_text();
    text.map(|text| &text[..]).ok_or(EvalError::ArgumentType {
        function,
        argument,
        got: type_number(&values[argument]),
        wants_number: false,
    })
}

/// The number of an argument that must be one.
fn number(
    function: &'static str,
    values: &[Value],
    argument: usize,
) -> std::result::Result<f64, EvalError> {
    match &values[argument] {
        Value::Number(number) => Ok(*number),
        other => Err(EvalError::ArgumentType {
            function,
            argument,
            got: type_number(other),
            wants_number: true,
        }),
    }
}

/// A type as the module's errors number it.
fn type_number(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 1,
        Value::Text(_) => 3,
        Value::Null => 4,
        Value::Array(_) => 6,
    }
}

fn math(values: &[Value], run: fn(f64) -> f64) -> Result {
    Ok(Value::Number(values[0].to_number().map_or(f64::NAN, run)))
}

fn letters(values: &[Value], change: fn(&u8) -> u8) -> Result {
    Ok(match values[0].as_text() {
        Some(text) => Value::from(text.iter().map(change).collect::<Vec<u8>>()),
        None => Value::Null,
    })
}

fn starts_with(values: &[Value]) -> Result {
    let whole = text("startswith", values, 0)?;
    Ok(whole.starts_with(text("startswith", values, 1)?).into())
}

/// How often a text stands in another, overlapping ones too; the empty one at every place.
fn contains(values: &[Value]) -> Result {
    let whole = text("contains", values, 0)?;
    let part = text("contains", values, 1)?;
    let times = match part.len() {
        0 => whole.len() + 1,
        length => whole
            .windows(length)
            .filter(|window| *window == part)
            .count(),
    };
    Ok(Value::Number(times as f64))
}

fn length(values: &[Value]) -> Result {
    Ok(Value::Number(text("strlen", values, 0)?.len() as f64))
}

/// `substr(text, offset, count)`: a negative offset counts from the end, a negative count leaves so many bytes out there.
fn substr(values: &[Value]) -> Result {
    let (offset, count) = (number("substr", values, 1)?, number("substr", values, 2)?);
    let text = values[0].as_text().ok_or(EvalError::Substr)?;
    let length = text.len() as i64;
    // Casts saturate, so sums below cannot overflow.
    let (offset, count) = (offset as i32, count as i32);
    let (mut offset, mut count) = (i64::from(offset), i64::from(count));
    if offset < 0 {
        offset += length;
    }
    let offset = offset.clamp(0, length);
    if count < 0 {
        count = (length - offset + count).max(0);
    }
    let end = (offset + count).min(length);
    Ok(Value::Text(text.slice(offset as usize..end as usize)))
}

/// `format(text, ...)`: `%s` is the next value, `%%` a percent sign.
fn format(values: &[Value]) -> Result {
    let pattern = text("format", values, 0)?;
    let mut arguments = values[1..].iter();
    let mut out = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        if out.len() > FORMATTED_BYTES_MAX {
            return Err(EvalError::FormatLength);
        }
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            None => return Err(EvalError::Format),
            Some(b'%') => out.push(b'%'),
            Some(specifier) => {
                let value = arguments.next().ok_or(EvalError::FormatArguments)?;
                if *specifier != b's' {
                    return Err(EvalError::FormatSpecifier);
                }
                match value {
                    Value::Null => out.extend_from_slice(b"(null)"),
                    value => out.extend_from_slice(&value.to_text()),
                }
            }
        }
    }
    match out.len() > FORMATTED_BYTES_MAX {
        true => Err(EvalError::FormatLength),
        false => Ok(Value::from(out)),
    }
}

/// `split(text [, separators [, trimmed]])`: parts without empty ones.
fn split(values: &[Value]) -> Result {
    let whole = text("split", values, 0)?;
    let separators: &[u8] = match values.len() {
        1 => b",",
        _ => text("split", values, 1)?,
    };
    let trimmed: &[u8] = match values.len() {
        3 => text("split", values, 2)?,
        _ => b" ",
    };
    let parts = whole.split(|byte| separators.contains(byte));
    let parts = parts.map(|part| {
        let is_kept = |byte: &u8| !trimmed.contains(byte);
        let start = part.iter().position(is_kept).unwrap_or(part.len());
        let end = part
            .iter()
            .rposition(is_kept)
            .map_or(start, |last| last + 1);
        &part[start..end]
    });
    let parts = parts.filter(|part| !part.is_empty()).take(SPLIT_MAX);
    Ok(Value::Array(
        parts.map(|part| Value::from(part.to_vec())).collect(),
    ))
}

fn to_number(values: &[Value]) -> Result {
    let number = values[0].to_number();
    let shown = || match &values[0] {
        Value::Text(text) => lossy(text),
        // How C prints that there is no text.
        _ => "(null)".to_owned(),
    };
    let number = number.ok_or_else(|| EvalError::ToNumber(shown()))?;
    Ok(Value::Number(number))
}

/// `timefmt(seconds [, format])`; NULL where there is no such time or text.
fn timefmt(values: &[Value]) -> Result {
    let pattern: &[u8] = match values.len() {
        2 => text("time", values, 1)?,
        _ => b"%FT%TZ",
    };
    let seconds = values[0].to_number().filter(|seconds| seconds.is_finite());
    let shown = seconds.and_then(|seconds| time::format(seconds as i64, pattern));
    Ok(shown.map_or(Value::Null, Value::from))
}

/// `parsetime(text, format)`: seconds since 1970; NULL where the text is otherwise.
fn parsetime(values: &[Value]) -> Result {
    let shown = text("parsetime", values, 0)?;
    let pattern = text("parsetime", values, 1)?;
    let seconds = time::parse(shown, pattern);
    Ok(seconds.map_or(Value::Null, |seconds| Value::Number(seconds as f64)))
}

/// Seconds since 1970, not before.
fn seconds(values: &[Value]) -> Option<i64> {
    let seconds = values[0].to_number();
    let seconds = seconds.filter(|seconds| *seconds >= 0.0 && *seconds <= time::SECONDS_MAX as f64);
    seconds.map(|seconds| seconds as i64)
}

/// A time cut to a coarser one; NULL before 1970.
fn moment(values: &[Value], cut: fn(i64) -> i64) -> Result {
    let cut = seconds(values).map(cut);
    Ok(cut.map_or(Value::Null, |seconds| Value::Number(seconds as f64)))
}

/// A part of a date; NULL before 1970.
fn part(values: &[Value], part: fn(&time::Date) -> i64) -> Result {
    let date = seconds(values).map(time::Date::of);
    Ok(date.map_or(Value::Null, |date| Value::Number(part(&date) as f64)))
}

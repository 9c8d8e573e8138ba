//! Values of options: their kinds, how a text becomes a value and how a value is written. Nothing here knows which options exist.

use std::fmt::Write as _;

/// What an option may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    Switch,
    /// A whole number within bounds, both inclusive.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// What it counts, for the documentation; may be empty.
        unit: &'static str,
    },
    /// A number of bytes, written with or without a unit (1k = 1000, 1kb = 1024), within bounds.
    Bytes {
        /// Smallest value.
        min: i64,
        /// Whether `50%` (of the machine's memory) is allowed too.
        percent: bool,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several of these words; the first one means none of the others.
    Flags(&'static [&'static str]),
    /// Any bytes, without inner structure.
    Text,
    /// Like [`Kind::Text`], but never logged.
    Secret,
    /// Words parted by spaces.
    Words,
    /// Pairs of seconds and changes.
    SavePoints,
    /// Limits per class of clients.
    OutputLimits,
    /// Classes of keyspace events, one letter each.
    EventClasses,
}

/// The value of one option. Which variant it is follows from the option's [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Switches (0, 1), integers, bytes (percent as a negative number), choices (position of the word), flags and event classes (bits).
    Number(i64),
    /// Texts and secrets.
    Text(Vec<u8>),
    /// Lists of words.
    Words(Vec<Vec<u8>>),
    /// Save points; none means that nothing is saved by itself.
    SavePoints(Vec<SavePoint>),
    /// Limits of the classes normal, replica and pubsub.
    OutputLimits([OutputLimit; 3]),
}

/// Save when at least `changes` changes are `seconds` old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save, at least 1.
    pub seconds: u64,
    /// Changes since the last save.
    pub changes: u64,
}

/// Bounds of the replies that wait for one client. Zero switches a bound off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Above this the client is closed at once.
    pub hard_bytes: u64,
    /// Above this for `soft_seconds` the client is closed.
    pub soft_bytes: u64,
    /// How long `soft_bytes` may be exceeded.
    pub soft_seconds: u64,
}

/// Names of the classes of [`Value::OutputLimits`], in its order, as CONFIG GET writes them.
const OUTPUT_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// Letters of the event classes that `A` stands for, in the order in which they are written.
const EVENT_ALL: &[u8] = b"g$lshzxetd";
/// Letters that stand outside of `A`, in the order in which they are written.
const EVENT_EXTRA: &[u8] = b"nKEm";

impl Kind {
    /// Whether the value consists of several words, so that a single text is split at its spaces.
    pub fn is_many_words(self) -> bool {
        matches!(
            self,
            Kind::Flags(_) | Kind::Words | Kind::SavePoints | Kind::OutputLimits
        )
    }

    /// Reads the words of a directive or of CONFIG SET. `current` is what classes that are not named keep.
    ///
    /// The error is the reason alone, in the words of Redis.
    pub fn parse(self, words: &[&[u8]], current: Option<&Value>) -> Result<Value, String> {
        if self.is_many_words() {
            return match words {
                [text] => self.parse_words(
                    &text
                        .split(u8::is_ascii_whitespace)
                        .filter(|word| !word.is_empty())
                        .collect::<Vec<_>>(),
                    current,
                ),
                _ => self.parse_words(words, current),
            };
        }
        let [text] = words else {
            return Err("wrong number of arguments".to_string());
        };
        match self {
            Kind::Switch => parse_switch(text).map(Value::Number),
            Kind::Integer { min, max, .. } => parse_integer(text, min, max).map(Value::Number),
            Kind::Bytes { min, percent } => {
                parse_bytes_within(text, min, percent).map(Value::Number)
            }
            Kind::Choice(choices) => choice(text, choices).map(Value::Number),
            Kind::EventClasses => parse_event_classes(text).map(Value::Number),
            _ => Ok(Value::Text(text.to_vec())),
        }
    }

    fn parse_words(self, words: &[&[u8]], current: Option<&Value>) -> Result<Value, String> {
        match self {
            // None at all is not one of them.
            Kind::Flags(choices) if words.is_empty() => choice(b"", choices).map(Value::Number),
            Kind::Flags(choices) => words
                .iter()
                .try_fold(0, |bits, word| {
                    choice(word, choices).map(|at| bits | flag_bit(at))
                })
                .map(Value::Number),
            Kind::SavePoints => parse_save_points(words).map(Value::SavePoints),
            Kind::OutputLimits => parse_output_limits(words, current).map(Value::OutputLimits),
            _ => Ok(Value::Words(
                words.iter().map(|word| word.to_vec()).collect(),
            )),
        }
    }

    /// Writes a value as CONFIG GET does: bytes as plain numbers, lists parted by spaces.
    pub fn write(self, value: &Value) -> Vec<u8> {
        match value {
            Value::Number(number) => self.write_number(*number).into_bytes(),
            Value::Text(text) => text.clone(),
            Value::Words(words) => words.join(&b' '),
            Value::SavePoints(points) => {
                let pairs: Vec<String> = points
                    .iter()
                    .map(|point| format!("{} {}", point.seconds, point.changes))
                    .collect();
                pairs.join(" ").into_bytes()
            }
            Value::OutputLimits(limits) => write_output_limits(limits).into_bytes(),
        }
    }

    fn write_number(self, number: i64) -> String {
        match self {
            Kind::Switch => if number == 0 { "no" } else { "yes" }.to_string(),
            Kind::Bytes { .. } if number < 0 => format!("{}%", -number),
            Kind::Choice(choices) => usize::try_from(number)
                .ok()
                .and_then(|at| choices.get(at))
                .unwrap_or(&"")
                .to_string(),
            Kind::Flags(choices) => write_flags(number, choices),
            Kind::EventClasses => write_event_classes(number),
            _ => number.to_string(),
        }
    }
}

/// Reads a decimal number as Redis does: no sign but `-`, no leading zeros, no blanks.
fn parse_decimal(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn parse_switch(text: &[u8]) -> Result<i64, String> {
    match text {
        _ if text.eq_ignore_ascii_case(b"yes") => Ok(1),
        _ if text.eq_ignore_ascii_case(b"no") => Ok(0),
        _ => Err("argument must be 'yes' or 'no'".to_string()),
    }
}

fn parse_integer(text: &[u8], min: i64, max: i64) -> Result<i64, String> {
    let number = parse_decimal(text).ok_or("argument couldn't be parsed into an integer")?;
    within(number, min, max)
}

fn within(number: i64, min: i64, max: i64) -> Result<i64, String> {
    if number < min || number > max {
        return Err(format!(
            "argument must be between {min} and {max} inclusive"
        ));
    }
    Ok(number)
}

fn parse_bytes_within(text: &[u8], min: i64, percent: bool) -> Result<i64, String> {
    if let Some(bytes) = parse_bytes(text) {
        return within(bytes, min, i64::MAX);
    }
    if !percent {
        return Err("argument must be a memory value".to_string());
    }
    match text.split_last() {
        Some((b'%', digits)) => match parse_decimal(digits).filter(|share| *share >= 0) {
            Some(share) if share > 100 => {
                Err("percentage argument must be less or equal to 100".to_string())
            }
            Some(share) => Ok(-share),
            None => Err("argument must be a memory or percent value".to_string()),
        },
        _ => Err("argument must be a memory or percent value".to_string()),
    }
}

/// Reads `100`, `1k`, `1kb`, `64MB`, ...: k, m and g are powers of 1000, kb, mb and gb of 1024. No digits are a zero.
pub fn parse_bytes(text: &[u8]) -> Option<i64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let factor: i64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    if number.is_empty() {
        return Some(0);
    }
    let number: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    number.checked_mul(factor)
}

fn choice(text: &[u8], choices: &[&str]) -> Result<i64, String> {
    match choices
        .iter()
        .position(|word| text.eq_ignore_ascii_case(word.as_bytes()))
    {
        Some(at) => Ok(at as i64),
        None => Err(format!(
            "argument(s) must be one of the following: {}",
            choices.join(", ")
        )),
    }
}

/// The bit of the flag at a position; the first word stands for none.
fn flag_bit(at: i64) -> i64 {
    if at == 0 { 0 } else { 1 << (at - 1) }
}

fn write_flags(bits: i64, choices: &[&str]) -> String {
    let set: Vec<&str> = (1..choices.len())
        .filter(|at| bits & flag_bit(*at as i64) != 0)
        .map(|at| choices[at])
        .collect();
    if set.is_empty() {
        choices.first().unwrap_or(&"").to_string()
    } else {
        set.join(" ")
    }
}

fn parse_save_points(words: &[&[u8]]) -> Result<Vec<SavePoint>, String> {
    const INVALID: &str = "Invalid save parameters";
    if let [b""] = words {
        return Ok(Vec::new());
    }
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(INVALID.to_string());
    }
    let number = |text: &[u8]| parse_decimal(text).and_then(|number| u64::try_from(number).ok());
    let point = |pair: &[&[u8]; 2]| match (number(pair[0]), number(pair[1])) {
        (Some(seconds @ 1..), Some(changes)) => Ok(SavePoint { seconds, changes }),
        _ => Err(INVALID.to_string()),
    };
    pairs.iter().map(point).collect()
}

fn parse_output_limits(
    words: &[&[u8]],
    current: Option<&Value>,
) -> Result<[OutputLimit; 3], String> {
    let mut limits = match current {
        Some(Value::OutputLimits(limits)) => *limits,
        _ => [OutputLimit::default(); 3],
    };
    let (groups, rest) = words.as_chunks::<4>();
    if groups.is_empty() || !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".to_string());
    }
    for [class, hard, soft, seconds] in groups {
        let at = output_class(class)
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let bytes = |text: &[u8]| parse_bytes(text).map(i64::unsigned_abs);
        let seconds = parse_decimal(seconds).and_then(|number| u64::try_from(number).ok());
        limits[at] =
            match (bytes(hard), bytes(soft), seconds) {
                (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) => OutputLimit {
                    hard_bytes,
                    soft_bytes,
                    soft_seconds,
                },
                _ => return Err(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration."
                        .to_string(),
                ),
            };
    }
    Ok(limits)
}

fn output_class(text: &[u8]) -> Option<usize> {
    let class = if text.eq_ignore_ascii_case(b"replica") {
        b"slave"
    } else {
        text
    };
    OUTPUT_CLASSES
        .iter()
        .position(|name| class.eq_ignore_ascii_case(name.as_bytes()))
}

fn write_output_limits(limits: &[OutputLimit; 3]) -> String {
    let mut text = String::new();
    for (class, limit) in OUTPUT_CLASSES.iter().zip(limits) {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a string can not fail.
        let _ = write!(
            text,
            "{space}{class} {} {} {}",
            limit.hard_bytes, limit.soft_bytes, limit.soft_seconds
        );
    }
    text
}

/// The bit of an event class: first those of `A`, then the others.
pub fn event_bit(letter: u8) -> Option<i64> {
    EVENT_ALL
        .iter()
        .chain(EVENT_EXTRA)
        .position(|known| *known == letter)
        .map(|at| 1 << at)
}

fn parse_event_classes(text: &[u8]) -> Result<i64, String> {
    let all = (1 << EVENT_ALL.len()) - 1;
    text.iter()
        .try_fold(0, |bits, letter| match (*letter, event_bit(*letter)) {
            (b'A', _) => Ok(bits | all),
            (_, Some(bit)) => Ok(bits | bit),
            _ => Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_string()),
        })
}

fn write_event_classes(bits: i64) -> String {
    let all = (1 << EVENT_ALL.len()) - 1;
    let is_set = |letter: &&u8| event_bit(**letter).is_some_and(|bit| bits & bit != 0);
    let extra = EVENT_EXTRA
        .iter()
        .filter(is_set)
        .map(|letter| char::from(*letter));
    if bits & all == all {
        return std::iter::once('A').chain(extra).collect();
    }
    EVENT_ALL
        .iter()
        .filter(is_set)
        .map(|letter| char::from(*letter))
        .chain(extra)
        .collect()
}

/// Writes bytes with the largest unit that divides them, as files do.
pub fn unit_text(bytes: u64) -> String {
    match bytes {
        0 => "0".to_string(),
        _ if bytes.is_multiple_of(1 << 30) => format!("{}gb", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}mb", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}kb", bytes >> 10),
        _ => bytes.to_string(),
    }
}

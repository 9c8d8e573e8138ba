//! The functions of REDUCE: what they take, and how they gather one value from the rows of a group.

mod hyperloglog;

use super::aggregate::ReducerCall;
use super::expression::{Row, Value};
use super::options::RequestError;
use super::properties::{Content, Properties};
use super::words::{ArgumentError, Words, text_of};
use hyperloglog::HyperLogLog;
use std::collections::HashSet;

/// Values of the largest RANDOM_SAMPLE, and the finest resolution of QUANTILE.
const SAMPLE_MAX: u32 = 1000;
/// With fewer values the module's QUANTILE keeps all, and takes one a hundredth of the rank above.
const QUANTILE_BUFFER: usize = 500;

/// A function of REDUCE with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Reducer {
    /// The property that it reads; none for COUNT.
    property: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Count,
    CountDistinct,
    CountDistinctish,
    Sum,
    Average,
    Min,
    Max,
    Deviation,
    Quantile(f64),
    ToList,
    FirstValue(Option<Order>),
    RandomSample(usize),
    HyperLogLog,
    HyperLogLogSum,
}

/// BY of FIRST_VALUE.
#[derive(Clone, Debug, PartialEq)]
struct Order {
    property: String,
    is_descending: bool,
}

/// Why a call is none of a reducer.
#[derive(Clone, Debug, PartialEq)]
pub enum ReducerError {
    /// No such function.
    Unknown(String),
    /// COUNT with arguments.
    CountTakesNone,
    /// No property was given.
    Missing(String),
    /// A property that neither the schema nor an earlier step has.
    Property(String),
    /// A word too many, a number that is none.
    Request(RequestError),
    /// QUANTILE outside 0 to 1.
    Quantile,
    /// QUANTILE's resolution.
    Resolution,
    /// RANDOM_SAMPLE of too many.
    SampleSize,
}

impl Reducer {
    /// Reads a call; `is_known` says whether there is such a property.
    pub fn new(
        call: &ReducerCall,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Reducer, ReducerError> {
        let slices: Vec<&[u8]> = call.arguments.iter().map(Vec::as_slice).collect();
        let mut words = Words::of_query(&slices);
        let function = call.function.to_ascii_uppercase();
        if function == "COUNT" {
            return match words.is_done() {
                true => Ok(Reducer {
                    property: None,
                    kind: Kind::Count,
                }),
                false => Err(ReducerError::CountTakesNone),
            };
        }
        let kind = simple(&function);
        let is_other = matches!(&*function, "QUANTILE" | "FIRST_VALUE" | "RANDOM_SAMPLE");
        if kind.is_none() && !is_other {
            return Err(ReducerError::Unknown(call.function.clone()));
        }
        let property = property(&mut words, call, &is_known)?;
        let kind = match (kind, &*function) {
            (Some(kind), _) => kind,
            (None, "QUANTILE") => quantile(&mut words, call)?,
            (None, "FIRST_VALUE") => first_value(&mut words, call, &is_known)?,
            (None, _) => random_sample(&mut words)?,
        };
        Ok(Reducer {
            property: Some(property),
            kind,
        })
    }

    /// The properties that it reads.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let order = match &self.kind {
            Kind::FirstValue(Some(order)) => Some(&*order.property),
            _ => None,
        };
        self.property.as_deref().into_iter().chain(order)
    }

    /// Begins a group. The seed decides what RANDOM_SAMPLE takes.
    pub fn start(&self, seed: u64) -> Accumulator<'_> {
        let state = match &self.kind {
            Kind::Count => State::Count(0),
            Kind::CountDistinct => State::Distinct(HashSet::new()),
            Kind::CountDistinctish | Kind::HyperLogLog => State::Sketch(HyperLogLog::new()),
            Kind::HyperLogLogSum => State::SketchSum(None),
            Kind::Sum | Kind::Average => State::Sum { count: 0, sum: 0.0 },
            Kind::Min => State::Extreme(f64::INFINITY),
            Kind::Max => State::Extreme(f64::NEG_INFINITY),
            Kind::Deviation => State::Deviation {
                count: 0,
                mean: 0.0,
                squares: 0.0,
            },
            Kind::Quantile(_) => State::Numbers(Vec::new()),
            Kind::ToList => State::List {
                seen: HashSet::new(),
                values: Vec::new(),
            },
            Kind::FirstValue(_) => State::First(None),
            Kind::RandomSample(_) => State::Sample {
                seen: 0,
                values: Vec::new(),
                random: seed | 1,
            },
        };
        Accumulator {
            reducer: self,
            state,
        }
    }
}

/// Functions of a property alone.
fn simple(function: &str) -> Option<Kind> {
    Some(match function {
        "COUNT_DISTINCT" => Kind::CountDistinct,
        "COUNT_DISTINCTISH" => Kind::CountDistinctish,
        "SUM" => Kind::Sum,
        "AVG" => Kind::Average,
        "MIN" => Kind::Min,
        "MAX" => Kind::Max,
        "STDDEV" => Kind::Deviation,
        "TOLIST" => Kind::ToList,
        "HLL" => Kind::HyperLogLog,
        "HLL_SUM" => Kind::HyperLogLogSum,
        _ => return None,
    })
}

/// Takes a property's name, with or without `@`.
fn property(
    words: &mut Words,
    call: &ReducerCall,
    is_known: &impl Fn(&str) -> bool,
) -> Result<String, ReducerError> {
    let word = words.word();
    let word = word.map_err(|_| ReducerError::Missing(call.function.clone()))?;
    let name = text_of(word.strip_prefix(b"@").unwrap_or(word));
    match is_known(&name) {
        true => Ok(name),
        false => Err(ReducerError::Property(name)),
    }
}

/// Names what was being read when an argument was refused.
fn bad(what: &str) -> impl Fn(ArgumentError) -> ReducerError {
    move |why| ReducerError::Request(super::options::bad(what)(why))
}

/// Nothing may be left.
fn end(words: &Words, call: &ReducerCall) -> Result<(), ReducerError> {
    match words.peek() {
        None => Ok(()),
        Some(word) => Err(ReducerError::Request(RequestError::UnknownFor {
            word: text_of(word),
            position: words.taken(),
            what: call.function.clone(),
        })),
    }
}

fn quantile(words: &mut Words, call: &ReducerCall) -> Result<Kind, ReducerError> {
    let quantile = words
        .double(f64::NEG_INFINITY)
        .map_err(bad(&call.function))?;
    if !(0.0..=1.0).contains(&quantile) {
        return Err(ReducerError::Quantile);
    }
    if !words.is_done() {
        let resolution = words.unsigned(0).map_err(bad("<resolution>"))?;
        if !(1..=SAMPLE_MAX).contains(&resolution) {
            return Err(ReducerError::Resolution);
        }
    }
    end(words, call)?;
    Ok(Kind::Quantile(quantile))
}

fn first_value(
    words: &mut Words,
    call: &ReducerCall,
    is_known: &impl Fn(&str) -> bool,
) -> Result<Kind, ReducerError> {
    let mut order = None;
    if words.accept("BY") {
        let property = property(words, call, is_known)?;
        let is_descending = words.accept("DESC");
        if !is_descending {
            words.accept("ASC");
        }
        order = Some(Order {
            property,
            is_descending,
        });
    }
    end(words, call)?;
    Ok(Kind::FirstValue(order))
}

fn random_sample(words: &mut Words) -> Result<Kind, ReducerError> {
    let size = words.unsigned(0).map_err(bad("<sample size>"))?;
    match size > SAMPLE_MAX {
        true => Err(ReducerError::SampleSize),
        false => Ok(Kind::RandomSample(size as usize)),
    }
}

/// A group under way.
pub struct Accumulator<'r> {
    reducer: &'r Reducer,
    state: State,
}

enum State {
    Count(u64),
    Distinct(HashSet<Vec<u8>>),
    Sketch(HyperLogLog),
    SketchSum(Option<HyperLogLog>),
    Sum {
        count: u64,
        sum: f64,
    },
    Extreme(f64),
    /// Welford's running mean, and sum of squared distances to it.
    Deviation {
        count: u64,
        mean: f64,
        squares: f64,
    },
    Numbers(Vec<f64>),
    List {
        seen: HashSet<Vec<u8>>,
        values: Vec<Content>,
    },
    /// The content and what it was chosen by.
    First(Option<(Content, Value)>),
    /// A reservoir: every value seen is in it with the same chance.
    Sample {
        seen: u64,
        values: Vec<Content>,
        random: u64,
    },
}

impl Accumulator<'_> {
    /// Takes a row in.
    pub fn add(&mut self, row: &Properties) {
        let property = self.reducer.property.as_deref();
        let content = property.and_then(|property| row.content(property));
        match (&mut self.state, content) {
            (State::Count(count), _) => *count += 1,
            (State::First(first), content) => {
                let order = match &self.reducer.kind {
                    Kind::FirstValue(order) => order.as_ref(),
                    _ => None,
                };
                choose(first, content, order, row);
            }
            (_, None) => {}
            (state, Some(content)) => state.add(content, &self.reducer.kind),
        }
    }

    /// The group's value.
    pub fn finish(self) -> Content {
        let number = match self.state {
            State::Count(count) => count as f64,
            State::Distinct(seen) => seen.len() as f64,
            State::Sketch(sketch) if self.reducer.kind == Kind::HyperLogLog => {
                return Value::from(sketch.to_bytes()).into();
            }
            State::Sketch(sketch) => sketch.count() as f64,
            State::SketchSum(sketch) => sketch.map_or(0, |sketch| sketch.count()) as f64,
            State::Sum { count: 0, .. } => f64::NAN,
            State::Sum { count, sum } if self.reducer.kind == Kind::Average => sum / count as f64,
            State::Sum { sum, .. } => sum,
            State::Extreme(extreme) => extreme,
            State::Deviation { count, squares, .. } => match count {
                0 | 1 => 0.0,
                count => (squares / (count - 1) as f64).sqrt(),
            },
            State::Numbers(numbers) => match self.reducer.kind {
                Kind::Quantile(quantile) => quantile_of(numbers, quantile),
                _ => f64::NAN,
            },
            State::List { values, .. } | State::Sample { values, .. } => {
                return Content::array(values);
            }
            State::First(first) => return first.map(|(content, _)| content).unwrap_or_default(),
        };
        Value::Number(number).into()
    }
}

impl State {
    fn add(&mut self, content: &Content, kind: &Kind) {
        let value = &content.value;
        match self {
            State::Distinct(seen) if !content.is_nothing() => {
                seen.insert(key_of(value));
            }
            State::Sketch(sketch) if !value.is_null() => sketch.add(&hashed_bytes(value)),
            State::SketchSum(sum) => add_sketch(sum, value),
            State::Sum { count, sum } => {
                if let Some(number) = value.to_number() {
                    *count += 1;
                    *sum += number;
                }
            }
            State::Extreme(extreme) => {
                if let Some(number) = value.to_number() {
                    let is_kept = match kind {
                        Kind::Min => *extreme < number,
                        _ => *extreme > number,
                    };
                    // What is no number is less and more than all so far, and the next one than it.
                    if !is_kept {
                        *extreme = number;
                    }
                }
            }
            State::Deviation { .. } | State::Numbers(_) => {
                let parts = content.elements().iter();
                parts.for_each(|part| self.add_number(part.to_number()));
            }
            State::List { seen, values } => {
                for (place, part) in content.elements().iter().enumerate() {
                    if seen.insert(key_of(part)) {
                        values.push(content.element(place));
                    }
                }
            }
            State::Sample {
                seen,
                values,
                random,
            } => {
                let Kind::RandomSample(size) = *kind else {
                    return;
                };
                *seen += 1;
                if values.len() < size {
                    values.push(content.clone());
                } else if let Some(place) = values.get_mut((draw(random) % *seen) as usize) {
                    *place = content.clone();
                }
            }
            _ => {}
        }
    }

    fn add_number(&mut self, number: Option<f64>) {
        let Some(number) = number else { return };
        match self {
            State::Numbers(numbers) => numbers.push(number),
            State::Deviation {
                count,
                mean,
                squares,
            } => {
                *count += 1;
                let before = number - *mean;
                *mean += before / *count as f64;
                *squares += before * (number - *mean);
            }
            _ => {}
        }
    }
}

/// FIRST_VALUE: the first at all, or the first in the order of another property; rows without that one come last.
fn choose(
    first: &mut Option<(Content, Value)>,
    content: Option<&Content>,
    order: Option<&Order>,
    row: &Properties,
) {
    let content = || content.cloned().unwrap_or_default();
    let Some(order) = order else {
        first.get_or_insert_with(|| (content(), Value::Null));
        return;
    };
    let by = row.get(&order.property).unwrap_or_default();
    let is_better = match first {
        None => true,
        Some(_) if by.is_null() => false,
        Some((_, best)) if best.is_null() => true,
        Some((_, best)) => match order.is_descending {
            true => by.order(best).is_gt(),
            false => by.order(best).is_lt(),
        },
    };
    if is_better {
        *first = Some((content(), by));
    }
}

/// HLL_SUM takes what HLL made; other values are passed over.
fn add_sketch(sum: &mut Option<HyperLogLog>, value: &Value) {
    let sketch = value
        .as_text()
        .and_then(|bytes| HyperLogLog::from_bytes(bytes));
    match (sum, sketch) {
        (Some(sum), Some(sketch)) => sum.merge(&sketch),
        (sum, Some(sketch)) => *sum = Some(sketch),
        (_, None) => {}
    }
}

/// The value of that rank, by the module's count.
fn quantile_of(mut numbers: Vec<f64>, quantile: f64) -> f64 {
    let mut rank = (quantile * numbers.len() as f64).ceil();
    if numbers.len() < QUANTILE_BUFFER {
        rank += (rank / 100.0).floor();
    }
    let Some(last) = numbers.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = (rank as usize).saturating_sub(1).min(last);
    *numbers.select_nth_unstable_by(place, f64::total_cmp).1
}

/// Bytes that tell values apart, with their types.
fn key_of(value: &Value) -> Vec<u8> {
    let tag = match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::Text(_) => 2,
        Value::Array(_) => 3,
    };
    let mut key = vec![tag];
    key.extend(hashed_bytes(value));
    key
}

/// What is hashed of a value: a text's bytes, a number's in memory.
fn hashed_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Number(number) => number.to_le_bytes().to_vec(),
        Value::Text(text) => text.to_vec(),
        Value::Array(values) => values.iter().flat_map(hashed_bytes).collect(),
    }
}

/// xorshift64 (Marsaglia 2003): enough to choose a sample by.
fn draw(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

#[cfg(test)]
mod tests;

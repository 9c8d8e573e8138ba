//! What one connection does to the server, and what must then be there: random operations, an obvious model of their
//! effects, and the replies that follow from it.
//!
//! A connection has keys of its own (`c3:s1`) and, in a vector set that it shares with others, elements of its own.

use super::wire::{Words, words};
use rhumb::persistence::disk::fault::Random;
use rhumb::protocol::client::Value;
use std::collections::BTreeMap;

/// Components of all vectors.
pub const DIM: usize = 24;
/// The vector set that all connections of a database share.
pub const SHARED: &str = "shared";
/// Expiries are this many milliseconds apart and a long way off, so that they can be told apart and do not pass.
pub const EXPIRY_UNIT_MS: u64 = 1_000_000_000;
/// Keys of each class that a connection has.
const KEYS: usize = 3;
/// Elements of each vector set that a connection has.
const ELEMENTS: usize = 60;

/// An element of a vector set.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its vector as given.
    pub vector: Vec<f32>,
    /// Its attributes as given.
    pub attributes: Option<String>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A string.
    Text(Vec<u8>),
    /// Fields with values and expiries, the latter in units of [`EXPIRY_UNIT_MS`] since the test began.
    Hash(BTreeMap<String, (Vec<u8>, Option<u64>)>),
    /// Elements by name.
    Set(BTreeMap<String, Element>),
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// What it holds.
    pub content: Content,
    /// Its expiry, in units of [`EXPIRY_UNIT_MS`] since the test began.
    pub expiry: Option<u64>,
}

/// All that one connection put into the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Its keys.
    pub keys: BTreeMap<String, Held>,
    /// Its elements of the shared set.
    pub shared: BTreeMap<String, Element>,
}

/// One command.
#[derive(Clone, Debug)]
pub enum Step {
    Set {
        key: String,
        value: Vec<u8>,
        expiry: Option<u64>,
    },
    /// A key that is gone before anybody looks.
    SetBriefly {
        key: String,
        ms: u64,
    },
    Append {
        key: String,
        suffix: Vec<u8>,
    },
    IncrBy {
        key: String,
        by: i64,
    },
    HashSet {
        key: String,
        fields: Vec<(String, Vec<u8>)>,
    },
    HashDelete {
        key: String,
        fields: Vec<String>,
    },
    HashIncrBy {
        key: String,
        field: String,
        by: i64,
    },
    HashExpire {
        key: String,
        field: String,
        expiry: u64,
    },
    HashPersist {
        key: String,
        field: String,
    },
    Expire {
        key: String,
        expiry: u64,
        is_relative: bool,
    },
    Persist {
        key: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Copy {
        from: String,
        to: String,
    },
    Delete {
        keys: Vec<String>,
    },
    Add {
        set: String,
        element: String,
        vector: Vec<f32>,
        attributes: Option<String>,
    },
    Remove {
        set: String,
        element: String,
    },
    SetAttributes {
        set: String,
        element: String,
        attributes: String,
    },
}

/// What stands or falls together: one command, or several between MULTI and EXEC.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its commands.
    pub steps: Vec<Step>,
    is_transaction: bool,
}

/// Who draws operations, and from what.
pub struct Drawer {
    random: Random,
    prefix: String,
}

impl Operation {
    /// The requests, in order.
    pub fn requests(&self, epoch_ms: u64) -> Vec<Words> {
        let mut requests: Vec<Words> = self
            .steps
            .iter()
            .map(|step| step.request(epoch_ms))
            .collect();
        if self.is_transaction {
            requests.insert(0, words(["MULTI"]));
            requests.push(words(["EXEC"]));
        }
        requests
    }

    /// Applies it to the model; the replies that the server must give to its requests.
    pub fn apply(&self, state: &mut State) -> Vec<Value> {
        let replies: Vec<Value> = self.steps.iter().map(|step| step.apply(state)).collect();
        if !self.is_transaction {
            return replies;
        }
        let mut all = vec![Value::Simple("OK".into())];
        all.extend(replies.iter().map(|_| Value::Simple("QUEUED".into())));
        all.push(Value::Array(replies));
        all
    }
}

impl Drawer {
    /// Draws for the connection whose keys begin with `prefix`.
    pub fn new(seed: u64, prefix: &str) -> Drawer {
        Drawer {
            random: Random::new(seed),
            prefix: prefix.to_owned(),
        }
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }

    /// The next operation.
    pub fn operation(&mut self) -> Operation {
        let is_transaction = self.below(8) == 0;
        let count = if is_transaction { 2 + self.below(5) } else { 1 };
        Operation {
            steps: (0..count).map(|_| self.step()).collect(),
            is_transaction,
        }
    }

    fn step(&mut self) -> Step {
        match self.below(40) {
            0..3 => Step::Set {
                key: self.key('s'),
                value: self.value(),
                expiry: self.maybe_expiry(),
            },
            3 => Step::SetBriefly {
                key: self.key('x'),
                ms: 1 + self.below(60) as u64,
            },
            4 => Step::Append {
                key: self.key('s'),
                suffix: self.value(),
            },
            5..7 => Step::IncrBy {
                key: self.key('n'),
                by: self.below(2000) as i64 - 1000,
            },
            7..10 => {
                let count = 1 + self.below(4);
                let fields = (0..count)
                    .map(|i| (format!("f{}", 10 * i + self.below(10)), self.value()))
                    .collect();
                Step::HashSet {
                    key: self.key('h'),
                    fields,
                }
            }
            10 => Step::HashDelete {
                fields: vec![self.field(), "f99".to_owned()],
                key: self.key('h'),
            },
            11 => Step::HashIncrBy {
                key: self.key('h'),
                field: "count".into(),
                by: self.below(100) as i64,
            },
            12 => Step::HashExpire {
                key: self.key('h'),
                field: self.field(),
                expiry: self.expiry(),
            },
            13 => Step::HashPersist {
                key: self.key('h'),
                field: self.field(),
            },
            14 => Step::Expire {
                key: self.any_key(),
                expiry: self.expiry(),
                is_relative: self.below(2) == 0,
            },
            15 => Step::Persist {
                key: self.any_key(),
            },
            16 => self.two_keys(|from, to| Step::Rename { from, to }),
            17 => self.two_keys(|from, to| Step::Copy { from, to }),
            18 => Step::Delete {
                keys: vec![self.any_key(), self.key('s')],
            },
            19..22 => Step::Remove {
                set: self.set(),
                element: self.element(),
            },
            22..26 => Step::SetAttributes {
                set: self.set(),
                element: self.element(),
                attributes: self.attributes(),
            },
            _ => self.add(),
        }
    }

    fn add(&mut self) -> Step {
        let attributes = match self.below(3) {
            0 => Some(self.attributes()),
            _ => None,
        };
        let vector = (0..DIM)
            .map(|_| self.below(20_001) as f32 / 10_000.0 - 1.0)
            .collect();
        Step::Add {
            set: self.set(),
            element: self.element(),
            vector,
            attributes,
        }
    }

    /// A key of a class: strings, counters, brief strings, hashes, vector sets with exact vectors, with coded ones.
    fn key(&mut self, class: char) -> String {
        let number = self.below(KEYS);
        format!("{}{class}{number}", self.prefix)
    }

    fn any_key(&mut self) -> String {
        let class = self.class(&['s', 'n', 'h', 'v', 'q']);
        self.key(class)
    }

    fn class(&mut self, classes: &[char]) -> char {
        classes[self.below(classes.len())]
    }

    fn two_keys(&mut self, step: impl Fn(String, String) -> Step) -> Step {
        let class = self.class(&['s', 'h', 'v', 'q']);
        let first = self.below(KEYS);
        let second = (first + 1 + self.below(KEYS - 1)) % KEYS;
        let name = |number| format!("{}{class}{number}", self.prefix);
        step(name(first), name(second))
    }

    fn set(&mut self) -> String {
        match self.below(4) {
            0 => self.key('v'),
            1 => self.key('q'),
            _ => SHARED.to_owned(),
        }
    }

    fn element(&mut self) -> String {
        let number = self.below(ELEMENTS);
        format!("{}e{number}", self.prefix)
    }

    fn field(&mut self) -> String {
        format!("f{}", self.below(20))
    }

    fn value(&mut self) -> Vec<u8> {
        let len = if self.below(50) == 0 {
            5_000
        } else {
            self.below(30)
        };
        // Any bytes, line ends and what looks like the log's own lines included.
        let mut value: Vec<u8> = (0..len).map(|_| self.below(256) as u8).collect();
        if self.below(8) == 0 {
            value.extend_from_slice(b"\r\n#R 1 1 27 02691b6e 0 5d20e7b1\r\n*1\r\n");
        }
        value
    }

    fn attributes(&mut self) -> String {
        match self.below(6) {
            0 => String::new(),
            _ => format!(
                "{{\"n\": {}, \"of\": \"{}\"}}",
                self.below(1000),
                self.prefix
            ),
        }
    }

    fn expiry(&mut self) -> u64 {
        1 + self.below(50) as u64
    }

    fn maybe_expiry(&mut self) -> Option<u64> {
        (self.below(4) == 0).then(|| self.expiry())
    }
}

impl Step {
    fn request(&self, epoch_ms: u64) -> Words {
        let at = |expiry: &u64| (epoch_ms + expiry * EXPIRY_UNIT_MS).to_string();
        match self {
            Step::Set { key, value, expiry } => {
                let mut request = words(["SET", key]);
                request.push(value.clone());
                if let Some(expiry) = expiry {
                    request.extend(words(["PXAT", &at(expiry)]));
                }
                request
            }
            Step::SetBriefly { key, ms } => words(["SET", key, "brief", "PX", &ms.to_string()]),
            Step::Append { key, suffix } => [words(["APPEND", key]), vec![suffix.clone()]].concat(),
            Step::IncrBy { key, by } => words(["INCRBY", key, &by.to_string()]),
            Step::HashSet { key, fields } => {
                let pairs = fields
                    .iter()
                    .flat_map(|(name, value)| [name.clone().into_bytes(), value.clone()]);
                words(["HSET", key]).into_iter().chain(pairs).collect()
            }
            Step::HashDelete { key, fields } => {
                let fields = fields.iter().map(|name| name.clone().into_bytes());
                words(["HDEL", key]).into_iter().chain(fields).collect()
            }
            Step::HashIncrBy { key, field, by } => words(["HINCRBY", key, field, &by.to_string()]),
            Step::HashExpire { key, field, expiry } => {
                words(["HPEXPIREAT", key, &at(expiry), "FIELDS", "1", field])
            }
            Step::HashPersist { key, field } => words(["HPERSIST", key, "FIELDS", "1", field]),
            Step::Expire {
                key,
                expiry,
                is_relative: true,
            } => words(["EXPIRE", key, &(expiry * EXPIRY_UNIT_MS / 1000).to_string()]),
            Step::Expire { key, expiry, .. } => words(["PEXPIREAT", key, &at(expiry)]),
            Step::Persist { key } => words(["PERSIST", key]),
            Step::Rename { from, to } => words(["RENAME", from, to]),
            Step::Copy { from, to } => words(["COPY", from, to, "REPLACE"]),
            Step::Delete { keys } => {
                let keys = keys.iter().map(|key| key.clone().into_bytes());
                words(["DEL"]).into_iter().chain(keys).collect()
            }
            Step::Add {
                set,
                element,
                vector,
                attributes,
            } => add_request(set, element, vector, attributes.as_deref()),
            Step::Remove { set, element } => words(["VREM", set, element]),
            Step::SetAttributes {
                set,
                element,
                attributes,
            } => words(["VSETATTR", set, element, attributes]),
        }
    }

    /// Applies it to the model; the reply.
    fn apply(&self, state: &mut State) -> Value {
        match self {
            Step::Set { key, value, expiry } => {
                let content = Content::Text(value.clone());
                state.keys.insert(
                    key.clone(),
                    Held {
                        content,
                        expiry: *expiry,
                    },
                );
                Value::Simple("OK".into())
            }
            Step::SetBriefly { .. } => Value::Simple("OK".into()),
            Step::Append { key, suffix } => {
                let text = state.text(key);
                text.extend_from_slice(suffix);
                Value::Int(text.len() as i64)
            }
            Step::IncrBy { key, by } => {
                let text = state.text(key);
                add_to(text, *by)
            }
            Step::HashSet { key, fields } => {
                let hash = state.hash(key);
                let new = fields.iter().filter(|(name, value)| {
                    hash.insert(name.clone(), (value.clone(), None)).is_none()
                });
                Value::Int(new.count() as i64)
            }
            Step::HashDelete { key, fields } => {
                let hash = state.hash(key);
                let gone = fields
                    .iter()
                    .filter(|name| hash.remove(*name).is_some())
                    .count();
                state.forget_if_empty(key);
                Value::Int(gone as i64)
            }
            Step::HashIncrBy { key, field, by } => add_to(
                &mut state.hash(key).entry(field.clone()).or_default().0,
                *by,
            ),
            Step::HashExpire { key, field, expiry } => state.field(key, field, |held| {
                *held = Some(*expiry);
                1
            }),
            Step::HashPersist { key, field } => {
                state.field(key, field, |held| held.take().map_or(-1, |_| 1))
            }
            Step::Expire { key, expiry, .. } => {
                let held = state.keys.get_mut(key);
                let is_there = held.is_some();
                held.into_iter()
                    .for_each(|held| held.expiry = Some(*expiry));
                Value::Int(is_there.into())
            }
            Step::Persist { key } => {
                let taken = state.keys.get_mut(key).and_then(|held| held.expiry.take());
                Value::Int(taken.is_some().into())
            }
            Step::Rename { from, to } => match state.keys.remove(from) {
                Some(held) => {
                    state.keys.insert(to.clone(), held);
                    Value::Simple("OK".into())
                }
                None => Value::Error("ERR no such key".into()),
            },
            Step::Copy { from, to } => {
                let held = state.keys.get(from).cloned();
                let is_there = held.is_some();
                held.into_iter()
                    .for_each(|held| drop(state.keys.insert(to.clone(), held)));
                Value::Int(is_there.into())
            }
            Step::Delete { keys } => {
                let gone = keys.iter().filter(|key| state.keys.remove(*key).is_some());
                Value::Int(gone.count() as i64)
            }
            Step::Add {
                set,
                element,
                vector,
                attributes,
            } => {
                let old = state
                    .set(set)
                    .get(element)
                    .and_then(|element| element.attributes.clone());
                let attributes = match attributes {
                    Some(given) => Some(given.clone()).filter(|given| !given.is_empty()),
                    None => old,
                };
                let new = Element {
                    vector: vector.clone(),
                    attributes,
                };
                Value::Int(state.set(set).insert(element.clone(), new).is_none().into())
            }
            Step::Remove { set, element } => {
                let gone = state.set(set).remove(element);
                state.forget_if_empty(set);
                Value::Int(gone.is_some().into())
            }
            Step::SetAttributes {
                set,
                element,
                attributes,
            } => {
                let held = state.set(set).get_mut(element);
                let is_there = held.is_some();
                let attributes = Some(attributes.clone()).filter(|given| !given.is_empty());
                held.into_iter()
                    .for_each(|held| held.attributes.clone_from(&attributes));
                state.forget_if_empty(set);
                Value::Int(is_there.into())
            }
        }
    }
}

/// A VADD: sets of class q are coded in 8 bits, all others keep vectors exactly.
pub fn add_request(set: &str, element: &str, vector: &[f32], attributes: Option<&str>) -> Words {
    let blob = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut request = [words(["VADD", set, "FP32"]), vec![blob], words([element])].concat();
    request.extend(words([if is_coded(set) { "Q8" } else { "NOQUANT" }]));
    if let Some(attributes) = attributes {
        request.extend(words(["SETATTR", attributes]));
    }
    request
}

/// Whether a vector set keeps 8-bit codes instead of vectors.
pub fn is_coded(set: &str) -> bool {
    set.contains(":q")
}

fn add_to(text: &mut Vec<u8>, by: i64) -> Value {
    let old: i64 = match text.is_empty() {
        true => 0,
        false => String::from_utf8_lossy(text)
            .parse()
            .expect("counters are numbers"),
    };
    *text = (old + by).to_string().into_bytes();
    Value::Int(old + by)
}

impl State {
    fn content(&mut self, key: &str, empty: Content) -> &mut Content {
        let new = || Held {
            content: empty,
            expiry: None,
        };
        &mut self.keys.entry(key.to_owned()).or_insert_with(new).content
    }

    fn text(&mut self, key: &str) -> &mut Vec<u8> {
        match self.content(key, Content::Text(Vec::new())) {
            Content::Text(text) => text,
            other => panic!("{key} is {other:?}"),
        }
    }

    fn hash(&mut self, key: &str) -> &mut BTreeMap<String, (Vec<u8>, Option<u64>)> {
        match self.content(key, Content::Hash(BTreeMap::new())) {
            Content::Hash(hash) => hash,
            other => panic!("{key} is {other:?}"),
        }
    }

    fn set(&mut self, key: &str) -> &mut BTreeMap<String, Element> {
        if key == SHARED {
            return &mut self.shared;
        }
        match self.content(key, Content::Set(BTreeMap::new())) {
            Content::Set(set) => set,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// Alters a field's expiry; the reply of the commands that do so.
    fn field(
        &mut self,
        key: &str,
        field: &str,
        alter: impl FnOnce(&mut Option<u64>) -> i64,
    ) -> Value {
        let found = self.hash(key).get_mut(field);
        let code = found.map_or(-2, |(_, expiry)| alter(expiry));
        self.forget_if_empty(key);
        Value::Array(vec![Value::Int(code)])
    }

    /// Hashes and vector sets go with the last that is in them.
    fn forget_if_empty(&mut self, key: &str) {
        let is_empty = self.keys.get(key).is_some_and(|held| match &held.content {
            Content::Text(_) => false,
            Content::Hash(hash) => hash.is_empty(),
            Content::Set(set) => set.is_empty(),
        });
        if is_empty {
            self.keys.remove(key);
        }
    }

    /// Where `found`, read from a server, is not this; none if it is.
    pub fn difference(&self, found: &State) -> Option<String> {
        if let Some(difference) = set_difference(SHARED, &self.shared, &found.shared) {
            return Some(difference);
        }
        let names = self.keys.keys().chain(found.keys.keys());
        names
            .into_iter()
            .find_map(|key| match (self.keys.get(key), found.keys.get(key)) {
                (None, None) => None,
                (Some(expected), Some(found)) => held_difference(key, expected, found),
                (Some(expected), None) => Some(format!("{key} is missing: {expected:?}")),
                (None, Some(found)) => Some(format!("{key} should not be there: {found:?}")),
            })
    }
}

fn held_difference(key: &str, expected: &Held, found: &Held) -> Option<String> {
    if expected.expiry != found.expiry {
        return Some(format!(
            "{key} expires at {:?}, not {:?}",
            found.expiry, expected.expiry
        ));
    }
    match (&expected.content, &found.content) {
        (Content::Set(expected), Content::Set(found)) => set_difference(key, expected, found),
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{key} is {found:?}, not {expected:?}")),
    }
}

fn set_difference(
    key: &str,
    expected: &BTreeMap<String, Element>,
    found: &BTreeMap<String, Element>,
) -> Option<String> {
    let names = expected.keys().chain(found.keys());
    names
        .into_iter()
        .find_map(|name| match (expected.get(name), found.get(name)) {
            (Some(a), Some(b))
                if a.attributes == b.attributes && is_same(key, &a.vector, &b.vector) =>
            {
                None
            }
            (a, b) => Some(format!("{name} of {key} is {b:?}, not {a:?}")),
        })
}

/// Whether a vector came back: to the bit where it is kept as given, within half a step of its codes elsewhere.
fn is_same(key: &str, given: &[f32], found: &[f32]) -> bool {
    if !is_coded(key) {
        return given == found;
    }
    let largest = given.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let step = largest / 127.0;
    given.len() == found.len()
        && given
            .iter()
            .zip(found)
            .all(|(a, b)| (a - b).abs() <= step * 0.51)
}

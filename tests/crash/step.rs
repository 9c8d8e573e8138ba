//! The commands of a kill round: what is sent for each, what it does to the model, and the reply that follows from that.

use super::members::MemberStep;
use super::model::{Content, EXPIRY_UNIT_MS, Element, Held, State, is_coded};
use super::wire::{Words, words};
use rhumb::protocol::client::Value;

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
    /// Of a set, a sorted set or a list.
    Member(MemberStep),
    SetAttributes {
        set: String,
        element: String,
        attributes: String,
    },
}

impl Step {
    /// What is sent for it.
    pub fn request(&self, epoch_ms: u64) -> Words {
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
            Step::Member(step) => step.request(),
            Step::Remove { set, element } => words(["VREM", set, element]),
            Step::SetAttributes {
                set,
                element,
                attributes,
            } => words(["VSETATTR", set, element, attributes]),
        }
    }

    /// Applies it to the model; the reply.
    pub fn apply(&self, state: &mut State) -> Value {
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
            Step::Member(step) => step.apply(state),
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

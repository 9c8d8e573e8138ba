//! The commands of a kill round for sets, sorted sets and lists: what is sent for each, what it does to the model, and the reply.

use super::model::{Content, State};
use super::wire::{Words, words};
use rhumb::protocol::client::Value;

/// One command. Members and elements are `m0`, `m1`, ...; scores are whole.
#[derive(Clone, Debug)]
pub enum MemberStep {
    SetAdd {
        key: String,
        members: Vec<String>,
    },
    SetRemove {
        key: String,
        members: Vec<String>,
    },
    /// What both sets have takes the place of the destination.
    SetIntersect {
        to: String,
        from: [String; 2],
    },
    ScoreAdd {
        key: String,
        by: i64,
        member: String,
    },
    ScorePop {
        key: String,
        count: usize,
    },
    ListPush {
        key: String,
        elements: Vec<String>,
    },
    ListPop {
        key: String,
        count: usize,
    },
    /// From the end of one list to the front of another.
    ListMove {
        from: String,
        to: String,
    },
    ListTrim {
        key: String,
        last: usize,
    },
}

impl MemberStep {
    /// What is sent for it.
    pub fn request(&self) -> Words {
        let with = |head: [&str; 2], list: &[String]| {
            let list = list.iter().map(|word| word.clone().into_bytes());
            words(head).into_iter().chain(list).collect()
        };
        match self {
            MemberStep::SetAdd { key, members } => with(["SADD", key], members),
            MemberStep::SetRemove { key, members } => with(["SREM", key], members),
            MemberStep::SetIntersect { to, from } => with(["SINTERSTORE", to], from),
            MemberStep::ScoreAdd { key, by, member } => {
                words(["ZINCRBY", key, &by.to_string(), member])
            }
            MemberStep::ScorePop { key, count } => words(["ZPOPMIN", key, &count.to_string()]),
            MemberStep::ListPush { key, elements } => with(["LPUSH", key], elements),
            MemberStep::ListPop { key, count } => words(["LPOP", key, &count.to_string()]),
            MemberStep::ListMove { from, to } => words(["RPOPLPUSH", from, to]),
            MemberStep::ListTrim { key, last } => words(["LTRIM", key, "0", &last.to_string()]),
        }
    }

    /// Applies it to the model; the reply.
    pub fn apply(&self, state: &mut State) -> Value {
        match self {
            MemberStep::SetAdd { key, members } => {
                let set = state.members(key);
                let new = members
                    .iter()
                    .filter(|member| set.insert((*member).clone()));
                Value::Int(new.count() as i64)
            }
            MemberStep::SetRemove { key, members } => {
                let set = state.members(key);
                let gone = members.iter().filter(|member| set.remove(*member)).count();
                state.forget_if_empty(key);
                Value::Int(gone as i64)
            }
            MemberStep::SetIntersect { to, from } => {
                let [one, other] = from.each_ref().map(|key| {
                    let members = state.members(key).clone();
                    state.forget_if_empty(key);
                    members
                });
                state.keys.remove(to);
                let both = state.members(to);
                both.extend(one.intersection(&other).cloned());
                let count = both.len() as i64;
                state.forget_if_empty(to);
                Value::Int(count)
            }
            MemberStep::ScoreAdd { key, by, member } => {
                let score = state.scores(key).entry(member.clone()).or_default();
                *score += by;
                text(score.to_string())
            }
            MemberStep::ScorePop { key, count } => {
                let scores = state.scores(key);
                let mut order: Vec<(i64, String)> = scores
                    .iter()
                    .map(|(member, score)| (*score, member.clone()))
                    .collect();
                order.sort();
                order.truncate(*count);
                for (_, member) in &order {
                    scores.remove(member);
                }
                state.forget_if_empty(key);
                let pairs = order.into_iter();
                let pairs =
                    pairs.flat_map(|(score, member)| [text(member), text(score.to_string())]);
                Value::Array(pairs.collect())
            }
            MemberStep::ListPush { .. }
            | MemberStep::ListPop { .. }
            | MemberStep::ListMove { .. }
            | MemberStep::ListTrim { .. } => self.apply_to_lists(state),
        }
    }

    fn apply_to_lists(&self, state: &mut State) -> Value {
        match self {
            MemberStep::ListPush { key, elements } => {
                let list = state.elements(key);
                for element in elements {
                    list.insert(0, element.clone());
                }
                Value::Int(list.len() as i64)
            }
            MemberStep::ListPop { key, count } => {
                let list = state.elements(key);
                if list.is_empty() {
                    state.forget_if_empty(key);
                    return Value::Null;
                }
                let popped: Vec<Value> = list.drain(..*count.min(&list.len())).map(text).collect();
                state.forget_if_empty(key);
                Value::Array(popped)
            }
            MemberStep::ListMove { from, to } => {
                let moved = state.elements(from).pop();
                state.forget_if_empty(from);
                let Some(element) = moved else {
                    return Value::Null;
                };
                state.elements(to).insert(0, element.clone());
                text(element)
            }
            MemberStep::ListTrim { key, last } => {
                state.elements(key).truncate(last + 1);
                state.forget_if_empty(key);
                Value::Simple("OK".into())
            }
            _ => unreachable!("the other kinds are not lists"),
        }
    }
}

fn text(text: String) -> Value {
    Value::Bulk(text.into_bytes().into())
}

/// The empty value of a class of keys.
pub fn empty(key: &str) -> Content {
    match key.split_once(':').map(|(_, name)| &name[..1]) {
        Some("m") => Content::Members(Default::default()),
        Some("z") => Content::Scores(Default::default()),
        Some("l") => Content::Elements(Default::default()),
        _ => panic!("{key} holds neither members nor elements"),
    }
}

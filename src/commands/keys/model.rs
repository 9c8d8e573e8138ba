//! Random commands of strings, hashes and keys against plain maps: the same replies, whatever the order.

use crate::commands::desk::{Desk, Seat};
use std::collections::BTreeMap;

/// A value with its expiry, in milliseconds since 1970.
#[derive(Clone)]
struct Timed<T> {
    value: T,
    expires_at_ms: Option<u64>,
}

#[derive(Clone)]
enum Kept {
    Text(String),
    Fields(BTreeMap<String, Timed<String>>),
}

/// Plain maps, and what the commands do to them.
struct Model {
    keys: BTreeMap<String, Timed<Kept>>,
    now_ms: u64,
}

impl<T> Timed<T> {
    fn is_alive(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_none_or(|at| at > now_ms)
    }
}

impl Model {
    fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        let now_ms = self.now_ms;
        self.keys.retain(|_, key| {
            let Kept::Fields(fields) = &mut key.value else {
                return key.is_alive(now_ms);
            };
            fields.retain(|_, field| field.is_alive(now_ms));
            !fields.is_empty() && key.is_alive(now_ms)
        });
    }

    fn text(&mut self, key: &str) -> Result<Option<&mut String>, String> {
        match self.keys.get_mut(key).map(|key| &mut key.value) {
            None => Ok(None),
            Some(Kept::Text(text)) => Ok(Some(text)),
            Some(Kept::Fields(_)) => Err(wrong_type()),
        }
    }

    fn fields(&mut self, key: &str) -> Result<&mut BTreeMap<String, Timed<String>>, String> {
        let made = Timed {
            value: Kept::Fields(BTreeMap::new()),
            expires_at_ms: None,
        };
        match &mut self.keys.entry(key.to_owned()).or_insert(made).value {
            Kept::Fields(fields) => Ok(fields),
            Kept::Text(_) => Err(wrong_type()),
        }
    }

    /// A hash that was looked at, or lost its last field, is not there.
    fn tidy(&mut self) {
        self.advance(0);
    }

    /// The reply to a command, as redis-cli shows it.
    fn run(&mut self, words: &[&str]) -> String {
        let reply = match *words {
            ["EXISTS", key] => Ok(int(i64::from(self.keys.contains_key(key)))),
            ["DEL", key] => Ok(int(i64::from(self.keys.remove(key).is_some()))),
            ["TYPE", key] => Ok(self.type_of(key)),
            ["PTTL", key] => Ok(self.time_left(key)),
            ["PEXPIRE", key, ms] => Ok(self.expire(key, ms)),
            ["PERSIST", key] => Ok(self.persist(key)),
            ["RENAME", from, to] => Ok(self.rename(from, to)),
            ["COPY", from, to, "REPLACE"] => Ok(self.copy(from, to)),
            [name, ..] if name.starts_with('H') => self.run_hash(words),
            _ => self.run_string(words),
        };
        self.tidy();
        reply.unwrap_or_else(|error| error)
    }

    fn type_of(&self, key: &str) -> String {
        match self.keys.get(key).map(|key| &key.value) {
            None => "none".into(),
            Some(Kept::Text(_)) => "string".into(),
            Some(Kept::Fields(_)) => "hash".into(),
        }
    }

    fn time_left(&self, key: &str) -> String {
        int(match self.keys.get(key).map(|key| key.expires_at_ms) {
            None => -2,
            Some(None) => -1,
            Some(Some(at)) => (at - self.now_ms) as i64,
        })
    }

    fn expire(&mut self, key: &str, ms: &str) -> String {
        let at = self.now_ms + ms.parse::<u64>().expect("a number");
        let key = self.keys.get_mut(key);
        int(i64::from(
            key.map(|key| key.expires_at_ms = Some(at)).is_some(),
        ))
    }

    fn persist(&mut self, key: &str) -> String {
        let old = self
            .keys
            .get_mut(key)
            .and_then(|key| key.expires_at_ms.take());
        int(i64::from(old.is_some()))
    }

    fn rename(&mut self, from: &str, to: &str) -> String {
        let Some(key) = self.keys.remove(from) else {
            return "(error) ERR no such key".into();
        };
        self.keys.insert(to.to_owned(), key);
        "OK".into()
    }

    fn copy(&mut self, from: &str, to: &str) -> String {
        if from == to {
            return "(error) ERR source and destination objects are the same".into();
        }
        let copy = self.keys.get(from).cloned();
        int(i64::from(
            copy.map(|key| self.keys.insert(to.to_owned(), key))
                .is_some(),
        ))
    }

    fn set(&mut self, key: &str, text: &str, expires_at_ms: Option<u64>) {
        let value = Kept::Text(text.to_owned());
        let key = key.to_owned();
        self.keys.insert(
            key,
            Timed {
                value,
                expires_at_ms,
            },
        );
    }

    fn run_string(&mut self, words: &[&str]) -> Result<String, String> {
        match *words {
            ["SET", key, text] => {
                self.set(key, text, None);
                Ok("OK".into())
            }
            ["SET", key, text, "PX", ms] => {
                let at = self.now_ms + ms.parse::<u64>().expect("a number");
                self.set(key, text, Some(at));
                Ok("OK".into())
            }
            ["SETNX", key, text] => {
                let is_new = !self.keys.contains_key(key);
                if is_new {
                    self.set(key, text, None);
                }
                Ok(int(i64::from(is_new)))
            }
            ["GET", key] => Ok(bulk(self.text(key)?.cloned())),
            ["GETDEL", key] => {
                let old = self.text(key)?.cloned();
                self.keys.remove(key);
                Ok(bulk(old))
            }
            ["APPEND", key, suffix] => {
                let text = self.text_or_new(key, "")?;
                text.push_str(suffix);
                Ok(int(text.len() as i64))
            }
            ["INCRBY", key, n] => {
                let old = self.text(key)?.map_or("0", |text| text);
                let old: i64 = old.parse().map_err(|_| not_an_integer())?;
                let sum = old + n.parse::<i64>().expect("a number");
                *self.text_or_new(key, "")? = sum.to_string();
                Ok(int(sum))
            }
            _ => panic!("no such command: {words:?}"),
        }
    }

    fn text_or_new(&mut self, key: &str, new: &str) -> Result<&mut String, String> {
        if !self.keys.contains_key(key) {
            self.set(key, new, None);
        }
        Ok(self.text(key)?.expect("set in the line above"))
    }

    fn run_hash(&mut self, words: &[&str]) -> Result<String, String> {
        let now_ms = self.now_ms;
        let fields = self.fields(words[1])?;
        Ok(match *words {
            ["HSET", _, name, text] => {
                let field = Timed {
                    value: text.to_owned(),
                    expires_at_ms: None,
                };
                int(i64::from(fields.insert(name.to_owned(), field).is_none()))
            }
            ["HGET", _, name] => bulk(fields.get(name).map(|field| field.value.clone())),
            ["HDEL", _, name] => int(i64::from(fields.remove(name).is_some())),
            ["HLEN", _] => int(fields.len() as i64),
            ["HPEXPIRE", _, ms, "FIELDS", "1", name] => {
                let at = now_ms + ms.parse::<u64>().expect("a number");
                let field = fields.get_mut(name);
                let is_there = field.map(|field| field.expires_at_ms = Some(at)).is_some();
                format!("1) {}", int(if is_there { 1 } else { -2 }))
            }
            ["HPTTL", _, "FIELDS", "1", name] => {
                let left = fields.get(name).map(|field| field.expires_at_ms);
                let left = left.map_or(-2, |at| at.map_or(-1, |at| (at - now_ms) as i64));
                format!("1) {}", int(left))
            }
            ["HGETDEL", _, "FIELDS", "1", name] => {
                let old = fields.remove(name).map(|field| field.value);
                format!("1) {}", bulk(old))
            }
            _ => panic!("no such command: {words:?}"),
        })
    }
}

fn int(n: i64) -> String {
    format!("(integer) {n}")
}

fn bulk(text: Option<String>) -> String {
    text.map_or("(nil)".into(), |text| format!("\"{text}\""))
}

fn wrong_type() -> String {
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value".into()
}

fn not_an_integer() -> String {
    "(error) ERR value is not an integer or out of range".into()
}

/// Draws commands.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }

    fn command(&mut self) -> String {
        const FORMS: &[&str] = &[
            "EXISTS K",
            "DEL K",
            "TYPE K",
            "PTTL K",
            "PEXPIRE K T",
            "PERSIST K",
            "RENAME K K",
            "COPY K K REPLACE",
            "SET K V",
            "SET K V PX T",
            "SETNX K V",
            "GET K",
            "GETDEL K",
            "APPEND K V",
            "INCRBY K V",
            "HSET K F V",
            "HSET K F V",
            "HGET K F",
            "HDEL K F",
            "HLEN K",
            "HPEXPIRE K T FIELDS 1 F",
            "HPTTL K FIELDS 1 F",
            "HGETDEL K FIELDS 1 F",
        ];
        let form = FORMS[self.below(FORMS.len())];
        let words = form.split(' ').map(|word| match word {
            "K" => format!("key{}", self.below(5)),
            "F" => format!("field{}", self.below(3)),
            "V" => format!("{}", self.below(20) + 1),
            "T" => format!("{}", self.below(30) + 1),
            fixed => fixed.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn sorted_keys(seat: &mut Seat) -> Vec<String> {
    let reply = seat.run("KEYS *");
    let mut keys: Vec<String> = reply
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys
}

#[test]
fn random_commands_answer_as_plain_maps_do() {
    for seed in 1..=20 {
        let desk = Desk::new();
        let mut seat = desk.seat();
        let mut random = Random(seed);
        let mut model = Model {
            keys: BTreeMap::new(),
            now_ms: 1_000_000_000_000,
        };
        for step in 0..1000 {
            if random.below(4) == 0 {
                let ms = random.below(10) as u64;
                desk.advance_ms(ms);
                model.advance(ms);
            }
            let line = random.command();
            let words: Vec<&str> = line.split(' ').collect();
            let expected = model.run(&words);
            assert_eq!(seat.run(&line), expected, "seed {seed} step {step}: {line}");
            let keys: Vec<String> = model.keys.keys().cloned().collect();
            assert_eq!(
                sorted_keys(&mut seat),
                keys,
                "seed {seed} step {step}: {line}"
            );
        }
    }
}

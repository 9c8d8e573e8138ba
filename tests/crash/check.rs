//! What a server holds, read with its own commands and sorted by the connection that put it there.

use super::model::{Content, DIM, EXPIRY_UNIT_MS, Element, Held, SHARED, State};
use super::wire::{Wire, Words, words};
use rhumb::protocol::client::Value;
use std::collections::BTreeMap;
use std::io;
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long expired keys may take to be counted out.
const EXPIRY_TIMEOUT: Duration = Duration::from_secs(20);

/// Everything in one database.
pub struct Database {
    /// By prefix (`c3:`), what the connections of that prefix put there.
    pub states: BTreeMap<String, State>,
}

/// Reads one database. Keys and elements without a prefix, but those that `is_known`, make it panic.
pub fn read(port: u16, db: usize, epoch_ms: u64, is_known: impl Fn(&str) -> bool) -> Database {
    let mut wire = Wire::open(port, db).expect("a connection");
    let keys = key_names(&mut wire).expect("SCAN");
    let mut database = Database {
        states: BTreeMap::new(),
    };
    let mut held = Reader { wire, epoch_ms };
    for key in keys {
        if key == SHARED {
            for (name, element) in held.set(&key) {
                let prefix =
                    prefix_of(&name).unwrap_or_else(|| panic!("nobody sent {name} to {key}"));
                database
                    .states
                    .entry(prefix)
                    .or_default()
                    .shared
                    .insert(name, element);
            }
        } else if let Some(prefix) = prefix_of(&key) {
            let state = database.states.entry(prefix).or_default();
            state.keys.insert(key.clone(), held.key(&key));
        } else {
            assert!(is_known(&key), "nobody sent {key}");
        }
    }
    database
}

/// Names of all keys but brief ones, once these are gone and DBSIZE agrees.
fn key_names(wire: &mut Wire) -> io::Result<Vec<String>> {
    let started = Instant::now();
    loop {
        let (names, size) = (scan(wire)?, wire.call(&words(["DBSIZE"]))?);
        let is_brief = |name: &String| name.contains(":x");
        if !names.iter().any(is_brief) && size == Value::Int(names.len() as i64) {
            return Ok(names);
        }
        assert!(
            started.elapsed() < EXPIRY_TIMEOUT,
            "DBSIZE is {size:?}, and SCAN finds {names:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn scan(wire: &mut Wire) -> io::Result<Vec<String>> {
    let (mut names, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let reply = wire.call(&words(["SCAN", &cursor, "COUNT", "1000"]))?;
        let [next, page] = reply.as_items().expect("SCAN replies with a pair") else {
            panic!("{reply:?}")
        };
        names.extend(page.as_items().expect("keys").iter().map(text));
        cursor = text(next);
        if cursor == "0" {
            return Ok(names);
        }
    }
}

/// `c3:` of `c3:s1`.
fn prefix_of(name: &str) -> Option<String> {
    let (prefix, _) = name.split_once(':')?;
    let digits = prefix.strip_prefix('c')?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| format!("{prefix}:"))
}

fn texts(reply: &Value) -> Vec<String> {
    reply
        .as_items()
        .expect("an array")
        .iter()
        .map(text)
        .collect()
}

struct Reader {
    wire: Wire,
    epoch_ms: u64,
}

impl Reader {
    fn key(&mut self, key: &str) -> Held {
        let [kind, expiry] = self.call([words(["TYPE", key]), words(["PEXPIRETIME", key])]);
        let content = match kind.as_str() {
            Some("string") => {
                let [value] = self.call([words(["GET", key])]);
                Content::Text(bytes(&value))
            }
            Some("hash") => Content::Hash(self.hash(key)),
            Some("set") => {
                let [all] = self.call([words(["SMEMBERS", key])]);
                Content::Members(texts(&all).into_iter().collect())
            }
            Some("zset") => {
                let [all] = self.call([words(["ZRANGE", key, "0", "-1", "WITHSCORES"])]);
                let pairs = texts(&all);
                let scored = pairs.as_chunks::<2>().0.iter();
                let scored = scored
                    .map(|[member, score]| (member.clone(), score.parse().expect("a whole score")));
                Content::Scores(scored.collect())
            }
            Some("list") => {
                let [all] = self.call([words(["LRANGE", key, "0", "-1"])]);
                Content::Elements(texts(&all))
            }
            Some("vectorset") => Content::Set(self.set(key)),
            _ => panic!("{key} is a {kind:?}"),
        };
        Held {
            content,
            expiry: self.expiry(&expiry),
        }
    }

    fn hash(&mut self, key: &str) -> BTreeMap<String, (Vec<u8>, Option<u64>)> {
        let [all] = self.call([words(["HGETALL", key])]);
        let pairs = all.as_pairs().expect("fields and values");
        let names: Vec<String> = pairs.iter().map(|(name, _)| text(name)).collect();
        let count = names.len().to_string();
        let ask = words(["HPEXPIRETIME", key, "FIELDS", &count]).into_iter();
        let ask: Words = ask
            .chain(names.iter().map(|name| name.clone().into_bytes()))
            .collect();
        let [expiries] = self.call([ask]);
        let expiries = expiries.as_items().expect("one a field");
        assert_eq!(expiries.len(), names.len());
        let values = pairs
            .iter()
            .map(|(_, value)| bytes(value))
            .zip(expiries.iter().map(|at| self.expiry(at)));
        names.into_iter().zip(values).collect()
    }

    /// The elements of a vector set, after its graph was looked over and searched.
    fn set(&mut self, key: &str) -> BTreeMap<String, Element> {
        check_graph(&mut self.wire, key);
        let [names, card] = self.call([words(["VRANGE", key, "-", "+"]), words(["VCARD", key])]);
        let names: Vec<String> = names.as_items().expect("names").iter().map(text).collect();
        assert_eq!(card, Value::Int(names.len() as i64), "VCARD of {key}");
        let asked: Vec<Words> = names
            .iter()
            .flat_map(|name| [words(["VEMB", key, name]), words(["VGETATTR", key, name])])
            .collect();
        let replies = self.wire.call_all(&asked).expect("replies");
        let elements: BTreeMap<String, Element> = names
            .into_iter()
            .zip(replies.as_chunks::<2>().0)
            .map(|(name, [vector, attributes])| {
                let vector = vector
                    .as_items()
                    .expect("components")
                    .iter()
                    .map(component)
                    .collect();
                let attributes = attributes.as_bytes().map(|_| text(attributes));
                (name, Element { vector, attributes })
            })
            .collect();
        self.search(key, &elements);
        elements
    }

    /// A search finds only what is there, and as much as there is.
    fn search(&mut self, key: &str, elements: &BTreeMap<String, Element>) {
        let target: Vec<String> = (0..DIM).map(|i| (i as f32 - 10.5).to_string()).collect();
        let mut ask = words(["VSIM", key, "VALUES", &DIM.to_string()]);
        ask.extend(target.into_iter().map(String::into_bytes));
        ask.extend(words(["COUNT", "10", "EF", "500"]));
        let [hits] = self.call([ask]);
        let hits = hits.as_items().expect("names");
        assert_eq!(hits.len(), elements.len().min(10), "VSIM of {key}");
        hits.iter()
            .for_each(|hit| assert!(elements.contains_key(&text(hit)), "VSIM of {key}: {hit:?}"));
    }

    /// An expiry in units since the test began; none for a key or field without one.
    fn expiry(&self, at: &Value) -> Option<u64> {
        let at = at.as_i64().expect("a time");
        (at >= 0).then(|| (at as u64 + EXPIRY_UNIT_MS / 2 - self.epoch_ms) / EXPIRY_UNIT_MS)
    }

    fn call<const N: usize>(&mut self, requests: [Words; N]) -> [Value; N] {
        let replies = self.wire.call_all(&requests).expect("replies");
        replies.try_into().expect("one a request")
    }
}

/// Lets the server look its graph over, if it can.
pub fn check_graph(wire: &mut Wire, key: &str) {
    static NOTICE: Once = Once::new();
    match wire
        .call(&words(["DEBUG", "HNSW-CHECK", key]))
        .expect("a reply")
    {
        Value::Simple(ok) if ok == "OK" => {}
        Value::Error(line) if line.contains("nknown") => {
            NOTICE.call_once(|| println!("skipped: the graph's checker ({line})"));
        }
        other => panic!("the graph of {key}: {other:?}"),
    }
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(&bytes(value)).into_owned()
}

fn bytes(value: &Value) -> Vec<u8> {
    value
        .as_bytes()
        .unwrap_or_else(|| panic!("not text: {value:?}"))
        .to_vec()
}

fn component(value: &Value) -> f32 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value:?}")) as f32
}

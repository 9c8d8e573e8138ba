//! A connection that takes requests as a person types them.

use crate::support::Server;
use crate::wire::Wire;
use rhumb::protocol::client::Value;
use std::time::{Duration, Instant};

/// How long something that the server does by itself may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Directives of a server that has everything safe before it is acknowledged, and saves nothing by itself.
pub const SAFE: [&str; 4] = ["--save", "", "--appendfsync", "always"];

/// One connection.
pub struct Client(Wire);

impl Client {
    /// Connects, and stays in database 0.
    pub fn new(server: &Server) -> Client {
        Client(Wire::open(server.port, 0).expect("a connection"))
    }

    /// An empty server, and a connection to it.
    pub fn start() -> (Server, Client) {
        Client::start_with(&[])
    }

    /// An empty server with these directives, and a connection to it.
    pub fn start_with(directives: &[&str]) -> (Server, Client) {
        let server = Server::start_with(directives);
        let client = Client::new(&server);
        (server, client)
    }

    /// The reply to a request.
    pub fn call(&mut self, words: &[impl AsRef<[u8]>]) -> Value {
        let words = words.iter().map(|word| word.as_ref().to_vec()).collect();
        self.0.call(&words).expect("a reply")
    }

    /// The reply to a request in one line: words between blanks, or between single quotes.
    pub fn say(&mut self, line: &str) -> Value {
        self.call(&words(line))
    }

    /// A request that must not be refused.
    pub fn ok(&mut self, line: &str) -> Value {
        let reply = self.say(line);
        assert!(!matches!(reply, Value::Error(_)), "{line}: {reply:?}");
        reply
    }

    /// A request that must be refused: the error's line.
    pub fn refused(&mut self, line: &str) -> String {
        match self.say(line) {
            Value::Error(error) => error,
            reply => panic!("{line}: {reply:?}"),
        }
    }

    /// Sets fields of a hash, to any bytes.
    pub fn set(&mut self, key: &str, fields: &[(&str, &[u8])]) {
        let mut words = vec![b"HSET".as_slice(), key.as_bytes()];
        for (name, value) in fields {
            words.extend([name.as_bytes(), value]);
        }
        let reply = self.call(&words);
        assert!(reply.as_i64().is_some(), "HSET {key}: {reply:?}");
    }

    /// The keys that a query finds in `index`, sorted.
    pub fn found(&mut self, index: &str, query: &str) -> Vec<String> {
        let line = ["FT.SEARCH", index, query, "NOCONTENT", "LIMIT", "0", "1000"];
        let words = [&line[..], &["DIALECT", "2"]].concat();
        let reply = self.call(&words);
        let mut keys = keys(&reply);
        assert_eq!(total(&reply), keys.len() as i64, "{query}: {reply:?}");
        keys.sort();
        keys
    }

    /// Asks until a query finds these keys.
    pub fn wait_for(&mut self, index: &str, query: &str, keys: &[&str]) {
        let started = Instant::now();
        loop {
            let found = self.found(index, query);
            if found == keys {
                return;
            }
            let is_patient = started.elapsed() < PATIENCE;
            assert!(is_patient, "{query} finds {found:?}, not {keys:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until an index has taken up what was there before it.
    pub fn wait_until_filled(&mut self, index: &str) {
        let started = Instant::now();
        while self.info(index, "indexing") == 1 {
            assert!(started.elapsed() < PATIENCE, "{index} is not filled");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A number of FT.INFO.
    pub fn info(&mut self, index: &str, name: &str) -> i64 {
        let reply = self.ok(&format!("FT.INFO {index}"));
        let parts = reply.as_pairs().expect("names and values");
        let part = parts.iter().find(|(key, _)| key.as_str() == Some(name));
        let number = part.and_then(|(_, value)| value.as_i64());
        number.unwrap_or_else(|| panic!("{name} in {reply:?}"))
    }

    /// Saves a snapshot and waits for it.
    pub fn save_in_background(&mut self) {
        let saved = |client: &mut Client| client.0.info("persistence", "rdb_saves").expect("INFO");
        let before = saved(self);
        self.ok("BGSAVE");
        let started = Instant::now();
        while saved(self) == before {
            assert!(started.elapsed() < PATIENCE, "BGSAVE does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Words between blanks; blanks between single quotes part none.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// How many documents a reply of FT.SEARCH (RESP2) says there are.
pub fn total(reply: &Value) -> i64 {
    let first = reply.as_items().and_then(|items| items.first()?.as_i64());
    first.unwrap_or_else(|| panic!("no count in {reply:?}"))
}

/// The keys of a reply of FT.SEARCH NOCONTENT (RESP2), as they came.
pub fn keys(reply: &Value) -> Vec<String> {
    let items = reply.as_items().unwrap_or_default();
    let keys = items.iter().skip(1).map(|key| key.as_str());
    keys.map(|key| key.expect("a key").to_owned()).collect()
}

/// A vector as hashes hold it.
pub fn packed(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A bulk string of a reply.
pub fn bulk(text: &str) -> Value {
    Value::Bulk(text.to_owned().into())
}

/// A simple string of a reply.
pub fn simple(text: &str) -> Value {
    Value::Simple(text.to_owned())
}

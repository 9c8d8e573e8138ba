//! Kills in the middle of writing: what was acknowledged is there, and the indexes know just what the keys hold.
//!
//! Each writer has keys of its own and a model of them; of the request that the kill cut off both outcomes will do.

use crate::client::{Client, SAFE, keys, packed, total};
use crate::random::seed;
use crate::support::dice::Dice;
use crate::wire::Wire;
use rhumb::protocol::client::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const ROUNDS: usize = 6;
const WRITERS: u64 = 4;
/// Hashes and JSON documents of a writer, each.
const KEYS: u64 = 25;
const KINDS: [&str; 4] = ["cat", "dog", "cow", "owl"];

const HASHES: &str = "FT.CREATE hashes PREFIX 1 h: SCHEMA kind TAG size NUMERIC \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2";
const JSONS: &str = "FT.CREATE jsons ON JSON PREFIX 1 j: SCHEMA $.kinds[*] AS kind TAG $.size AS size NUMERIC \
     $.v AS v VECTOR HNSW 6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2";

/// What a key holds; a hash by its fields, a JSON document as its value.
#[derive(Clone, Debug, PartialEq)]
enum Content {
    Hash(BTreeMap<String, Vec<u8>>),
    Json(serde_json::Value),
}

type Keys = BTreeMap<String, Content>;

#[derive(Default)]
struct Writer {
    /// Acknowledged.
    keys: Keys,
    /// The key of the request that was cut off, and what it holds if the request was obeyed.
    unsure: Option<(String, Option<Content>)>,
}

impl Writer {
    /// Writes until the connection breaks.
    fn write(&mut self, wire: &mut Wire, number: u64, dice: &mut Dice) {
        loop {
            let (key, after, request) = match dice.below(2) {
                0 => self.hash_step(format!("h:{number}:{}", dice.below(KEYS)), dice),
                _ => self.json_step(format!("j:{number}:{}", dice.below(KEYS)), dice),
            };
            match wire.call(&request) {
                Ok(Value::Error(error)) => panic!("{request:?}: {error}"),
                Ok(_) => self.settle(key, after),
                Err(_) => {
                    self.unsure = Some((key, after));
                    return;
                }
            }
        }
    }

    fn settle(&mut self, key: String, after: Option<Content>) {
        match after {
            Some(content) => drop(self.keys.insert(key, content)),
            None => drop(self.keys.remove(&key)),
        }
    }

    fn hash_step(&self, key: String, dice: &mut Dice) -> (String, Option<Content>, Vec<Vec<u8>>) {
        let mut fields = match self.keys.get(&key) {
            Some(Content::Hash(fields)) => fields.clone(),
            _ => BTreeMap::new(),
        };
        let kind = dice.one_of(&KINDS).as_bytes().to_vec();
        let size = dice.below(100).to_string().into_bytes();
        let mut vector = packed(&std::array::from_fn::<f32, 4, _>(|_| dice.below(9) as f32));
        let set = |fields: &mut BTreeMap<String, Vec<u8>>, given: &[(&str, Vec<u8>)]| {
            let mut request = vec![b"HSET".to_vec(), key.clone().into_bytes()];
            for (name, value) in given {
                request.extend([name.as_bytes().to_vec(), value.clone()]);
                fields.insert((*name).to_owned(), value.clone());
            }
            request
        };
        let request = match dice.below(8) {
            0 => {
                fields.clear();
                vec![b"DEL".to_vec(), key.clone().into_bytes()]
            }
            1 => {
                fields.remove("kind");
                vec![b"HDEL".to_vec(), key.clone().into_bytes(), b"kind".to_vec()]
            }
            2 => set(&mut fields, &[("size", size)]),
            3 => {
                // One that the index refuses.
                vector.pop();
                set(&mut fields, &[("v", vector)])
            }
            _ => set(
                &mut fields,
                &[("kind", kind), ("size", size), ("v", vector)],
            ),
        };
        let after = (!fields.is_empty()).then_some(Content::Hash(fields));
        (key, after, request)
    }

    fn json_step(&self, key: String, dice: &mut Dice) -> (String, Option<Content>, Vec<Vec<u8>>) {
        let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let kind = dice.one_of(&KINDS);
        let there = match self.keys.get(&key) {
            Some(Content::Json(value)) => Some(value.clone()),
            _ => None,
        };
        let (after, request) = match (there, dice.below(6)) {
            (Some(_), 0) => (None, words(&["DEL", &key])),
            (Some(mut value), 1) => {
                value["size"] = json!(value["size"].as_i64().expect("a size") + 1);
                (Some(value), words(&["JSON.NUMINCRBY", &key, "$.size", "1"]))
            }
            (Some(mut value), 2) => {
                let kinds = value["kinds"].as_array_mut().expect("kinds");
                kinds.push(json!(kind));
                let element = format!("\"{kind}\"");
                (
                    Some(value),
                    words(&["JSON.ARRAPPEND", &key, "$.kinds", &element]),
                )
            }
            (Some(mut value), 3) => {
                value.as_object_mut().expect("an object").remove("v");
                (Some(value), words(&["JSON.DEL", &key, "$.v"]))
            }
            _ => {
                let v: Vec<u64> = (0..4).map(|_| dice.below(9)).collect();
                let value = json!({ "kinds": [kind], "size": dice.below(100), "v": v });
                let text = value.to_string();
                (Some(value), words(&["JSON.SET", &key, "$", &text]))
            }
        };
        (key, after.map(Content::Json), request)
    }

    /// Takes over what the server has of the key that is unsure, if that is one of the two things that it may be.
    fn resolve(&mut self, found: &Keys) {
        let Some((key, after)) = self.unsure.take() else {
            return;
        };
        if found.get(&key) == after.as_ref() {
            self.settle(key, after);
        }
    }
}

/// All documents, as they are read key by key.
fn read(client: &mut Client) -> Keys {
    let mut found = Keys::new();
    for key in client.ok("KEYS *").as_items().expect("keys") {
        let key = key.as_str().expect("a name").to_owned();
        let content = match key.starts_with("h:") {
            true => {
                let reply = client.ok(&format!("HGETALL {key}"));
                let fields = reply.as_pairs().expect("fields").into_iter();
                let field = |(name, value): (&Value, &Value)| {
                    let bytes = value.as_bytes().expect("a value").to_vec();
                    (name.as_str().expect("a name").to_owned(), bytes)
                };
                Content::Hash(fields.map(field).collect())
            }
            false => {
                let text = client.ok(&format!("JSON.GET {key}"));
                let text = text.as_str().expect("a text");
                Content::Json(serde_json::from_str(text).expect("JSON"))
            }
        };
        found.insert(key, content);
    }
    found
}

/// What an index must know of a document: kinds, size, and whether it has a vector.
type Facts = (Vec<String>, Option<f64>, bool);

/// The facts of a document; none of one that is refused.
fn facts(content: &Content) -> Option<Facts> {
    match content {
        Content::Hash(fields) => {
            let text =
                |name: &str| Some(String::from_utf8(fields.get(name)?.clone()).expect("text"));
            let vector = fields.get("v");
            let is_fine = vector.is_none_or(|vector| vector.len() == 16);
            let size = text("size").map(|text| text.parse().expect("a number"));
            is_fine.then(|| (text("kind").into_iter().collect(), size, vector.is_some()))
        }
        Content::Json(value) => {
            let kinds = value["kinds"].as_array().expect("kinds").iter();
            let kinds = kinds.map(|kind| kind.as_str().expect("text").to_owned());
            Some((
                kinds.collect(),
                value["size"].as_f64(),
                value.get("v").is_some(),
            ))
        }
    }
}

fn check(client: &mut Client, all: &Keys, index: &str, prefix: &str) {
    client.wait_until_filled(index);
    let documents: Vec<_> = all
        .iter()
        .filter(|(key, _)| key.starts_with(prefix))
        .filter_map(|(key, content)| Some((key.clone(), facts(content)?)))
        .collect();
    let names = |passes: &dyn Fn(&Facts) -> bool| -> Vec<String> {
        let passing = documents.iter().filter(|(_, facts)| passes(facts));
        passing.map(|(key, _)| key.clone()).collect()
    };
    assert_eq!(client.found(index, "*"), names(&|_| true), "{index}");
    for kind in KINDS {
        let expected = names(&|(kinds, ..)| kinds.iter().any(|other| other == kind));
        assert_eq!(client.found(index, &format!("@kind:{{{kind}}}")), expected);
    }
    let expected = names(&|(_, size, _)| size.is_some_and(|size| (20.0..=60.0).contains(&size)));
    assert_eq!(client.found(index, "@size:[20 60]"), expected);
    let target = packed(&[1.0, 2.0, 3.0, 4.0]);
    let knn: [&[u8]; 13] = [
        b"FT.SEARCH",
        index.as_bytes(),
        b"*=>[KNN 1000 @v $v]",
        b"PARAMS",
        b"2",
        b"v",
        &target,
        b"NOCONTENT",
        b"LIMIT",
        b"0",
        b"1000",
        b"DIALECT",
        b"2",
    ];
    let reply = client.call(&knn);
    let mut found = keys(&reply);
    found.sort();
    assert_eq!(found, names(&|(.., has_vector)| *has_vector), "{index}");
    assert_eq!(total(&reply), found.len() as i64);
}

#[test]
fn indexes_agree_with_what_was_acknowledged_after_every_kill() {
    let mut dice = Dice(seed());
    let (mut server, mut client) = Client::start_with(&SAFE);
    client.ok(HASHES);
    client.ok(JSONS);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    for round in 0..ROUNDS {
        std::thread::scope(|scope| {
            for (writer, number) in writers.iter_mut().zip(0..) {
                let mut wire = Wire::open(server.port, 0).expect("a connection");
                let mut dice = Dice(dice.below(u64::MAX));
                scope.spawn(move || writer.write(&mut wire, number, &mut dice));
            }
            std::thread::sleep(Duration::from_millis(50 + dice.below(250)));
            // Some are killed in the middle of a save, some while an index is filled.
            if round % 2 == 0 {
                client.ok("BGSAVE");
            }
            if round % 3 == 1 {
                client.ok("FT.DROPINDEX hashes");
                client.ok(HASHES);
                client.ok("FT.ALTER jsons SCHEMA ADD $.none AS none TEXT");
                client.ok("FT.DROPINDEX jsons");
                client.ok(JSONS);
            }
            std::thread::sleep(Duration::from_millis(dice.below(20)));
            server.kill();
        });
        server.spawn_again(&SAFE);
        server.wait_until_ready();
        client = Client::new(&server);
        let found = read(&mut client);
        writers.iter_mut().for_each(|writer| writer.resolve(&found));
        let expected: Keys = writers
            .iter()
            .flat_map(|writer| writer.keys.clone())
            .collect();
        assert_eq!(found, expected, "round {round}");
        check(&mut client, &found, "hashes", "h:");
        check(&mut client, &found, "jsons", "j:");
    }
}

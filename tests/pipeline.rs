//! Pipelines over a real socket: requests that run together answer as if they had run one by one, and what is answered is sent
//! while the rest takes long, unless nobody is there any more.

#[path = "crash/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod wire;

mod support;

use rhumb::protocol::client::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};
use support::Server;
use support::dice::Dice;
use wire::Wire;

const SEED: u64 = 0x0009_1be1;
const REQUESTS: usize = 3_000;
/// Names that requests draw from: few, so that a pipeline names one twice.
const NAMES: u64 = 600;

impl Dice {
    /// A request about `key`: mostly VADD; a few of them wrong, a few others between them.
    fn request(&mut self, key: &str) -> String {
        let name = self.below(NAMES);
        let (x, y) = (self.below(100), 1 + self.below(100));
        match self.below(40) {
            0 => format!("VREM {key} e{name}"),
            1 => format!("VCARD {key}"),
            2 => format!("VADD {key} VALUES 3 1 {x} {y} e{name}"),
            3 => format!("VADD {key} VALUES 2 {x} {y} e{name} BIN"),
            4 => format!("VADD {key} VALUES 2 {x} nan e{name}"),
            5 => format!("VADD {key} VALUES 2 {x}"),
            6 => format!("VADD {key} VALUES 2 {x} {y} e{name} SETATTR {{\"x\":{x}}}"),
            7 => format!("VGETATTR {key} e{name}"),
            8 => format!("VADD {key}-other VALUES 2 {x} {y} e{name}"),
            9 => "PING".to_owned(),
            10 => "MULTI".to_owned(),
            11 | 12 => "EXEC".to_owned(),
            _ => format!("VADD {key} VALUES 2 {x} {y} e{name}"),
        }
    }
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(Into::into).collect()
}

/// What anybody may see of the set.
fn state(wire: &mut Wire, key: &str) -> Vec<Value> {
    let names =
        (0..NAMES).flat_map(|n| [format!("VEMB {key} e{n}"), format!("VGETATTR {key} e{n}")]);
    let lines = names.chain([format!("VCARD {key}"), format!("VCARD {key}-other")]);
    lines
        .map(|line| wire.call(&words(&line)).expect("a reply"))
        .collect()
}

fn assert_same(left: &[Value], right: &[Value]) {
    for (at, (left, right)) in left.iter().zip(right).enumerate() {
        assert_eq!(left, right, "look {at}, seed {SEED}");
    }
}

#[test]
fn a_pipeline_answers_as_if_its_requests_had_run_one_by_one() {
    println!("seed {SEED}");
    let mut server = Server::start();
    let mut alone = Wire::open(server.port, 0).expect("a connection");
    let mut piped = Wire::open(server.port, 0).expect("a connection");
    let lines = |key: &str| -> Vec<Vec<Vec<u8>>> {
        let mut dice = Dice(SEED);
        (0..REQUESTS).map(|_| words(&dice.request(key))).collect()
    };
    let one_by_one: Vec<Value> = lines("a")
        .iter()
        .map(|line| alone.call(line).expect("a reply"))
        .collect();
    let mut together = Vec::new();
    for chunk in lines("p").chunks(700) {
        piped.send(chunk).expect("sent");
        together.extend(chunk.iter().map(|_| piped.receive().expect("a reply")));
    }
    for (at, (expected, got)) in one_by_one.iter().zip(&together).enumerate() {
        assert_eq!(
            got,
            expected,
            "request {at}, seed {SEED}: {:?}",
            lines("p")[at]
        );
    }
    // Another connection: these may have ended inside a MULTI.
    let mut fresh = Wire::open(server.port, 0).expect("a connection");
    let (seen_alone, seen_piped) = (state(&mut fresh, "a"), state(&mut fresh, "p"));
    assert_same(&seen_alone, &seen_piped);
    server.kill_and_restart(&[]);
    let mut after = Wire::open(server.port, 0).expect("a connection");
    assert_same(&state(&mut after, "p"), &seen_piped);
}

#[test]
fn hashes_of_a_pipeline_are_indexed_as_if_they_had_come_one_by_one() {
    check_documents("HASH SCHEMA n NUMERIC t TAG v", |key, dice| {
        let (n, v) = (dice.below(100), 10_000_000 + dice.below(90_000_000));
        match dice.below(30) {
            0 => format!("DEL {key}"),
            1 => format!("HDEL {key} t"),
            2 => format!("HSET {key} n"),
            3 => format!("HSET {key} n {n} v short"),
            4 => format!("SET {key} text"),
            5 => format!("HSET {key} n {n}"),
            7 => format!("HSET {key} n abc v {v}"),
            _ => format!("HSET {key} n {n} t t{} v {v}", n % 5),
        }
    });
}

#[test]
fn json_documents_of_a_pipeline_are_indexed_as_if_they_had_come_one_by_one() {
    let schema = "JSON SCHEMA $.n AS n NUMERIC $.t AS t TAG $.v AS v";
    check_documents(schema, |key, dice| {
        let n = dice.below(100);
        let v: Vec<String> = (0..8).map(|_| dice.below(100).to_string()).collect();
        let document = format!(r#"{{"n":{n},"t":"t{}","v":[{}]}}"#, n % 5, v.join(","));
        match dice.below(30) {
            0 => format!("DEL {key}"),
            1 => format!("JSON.DEL {key} $.t"),
            2 => format!("JSON.SET {key} $"),
            3 => format!(r#"JSON.SET {key} $ {{"n":{n},"v":[1]}}"#),
            4 => format!("SET {key} text"),
            5 => format!("JSON.SET {key} $.n {n}"),
            7 => format!("JSON.SET {key} $ {document}}}"),
            8 => format!("JSON.SET {key} $ {document} NX"),
            9 => format!("JSON.SET {key} . {document} XX"),
            10 => format!("JSON.SET {key} $ {document} FORMAT none"),
            _ => format!("JSON.SET {key} $ {document}"),
        }
    });
}

/// Documents whose vectors are linked together are found in the order in which they came. `request` makes one about a key.
fn check_documents(kind_and_schema: &str, request: impl Fn(&str, &mut Dice) -> String) {
    println!("seed {SEED}");
    let server = Server::start();
    let mut alone = Wire::open(server.port, 0).expect("a connection");
    let mut piped = Wire::open(server.port, 0).expect("a connection");
    let index = |name: &str| {
        let (kind, schema) = kind_and_schema
            .split_once(' ')
            .expect("a kind and a schema");
        words(&format!(
            "FT.CREATE {name} ON {kind} PREFIX 1 {name}: {schema} VECTOR HNSW 6 TYPE INT8 DIM 8 DISTANCE_METRIC L2"
        ))
    };
    let lines = |name: &str| -> Vec<Vec<Vec<u8>>> {
        let mut dice = Dice(SEED);
        let mut line = || {
            let key = format!("{name}:{}", dice.below(NAMES));
            let n = dice.below(100);
            match dice.below(30) {
                6 => format!("FT.SEARCH {name} @n:[{n} +inf] NOCONTENT LIMIT 0 1000"),
                _ => request(&key, &mut dice),
            }
        };
        (0..REQUESTS).map(|_| words(&line())).collect()
    };
    alone.call(&index("one")).expect("a reply");
    piped.call(&index("two")).expect("a reply");
    let shown = |value: Value| format!("{value:?}").replace("two:", "one:");
    let mut replies = [Vec::new(), Vec::new()];
    for request in lines("one") {
        replies[0].push(shown(alone.call(&request).expect("a reply")));
    }
    for chunk in lines("two").chunks(100) {
        piped.send(chunk).expect("requests are taken");
        let received = chunk
            .iter()
            .map(|_| shown(piped.receive().expect("a reply")));
        replies[1].extend(received);
    }
    for (at, (expected, got)) in replies[0].iter().zip(&replies[1]).enumerate() {
        assert_eq!(got, expected, "reply {at}, seed {SEED}");
    }
    let mut all = |name: &str, query: &str| {
        let words = [
            "FT.SEARCH",
            name,
            query,
            "LIMIT",
            "0",
            "1000",
            "DIALECT",
            "2",
        ];
        let knn = ["PARAMS", "2", "b", "12345678"];
        let words = words.iter().chain(&knn);
        let request: Vec<Vec<u8>> = words.map(|word| word.as_bytes().to_vec()).collect();
        shown(alone.call(&request).expect("a reply"))
    };
    for query in ["*", "@t:{t3}", "*=>[KNN 1000 @v $b]"] {
        let (one, two) = (all("one", query), all("two", query));
        assert!(
            one.contains("one:") && two == one,
            "{query}, seed {SEED}\n{one}\n{two}"
        );
    }
}

/// A field that expired is taken off in the record of the write that meets it: then the hash is a document, and after it none.
#[test]
fn a_document_that_an_expiry_makes_and_a_write_unmakes_is_never_linked() {
    let server = Server::start_with(&["--active-expire-effort", "1"]);
    let mut wire = Wire::open(server.port, 0).expect("a connection");
    let index = "FT.CREATE idx SCHEMA n NUMERIC v VECTOR HNSW 6 TYPE INT8 DIM 8 DISTANCE_METRIC L2";
    wire.call(&words(index)).expect("a reply");
    for round in 0..60 {
        let mut requests = vec![
            words(&format!("HSET k{round} n abc v 12345678")),
            words(&format!("HPEXPIRE k{round} 1 FIELDS 1 n")),
        ];
        wire.send(&requests).expect("requests are taken");
        requests
            .iter()
            .for_each(|_| drop(wire.receive().expect("a reply")));
        std::thread::sleep(std::time::Duration::from_millis(2));
        requests = (0..6)
            .map(|n| words(&format!("HSET o{n} n 1 v 1234567{n}")))
            .collect();
        let again = ["HSET k{} n abc", "HSET k{} n abc v 87654321"][round % 2];
        requests.push(words(&again.replace("{}", &round.to_string())));
        wire.send(&requests).expect("requests are taken");
        requests
            .iter()
            .for_each(|_| drop(wire.receive().expect("a reply")));
    }
    let found = wire
        .call(&words("FT.SEARCH idx * LIMIT 0 0"))
        .expect("a reply");
    assert_eq!(format!("{found:?}"), "Array([Int(6)])");
}

/// A server whose commands may sleep, which they do elsewhere, as a long search.
fn start_with_sleep() -> Server {
    Server::start_with(&["--enable-debug-command", "yes"])
}

/// A client that has had the reply to what named it: whatever it sends from now on is one pipeline.
fn named(server: &Server, name: &str) -> TcpStream {
    let mut client = TcpStream::connect(server.address()).expect("a connection");
    let limit = Some(Duration::from_secs(60));
    client.set_read_timeout(limit).expect("a time limit");
    write!(client, "CLIENT SETNAME {name}\r\n").expect("the line is taken");
    client.read_exact(&mut [0; 5]).expect("a reply");
    client
}

/// It closes its socket in order, which to the server looks as if it had only ended its input.
#[test]
fn who_is_gone_executes_no_more_than_was_under_way() {
    let server = start_with_sleep();
    let mut other = Wire::open(server.port, 0).expect("a connection");
    let mut ask = |line: &str| other.call(&words(line)).expect("a reply");
    let mut leaver = named(&server, "leaver");
    let adds: String = (1..9)
        .map(|n| format!("VADD together VALUES 2 1 {n} e{n}\r\n"))
        .collect();
    let sleeps = "DEBUG SLEEP 0.3\r\n".repeat(20);
    let pipeline = format!("SET first 1\r\nDEBUG SLEEP 0.3\r\n{adds}{sleeps}SET last 1\r\n");
    leaver.write_all(pipeline.as_bytes()).expect("taken");
    drop(leaver);
    while format!("{:?}", ask("CLIENT LIST")).contains("leaver") {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ask("EXISTS first"), Value::Int(1));
    assert_eq!(ask("EXISTS together last"), Value::Int(0));
    let stats = format!("{:?}", ask("INFO commandstats"));
    assert!(stats.contains("cmdstat_debug:calls=1,"), "{stats}");
}

#[test]
fn who_only_ends_his_input_gets_all_replies() {
    let server = start_with_sleep();
    let mut client = named(&server, "listener");
    let pipeline = "DEBUG SLEEP 0.1\r\nPING\r\n".repeat(3);
    client.write_all(pipeline.as_bytes()).expect("taken");
    client.shutdown(Shutdown::Write).expect("the input ends");
    let mut replies = String::new();
    client.read_to_string(&mut replies).expect("replies");
    assert_eq!(replies, "+OK\r\n+PONG\r\n".repeat(3));
}

#[test]
fn replies_do_not_wait_for_the_end_of_a_long_pipeline() {
    let server = start_with_sleep();
    let mut client = named(&server, "living");
    let begun = Instant::now();
    let pipeline = b"PING\r\nDEBUG SLEEP 0.1\r\nPING\r\nDEBUG SLEEP 3\r\n";
    client.write_all(pipeline).expect("taken");
    let mut early = [0; 12];
    client.read_exact(&mut early).expect("two replies");
    assert_eq!(&early, b"+PONG\r\n+OK\r\n");
    assert!(begun.elapsed() < Duration::from_secs(3));
    client.read_exact(&mut early).expect("the other two");
    assert_eq!(&early, b"+PONG\r\n+OK\r\n");
    assert!(begun.elapsed() >= Duration::from_secs(3));
}

/// As libraries do that send a pipeline whole. Neither side's system takes as much as is sent, nor as is answered.
#[test]
fn who_sends_all_before_reading_is_not_kept_waiting() {
    let server = Server::start();
    let mut client = named(&server, "late");
    let limit = Some(Duration::from_secs(60));
    client.set_write_timeout(limit).expect("a time limit");
    let word = "w".repeat(64 * 1024);
    let request = format!("*2\r\n$4\r\nECHO\r\n${}\r\n{word}\r\n", word.len());
    let reply = format!("${}\r\n{word}\r\n", word.len());
    let mut got = vec![0; reply.len()];
    for times in [250, 500, 1_000, 250, 500, 1_000] {
        for n in 0..times {
            let taken = client.write_all(request.as_bytes());
            taken.unwrap_or_else(|error| panic!("{n} requests: {error}"));
        }
        for n in 0..times {
            client.read_exact(&mut got).expect("a reply");
            assert!(got == reply.as_bytes(), "reply {n} of {times}");
        }
    }
}

#[test]
fn replies_of_quick_commands_are_one_write() {
    let server = Server::start();
    let mut other = Wire::open(server.port, 0).expect("a connection");
    let mut writes = || -> u64 {
        let count = other.info("stats", "total_writes_processed");
        count.expect("a reply").parse().expect("a number")
    };
    let mut client = named(&server, "quick");
    let before = writes();
    client.write_all(&b"PING\r\n".repeat(1_000)).expect("taken");
    client.read_exact(&mut [0; 7_000]).expect("replies");
    // The look itself is one.
    assert_eq!(writes(), before + 2);
}

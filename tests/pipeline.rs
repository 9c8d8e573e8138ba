//! Pipelines over a real socket: requests that run together answer as if they had run one by one.

#[path = "crash/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod wire;

mod support;

use rhumb::protocol::client::Value;
use support::Server;
use wire::Wire;

const SEED: u64 = 0x0009_1be1;
const REQUESTS: usize = 3_000;
/// Names that requests draw from: few, so that a pipeline names one twice.
const NAMES: u64 = 600;

/// Seeded numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ x >> 31) % end
    }

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

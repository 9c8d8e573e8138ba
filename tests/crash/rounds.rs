//! A server that is killed again and again over one data directory, while eight connections write.
//!
//! After each restart every connection's keys and elements are read back and compared with its model: they must be what the
//! acknowledged operations left, plus the first few of those that were sent and not acknowledged, each transaction as a
//! whole. Half of the rounds kill during a save, a quarter kill again while the server loads.

use super::check;
use super::model::State;
use super::step::add_request;
use super::support::Server;
use super::wire::{Wire, Words, words};
use super::writer::{Assignment, Knowledge, write_until_killed};
use rhumb::persistence::disk::fault::Random;
use rhumb::protocol::client::Value;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Connections; the first half writes to database 0, the others to database 1.
const CONNECTIONS: usize = 8;
/// Keys, and elements, that nobody alters: they give saves and starts something to do.
const BALLAST: usize = 1_000;
/// How long anything may take before the test gives up.
const TIMEOUT: Duration = Duration::from_secs(120);

#[test]
fn a_server_that_is_killed_loses_nothing_acknowledged() {
    let seed = super::seed();
    let mut story = Story::begin(seed);
    let rounds = rounds();
    for round in 0..rounds {
        story.round(round);
    }
    story.stop_in_order();
}

fn rounds() -> usize {
    let given = std::env::var("RHUMB_CRASH_ROUNDS").ok();
    let is_thorough = ["CI", "RHUMB_REQUIRE_CLIENTS"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let count = given.map(|text| text.parse().expect("RHUMB_CRASH_ROUNDS is a number"));
    count.unwrap_or(if is_thorough { 20 } else { 6 })
}

struct Story {
    server: Server,
    random: Random,
    epoch_ms: u64,
    connections: Vec<Knowledge>,
    /// How long a save took, and a start.
    save_time: Duration,
    start_time: Duration,
}

/// When the server of a round is killed.
#[derive(Debug)]
struct Plan {
    policy: &'static str,
    operations: u64,
    is_during_save: bool,
    /// Kills while it loads.
    kills_while_loading: usize,
}

impl Story {
    fn begin(seed: u64) -> Story {
        let server = Server::start_with(&directives("everysec"));
        let epoch_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time after 1970")
            .as_millis() as u64;
        let mut story = Story {
            server,
            random: Random::new(seed),
            epoch_ms,
            connections: vec![Knowledge::default(); CONNECTIONS],
            save_time: Duration::ZERO,
            start_time: Duration::ZERO,
        };
        story.load_ballast();
        story
    }

    fn round(&mut self, round: usize) {
        let plan = Plan {
            policy: ["everysec", "always", "no"][(round + 1) % 3],
            operations: 500 + self.random.below(6_000) as u64,
            is_during_save: round % 2 == 1,
            kills_while_loading: if round % 4 == 2 {
                1 + self.random.below(2)
            } else {
                0
            },
        };
        self.write_and_kill(&plan);
        for _ in 0..plan.kills_while_loading {
            self.server.spawn_again(&directives(plan.policy));
            pause_within(&mut self.random, self.start_time);
            self.server.kill();
        }
        let is_caught = self.has_unfinished_save();
        self.restart(plan.policy);
        let took_effect = self.check(round);
        println!(
            "round {round}: {plan:?}; caught in the save: {is_caught}; pending, took effect: {took_effect:?}"
        );
    }

    /// Lets all connections write until the server is killed under them.
    fn write_and_kill(&mut self, plan: &Plan) {
        let count = AtomicU64::new(0);
        let (port, epoch_ms) = (self.server.port, self.epoch_ms);
        let states: Vec<State> = self
            .connections
            .iter()
            .map(|known| known.acknowledged.clone())
            .collect();
        self.connections = thread::scope(|scope| {
            let mut writers = Vec::new();
            for (number, before) in states.into_iter().enumerate() {
                let (seed, count) = (self.random.draw(), &count);
                writers.push(scope.spawn(move || {
                    let (db, prefix) = (database_of(number), &prefix_of(number));
                    write_until_killed(
                        &Assignment {
                            port,
                            db,
                            prefix,
                            epoch_ms,
                            seed,
                            count,
                        },
                        before,
                    )
                }));
            }
            let killing = scope.spawn(|| self.kill_by_plan(plan, &count));
            let known = writers
                .into_iter()
                .map(|writer| writer.join().expect("a writer's replies are right"));
            let known = known.collect();
            killing
                .join()
                .expect("the server was there until it was killed");
            known
        });
    }

    fn kill_by_plan(&mut self, plan: &Plan, count: &AtomicU64) {
        // Killed even if this thread panics: the writers end when the server does.
        let Story {
            server,
            random,
            save_time,
            ..
        } = self;
        let victim = Victim(server);
        let mut control = Wire::open(victim.0.port, 0).expect("a connection");
        let started = Instant::now();
        while count.load(Ordering::Relaxed) < plan.operations {
            assert!(victim.0.is_running(), "the server ended by itself");
            assert!(
                started.elapsed() < TIMEOUT,
                "{plan:?}: {count:?} operations so far"
            );
            thread::sleep(Duration::from_millis(2));
            if plan.is_during_save {
                *save_time = time_save(&mut control);
            }
        }
        if plan.is_during_save {
            control.call(&words(["BGSAVE"])).expect("a reply");
            // What was measured includes the asking; half of it is within the save more often than not.
            pause_within(random, *save_time / 2);
        }
    }

    fn restart(&mut self, policy: &str) {
        let started = Instant::now();
        self.server.spawn_again(&directives(policy));
        self.server.wait_until_ready();
        self.start_time = started.elapsed();
    }

    /// Compares everything with what must be there; how many of each connection's pending operations took effect.
    fn check(&mut self, round: usize) -> Vec<usize> {
        let is_ballast = |key: &str| key.starts_with("ballast");
        let databases =
            [0, 1].map(|db| check::read(self.server.port, db, self.epoch_ms, is_ballast));
        for (db, database) in databases.iter().enumerate() {
            let expected = (0..CONNECTIONS)
                .filter(|number| database_of(*number) == db)
                .map(prefix_of);
            let expected: Vec<String> = expected.collect();
            database
                .states
                .keys()
                .for_each(|prefix| assert!(expected.contains(prefix), "{prefix} in database {db}"));
        }
        let none = State::default();
        let took_effect = self
            .connections
            .iter_mut()
            .enumerate()
            .map(|(number, known)| {
                let found = databases[database_of(number)]
                    .states
                    .get(&prefix_of(number));
                known
                    .settle(found.unwrap_or(&none))
                    .unwrap_or_else(|wrong| panic!("round {round}, connection {number}:\n{wrong}"))
            });
        let took_effect = took_effect.collect();
        self.check_ballast();
        took_effect
    }

    fn stop_in_order(&mut self) {
        let mut control = Wire::open(self.server.port, 0).expect("a connection");
        let reply = control.call(&words(["SHUTDOWN"]));
        assert!(reply.is_err(), "{reply:?}");
        let status = self.server.wait();
        assert!(status.success(), "{status}\n{}", self.server.log());
        self.restart("everysec");
        self.check(usize::MAX);
    }

    /// Whether there are packs that no manifest names yet: their generation is above that of the newest manifest.
    fn has_unfinished_save(&self) -> bool {
        let newest = |dir: &Path, of: fn(&str) -> Option<&str>| -> u64 {
            let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
            let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
            names
                .filter_map(|name| of(&name)?.parse().ok())
                .max()
                .unwrap_or(0)
        };
        let packs = newest(&self.server.dir().join("packs"), |name| {
            Some(name.split_once('-')?.0)
        });
        packs > newest(self.server.dir(), |name| name.strip_prefix("MANIFEST-"))
    }

    fn load_ballast(&mut self) {
        let mut wire = Wire::open(self.server.port, 0).expect("a connection");
        let keys = (0..BALLAST).map(|i| words(["SET", &ballast_key(i), &ballast_value(i)]));
        let vectors =
            (0..BALLAST).map(|i| add_request("ballast", &i.to_string(), &ballast_vector(i), None));
        let requests: Vec<Words> = keys.chain(vectors).collect();
        let replies = wire.call_all(&requests).expect("replies");
        replies
            .iter()
            .for_each(|reply| assert!(!matches!(reply, Value::Error(_)), "{reply:?}"));
    }

    fn check_ballast(&mut self) {
        let mut wire = Wire::open(self.server.port, 0).expect("a connection");
        let requests: Vec<Words> = (0..BALLAST)
            .map(|i| words(["GET", &ballast_key(i)]))
            .collect();
        let values = wire.call_all(&requests).expect("replies");
        for (i, value) in values.iter().enumerate() {
            assert_eq!(
                value.as_str(),
                Some(&*ballast_value(i)),
                "{}",
                ballast_key(i)
            );
        }
        assert_eq!(
            wire.call(&words(["VCARD", "ballast"])).expect("a reply"),
            Value::Int(BALLAST as i64)
        );
        check::check_graph(&mut wire, "ballast");
    }
}

/// A server that is killed when this ends, in whatever way.
struct Victim<'s>(&'s mut Server);

impl Drop for Victim<'_> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn pause_within(random: &mut Random, longest: Duration) {
    let us = random.below(longest.as_micros() as usize + 1);
    thread::sleep(Duration::from_micros(us as u64));
}

/// Saves in the background; how long that took.
pub fn time_save(control: &mut Wire) -> Duration {
    let started = Instant::now();
    let reply = control.call(&words(["BGSAVE"])).expect("a reply");
    assert_eq!(reply, Value::Simple("Background saving started".into()));
    while control
        .info("persistence", "rdb_bgsave_in_progress")
        .expect("a reply")
        != "0"
    {
        assert!(started.elapsed() < TIMEOUT, "the save does not end");
        thread::sleep(Duration::from_millis(1));
    }
    let status = control
        .info("persistence", "rdb_last_bgsave_status")
        .expect("a reply");
    assert_eq!(status, "ok");
    started.elapsed()
}

fn directives(policy: &str) -> [&str; 6] {
    [
        "--save",
        "",
        "--appendfsync",
        policy,
        "--enable-debug-command",
        "yes",
    ]
}

fn database_of(connection: usize) -> usize {
    connection / (CONNECTIONS / 2)
}

fn prefix_of(connection: usize) -> String {
    format!("c{connection}:")
}

fn ballast_key(i: usize) -> String {
    format!("ballast:{i}")
}

fn ballast_value(i: usize) -> String {
    format!("{i} ").repeat(20)
}

fn ballast_vector(i: usize) -> Vec<f32> {
    let mut random = Random::new(i as u64);
    (0..super::model::DIM)
        .map(|_| random.below(2_001) as f32 / 1_000.0 - 1.0)
        .collect()
}

//! Random operations of one connection: a command, or several between MULTI and EXEC.

use super::members::MemberStep;
use super::model::{DIM, SHARED, State};
use super::step::Step;
use super::wire::{Words, words};
use rhumb::persistence::disk::fault::Random;
use rhumb::protocol::client::Value;

/// Keys of each class that a connection has.
const KEYS: usize = 3;
/// Elements of each vector set that a connection has.
const ELEMENTS: usize = 60;

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
        match self.below(56) {
            40.. => Step::Member(self.member_step()),
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

    fn member_step(&mut self) -> MemberStep {
        let (set, scores, list) = (self.key('m'), self.key('z'), self.key('l'));
        match self.below(16) {
            0..3 => MemberStep::SetAdd {
                key: set,
                members: self.member_names(),
            },
            3 => MemberStep::SetRemove {
                key: set,
                members: self.member_names(),
            },
            4 => MemberStep::SetIntersect {
                to: set,
                from: [self.key('m'), self.key('m')],
            },
            5..8 => MemberStep::ScoreAdd {
                key: scores,
                by: self.below(20) as i64 - 10,
                member: format!("m{}", self.below(30)),
            },
            8 => MemberStep::ScorePop {
                key: scores,
                count: 1 + self.below(4),
            },
            9..13 => MemberStep::ListPush {
                key: list,
                elements: self.member_names(),
            },
            13 => MemberStep::ListPop {
                key: list,
                count: 1 + self.below(3),
            },
            14 => MemberStep::ListTrim {
                key: list,
                last: self.below(40),
            },
            _ => {
                let number = self.below(KEYS);
                let name = |number| format!("{}l{}", self.prefix, number % KEYS);
                MemberStep::ListMove {
                    from: name(number),
                    to: name(number + 1),
                }
            }
        }
    }

    /// Different ones.
    fn member_names(&mut self) -> Vec<String> {
        let count = 1 + self.below(4);
        let names = (0..count).map(|i| format!("m{}", 10 * i + self.below(10)));
        names.collect()
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

    /// A key of a class: strings, counters, brief strings, hashes, sets, sorted sets, lists, vector sets with exact vectors, with coded ones.
    fn key(&mut self, class: char) -> String {
        let number = self.below(KEYS);
        format!("{}{class}{number}", self.prefix)
    }

    fn any_key(&mut self) -> String {
        let class = self.class(&['s', 'n', 'h', 'm', 'z', 'l', 'v', 'q']);
        self.key(class)
    }

    fn class(&mut self, classes: &[char]) -> char {
        classes[self.below(classes.len())]
    }

    fn two_keys(&mut self, step: impl Fn(String, String) -> Step) -> Step {
        let class = self.class(&['s', 'h', 'm', 'z', 'l', 'v', 'q']);
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

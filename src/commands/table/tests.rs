//! The table of commands, tested as a whole: what holds for every entry, each entry's examples, and requests made up from each
//! entry's grammar.

use super::*;
use crate::commands::desk::Desk;
use crate::commands::{Context, Outcome, Session, execute};
use crate::engine::Patience;
use std::collections::HashSet;

fn commands() -> impl Iterator<Item = &'static Command> {
    Table::all().commands().iter().copied()
}

#[test]
fn names_are_unique_and_in_upper_case() {
    let mut seen = HashSet::new();
    for command in commands() {
        assert!(seen.insert(command.name), "{} twice", command.name);
        assert_eq!(command.name, command.name.to_ascii_uppercase());
        assert!(command.name.len() <= NAME_BYTES_MAX, "{}", command.name);
    }
}

#[test]
fn summaries_are_sentences() {
    for Command { name, summary, .. } in commands() {
        assert!(summary.ends_with('.'), "{name}: {summary}");
        assert!(
            summary.starts_with(|c: char| c.is_uppercase()),
            "{name}: {summary}"
        );
        assert!(!summary.contains('\n'), "{name}");
    }
    for Command { name, errors, .. } in commands() {
        for (line, when) in *errors {
            assert!(
                !line.starts_with('-') && line.contains(' '),
                "{name}: {line}"
            );
            assert!(when.ends_with('.'), "{name}: {when}");
        }
    }
}

#[test]
fn entries_are_complete() {
    for command in commands() {
        let name = command.name;
        assert!(command.arity() != 0, "{name}");
        assert!(
            !command.complexity.is_empty() && !command.since.is_empty(),
            "{name}"
        );
        let (is_write, is_read) = (
            command.flags.has(Flags::WRITE),
            command.flags.has(Flags::READONLY),
        );
        assert!(!(is_write && is_read), "{name} both reads only and writes");
        assert!(is_write || !command.flags.has(Flags::DENYOOM), "{name}");
    }
}

/// Arity and key positions of commands as Redis 8.4 gives them.
#[test]
fn arity_and_keys_are_those_of_redis() {
    for (name, arity, keys) in [
        ("PING", -1, (0, 0, 0)),
        ("HELLO", -1, (0, 0, 0)),
        ("AUTH", -2, (0, 0, 0)),
        ("SELECT", 2, (0, 0, 0)),
        ("CLIENT|KILL", -3, (0, 0, 0)),
        ("CLIENT|SETINFO", 4, (0, 0, 0)),
        ("CONFIG|SET", -4, (0, 0, 0)),
        ("COMMAND|GETKEYS", -3, (0, 0, 0)),
        ("DEBUG", -2, (0, 0, 0)),
        ("WATCH", -2, (1, -1, 1)),
        ("VCARD", 2, (1, 1, 1)),
        ("VSIM", -4, (1, 1, 1)),
    ] {
        let command = commands().find(|command| command.name == name).expect(name);
        let KeyPositions { first, last, step } = command.key_positions();
        assert_eq!(
            (command.arity(), (first, last, step)),
            (arity, keys),
            "{name}"
        );
    }
}

fn look_up(words: &[&str]) -> Lookup {
    Table::all().lookup(&Request::from_args(words).expect("a request"))
}

#[test]
fn names_are_found_in_any_case_and_containers_want_a_subcommand() {
    let place = |name: &[u8]| Table::all().get(name).expect("a command");
    assert_eq!(look_up(&["pInG"]), Lookup::Found(place(b"PING"), 1));
    assert_eq!(
        look_up(&["config", "get", "*"]),
        Lookup::Found(place(b"CONFIG|GET"), 2)
    );
    assert_eq!(look_up(&["command"]), Lookup::Found(place(b"COMMAND"), 1));
    assert_eq!(look_up(&["config"]), Lookup::ContainerAlone("CONFIG"));
    assert_eq!(
        look_up(&["config", "no"]),
        Lookup::UnknownSubcommand("CONFIG")
    );
    let long = "x".repeat(1000);
    assert_eq!(
        look_up(&["config", &long]),
        Lookup::UnknownSubcommand("CONFIG")
    );
    for unknown in ["", "config|get", "nothing", &long] {
        assert_eq!(look_up(&[unknown]), Lookup::Unknown, "{unknown}");
    }
}

/// Each example on the desk of an empty server, in order; what a command answers is what redis-cli shows of it.
#[test]
fn examples_answer_what_they_say() {
    let mut wrong = Vec::new();
    for command in commands() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        for (line, expected) in command.examples {
            let shown = seat.run(line);
            if shown != *expected {
                wrong.push(format!(
                    "{}: {line}\n  said {shown:?}\n  want {expected:?}",
                    command.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A small generator (xorshift64*), so that a failure can be had again from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }
}

/// Words that the grammar allows.
fn words_of(arg: &Arg, dice: &mut Dice, words: &mut Vec<String>) {
    match arg {
        Arg::Key(_) => words.push(dice.pick(&["a", "b", "c", "set", "hash"]).to_owned()),
        Arg::Str(_) => words.push(
            dice.pick(&["", "a", "x y", "1", "2", "field", "[1, 2]"])
                .to_owned(),
        ),
        Arg::Int(_) => words.push(dice.pick(&["0", "1", "2", "3", "-1", "10"]).to_owned()),
        Arg::Double(_) => words.push(dice.pick(&["0", "0.001", "0.5", "-1"]).to_owned()),
        Arg::Time(_) => words.push(dice.pick(&["0", "1000000001", "4000000000"]).to_owned()),
        Arg::Pattern(_) => words.push(dice.pick(&["*", "a?", "[ab]", "get"]).to_owned()),
        Arg::Token(token) => words.push((*token).to_owned()),
        Arg::Option(token, args) => {
            words.push((*token).to_owned());
            args.iter().for_each(|arg| words_of(arg, dice, words));
        }
        Arg::Optional(arg) => {
            if dice.roll(2) == 0 {
                words_of(arg, dice, words);
            }
        }
        Arg::Multiple(arg) => (0..=dice.roll(3)).for_each(|_| words_of(arg, dice, words)),
        Arg::OneOf(args) => words_of(&args[dice.roll(args.len())], dice, words),
        Arg::Block(args) => args.iter().for_each(|arg| words_of(arg, dice, words)),
    }
}

/// Commands that end what the test stands on, or take long on purpose.
const NOT_MADE_UP: &[&str] = &["DEBUG", "SHUTDOWN"];

fn run(context: &Context, session: &mut Session, words: &[String]) -> Reply {
    let request = Request::from_args(words).expect("a request");
    match execute(context, session, &request, Patience::Wait) {
        Outcome::Reply(reply) => reply,
        Outcome::Delayed(_) => panic!("{words:?} asked to wait while waiting"),
    }
}

/// What the grammar allows is run, or refused for what it means; it is never refused for its number of words, is never taken
/// for another command, and never brings the server down.
#[test]
fn requests_made_from_the_grammar_are_understood() {
    let seed = 0x5eed_0001;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let desk = Desk::new();
    let mut seat = desk.seat();
    // A save fails on a desk without a disk, and would have the writes behind it refused.
    seat.run("CONFIG SET stop-writes-on-bgsave-error no");
    for round in 0..40 {
        for command in commands() {
            if NOT_MADE_UP.contains(&command.name) {
                continue;
            }
            let mut words: Vec<String> = command.name.split('|').map(str::to_owned).collect();
            for arg in command.args {
                words_of(arg, &mut dice, &mut words);
            }
            let reply = run(&desk.context, &mut seat.session, &words);
            if let Reply::Error(line) = &reply {
                let is_unknown =
                    line.contains("unknown command") || line.contains("unknown subcommand");
                let is_arity = line.contains("wrong number of arguments for '");
                assert!(
                    !is_unknown && !is_arity,
                    "round {round}, seed {seed}: {words:?}: {line}"
                );
            }
            seat.session.replies = crate::commands::session::Replies::On;
        }
    }
}

#[test]
fn command_count_and_list_are_those_of_the_table() {
    let mut seat = Desk::new().seat();
    let containers: HashSet<&str> = commands()
        .map(|command| command.name.split('|').next().unwrap_or_default())
        .collect();
    assert_eq!(seat.reply("COMMAND COUNT"), Reply::count(containers.len()));
    let Reply::Array(listed) = seat.reply("COMMAND LIST") else {
        panic!("COMMAND LIST answers no array");
    };
    let alone = containers
        .iter()
        .filter(|name| Table::all().get(name.as_bytes()).is_none());
    assert_eq!(listed.len(), commands().count() + alone.count());
    let Reply::Array(described) = seat.reply("COMMAND") else {
        panic!("COMMAND answers no array");
    };
    assert_eq!(described.len(), containers.len());
}

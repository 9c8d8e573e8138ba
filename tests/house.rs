//! Holds the house: which room may import which (ARCHITECTURE.md), and what must stay absent from each. The rules are
//! applied to every file under src/, and to planted violations, so that a rule that can no longer fail is noticed.

#[path = "house/source.rs"]
mod source;

use source::{Line, Source};
use std::path::{Path, PathBuf};

/// The rooms, top to bottom, and what each may import. `stats` may be counted in from everywhere.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["server", "tools"]),
    (
        "server",
        &["commands", "engine", "protocol", "config", "sys"],
    ),
    (
        "commands",
        &["engine", "search", "keyspace", "protocol", "config"],
    ),
    ("tools", &["protocol", "persistence", "config", "sys"]),
    ("engine", &["persistence", "keyspace", "config", "sys"]),
    ("persistence", &["keyspace", "protocol"]),
    ("search", &["keyspace", "index", "kernels", "shared_bytes"]),
    ("keyspace", &["index", "protocol", "shared_bytes", "sys"]),
    ("index", &["kernels", "shared_bytes", "sys"]),
    ("kernels", &["sys"]),
    ("protocol", &[]),
    ("config", &[]),
    ("shared_bytes", &[]),
    ("stats", &[]),
    ("sys", &[]),
];

/// Names that say nothing about what lives behind the door.
const NAMELESS: &[&str] = &[
    "core", "common", "utils", "util", "helpers", "helper", "misc",
];

/// Where a pattern is looked for.
#[derive(Clone, Copy, PartialEq)]
enum In {
    /// The code, without comments and the contents of strings, and without tests.
    Code,
    /// Everything outside tests.
    Everything,
}

/// Something that must stay absent.
struct Absence {
    what: &'static str,
    words: &'static [&'static str],
    place: In,
    /// Rooms, or files below src/, where it may stand; all others may not hold it.
    allowed: &'static [&'static str],
}

const ABSENCES: &[Absence] = &[
    Absence {
        what: "asynchronous code below server/",
        words: &["async", "await", "tokio"],
        place: In::Code,
        allowed: &["main", "server"],
    },
    Absence {
        what: "a socket, clock or random number where time and seeds are handed in",
        words: &[
            "std::net",
            "TcpStream",
            "SystemTime",
            "Instant",
            "rand",
            "getrandom",
            "fastrand",
            "thread_rng",
        ],
        place: In::Code,
        allowed: &[
            "main",
            "server",
            "commands",
            "tools",
            "engine",
            "persistence",
            "stats",
            "sys",
            "config",
        ],
    },
    Absence {
        what: "file access outside persistence/",
        words: &[
            "std::fs",
            "std::os::unix::fs",
            "File::open",
            "File::create",
            "OpenOptions",
        ],
        place: In::Code,
        allowed: &["main", "server", "tools", "persistence", "sys"],
    },
    Absence {
        what: "a sled type outside the snapshot",
        words: &["sled"],
        place: In::Code,
        allowed: &["persistence/snapshot/catalog.rs"],
    },
    Absence {
        what: "a Redis or Qdrant word below the front-ends",
        words: &[
            "redis",
            "redisearch",
            "vadd",
            "vsim",
            "vrem",
            "hset",
            "hget",
            "bgsave",
            "bgrewriteaof",
        ],
        place: In::Everything,
        allowed: &[
            "main",
            "server",
            "commands",
            "tools",
            "protocol",
            "config",
            "stats",
            "sys",
            "lib.rs",
            "persistence/log/words/",
        ],
    },
    Absence {
        what: "unsafe code outside kernels/ and sys.rs",
        words: &["unsafe"],
        place: In::Code,
        allowed: &["kernels", "sys"],
    },
    Absence {
        what: "a lock where nothing may wait",
        words: &["Mutex", "RwLock"],
        place: In::Code,
        allowed: &[
            "main",
            "server",
            "commands",
            "tools",
            "engine",
            "persistence",
            "config",
            "stats",
            // The locks on data below the engine, by file: ARCHITECTURE.md says what each guards.
            "keyspace/mod.rs",
            "keyspace/table.rs",
            "keyspace/calibration.rs",
            "keyspace/collection.rs",
            "keyspace/moves.rs",
            "keyspace/columns/mod.rs",
            "keyspace/columns/budget.rs",
            "keyspace/columns/dictionary.rs",
            "keyspace/documents/mod.rs",
            "keyspace/documents/turns.rs",
            "keyspace/documents/filling.rs",
            "keyspace/documents/filter_cache.rs",
            "index/slots.rs",
            "index/vectors/shared.rs",
            "index/hnsw/graph.rs",
            "kernels/block.rs",
        ],
    },
    Absence {
        what: "another name for this crate",
        words: &["crate as"],
        place: In::Code,
        allowed: &[],
    },
];

/// The room of a file below src/ (`index/flat.rs` lives in `index`, `sys.rs` in `sys`); none for lib.rs, which names all.
fn room_of(file: &str) -> Option<&str> {
    let room = file.split(['/', '.']).next()?;
    (room != "lib").then_some(room)
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

/// What is wrong in one file below src/, each line as `file:line: what`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let source = Source::read(file, text);
    let mut found = nameless(file);
    let Some(room) = room_of(file) else {
        return found;
    };
    match ROOMS.iter().find(|(name, _)| *name == room) {
        None => found.push(format!(
            "{file}:1: the room {room} has no row in tests/house.rs"
        )),
        Some((_, may)) => found.extend(wrong_arrows(&source, room, may)),
    }
    for absence in ABSENCES {
        found.extend(presences(&source, room, absence));
    }
    found
}

fn nameless(file: &str) -> Vec<String> {
    file.split('/')
        .map(|part| part.trim_end_matches(".rs"))
        .filter(|part| NAMELESS.contains(part))
        .map(|part| format!("{file}:1: {part} says nothing about what lives here"))
        .collect()
}

/// Paths to other rooms that no arrow covers. They count in tests too: a test that needs another room belongs to tests/.
fn wrong_arrows(source: &Source, room: &str, may: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (line, target) in source.crate_paths() {
        let target = target.as_str();
        if is_room(target) && target != room && target != "stats" && !may.contains(&target) {
            found.push(format!(
                "{}:{line}: {room} may not import {target}",
                source.file
            ));
        }
    }
    found
}

fn presences(source: &Source, room: &str, absence: &Absence) -> Vec<String> {
    let may = |place: &str| {
        place == room
            || place == source.file
            || (place.ends_with('/') && source.file.starts_with(place))
    };
    if absence.allowed.iter().any(|place| may(place)) {
        return Vec::new();
    }
    let of = |line: &Line| match absence.place {
        In::Code => line.code.clone(),
        In::Everything => line.text.to_lowercase(),
    };
    let lines = source.lines.iter().filter(|line| !line.is_test);
    lines
        .filter_map(|line| {
            let word = absence
                .words
                .iter()
                .find(|word| source::has_word(&of(line), word))?;
            Some(format!(
                "{}:{}: {} ({word})",
                source.file, line.number, absence.what
            ))
        })
        .collect()
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("src/ can be listed") {
        let path = entry.expect("src/ can be listed").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_keeps_the_rules_of_its_room() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "src/ was not found: {files:?}");
    let mut found = Vec::new();
    for path in &files {
        let file = path
            .strip_prefix(&src)
            .expect("listed below src/")
            .to_string_lossy()
            .replace('\\', "/");
        found.extend(violations(
            &file,
            &std::fs::read_to_string(path).expect("a readable source file"),
        ));
    }
    found.sort();
    assert!(
        found.is_empty(),
        "{} violations of the house:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_arrow_points_down_the_list() {
    let position = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
    for (at, (room, may)) in ROOMS.iter().enumerate() {
        for target in *may {
            assert!(
                position(target).is_some_and(|below| below > at),
                "{room} -> {target} points up, or nowhere"
            );
        }
    }
}

#[test]
fn the_architecture_page_tells_the_same_arrows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).expect("ARCHITECTURE.md");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for (room, may) in ROOMS {
        let told: Vec<&str> = may.iter().copied().filter(|room| *room != "sys").collect();
        let arrow = format!("`{room}` -> {}.", told.join(", "));
        assert!(told.is_empty() || page.contains(&arrow), "missing: {arrow}");
    }
    let askers = ROOMS.iter().filter(|(_, may)| may.contains(&"sys"));
    let askers: Vec<String> = askers.map(|(room, _)| format!("`{room}`")).collect();
    let (last, others) = askers.split_last().expect("rooms that ask sys");
    let sentence = format!("{} and {last} may ask `sys`.", others.join(", "));
    assert!(page.contains(&sentence), "missing: {sentence}");
}

#[test]
fn the_architecture_page_tells_of_every_lock_below_the_engine() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).expect("ARCHITECTURE.md");
    let locks = ABSENCES
        .iter()
        .filter(|absence| absence.words.contains(&"Mutex"));
    let files = locks
        .flat_map(|absence| absence.allowed)
        .filter(|place| place.contains('/'));
    let mut count = 0;
    for file in files {
        assert!(page.contains(&format!("| `{file}` |")), "missing: {file}");
        let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let text = std::fs::read_to_string(text).expect("a file with a lock");
        assert!(
            text.contains("Mutex") || text.contains("RwLock"),
            "{file} has no lock"
        );
        count += 1;
    }
    assert!(count > 0, "no file with a lock is named");
}

#[test]
fn planted_violations_are_found() {
    let planted: &[(&str, &str, &str)] = &[
        (
            "index/flat.rs",
            "use crate::keyspace::Value;",
            "index may not import keyspace",
        ),
        (
            "kernels/mod.rs",
            "fn f() { crate::index::g() }",
            "kernels may not import index",
        ),
        (
            "search/run.rs",
            "use crate::{index::Hit, engine::Engine};",
            "search may not import engine",
        ),
        (
            "search/run.rs",
            "use crate::{\n    index::{A, B},\n    commands::C,\n};",
            "search may not import commands",
        ),
        (
            "keyspace/mod.rs",
            "use super::engine::Engine;",
            "keyspace may not import engine",
        ),
        (
            "index/hnsw/graph.rs",
            "use super::super::super::keyspace::Value;",
            "index may not import keyspace",
        ),
        (
            "main.rs",
            "use rhumb::engine::Engine;",
            "main may not import engine",
        ),
        (
            "protocol/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::commands::execute;\n}",
            "protocol may not import commands",
        ),
        (
            "engine/mod.rs",
            "use crate as house;",
            "another name for this crate",
        ),
        (
            "engine/mod.rs",
            "pub async fn save() {}",
            "asynchronous code",
        ),
        (
            "commands/mod.rs",
            "fn f() { tokio::spawn(g()); }",
            "asynchronous code",
        ),
        (
            "keyspace/mod.rs",
            "fn now() -> std::time::Instant { Instant::now() }",
            "clock or random",
        ),
        (
            "search/plan.rs",
            "let x = rand::random();",
            "clock or random",
        ),
        ("index/mod.rs", "use std::net::TcpStream;", "a socket"),
        ("engine/mod.rs", "use std::fs;", "file access"),
        (
            "keyspace/mod.rs",
            "let f = File::open(path);",
            "file access",
        ),
        ("persistence/log/writer.rs", "use sled::Db;", "a sled type"),
        (
            "engine/mod.rs",
            "// As Redis does it.",
            "a Redis or Qdrant word",
        ),
        (
            "keyspace/change.rs",
            "const WORD: &str = \"VADD\";",
            "a Redis or Qdrant word",
        ),
        ("index/mod.rs", "fn f() { unsafe { g() } }", "unsafe code"),
        ("search/run.rs", "use parking_lot::Mutex;", "a lock"),
        ("keyspace/hash.rs", "use std::sync::RwLock;", "a lock"),
        ("index/flat.rs", "use parking_lot::Mutex;", "a lock"),
        ("helpers/mod.rs", "", "says nothing"),
        ("index/utils.rs", "", "says nothing"),
        ("attic/mod.rs", "", "no row in tests/house.rs"),
    ];
    for (file, text, expected) in planted {
        let found = violations(file, text);
        assert!(
            found.iter().any(|line| line.contains(expected)),
            "{file} with {text:?}: expected {expected:?}, found {found:?}"
        );
    }
}

#[test]
fn innocent_files_pass() {
    let innocent: &[(&str, &str)] = &[
        (
            "index/flat.rs",
            "//! Unlike `crate::keyspace`, no names.\nuse crate::kernels::dot;\nuse super::segments;",
        ),
        (
            "index/flat.rs",
            "/* crate::engine */ const S: &str = \"crate::engine async unsafe\"; use crate::stats;",
        ),
        (
            "keyspace/mod.rs",
            "let instant = 1; let operand = 2; // no await here",
        ),
        (
            "keyspace/mod.rs",
            "const C: char = '\"'; fn f<'a>(x: &'a str) {} use crate::index::Metric;",
        ),
        ("commands/config.rs", "use super::config::x;"),
        ("protocol/mod.rs", "//! As Redis writes it.\nuse std::io;"),
        (
            "persistence/log/words/mod.rs",
            "const ADD: &str = \"VADD\";",
        ),
        ("persistence/snapshot/catalog.rs", "use sled::Db;"),
        ("index/hnsw/tests.rs", "use std::time::Instant;"),
        (
            "index/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use super::*;\n    use std::fs;\n}",
        ),
        ("lib.rs", "pub mod server;"),
    ];
    for (file, text) in innocent {
        assert_eq!(
            violations(file, text),
            Vec::<String>::new(),
            "{file} with {text:?}"
        );
    }
}

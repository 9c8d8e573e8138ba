//! Configuration files: what they may hold, what stops a start, what CONFIG REWRITE leaves of them, and redis.conf.example.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use rhumb::config::table::Changes;
use rhumb::config::{self, Config, Id, Kind, Loaded, Quoting, Row, SavePoint, Sources, TABLE};
use rhumb::protocol::inline;

fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    inline::split_arguments(line).ok()
}

/// Patterns with at most one star, enough for these tests.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let Some(star) = pattern.iter().position(|byte| *byte == b'*') else {
        return pattern == text;
    };
    let (head, tail) = (&pattern[..star], &pattern[star + 1..]);
    text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
}

/// Loads a command line over files that exist in memory only.
fn load(arguments: &[&str], files: &[(&str, &str)]) -> Result<Loaded, String> {
    let files: HashMap<PathBuf, &str> = files
        .iter()
        .map(|(path, text)| (PathBuf::from(path), *text))
        .collect();
    let read = |path: &Path| match files.get(path) {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let list = |directory: &Path| {
        Ok(files
            .keys()
            .filter(|path| path.parent() == Some(directory))
            .cloned()
            .collect::<Vec<PathBuf>>())
    };
    let sources = Sources {
        split,
        matches,
        read: &read,
        list: &list,
        memory_bytes: 0,
    };
    let arguments: Vec<Vec<u8>> = arguments
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    config::load(&arguments, &sources).map_err(|error| error.to_string())
}

fn load_text(text: &str) -> Loaded {
    load(&["redis.conf"], &[("redis.conf", text)]).unwrap_or_else(|error| panic!("{error}"))
}

/// The option and why it stops the start, from a file with that line as its second.
fn error_of(line: &str) -> String {
    let text = format!("# a comment\n{line}\nport 1\n");
    load(&["redis.conf"], &[("redis.conf", &text)])
        .err()
        .unwrap_or_else(|| panic!("{line} was taken"))
}

fn all_values(config: &Config) -> Vec<(&'static str, Vec<u8>)> {
    TABLE
        .iter()
        .map(|row| (row.name, config.text(row.id)))
        .collect()
}

#[test]
fn lines_are_read_as_redis_reads_them() {
    let loaded = load_text(
        "  # comment\n\nPORT 7000\r\nport 7001\nrequirepass \"a \\x41\\\"\"\nbind 127.0.0.1 ::1\nmaxmemory 1gb\n\
         client-output-buffer-limit pubsub 1mb 1kb 5\nlogfile ''\nhash-max-ziplist-value 10\nlazyfree-lazy-expire yes",
    );
    let config = &loaded.config;
    assert_eq!(config.port(), 7001);
    assert_eq!(config.requirepass(), b"a A\"");
    assert_eq!(config.bind(), ["127.0.0.1", "::1"]);
    assert_eq!(config.maxmemory_bytes(), 1 << 30);
    assert_eq!(config.hash_max_listpack_value_bytes(), 10);
    let limits = b"normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 1024 5";
    assert_eq!(config.text(Id::ClientOutputBufferLimit), limits);
    assert!(
        config
            .file()
            .is_some_and(|path| path.is_absolute() && path.ends_with("redis.conf"))
    );
    // Read, kept, and not followed.
    let ignored = "redis.conf line 11: 'lazyfree-lazy-expire' has no effect here";
    assert_eq!(loaded.warnings, [ignored]);
}

#[test]
fn save_lines_replace_the_default_and_add_up() {
    let points = |text: &str| -> Vec<(u64, u64)> {
        load_text(text)
            .config
            .save_points()
            .iter()
            .map(|point: &SavePoint| (point.seconds, point.changes))
            .collect()
    };
    assert_eq!(
        points("save 900 1\nsave 60 5 30 6"),
        [(900, 1), (60, 5), (30, 6)]
    );
    assert_eq!(points("save \"900 1 60 5\""), [(900, 1), (60, 5)]);
    assert_eq!(points("save 900 1\nsave \"\""), []);
    assert_eq!(points("save 900 1\nsave \"\"\nsave 5 5"), [(5, 5)]);
    assert_eq!(points("port 1").len(), 3);
}

#[test]
fn the_command_line_comes_last() {
    let file = [
        ("redis.conf", "port 1\nappendonly no\n"),
        ("-", "timeout 5\n"),
    ];
    let config = |arguments: &[&str]| load(arguments, &file).expect("valid").config;
    let with_file = config(&[
        "redis.conf",
        "--port",
        "2",
        "--bind",
        "127.0.0.1",
        "::1",
        "--requirepass",
        "a b",
    ]);
    assert_eq!((with_file.port(), with_file.appendonly()), (2, false));
    assert_eq!(
        (with_file.bind().len(), with_file.requirepass()),
        (2, b"a b".to_vec())
    );
    let from_input = config(&["-", "--save"]);
    assert_eq!(
        (
            from_input.timeout_seconds(),
            from_input.save_points().len(),
            from_input.file()
        ),
        (5, 0, None)
    );
    assert_eq!(config(&[]).port(), 6379);
    assert_eq!(
        config(&["--save", "10 1", "--port", "3"])
            .save_points()
            .len(),
        1
    );
    let error = load(&["--port", "x"], &[]).err().expect("no number");
    assert!(
        error.contains("Reading the command line\n>>> 'port x'\nargument couldn't be parsed"),
        "{error}"
    );
    for refused in [
        &["redis.conf", "redis.conf"][..],
        &["nowhere.conf"],
        &["--nope", "1"],
        &["--port"],
    ] {
        assert!(load(refused, &file).is_err(), "{refused:?}");
    }
}

#[test]
fn includes_are_read_in_their_place() {
    let files = [
        (
            "redis.conf",
            "port 1\ninclude conf.d/*.conf\ninclude none.d/*\ninclude more\nhz 10\n",
        ),
        ("conf.d/a.conf", "port 2\ntimeout 2\n"),
        ("conf.d/b.conf", "timeout 3\n"),
        ("conf.d/.hidden.conf", "timeout 4\n"),
        ("conf.d/c.txt", "timeout 5\n"),
        ("more", "\nactivedefrag no\n"),
    ];
    let loaded = load(&["redis.conf"], &files).expect("valid");
    assert_eq!(
        (loaded.config.port(), loaded.config.timeout_seconds()),
        (2, 3)
    );
    assert_eq!(
        loaded.warnings,
        ["more line 2: 'activedefrag' has no effect here"]
    );
    let circle = load(&["redis.conf"], &[("redis.conf", "include redis.conf")])
        .err()
        .expect("a circle");
    assert!(circle.contains("nested too deep"), "{circle}");
    let bad = load(
        &["redis.conf"],
        &[("redis.conf", "include more"), ("more", "\nnope")],
    )
    .err()
    .expect("a bad line");
    assert!(
        bad.contains("at line 2 of more\n>>> 'nope'\nBad directive"),
        "{bad}"
    );
    assert!(error_of("include nowhere").contains("can't open config file 'nowhere'"));
}

#[test]
fn a_bad_line_is_named_with_its_number_and_reason() {
    let expected = format!(
        "\n*** FATAL CONFIG FILE ERROR (Rhumb {}) ***\nReading the configuration file, at line 2\n>>> 'prot 6379'\n\
         Bad directive or wrong number of arguments",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(error_of("prot 6379"), expected);
    let cases = [
        ("port", "wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        (
            "port 70000",
            "argument must be between 0 and 65535 inclusive",
        ),
        (
            "requirepass \"abc",
            "Unbalanced quotes in configuration line",
        ),
        (
            "appendfilename a/b",
            "appendfilename can't be a path, just a filename",
        ),
        ("appenddirname ../x", "can't be a path"),
        (
            "shutdown-on-sigint save nosave",
            "can't be used simultaneously",
        ),
        (
            "user alice on nopass ~* +@all",
            "ACL users are not served yet",
        ),
        ("aclfile /etc/users.acl", "ACL users are not served yet"),
        ("rename-command FLUSHALL \"\"", "can not be renamed"),
        ("replicaof 10.0.0.1 6379", "replication is not served yet"),
        ("cluster-enabled yes", "cluster mode is not served"),
        ("tls-port 6380", "TLS is not served yet"),
        (
            "sentinel monitor a 127.0.0.1 1 2",
            "sentinel directive while not in sentinel mode",
        ),
        (
            "activerehashing",
            "Bad directive or wrong number of arguments",
        ),
    ];
    for (line, why) in cases {
        let error = error_of(line);
        assert!(
            error.contains("at line 2\n>>> '") && error.contains(why),
            "{line}: {error}"
        );
    }
}

#[test]
fn passwords_are_never_printed() {
    for line in [
        "requirepass hunter2 x",
        "requirepass \"hunter2",
        "masterauth \"hunter2",
        "user a >hunter2",
    ] {
        assert!(!error_of(line).contains("hunter2"), "{line}");
    }
}

#[test]
fn every_directive_of_redis_loads_and_those_without_effect_are_named() {
    let text = include_str!("data/redis-directives.conf");
    let loaded = load_text(text);
    for (at, line) in text.lines().enumerate().skip(1) {
        let name = line.split(' ').next().expect("a name");
        let is_served = config::table::find(name.as_bytes()).is_some();
        let warning = format!("redis.conf line {}: '{name}' has no effect here", at + 1);
        assert_eq!(loaded.warnings.contains(&warning), !is_served, "{name}");
    }
    assert!(!loaded.config.appendonly(), "the file of a Redis says no");
}

#[test]
fn values_that_are_not_served_fall_back_with_a_warning() {
    let loaded = load_text(
        "daemonize yes\nmaxmemory-policy allkeys-lru\nhz 50\nsearch-workers 4\nloadmodule /x.so a b\n",
    );
    assert_eq!(loaded.warnings.len(), 5, "{:?}", loaded.warnings);
    assert_eq!(loaded.config.text(Id::Daemonize), b"no");
    assert_eq!(loaded.config.text(Id::MaxmemoryPolicy), b"noeviction");
    assert_eq!(loaded.config.text(Id::Hz), b"50");
    assert!(
        loaded.warnings[1]
            .starts_with("redis.conf line 2: 'maxmemory-policy allkeys-lru': only noeviction")
    );
}

fn rewritten(text: &str, pairs: &[(&str, &str)]) -> String {
    let config = load_text(text).config;
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    config.set(&pairs, true, |_| Ok(())).expect("valid");
    let new = config.rewrite(
        text.as_bytes(),
        Quoting {
            split,
            quote: inline::quote,
        },
    );
    let new = String::from_utf8(new).expect("text");
    assert_eq!(
        all_values(&load_text(&new).config),
        all_values(&config),
        "{new}"
    );
    new
}

#[test]
fn a_rewrite_without_changes_keeps_every_byte() {
    let texts = [
        "",
        "# only a comment",
        "\n\n  port   7000 \r\n#x\n TIMEOUT 5\nport 7001\n maxmemory 1024kb\ndaemonize yes\nactivedefrag no",
        "save 900 1\nsave 60 1\n# end\n\n",
        include_str!("data/redis-directives.conf"),
    ];
    for text in texts {
        assert_eq!(rewritten(text, &[]), text);
    }
}

#[test]
fn a_rewrite_changes_only_what_differs() {
    let text =
        "# mine\ntimeout 5\nport 7000\ntimeout 6\n\nsave 900 1\nsave 60 1\nactivedefrag no\n# end";
    assert_eq!(
        rewritten(text, &[("timeout", "7"), ("save", "1 2 3 4")]),
        "# mine\ntimeout 7\nport 7000\n\nsave 1 2\nsave 3 4\nactivedefrag no\n# end"
    );
    assert_eq!(rewritten("save 900 1\n", &[("save", "")]), "save \"\"\n");
    assert_eq!(rewritten("timeout 5\n", &[("timeout", "0")]), "timeout 0\n");
}

#[test]
fn a_rewrite_adds_what_the_file_lacks_under_its_signature() {
    let added = rewritten(
        "port 7000",
        &[
            ("maxmemory", "3145728"),
            ("requirepass", "a \"b\"\n\u{e9}"),
            ("shutdown-on-sigint", "now save"),
        ],
    );
    assert_eq!(
        added,
        "port 7000\n\n# Generated by CONFIG REWRITE\nrequirepass \"a \\\"b\\\"\\n\\xc3\\xa9\"\nmaxmemory 3mb\n\
         shutdown-on-sigint save now\n"
    );
    let again = rewritten(&added, &[("timeout", "9"), ("maxmemory", "50%")]);
    assert_eq!(again.matches("# Generated").count(), 1);
    assert!(
        again.contains("\nmaxmemory 50%\n") && again.ends_with("\ntimeout 9\n"),
        "{again}"
    );
}

#[test]
fn every_option_that_can_be_set_survives_a_rewrite() {
    let others = |row: &Row| match row.kind {
        Kind::Switch => vec!["yes", "no"],
        Kind::Integer { max, .. } if max < 7 => vec!["1", "2"],
        Kind::Integer { min, .. } if min > 1 => vec!["7", "8"],
        Kind::Integer { .. } => vec!["1", "7"],
        Kind::Bytes { .. } => vec!["1048577", "2mb"],
        Kind::Choice(choices) => choices.to_vec(),
        Kind::Flags(_) => vec!["now force"],
        Kind::SavePoints => vec!["", "1 2 3 4"],
        Kind::OutputLimits => vec!["pubsub 1kb 1000 3"],
        Kind::EventClasses => vec!["KA"],
        Kind::Text | Kind::Secret | Kind::Words => vec!["", "a b"],
    };
    let files = ["", "# none\n", include_str!("data/redis-directives.conf")];
    for row in TABLE
        .iter()
        .filter(|row| row.changes == Changes::WhileRunning)
    {
        for value in others(row) {
            let is_refused = row.id == Id::MaxmemoryPolicy && value != "noeviction";
            for text in files.iter().filter(|_| !is_refused) {
                let new = rewritten(text, &[(row.name, value)]);
                for line in text
                    .lines()
                    .filter(|line| !new.lines().any(|new| new == *line))
                {
                    let name = line.split(' ').next().expect("a name");
                    let owner = config::table::find(name.as_bytes()).map(|row| row.id);
                    assert_eq!(owner, Some(row.id), "{} lost the line {line}", row.name);
                }
            }
        }
    }
}

#[test]
fn redis_conf_example_is_fresh_and_holds_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("redis.conf.example");
    let text = config::example::text();
    if std::env::var_os("RHUMB_UPDATE").is_some() {
        std::fs::write(&path, &text).expect("redis.conf.example can be written");
    }
    let on_disk = std::fs::read_to_string(&path).expect("redis.conf.example can be read");
    assert!(
        on_disk == text,
        "redis.conf.example is stale: run this test with RHUMB_UPDATE=1"
    );
    let loaded = load_text(&text);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(all_values(&loaded.config), all_values(&Config::default()));
}

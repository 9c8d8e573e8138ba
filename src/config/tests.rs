//! Tests of the configuration as a whole: table, run-time values, files.

use super::*;

#[test]
fn rows_stand_where_their_id_points_and_hold_a_valid_default() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.id as usize, at, "{}", row.name);
        let value = row.default_value();
        let written = row.kind.write(&value);
        assert_eq!(
            row.kind.parse(&[written.as_slice()], None),
            Ok(value),
            "{}",
            row.name
        );
    }
}

#[test]
fn names_are_unique_and_helps_are_sentences() {
    let mut names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    names.extend(table::ALIASES.iter().map(|(alias, _)| alias));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    for row in TABLE {
        assert!(
            row.help.ends_with('.') && row.help.starts_with(char::is_uppercase),
            "{}",
            row.name
        );
    }
}

#[test]
fn getters_give_the_defaults() {
    let config = Config::default();
    assert_eq!(config.port(), 6379);
    assert_eq!(config.bind(), ["127.0.0.1", "-::1"]);
    assert_eq!(config.dir(), std::path::Path::new("./"));
    assert!(config.appendonly() && config.protected_mode() && !config.asks_password());
    assert_eq!(config.appendfsync(), Appendfsync::Everysec);
    assert_eq!(config.save_points().len(), 3);
    assert_eq!(config.snapshot_pinned_bytes_max(), 64 << 20);
    assert_eq!(config.logfile(), None);
    assert!(config.io_threads() >= 1);
}

#[test]
fn every_getter_reads_a_row_of_its_own_kind() {
    // A getter that asks a text for a number panics, so that calling each of them is the test.
    let config = Config::default();
    let _ = (
        config.tcp_backlog(),
        config.timeout_seconds(),
        config.tcp_keepalive_seconds(),
        config.databases(),
    );
    let _ = (
        config.loglevel(),
        config.pidfile(),
        config.supervised(),
        config.search_threads(),
        config.on_sigterm(),
    );
    let _ = (
        config.on_sigint(),
        config.requirepass(),
        config.debug_command(),
        config.protected_configs(),
    );
    let _ = (
        config.maxclients(),
        config.client_query_buffer_limit_bytes(),
        config.proto_max_bulk_len_bytes(),
    );
    let _ = (
        config.output_limit_normal(),
        config.maxmemory_bytes(),
        config.hash_max_listpack_entries(),
    );
    let _ = (
        config.set_max_intset_entries(),
        config.set_max_listpack_entries(),
        config.set_max_listpack_value_bytes(),
        config.zset_max_listpack_entries(),
        config.zset_max_listpack_value_bytes(),
        config.list_max_listpack_size(),
    );
    let _ = (
        config.hash_max_listpack_value_bytes(),
        config.appendfilename(),
        config.appenddirname(),
    );
    let _ = (
        config.auto_aof_rewrite_percentage(),
        config.auto_aof_rewrite_min_bytes(),
        config.aof_load_truncated(),
    );
    let _ = (
        config.log_unwritten_bytes_max(),
        config.stop_writes_on_bgsave_error(),
        config.active_expire_effort(),
    );
    let _ = (
        config.slowlog_slower_than_us(),
        config.slowlog_len_max(),
        config.latency_monitor_threshold_ms(),
    );
    let _ = config.latency_tracking();
}

#[test]
fn tests_and_tools_make_one_from_pairs() {
    let config = Config::with(&[
        ("port", "0"),
        ("APPENDONLY", "no"),
        ("save", ""),
        ("maxmemory", "2gb"),
    ])
    .expect("valid");
    assert_eq!(
        (
            config.port(),
            config.appendonly(),
            config.save_points().len()
        ),
        (0, false, 0)
    );
    assert_eq!(config.maxmemory_bytes(), 2 << 30);
    assert!(
        Config::with(&[("port", "70000")]).is_err_and(|why| why.contains("between 0 and 65535"))
    );
    assert!(Config::with(&[("prot", "1")]).is_err());
}

/// What a value reads as when it is written again, or why it is refused.
fn reads(name: &str, text: &str) -> Result<String, String> {
    let row = table::find(name.as_bytes()).expect("an option of the table");
    let value = row
        .kind
        .parse(&[text.as_bytes()], Some(&row.default_value()))?;
    Ok(String::from_utf8_lossy(&row.kind.write(&value)).into_owned())
}

#[test]
fn values_are_written_as_config_get_writes_them() {
    let cases = [
        ("appendonly", "YES", "yes"),
        ("port", "0", "0"),
        ("slowlog-log-slower-than", "-1", "-1"),
        ("maxmemory", "100", "100"),
        ("maxmemory", "1B", "1"),
        ("maxmemory", "1k", "1000"),
        ("maxmemory", "1KB", "1024"),
        ("maxmemory", "3m", "3000000"),
        ("maxmemory", "3mb", "3145728"),
        ("maxmemory", "2g", "2000000000"),
        ("maxmemory", "2Gb", "2147483648"),
        ("maxmemory", "75%", "75%"),
        ("appendfsync", "Always", "always"),
        ("shutdown-on-sigterm", "now save", "save now"),
        ("shutdown-on-sigterm", "default", "default"),
        ("requirepass", "a b", "a b"),
        ("bind", " * \t ::1 ", "* ::1"),
        ("bind", "", ""),
        ("save", "60 1  5 7", "60 1 5 7"),
        ("save", "", ""),
        (
            "client-output-buffer-limit",
            "Replica 1mb 1kb 3",
            "normal 0 0 0 slave 1048576 1024 3 pubsub 33554432 8388608 60",
        ),
        ("notify-keyspace-events", "AKE", "AKE"),
        ("notify-keyspace-events", "g$lshzxetdnKEm", "AnKEm"),
        ("notify-keyspace-events", "lKxg", "glxK"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(reads(name, text).as_deref(), Ok(expected), "{name} {text}");
    }
}

#[test]
fn refused_values_get_the_reasons_of_redis() {
    let cases = [
        ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
        ("port", "x", "argument couldn't be parsed into an integer"),
        ("port", "01", "argument couldn't be parsed into an integer"),
        ("port", "+1", "argument couldn't be parsed into an integer"),
        ("port", " 1", "argument couldn't be parsed into an integer"),
        (
            "port",
            "65536",
            "argument must be between 0 and 65535 inclusive",
        ),
        (
            "timeout",
            "-1",
            "argument must be between 0 and 2147483647 inclusive",
        ),
        (
            "maxmemory",
            "1.5gb",
            "argument must be a memory or percent value",
        ),
        (
            "maxmemory",
            "-1",
            "argument must be a memory or percent value",
        ),
        (
            "maxmemory",
            "101%",
            "percentage argument must be less or equal to 100",
        ),
        (
            "proto-max-bulk-len",
            "1tb",
            "argument must be a memory value",
        ),
        (
            "proto-max-bulk-len",
            "",
            "argument must be between 1048576 and 9223372036854775807 inclusive",
        ),
        (
            "proto-max-bulk-len",
            "9999999999gb",
            "argument must be a memory value",
        ),
        (
            "proto-max-bulk-len",
            "1",
            "argument must be between 1048576 and 9223372036854775807 inclusive",
        ),
        (
            "appendfsync",
            "x",
            "argument(s) must be one of the following: everysec, always, no",
        ),
        (
            "shutdown-on-sigint",
            "now x",
            "argument(s) must be one of the following: default, save, nosave, now, force",
        ),
        ("save", "1", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        ("save", "1 -1", "Invalid save parameters"),
        (
            "client-output-buffer-limit",
            "normal 1 2",
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "x 1 1 1",
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "normal x 1 1",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        (
            "notify-keyspace-events",
            "q",
            "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(
            reads(name, text),
            Err(expected.to_string()),
            "{name} {text}"
        );
    }
}

#[test]
fn a_share_of_memory_is_taken_of_the_machine() {
    let config = Config::new(1000);
    assert_eq!(config.maxmemory_bytes(), 0);
    config.store(Id::Maxmemory, Value::Number(-75));
    assert_eq!(config.maxmemory_bytes(), 750);
}

#[test]
fn signals_read_as_what_to_do() {
    let config = Config::with(&[("shutdown-on-sigint", "nosave force")]).expect("valid");
    let expected = OnSignal {
        save: Some(false),
        now: false,
        force: true,
    };
    assert_eq!(config.on_sigint(), expected);
    assert_eq!(config.on_sigterm(), OnSignal::default());
}

/// Patterns that end in a star, enough for these tests.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    pattern
        .strip_suffix(b"*")
        .is_some_and(|prefix| text.starts_with(prefix))
}

fn get(config: &Config, patterns: &[&str]) -> Vec<(String, String)> {
    let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    config
        .get(&patterns, matches)
        .into_iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

#[test]
fn config_get_lists_each_match_once() {
    let config = Config::default();
    let pairs = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    assert_eq!(get(&config, &["nope", "nope*", "activerehashing"]), []);
    assert_eq!(
        get(&config, &["SAVE", "appendf*", "save", "APPENDFSYNC"]),
        pairs(&[
            ("SAVE", "3600 1 300 100 60 10000"),
            ("appendfsync", "everysec"),
            ("appendfilename", "appendonly.aof"),
        ])
    );
    assert_eq!(
        get(&config, &["hash-max-zip*"]),
        pairs(&[
            ("hash-max-ziplist-entries", "512"),
            ("hash-max-ziplist-value", "64")
        ])
    );
    assert_eq!(
        get(&config, &["*"]).len(),
        TABLE.len() + table::ALIASES.len()
    );
}

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<Applied, String> {
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|(name, text)| (name.as_bytes(), text.as_bytes()))
        .collect();
    config
        .set(&pairs, true, |_| Ok(()))
        .map_err(|error| error.to_string())
}

#[test]
fn config_set_says_what_changed() {
    let config = Config::default();
    let applied = set(
        &config,
        &[("TimeOut", "7"), ("maxclients", "10000"), ("save", "")],
    )
    .expect("valid");
    assert_eq!(applied.changed, [Id::Timeout, Id::Save]);
    assert_eq!(
        (config.timeout_seconds(), config.save_points().len()),
        (7, 0)
    );
    let applied = set(&config, &[("notify-keyspace-events", "Ex"), ("hz", "50")]).expect("valid");
    assert_eq!(applied.warnings.len(), 2);
}

#[test]
fn config_set_refuses_in_the_words_of_redis_and_changes_nothing() {
    let failed = |name: &str, why: &str| {
        format!("CONFIG SET failed (possibly related to argument '{name}') - {why}")
    };
    let unknown =
        |name: &str| format!("Unknown option or number of arguments for CONFIG SET - '{name}'");
    let number = "argument couldn't be parsed into an integer";
    let cases: [(&[(&str, &str)], String); 9] = [
        (
            &[("timeout", "9"), ("Nope", "1"), ("databases", "3")],
            unknown("Nope"),
        ),
        (
            &[("timeout", "9"), ("databases", "3"), ("nope", "1")],
            failed("databases", "can't set immutable config"),
        ),
        (
            &[("timeout", "9"), ("dir", "/tmp")],
            failed("dir", "can't set protected config"),
        ),
        (
            &[("timeout", "9"), ("TIMEOUT", "8")],
            failed("timeout", "duplicate parameter"),
        ),
        (
            &[("timeout", "9"), ("TCP-keepalive", "x")],
            failed("tcp-keepalive", number),
        ),
        (&[("timeout", "1 2")], failed("timeout", number)),
        (
            &[("shutdown-on-sigint", "save nosave")],
            failed(
                "shutdown-on-sigint",
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
        ),
        (
            &[("timeout", "9"), ("maxmemory-policy", "allkeys-lru")],
            failed(
                "maxmemory-policy",
                "only noeviction is served: nothing is evicted",
            ),
        ),
        (
            &[("timeout", "9"), ("activerehashing", "no")],
            failed("activerehashing", "this option has no effect here"),
        ),
    ];
    for (pairs, expected) in cases {
        let config = Config::default();
        assert_eq!(set(&config, pairs), Err(expected), "{pairs:?}");
        assert_eq!(
            get(&config, &["*"]),
            get(&Config::default(), &["*"]),
            "{pairs:?}"
        );
    }
}

#[test]
fn protected_options_ask_where_the_client_is() {
    let config = Config::with(&[("enable-protected-configs", "local")]).expect("valid");
    let why = |is_local| match config.set(&[(b"dir", b"/tmp")], is_local, |_| Ok(())) {
        Err(SetError::Refused { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(false), "can't set protected config");
    // Even then the data directory is in use.
    assert_eq!(why(true), "can't set immutable config");
}

#[test]
fn values_are_put_back_when_an_owner_can_not_follow() {
    let config = Config::default();
    let result = config.set(
        &[(b"timeout", b"9"), (b"requirepass", b"x")],
        true,
        |changed| {
            assert_eq!(
                (changed, config.timeout_seconds()),
                (&[Id::Timeout, Id::Requirepass][..], 9)
            );
            Err((Id::Timeout, "no".to_string()))
        },
    );
    assert_eq!(
        result,
        Err(SetError::Refused {
            name: b"timeout".to_vec(),
            why: "no".to_string()
        })
    );
    assert_eq!(
        (config.timeout_seconds(), config.asks_password()),
        (0, false)
    );
}

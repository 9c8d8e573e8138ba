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

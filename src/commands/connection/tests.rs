//! Connections: logging in, what a client says about itself, who closes whom; and what stands against a request before it runs.

use super::*;
use crate::commands::desk::{Desk, Seat};
use std::sync::atomic::Ordering;

#[track_caller]
fn check(seat: &mut Seat, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        assert_eq!(seat.run(line), *expected, "{line}");
    }
}

const NO_AUTH: &str = "(error) NOAUTH Authentication required.";
const WRONG: &str = "(error) WRONGPASS invalid username-password pair or user is disabled.";

/// A client of a server with a password, as its connection makes it.
fn stranger(desk: &Desk) -> Seat {
    desk.seat().run("CONFIG SET requirepass secret");
    let mut seat = desk.seat();
    seat.session.authenticated = false;
    seat
}

#[test]
fn a_password_is_asked_for_and_stays_asked_for_after_reset() {
    let mut seat = stranger(&Desk::new());
    check(
        &mut seat,
        &[
            ("PING", NO_AUTH),
            ("AUTH wrong", WRONG),
            ("AUTH secre", WRONG),
            ("AUTH secrett", WRONG),
            ("AUTH nobody secret", WRONG),
            ("PING", NO_AUTH),
            ("AUTH secret", "OK"),
            ("PING", "PONG"),
            ("RESET", "RESET"),
            ("PING", NO_AUTH),
            ("AUTH default secret", "OK"),
            ("CONFIG SET requirepass \"\"", "OK"),
            ("RESET", "RESET"),
            ("PING", "PONG"),
        ],
    );
}

#[test]
fn without_a_password_auth_says_so_and_the_default_user_needs_none() {
    let mut seat = Desk::new().seat();
    let refused = seat.run("AUTH secret");
    assert!(
        refused.contains("without any password configured"),
        "{refused}"
    );
    check(
        &mut seat,
        &[
            ("AUTH default whatever", "OK"),
            ("AUTH nobody whatever", WRONG),
            ("AUTH a b c", "(error) ERR syntax error"),
        ],
    );
}

#[test]
fn hello_changes_all_or_nothing() {
    let mut seat = stranger(&Desk::new());
    let refused = seat.run("HELLO 3");
    assert!(
        refused.starts_with("(error) NOAUTH HELLO must be called"),
        "{refused}"
    );
    check(
        &mut seat,
        &[
            ("HELLO 3 AUTH default wrong SETNAME me", WRONG),
            (
                "HELLO 3 AUTH default secret SETNAME \"a b\"",
                "(error) ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            (
                "HELLO 3 AUTH default",
                "(error) ERR Syntax error in HELLO option 'AUTH'",
            ),
            (
                "HELLO x",
                "(error) ERR Protocol version is not an integer or out of range",
            ),
            ("HELLO 4", "(error) NOPROTO unsupported protocol version"),
            ("PING", NO_AUTH),
        ],
    );
    assert_eq!(seat.session.version, Version::Resp2);
    let hello = seat.wire("HELLO 3 AUTH default secret SETNAME me");
    assert!(
        hello.starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n"),
        "{hello}"
    );
    assert_eq!(seat.wire("CLIENT GETNAME"), "$2\r\nme\r\n");
    assert!(seat.wire("HELLO 2").starts_with("*14\r\n"));
}

#[test]
fn a_line_of_client_list_says_what_the_client_did() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for line in [
        "SELECT 3",
        "CLIENT SETNAME me",
        "CLIENT SETINFO lib-name lib",
        "CLIENT NO-TOUCH on",
    ] {
        assert_eq!(seat.run(line), "OK", "{line}");
    }
    desk.advance_ms(5_000);
    let Reply::Verbatim(line) = seat.reply("CLIENT INFO") else {
        panic!("no text");
    };
    let start = "id=1 addr=127.0.0.1:1 laddr=127.0.0.1:2 fd=0 name=me age=";
    assert!(line.starts_with(start), "{line}");
    for word in [
        "idle=0",
        "flags=T",
        "db=3",
        "multi=-1",
        "cmd=client|info",
        "lib-name=lib",
        "tot-cmds=4",
    ] {
        assert!(
            line.contains(&format!(" {word} ")) || line.contains(&format!(" {word}\n")),
            "{word}: {line}"
        );
    }
    seat.run("MULTI");
    seat.run("PING");
    let Reply::Verbatim(all) = desk.seat().reply("CLIENT LIST ID 1") else {
        panic!("no text");
    };
    for word in ["multi=1", "flags=xT", "cmd=ping"] {
        assert!(all.contains(&format!(" {word} ")), "{word}: {all}");
    }
}

#[test]
fn client_list_takes_types_and_ids() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    desk.seat();
    let mut ids = |line: &str| match seat.reply(line) {
        Reply::Verbatim(text) => text
            .lines()
            .filter_map(|line| line.split(' ').next().map(str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        other => format!("{other:?}"),
    };
    assert_eq!(ids("CLIENT LIST"), "id=1 id=2");
    assert_eq!(ids("CLIENT LIST TYPE normal"), "id=1 id=2");
    assert_eq!(ids("CLIENT LIST TYPE replica"), "");
    assert_eq!(ids("CLIENT LIST ID 2 7"), "id=2");
    check(
        &mut seat,
        &[
            ("CLIENT LIST ID x", "(error) ERR Invalid client ID"),
            ("CLIENT LIST TYPE x", "(error) ERR Unknown client type 'x'"),
            ("CLIENT LIST ID", "(error) ERR syntax error"),
            ("CLIENT LIST TYPE normal ID 1", "(error) ERR syntax error"),
        ],
    );
}

#[test]
fn client_kill_closes_whom_it_names() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    let other = desk.seat();
    let is_killed = || other.session.client.killed.load(Ordering::Acquire);
    check(
        &mut seat,
        &[
            ("CLIENT KILL 192.0.2.1:7", "(error) ERR No such client"),
            ("CLIENT KILL ID 2 ADDR 192.0.2.1:7", "(integer) 0"),
            ("CLIENT KILL ID 2 TYPE pubsub", "(integer) 0"),
            (
                "CLIENT KILL ID 0",
                "(error) ERR client-id should be greater than 0",
            ),
            (
                "CLIENT KILL USER nobody",
                "(error) ERR No such user 'nobody'",
            ),
            (
                "CLIENT KILL MAXAGE 0",
                "(error) ERR maxage should be greater than 0",
            ),
            (
                "CLIENT KILL MAXAGE x",
                "(error) ERR maxage is not an integer or out of range",
            ),
            ("CLIENT KILL SKIPME maybe", "(error) ERR syntax error"),
            ("CLIENT KILL ID 1 foo", "(error) ERR syntax error"),
        ],
    );
    assert!(!is_killed());
    assert_eq!(
        seat.run("CLIENT KILL TYPE normal USER default"),
        "(integer) 1"
    );
    assert!(
        is_killed() && !seat.session.closing,
        "the caller is passed over"
    );
    assert_eq!(seat.run("CLIENT KILL ID 1 SKIPME no"), "(integer) 1");
    assert!(seat.session.closing && !seat.session.client.killed.load(Ordering::Acquire));
}

#[test]
fn client_reply_keeps_its_state() {
    let mut seat = Desk::new().seat();
    for (line, state) in [
        ("CLIENT REPLY SKIP", Replies::SkipNext),
        ("CLIENT REPLY ON", Replies::On),
        ("CLIENT REPLY OFF", Replies::Off),
        ("CLIENT REPLY SKIP", Replies::Off),
        ("RESET", Replies::On),
    ] {
        seat.run(line);
        assert_eq!(seat.session.replies, state, "{line}");
    }
    check(&mut seat, &[("CLIENT REPLY x", "(error) ERR syntax error")]);
}

#[test]
fn unknown_subcommands_are_errors_that_clients_can_ignore() {
    check(
        &mut Desk::new().seat(),
        &[
            (
                "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-fqdn",
                "(error) ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.",
            ),
            (
                "CLIENT",
                "(error) ERR wrong number of arguments for 'client' command",
            ),
            (
                "CLIENT ID x",
                "(error) ERR wrong number of arguments for 'client|id' command",
            ),
            ("CLIENT SETINFO x y", "(error) ERR Unrecognized option 'x'"),
            (
                "CLIENT SETINFO LIB-NAME \"a b\"",
                "(error) ERR LIB-NAME cannot contain spaces, newlines or special characters.",
            ),
        ],
    );
}

const OOM: &str = "(error) OOM command not allowed when used memory > 'maxmemory'.";

#[test]
fn writes_that_need_memory_are_refused_when_there_is_none() {
    let mut seat = Desk::new().seat();
    check(
        &mut seat,
        &[
            ("SET a 1", "OK"),
            ("MULTI", "OK"),
            ("SET a 2", "QUEUED"),
            ("CONFIG SET maxmemory 1", "QUEUED"),
            ("EXEC", "1) OK\n2) OK"),
            ("SET a 3", OOM),
            ("GET a", "\"2\""),
            ("DEL a", "(integer) 1"),
            ("MULTI", "OK"),
            ("SET a 3", OOM),
            (
                "EXEC",
                "(error) EXECABORT Transaction discarded because of previous errors.",
            ),
            ("MULTI", "OK"),
            ("GET a", "QUEUED"),
            ("EXEC", "1) (nil)"),
            ("CONFIG SET maxmemory 0", "OK"),
            ("MULTI", "OK"),
            ("SET a 4", "QUEUED"),
        ],
    );
    seat.other().run("CONFIG SET maxmemory 1");
    check(
        &mut seat,
        &[
            (
                "EXEC",
                "(error) EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
            ),
            ("DISCARD", "(error) ERR DISCARD without MULTI"),
            ("CONFIG SET maxmemory 0", "OK"),
            ("SET a 5", "OK"),
        ],
    );
}

#[test]
fn a_failed_save_refuses_writes_and_ping_until_an_option_says_otherwise() {
    let mut seat = Desk::new().seat();
    // The desk has no disk.
    let failed = seat.run("SAVE");
    assert!(
        failed.starts_with("(error) ERR the save failed"),
        "{failed}"
    );
    for line in ["SET a 1", "PING"] {
        let refused = seat.run(line);
        assert!(
            refused.starts_with("(error) MISCONF Redis is configured to save RDB snapshots"),
            "{refused}"
        );
    }
    check(
        &mut seat,
        &[
            ("GET a", "(nil)"),
            ("CONFIG SET stop-writes-on-bgsave-error no", "OK"),
            ("SET a 1", "OK"),
            ("CONFIG SET stop-writes-on-bgsave-error yes save \"\"", "OK"),
            ("PING", "PONG"),
        ],
    );
}

#[test]
fn errors_and_calls_are_counted_under_their_names() {
    let mut seat = Desk::new().seat();
    seat.run("GET a");
    seat.run("SET a 1");
    seat.run("GET a");
    seat.run("GET");
    seat.run("HGET a f");
    seat.run("nothing");
    let Reply::Verbatim(text) = seat.reply("INFO commandstats errorstats stats") else {
        panic!("no text");
    };
    let line = |name: &str| {
        let found = text.lines().find(|line| line.starts_with(name));
        found
            .unwrap_or_else(|| panic!("{name} in {text}"))
            .to_owned()
    };
    let get = line("cmdstat_get:");
    assert!(
        get.starts_with("cmdstat_get:calls=2,usec=")
            && get.ends_with(",rejected_calls=1,failed_calls=0"),
        "{get}"
    );
    assert!(line("cmdstat_hget:").ends_with(",rejected_calls=0,failed_calls=1"));
    assert_eq!(line("errorstat_ERR:"), "errorstat_ERR:count=2");
    assert_eq!(line("errorstat_WRONGTYPE:"), "errorstat_WRONGTYPE:count=1");
    assert_eq!(line("total_error_replies:"), "total_error_replies:3");
    assert_eq!(
        line("total_commands_processed:"),
        "total_commands_processed:4"
    );
    assert_eq!(
        (line("keyspace_hits:"), line("keyspace_misses:")),
        ("keyspace_hits:2".into(), "keyspace_misses:1".into())
    );
}

#[test]
fn debug_wants_an_option() {
    let mut seat = Desk::new().seat();
    let refused = seat.run("DEBUG SLEEP 0");
    assert!(
        refused.starts_with("(error) ERR DEBUG command not allowed."),
        "{refused}"
    );
    let desk = Desk::with(&[("enable-debug-command", "local")]);
    check(
        &mut desk.seat(),
        &[
            ("DEBUG SLEEP 0", "OK"),
            ("DEBUG DIGEST", &"0".repeat(40)),
            ("SET a 1", "OK"),
            ("SET b 1", "OK"),
            ("DEBUG OBJECT c", "(error) ERR no such key"),
            (
                "DEBUG x",
                "(error) ERR unknown subcommand or wrong number of arguments for 'x'. Try DEBUG HELP.",
            ),
        ],
    );
    let mut seat = desk.seat();
    assert_eq!(
        seat.reply("DEBUG DIGEST-VALUE a"),
        seat.reply("DEBUG DIGEST-VALUE b")
    );
    assert_ne!(
        seat.reply("DEBUG DIGEST-VALUE a"),
        seat.reply("DEBUG DIGEST-VALUE c")
    );
}

#[test]
fn slow_commands_are_remembered_and_secrets_are_not() {
    let mut seat = Desk::new().seat();
    let long = "x".repeat(200);
    seat.run("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 2");
    seat.run("AUTH default secret");
    seat.run("PING one");
    seat.run(&format!("PING {long}"));
    let Reply::Array(entries) = seat.reply("SLOWLOG GET") else {
        panic!("no array");
    };
    let words: Vec<&Reply> = entries
        .iter()
        .map(|entry| match entry {
            Reply::Array(parts) => &parts[3],
            other => panic!("{other:?}"),
        })
        .collect();
    let cut = format!("{}... (72 more bytes)", "x".repeat(128));
    assert_eq!(
        words,
        [
            &Reply::bulks(["PING", &cut]),
            &Reply::bulks(["PING", "one"])
        ]
    );
    check(
        &mut seat,
        &[
            ("CONFIG SET slowlog-log-slower-than -1", "OK"),
            ("SLOWLOG LEN", "(integer) 2"),
            ("SLOWLOG RESET", "OK"),
            ("SLOWLOG LEN", "(integer) 0"),
            (
                "SLOWLOG GET -2",
                "(error) ERR count should be greater than or equal to -1",
            ),
        ],
    );
}

//! What a server says and does when it finds its directory damaged, taken, or without a log.

use super::support::Server;
use super::wire::{Wire, words};
use rhumb::protocol::client::Value;
use std::path::{Path, PathBuf};

/// Everything is safe before it is acknowledged; nothing is saved by itself.
const ALWAYS: [&str; 4] = ["--save", "", "--appendfsync", "always"];

fn set(wire: &mut Wire, key: &str, value: &str) {
    let reply = wire.call(&words(["SET", key, value])).expect("a reply");
    assert_eq!(reply, Value::Simple("OK".into()));
}

fn get(wire: &mut Wire, key: &str) -> Option<String> {
    let reply = wire.call(&words(["GET", key])).expect("a reply");
    reply.as_str().map(str::to_owned)
}

fn connect(server: &Server) -> Wire {
    Wire::open(server.port, 0).expect("a connection")
}

/// A server that wrote some keys and was killed.
fn killed_server() -> Server {
    let mut server = Server::start_with(&ALWAYS);
    let mut wire = connect(&server);
    (0..10).for_each(|i| set(&mut wire, &format!("key {i}"), &format!("value {i}")));
    server.kill();
    server
}

/// The newest file of the log.
fn last_log(dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(dir.join("appendonlydir")).expect("the log's directory");
    let paths = files.map(|file| file.expect("a file").path());
    let mut logs: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .collect();
    logs.sort();
    logs.pop().expect("a log")
}

/// Waits for a start to be refused; what the server logged about it.
fn refusal(server: &mut Server) -> String {
    let earlier = server.log().len();
    server.spawn_again(&ALWAYS);
    let status = server.wait();
    assert!(!status.success(), "{status}");
    server.log().split_off(earlier)
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let mut server = killed_server();
    let path = last_log(server.dir());
    let mut bytes = std::fs::read(&path).expect("the log");
    bytes.truncate(bytes.len() - 7);
    std::fs::write(&path, &bytes).expect("the log");
    server.spawn_again(&ALWAYS);
    server.wait_until_ready();
    let mut wire = connect(&server);
    assert_eq!(get(&mut wire, "key 8").as_deref(), Some("value 8"));
    assert_eq!(get(&mut wire, "key 9"), None);
    let (log, name) = (
        server.log(),
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned(),
    );
    assert!(
        log.lines()
            .any(|line| line.contains(&name) && line.contains("offset")),
        "{log}"
    );
    // What is written now does not stand behind the torn record.
    set(&mut wire, "key 9", "again");
    server.kill_and_restart(&ALWAYS);
    assert_eq!(
        get(&mut connect(&server), "key 9").as_deref(),
        Some("again")
    );
}

#[test]
fn a_damaged_log_refuses_to_start_and_names_file_and_offset() {
    let mut server = killed_server();
    let path = last_log(server.dir());
    let sound = std::fs::read(&path).expect("the log");
    let at = sound
        .windows(7)
        .position(|bytes| bytes == b"value 3")
        .expect("a value in the log");
    let mut damaged = sound.clone();
    damaged[at] ^= 1;
    std::fs::write(&path, &damaged).expect("the log");
    let log = refusal(&mut server);
    let name = path
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(
        log.lines()
            .any(|line| line.contains(&name) && line.contains("offset")),
        "{log}"
    );
    assert_eq!(
        std::fs::read(&path).expect("the log"),
        damaged,
        "nothing was altered"
    );
    // With the damage undone, everything is there.
    std::fs::write(&path, &sound).expect("the log");
    server.spawn_again(&ALWAYS);
    server.wait_until_ready();
    assert_eq!(
        get(&mut connect(&server), "key 9").as_deref(),
        Some("value 9")
    );
}

#[test]
fn a_directory_serves_one_server_at_a_time() {
    let first = Server::start_with(&ALWAYS);
    set(&mut connect(&first), "a", "1");
    let mut second = Server::start_with(&["--save", ""]);
    second.kill();
    let dir = first.dir().to_str().expect("a path in UTF-8");
    second.spawn_again(&["--save", "", "--dir", dir]);
    let status = second.wait();
    assert!(!status.success(), "{status}");
    let log = second.log();
    let told = format!("LOCK is locked by process {}", first.pid());
    assert!(log.contains(&told), "{log}");
    assert_eq!(get(&mut connect(&first), "a").as_deref(), Some("1"));
}

#[test]
fn without_a_log_a_save_is_what_survives() {
    const NO_LOG: [&str; 4] = ["--save", "", "--appendonly", "no"];
    let mut server = Server::start_with(&NO_LOG);
    let mut wire = connect(&server);
    set(&mut wire, "saved", "1");
    assert_eq!(
        wire.call(&words(["SAVE"])).expect("a reply"),
        Value::Simple("OK".into())
    );
    set(&mut wire, "not saved", "1");
    server.kill_and_restart(&NO_LOG);
    let mut wire = connect(&server);
    assert_eq!(
        (
            get(&mut wire, "saved").as_deref(),
            get(&mut wire, "not saved")
        ),
        (Some("1"), None)
    );
    // With a log from now on.
    server.kill_and_restart(&ALWAYS);
    let mut wire = connect(&server);
    set(&mut wire, "logged", "1");
    server.kill_and_restart(&ALWAYS);
    let mut wire = connect(&server);
    assert_eq!(
        (
            get(&mut wire, "saved").as_deref(),
            get(&mut wire, "logged").as_deref()
        ),
        (Some("1"), Some("1"))
    );
    // And without it again: a snapshot takes over what it held.
    server.kill_and_restart(&NO_LOG);
    server.kill_and_restart(&NO_LOG);
    let mut wire = connect(&server);
    assert_eq!(
        (
            get(&mut wire, "saved").as_deref(),
            get(&mut wire, "logged").as_deref()
        ),
        (Some("1"), Some("1"))
    );
}

#[test]
fn debug_reload_and_an_orderly_stop_keep_everything() {
    let directives = ["--save", "", "--enable-debug-command", "yes"];
    let mut server = Server::start_with(&directives);
    let mut wire = connect(&server);
    set(&mut wire, "a", "1");
    for vector in [["1", "0", "east"], ["0", "1", "north"]] {
        let [x, y, name] = vector;
        let reply = wire
            .call(&words(["VADD", "v", "VALUES", "2", x, y, name]))
            .expect("a reply");
        assert_eq!(reply, Value::Int(1));
    }
    let digest = wire.call(&words(["DEBUG", "DIGEST"])).expect("a reply");
    assert_eq!(
        wire.call(&words(["DEBUG", "RELOAD"])).expect("a reply"),
        Value::Simple("OK".into())
    );
    assert_eq!(
        wire.call(&words(["DEBUG", "DIGEST"])).expect("a reply"),
        digest
    );
    assert_eq!(
        wire.call(&words(["VCARD", "v"])).expect("a reply"),
        Value::Int(2)
    );
    let reply = wire.call(&words(["SHUTDOWN", "NOSAVE"]));
    assert!(reply.is_err(), "{reply:?}");
    assert!(server.wait().success());
    server.spawn_again(&directives);
    server.wait_until_ready();
    let mut wire = connect(&server);
    assert_eq!(
        wire.call(&words(["DEBUG", "DIGEST"])).expect("a reply"),
        digest
    );
}

/// Whoever reads in INFO that no save is running can begin one.
#[test]
fn saves_follow_each_other_at_once() {
    let server = Server::start_with(&["--save", ""]);
    let mut control = Wire::open(server.port, 0).expect("a connection");
    for _ in 0..100 {
        super::rounds::time_save(&mut control);
    }
}

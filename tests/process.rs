//! What the process does towards its machine: listening, keeping connections alive, the pid file, systemd, a data
//! directory that somebody takes away, and what it says of its memory.

mod support;

#[path = "crash/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod wire;

use rhumb::protocol::client::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Server, free_port};
use wire::{Wire, words};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a line and returns what comes for it, up to `end`.
fn ask(server: &Server, line: &str, end: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    write!(stream, "{line}\r\n").expect("the line is taken");
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn terminate(server: &mut Server) {
    let told = Command::new("kill").arg(server.pid().to_string()).status();
    assert!(told.expect("kill runs").success());
    assert!(server.wait().success(), "{}", server.log());
}

fn start(directives: &[&str], notify: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rhumb"))
        .args(directives)
        .env("NOTIFY_SOCKET", notify)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the server's binary runs")
}

/// With one thread for what computes long, and that taken.
#[test]
fn who_is_brief_does_not_queue_behind_who_is_long() {
    let server = Server::start_with(&["--search-threads", "1", "--enable-debug-command", "yes"]);
    ask(&server, "FT.CREATE i SCHEMA t TAG", "OK");
    let (tell, told) = std::sync::mpsc::channel();
    let finish = |line, end| {
        ask(&server, line, end);
        tell.send(line).expect("somebody listens");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| finish("DEBUG SLEEP 2", "OK"));
        // As good as surely the other is under way by then; if not, the order is the same.
        std::thread::sleep(Duration::from_millis(300));
        scope.spawn(|| finish("FT.INFO i", "num_docs"));
        scope.spawn(|| finish("FT.TAGVALS i t", "*0"));
    });
    let order: Vec<&str> = told.try_iter().collect();
    assert_eq!(order.last(), Some(&"DEBUG SLEEP 2"), "{order:?}");
}

/// Nobody asks for it again, nor for any other.
#[test]
fn a_cursor_that_is_not_read_gives_its_rows_back() {
    let server = Server::start();
    ask(&server, "FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC", "OK");
    let text = "x".repeat(9_000);
    for id in 1..9 {
        ask(&server, &format!("HSET d:{id} n 1 t {text}"), ":2");
    }
    let used = || {
        let info = ask(&server, "INFO memory", "used_memory_human");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        let bytes = line.and_then(|bytes| bytes.trim().parse::<u64>().ok());
        bytes.expect("a number")
    };
    let before = used();
    let twice = "APPLY 'format(\"%s%s\",@t,@t)' AS t ".repeat(6);
    let line = format!("FT.AGGREGATE i * LOAD 1 @t {twice} WITHCURSOR COUNT 1 MAXIDLE 300");
    ask(&server, &line, "\r\n:");
    let begun = Instant::now();
    let holds = || used() > before + (2 << 20);
    assert!(holds(), "{} after {before}", used());
    while holds() {
        assert!(begun.elapsed() < PATIENCE, "{} after {before}", used());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn who_is_killed_executes_nothing_any_more() {
    let server = Server::start_with(&["--search-threads", "1", "--enable-debug-command", "yes"]);
    let mut victim = TcpStream::connect(server.address()).expect("a connection");
    write!(victim, "CLIENT SETNAME victim\r\n").expect("the line is taken");
    victim.read_exact(&mut [0; 5]).expect("a reply");
    // Another client's command is in the way of the first of these.
    let mut other = TcpStream::connect(server.address()).expect("a connection");
    write!(other, "DEBUG SLEEP 2\r\n").expect("the line is taken");
    std::thread::sleep(Duration::from_millis(300));
    write!(victim, "DEBUG SLEEP 0\r\nSET ghost 1\r\n").expect("the lines are taken");
    std::thread::sleep(Duration::from_millis(300));
    let port = victim.local_addr().expect("an address").port();
    ask(&server, &format!("CLIENT KILL ADDR 127.0.0.1:{port}"), ":1");
    let mut left = Vec::new();
    let read = victim.read_to_end(&mut left);
    assert!(left.is_empty(), "{read:?} {left:?}");
    other.read_exact(&mut [0; 5]).expect("a reply");
    ask(&server, "EXISTS ghost", ":0");
}

/// A line that a client of MONITOR is told, without the time and whose command it was.
fn told(monitor: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    monitor.read_line(&mut line).expect("a line");
    match line.trim_end().split_once("] ") {
        Some((head, command)) => {
            let (time, client) = head.split_once(" [").expect("a time and a client");
            assert!(time.starts_with("+1"), "{time}");
            let (db, address) = client.split_once(' ').expect("a database and an address");
            assert!(address.starts_with("127.0.0.1:"), "{address}");
            format!("{db} {command}")
        }
        None => line.trim_end().to_owned(),
    }
}

#[test]
fn monitor_tells_every_command_of_every_client() {
    let server = Server::start();
    let stream = TcpStream::connect(server.address()).expect("a connection");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    let mut monitor = BufReader::new(stream);
    let say = |monitor: &mut BufReader<TcpStream>, line: &str| {
        write!(monitor.get_mut(), "{line}\r\n").expect("the line is taken");
    };
    say(&mut monitor, "MONITOR");
    assert_eq!(told(&mut monitor), "+OK");
    let lines = [
        "SET k \"a\\tb\"",
        "CONFIG GET port",
        "AUTH secret",
        "NOSUCH",
        "MULTI",
        "INCR k",
        "MONITOR",
        "EXEC",
        "MULTI",
        "INCR n",
        "EXEC",
        "SELECT 1",
        "ECHO done",
    ];
    ask(&server, &lines.join("\r\n"), "done");
    let commands = [
        "0 \"SET\" \"k\" \"a\\tb\"",
        "0 \"MULTI\"",
        "0 \"EXEC\"",
        "0 \"MULTI\"",
        "0 \"INCR\" \"n\"",
        "0 \"EXEC\"",
        "1 \"SELECT\" \"1\"",
        "1 \"ECHO\" \"done\"",
    ];
    for command in commands {
        assert_eq!(told(&mut monitor), command);
    }
    let list = ask(&server, "CLIENT LIST", "io-thread");
    assert!(list.contains("flags=O "), "{list}");
    // Many at once, with what is on its way while they are told.
    let many: Vec<String> = (0..1000)
        .map(|n| format!("VADD v VALUES 1 {n} e{n}"))
        .collect();
    ask(&server, &many.join("\r\n"), &":1\r\n".repeat(1000));
    for line in &many {
        let words: Vec<String> = line.split(' ').map(|word| format!("\"{word}\"")).collect();
        assert_eq!(told(&mut monitor), format!("0 {}", words.join(" ")));
    }
    say(&mut monitor, "PING");
    assert_eq!(told(&mut monitor), "+PONG");
    assert_eq!(told(&mut monitor), "0 \"PING\"");
    say(&mut monitor, "RESET");
    assert_eq!(told(&mut monitor), "+RESET");
    ask(&server, "ECHO done", "done");
    say(&mut monitor, "PING");
    assert_eq!(told(&mut monitor), "+PONG");
}

/// Sends a line and tells in a moment whether nothing came for it.
fn is_silent(stream: &mut TcpStream, line: &str) -> bool {
    write!(stream, "{line}\r\n").expect("the line is taken");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("a time limit");
    let read = stream.read(&mut [0]);
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    read.is_err()
}

#[test]
fn who_is_paused_is_answered_afterwards() {
    let server = Server::start();
    let connect = || TcpStream::connect(server.address()).expect("a connection");
    let reply = |stream: &mut TcpStream, expected: &str| {
        let mut reply = vec![0; expected.len()];
        stream.read_exact(&mut reply).expect("a reply");
        assert_eq!(String::from_utf8_lossy(&reply), expected);
    };
    // What stands before the pause in the same pipeline is answered.
    let mut operator = connect();
    let lines = "SET k 1\r\nCLIENT PAUSE 1000000 WRITE\r\nINCR k";
    write!(operator, "{lines}\r\n").expect("the lines are taken");
    reply(&mut operator, "+OK\r\n+OK\r\n");
    let mut writer = connect();
    assert!(is_silent(&mut writer, "INCR k"));
    ask(&server, "GET k", "$1\r\n1\r\n");
    ask(&server, "CLIENT PAUSE 1 ALL", "OK");
    let mut reader = connect();
    assert!(
        is_silent(&mut reader, "GET k"),
        "a pause does not get shorter"
    );
    ask(&server, "CLIENT UNPAUSE", "OK");
    reply(&mut operator, ":");
    reply(&mut writer, ":");
    reply(&mut reader, "$1\r\n");
    ask(&server, "CLIENT PAUSE 1", "OK");
    ask(&server, "INCR k", ":");
}

#[test]
fn what_a_client_asked_that_left_while_it_was_paused_is_not_done() {
    let server = Server::start();
    ask(&server, "CLIENT PAUSE 1000000 WRITE", "OK");
    let mut writer = TcpStream::connect(server.address()).expect("a connection");
    assert!(is_silent(&mut writer, "INCR k"));
    drop(writer);
    // Long enough to be looked at again, and to be executed once nothing holds it back.
    std::thread::sleep(Duration::from_millis(200));
    ask(&server, "CLIENT UNPAUSE", "OK");
    std::thread::sleep(Duration::from_millis(200));
    ask(&server, "INCR k", ":1\r\n");
}

#[test]
fn a_server_without_a_port_does_not_start() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_rhumb"))
        .args(["--port", "0", "--dir"])
        .arg(dir.path())
        .output()
        .expect("the server's binary runs");
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(log.contains("Configured to not listen anywhere"), "{log}");
}

/// The keepalive timer of the server's end of a connection, in hundredths of a second, as the kernel tells it.
#[cfg(target_os = "linux")]
fn keepalive_timer(server: &Server, client: &TcpStream) -> Option<u32> {
    let port = client.local_addr().expect("an address").port();
    let ends = format!("0100007F:{:04X} 0100007F:{port:04X} ", server.port);
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's connections");
    let line = table.lines().find(|line| line.contains(&ends));
    let timer = line.and_then(|line| line.split_ascii_whitespace().nth(5));
    let (kind, left) = timer?.split_once(':')?;
    (kind == "02").then(|| u32::from_str_radix(left, 16).expect("a time"))
}

#[cfg(target_os = "linux")]
#[test]
fn silent_connections_are_kept_alive_as_configured() {
    let server = Server::start_with(&["--tcp-keepalive", "100"]);
    let connect = || {
        let mut stream = TcpStream::connect(server.address()).expect("a connection");
        stream.write_all(b"PING\r\n").expect("bytes are taken");
        stream.read_exact(&mut [0; 7]).expect("a reply");
        stream
    };
    let timer = keepalive_timer(&server, &connect()).expect("a timer");
    assert!((1..=10_000).contains(&timer), "{timer}");
    assert_eq!(
        ask(&server, "CONFIG SET tcp-keepalive 0", "\r\n"),
        "+OK\r\n"
    );
    assert_eq!(keepalive_timer(&server, &connect()), None);
}

#[test]
fn the_pid_file_is_there_while_the_server_runs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("rhumb.pid");
    let mut server = Server::start_with(&["--pidfile", path.to_str().expect("a path")]);
    let text = std::fs::read_to_string(&path).expect("the pid file");
    assert_eq!(text, format!("{}\n", server.pid()));
    terminate(&mut server);
    assert!(!path.exists());
}

#[test]
fn a_pid_file_that_cannot_be_written_stops_nothing() {
    let mut server = Server::start_with(&["--pidfile", "/no/such/directory/rhumb.pid"]);
    assert!(server.log().contains("Failed to write PID file"));
    terminate(&mut server);
}

#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    let data = dir.path().to_str().expect("a path");
    let port = free_port().to_string();
    let mut child = start(
        &["--port", &port, "--dir", data, "--supervised", "auto"],
        &path,
    );
    let heard = || {
        let mut words = [0; 200];
        let len = socket.recv(&mut words).expect("a word");
        String::from_utf8_lossy(&words[..len]).into_owned()
    };
    let ready = heard();
    assert!(ready.contains("READY=1\n"), "{ready}");
    let told = Command::new("kill").arg(child.id().to_string()).status();
    assert!(told.expect("kill runs").success());
    assert_eq!(heard(), "STOPPING=1\n");
    assert!(child.wait().expect("an end").success());
}

/// The name of the directory that the server works in may be taken away, or given to another one; what it has open stays.
#[test]
fn a_save_fails_when_the_data_directory_is_gone() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("data");
    let mut server = Server::start_with(&["--dir", dir.to_str().expect("a path"), "--save", ""]);
    assert_eq!(ask(&server, "SET a 1", "\r\n"), "+OK\r\n");
    std::fs::rename(&dir, parent.path().join("moved")).expect("a new name");
    for is_there in [false, true] {
        if is_there {
            std::fs::create_dir(&dir).expect("an empty directory");
        }
        let refused = ask(&server, "SAVE", "\r\n");
        assert!(
            refused.starts_with("-ERR the save failed: the data directory was removed"),
            "{refused}"
        );
        assert_eq!(
            ask(&server, "BGSAVE", "\r\n"),
            "+Background saving started\r\n"
        );
        let status = wait_for_status(&server);
        assert!(status.contains("rdb_last_bgsave_status:err"), "{status}");
        let made = std::fs::read_dir(&dir).map_or(0, Iterator::count);
        assert_eq!(made, 0, "nothing is made in a directory of others");
    }
    std::fs::remove_dir(&dir).expect("it is empty");
    std::fs::rename(parent.path().join("moved"), &dir).expect("the old name");
    assert_eq!(ask(&server, "SAVE", "\r\n"), "+OK\r\n");
    server.kill_and_restart(&["--dir", dir.to_str().expect("a path")]);
    assert_eq!(ask(&server, "EXISTS a", "\r\n"), ":1\r\n");
}

/// What INFO says of saves once none is running.
fn wait_for_status(server: &Server) -> String {
    let started = Instant::now();
    loop {
        let status = ask(server, "INFO persistence", "aof_last_cow_size");
        if status.contains("rdb_bgsave_in_progress:0") {
            return status;
        }
        assert!(started.elapsed() < PATIENCE, "{status}");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_without_keys_says_that_it_has_hardly_any_data() {
    let mut server = Server::start();
    // The first start makes the catalogue, the second one reads it.
    for _ in 0..2 {
        let info = ask(&server, "INFO memory", "used_memory_dataset_perc");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory_dataset:"));
        let bytes: u64 = line.expect("a line").parse().expect("a number");
        assert!(bytes < 4 << 20, "{info}");
        server.kill_and_restart(&[]);
    }
}

/// The lines of MEMORY STATS, and whether each is a double.
const MEMORY: &[(&str, bool)] = &[
    ("peak.allocated", false),
    ("total.allocated", false),
    ("startup.allocated", false),
    ("replication.backlog", false),
    ("clients.slaves", false),
    ("clients.normal", false),
    ("cluster.links", false),
    ("aof.buffer", false),
    ("lua.caches", false),
    ("functions.caches", false),
    ("save.pinned", false),
    ("overhead.total", false),
    ("keys.count", false),
    ("keys.bytes-per-key", false),
    ("dataset.bytes", false),
    ("dataset.percentage", true),
    ("peak.percentage", true),
    ("allocator.allocated", false),
    ("allocator.active", false),
    ("allocator.resident", false),
    ("allocator-fragmentation.ratio", true),
    ("allocator-fragmentation.bytes", false),
    ("allocator-rss.ratio", true),
    ("allocator-rss.bytes", false),
    ("rss-overhead.ratio", true),
    ("rss-overhead.bytes", false),
    ("fragmentation", true),
    ("fragmentation.bytes", false),
];

#[test]
fn memory_stats_have_their_lines_and_types_in_both_versions() {
    let server = Server::start();
    let mut wire = Wire::open(server.port, 0).expect("a connection");
    wire.call(&words(["SET", "key", &"x".repeat(1 << 20)]))
        .expect("a reply");
    for version in ["2", "3"] {
        wire.call(&words(["HELLO", version])).expect("a reply");
        let reply = wire.call(&words(["MEMORY", "STATS"])).expect("a reply");
        assert_eq!(matches!(reply, Value::Map(_)), version == "3", "{reply:?}");
        let lines = reply.as_pairs().expect("names and values");
        let names: Vec<&str> = lines.iter().filter_map(|(name, _)| name.as_str()).collect();
        let expected: Vec<&str> = MEMORY.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, expected);
        for ((name, is_double), (_, value)) in MEMORY.iter().zip(&lines) {
            let is_right = match (*is_double, version) {
                (false, _) => matches!(value, Value::Int(_)),
                // RESP2 has no doubles.
                (true, "2") => matches!(value, Value::Bulk(_)) && value.as_f64().is_some(),
                (true, _) => matches!(value, Value::Double(_)),
            };
            assert!(is_right, "{name} is {value:?}");
        }
        let int = |name: &str| {
            let line = lines.iter().find(|(line, _)| line.as_str() == Some(name));
            line.and_then(|(_, value)| value.as_i64()).expect(name)
        };
        assert_eq!(int("keys.count"), 1);
        assert!(int("dataset.bytes") >= 1 << 20);
        assert!(int("peak.allocated") >= int("total.allocated"));
        let parts = [
            "startup.allocated",
            "clients.normal",
            "aof.buffer",
            "save.pinned",
        ];
        assert_eq!(int("overhead.total"), parts.map(int).iter().sum::<i64>());
        let whole = int("overhead.total") + int("dataset.bytes");
        assert_eq!(whole, int("total.allocated"));
    }
}

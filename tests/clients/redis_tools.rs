//! redis-cli and redis-benchmark.

use crate::found::{redis_tool, run};
use crate::support::Server;
use std::process::Command;

#[test]
fn redis_cli_in_both_protocols() {
    let Some(cli) = redis_tool("redis-cli") else {
        return;
    };
    let server = Server::start();
    for protocol in ["-2", "-3"] {
        let ask = |words: &[&str]| {
            run(Command::new(&cli)
                .args(["-p", &server.port.to_string(), protocol])
                .args(words))
        };
        assert_eq!(ask(&["PING"]), "PONG\n");
        assert_eq!(ask(&["FLUSHALL"]), "OK\n");
        assert_eq!(ask(&["SET", "greeting", "hello world"]), "OK\n");
        assert_eq!(ask(&["GET", "greeting"]), "hello world\n");
        assert_eq!(ask(&["GET", "nothing"]), "\n");
        ask(&["VADD", "points", "VALUES", "2", "1", "0", "east"]);
        ask(&[
            "VADD",
            "points",
            "VALUES",
            "2",
            "0",
            "1",
            "north",
            "SETATTR",
            r#"{"up": true}"#,
        ]);
        assert_eq!(
            ask(&["VSIM", "points", "VALUES", "2", "1", "0.1"]),
            "east\nnorth\n"
        );
        assert_eq!(
            ask(&["VSIM", "points", "ELE", "east", "FILTER", ".up"]),
            "north\n"
        );
        assert_eq!(ask(&["VCARD", "points"]), "2\n");
        assert!(ask(&["INFO"]).contains("redis_version:8."));
        assert!(ask(&["NOSUCH"]).starts_with("ERR unknown command 'NOSUCH'"));
        assert_eq!(ask(&["TYPE", "points"]), "vectorset\n");
        let all: Vec<String> = ask(&["--scan"]).lines().map(String::from).collect();
        assert_eq!((all.len(), all.contains(&"points".to_string())), (2, true));
    }
}

#[test]
fn redis_cli_asks_for_the_documentation_of_commands() {
    let Some(cli) = redis_tool("redis-cli") else {
        return;
    };
    let server = Server::start();
    let ask = |words: &[&str]| {
        run(Command::new(&cli)
            .args(["-p", &server.port.to_string()])
            .args(words))
    };
    assert!(
        ask(&["COMMAND", "COUNT"])
            .trim()
            .parse::<u32>()
            .is_ok_and(|count| count > 50)
    );
    assert!(ask(&["COMMAND", "DOCS", "VADD"]).contains("summary"));
    assert!(ask(&["COMMAND", "INFO", "GET"]).contains("readonly"));
    assert_eq!(ask(&["COMMAND", "GETKEYS", "SET", "a", "b"]), "a\n");
}

#[test]
fn redis_cli_pipes_a_mass_insertion() {
    let Some(cli) = redis_tool("redis-cli") else {
        return;
    };
    let server = Server::start();
    let requests: String = (0..1000)
        .map(|n| format!("SET key:{n} value:{n}\r\n"))
        .collect();
    let file = server.dir().join("requests");
    std::fs::write(&file, requests).expect("a file in the server's directory");
    let command = format!(
        "exec '{}' -p {} --pipe < '{}'",
        cli.display(),
        server.port,
        file.display()
    );
    let said = run(Command::new("sh").args(["-c", &command]));
    assert!(said.contains("errors: 0, replies: 1000"), "{said}");
    assert_eq!(
        run(Command::new(&cli).args(["-p", &server.port.to_string(), "DBSIZE"])),
        "1000\n"
    );
}

#[test]
fn redis_benchmark_ping_set_get_and_vadd() {
    let Some(benchmark) = redis_tool("redis-benchmark") else {
        return;
    };
    let server = Server::start();
    let port = server.port.to_string();
    let said = run(Command::new(&benchmark).args([
        "-p",
        &port,
        "-n",
        "2000",
        "-c",
        "8",
        "-P",
        "4",
        "--csv",
        "-t",
        "ping,set,get",
    ]));
    for test in ["\"PING_INLINE\"", "\"PING_MBULK\"", "\"SET\"", "\"GET\""] {
        assert!(said.contains(test), "{test} is missing:\n{said}");
    }
    let add = [
        "VADD",
        "bench",
        "VALUES",
        "3",
        "0.1",
        "__rand_int__",
        "0.3",
        "e:__rand_int__",
    ];
    let said = run(Command::new(&benchmark)
        .args(["-p", &port, "-n", "2000", "-c", "8", "-r", "500", "--csv"])
        .args(add));
    assert!(said.contains("VADD"), "{said}");
    if let Some(cli) = redis_tool("redis-cli") {
        let count: u32 = run(Command::new(cli).args(["-p", &port, "VCARD", "bench"]))
            .trim()
            .parse()
            .expect("a number");
        assert!(
            (100..=500).contains(&count),
            "{count} elements of 500 names in 2,000 additions"
        );
    }
}

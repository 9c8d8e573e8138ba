//! The binary's own subcommands, and scripts/quickstart, as a user runs them.

use crate::found::run;
use crate::support::{Server, repository};
use std::process::Command;

fn rhumb(server: &Server, words: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command
        .current_dir(repository(""))
        .args(words.split(' '))
        .args(["--port", &server.port.to_string()]);
    run(&mut command)
}

#[test]
fn import_makes_a_plain_vector_set() {
    let server = Server::start();
    let files = "import data/debian-3000.f16.npy --meta data/debian-3000.meta.jsonl --key packages --vector-set Q8";
    assert!(rhumb(&server, &format!("{files} --limit 500")).contains("500 new, 0 updated"));
    assert!(rhumb(&server, &format!("{files} --limit 700")).contains("200 new, 500 updated"));
}

#[test]
fn import_declares_a_collection() {
    let server = Server::start();
    let files = "import data/debian-3000.f16.npy --key numbered --type F16 --metric L2 --m 8 --ef 60 --limit 300";
    assert!(rhumb(&server, files).contains("300 new, 0 updated"));
    assert!(rhumb(&server, files).contains("exists: loading into it as it is"));
}

#[test]
fn bench_finds_the_true_neighbours() {
    let server = Server::start();
    let files = "--base data/debian-3000.f16.npy --queries data/debian-3000.queries.f16.npy --truth data/debian-3000.gt.npy";
    let said = rhumb(
        &server,
        &format!("bench {files} --rounds 1 --requests 100 --ef 200 -c 2 -P 4"),
    );
    let search = said
        .lines()
        .find(|line| line.contains("VSIM"))
        .expect("a line for VSIM");
    let recall: f64 = search
        .split_whitespace()
        .nth(7)
        .expect("a recall")
        .parse()
        .expect("a number");
    assert!(recall > 0.95, "{said}");
    assert!(said.contains("bytes per vector"), "{said}");
}

#[test]
fn bench_measures_small_commands() {
    let server = Server::start();
    let said = rhumb(&server, "bench --rounds 1 --requests 1000 -c 2 -P 8");
    for command in ["PING", "SET", "GET"] {
        assert!(said.lines().any(|line| line.contains(command)), "{said}");
    }
}

#[test]
fn quickstart_answers_its_questions() {
    let mut command = Command::new(repository("scripts/quickstart"));
    let said = run(command
        .arg("--once")
        .env("RHUMB_BIN", env!("CARGO_BIN_EXE_rhumb")));
    for expected in [
        "3,000 new",
        "tesseract-ocr-ita",
        "python3-pyocr",
        "recall of the answer",
        "redis-cli -p",
    ] {
        assert!(said.contains(expected), "{expected} is missing:\n{said}");
    }
}

//! The programs of examples/: whatever the client, they find the same packages and leave nothing behind.

use crate::found::{llama_index, node, output, python, python_with, run};
use crate::support::{Server, repository};
use std::path::PathBuf;
use std::process::Command;

/// Asks two questions by an example.
fn check(program: Option<PathBuf>, example: &str) {
    let Some(program) = program else { return };
    let server = Server::start();
    let asked = |more: &[&str]| {
        let mut command = Command::new(&program);
        command
            .env("NODE_PATH", repository("target/clients-node/node_modules"))
            .arg(repository("examples").join(example))
            .args(["--port", &server.port.to_string()])
            .args(more);
        command
    };
    let ask = |more: &[&str]| run(&mut asked(more));
    let address = format!("redis://{}/", server.address());
    let client = redis::Client::open(address).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let mut left = redis::cmd("FT.CREATE");
    left.arg("debian")
        .arg(&["PREFIX", "1", "debian:", "SCHEMA", "section", "TAG"]);
    // A run that was cut short leaves its index. This client takes one of that name as it is, another schema too.
    if example != "langchain_search.py" {
        let _: () = left.query(&mut connection).expect("an index");
    }
    let told = ask(&[]);
    assert!(told.contains("The nearest of 3000 packages"), "{told}");
    // As data/debian-3000.gt.npy has them.
    let nearest = [
        "poppassd",
        "passwordmaker-cli",
        "qtkeychain-qt6-dev",
        "libpwquality1",
        "krb5-strength",
    ];
    assert_eq!(names(&told), nearest, "{told}");
    let told = ask(&["--question", "3", "--section", "python"]);
    assert!(told.contains("The nearest of 205 packages"), "{told}");
    assert_eq!(names(&told).len(), 5, "{told}");
    assert_eq!(told.matches("(python)").count(), 5, "{told}");
    let told = ask(&["--section", "gnu-r"]);
    assert!(told.contains("The nearest of 64 packages"), "{told}");
    assert_eq!(told.matches("(gnu-r)").count(), 5, "{told}");
    let told = ask(&["--section", "no-such"]);
    assert!(told.contains("The nearest of 0 packages"), "{told}");
    assert!(names(&told).is_empty(), "{told}");
    let refused = output(&mut asked(&["--question", "100"]));
    assert!(!refused.status.success(), "there is no such question");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("there are the questions 0 to 99"), "{told}");
    let keys: usize = redis::cmd("DBSIZE").query(&mut connection).expect("DBSIZE");
    assert_eq!(keys, 0, "keys are left behind");
}

/// The second word of each hit.
fn names(told: &str) -> Vec<String> {
    let hits = told
        .lines()
        .skip_while(|line| !line.starts_with("The nearest of"));
    let name = |hit: &str| hit.split_whitespace().nth(1).expect("a name").to_owned();
    hits.skip(1).map(name).collect()
}

#[test]
fn redis_py() {
    check(python(), "redis_py_search.py");
}

#[test]
fn redisvl() {
    check(python_with("redisvl"), "redisvl_search.py");
}

#[test]
fn langchain() {
    check(python_with("langchain_redis"), "langchain_search.py");
}

#[test]
fn llama_index_store() {
    check(llama_index(), "llama_index_search.py");
}

#[test]
fn redis_om() {
    check(python_with("redis_om"), "redis_om_search.py");
}

#[test]
fn node_redis() {
    check(node(), "node_redis_search.cjs");
}

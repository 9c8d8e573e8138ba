//! redis-py, synchronous and asynchronous, and redisvl, which stands on it, in both versions of the protocol.

use crate::found::{python, redisvl, run};
use crate::support::{Server, repository};
use std::path::Path;
use std::process::Command;

fn script(name: &str) {
    if let Some(python) = python() {
        in_both_versions(&python, name);
    }
}

fn in_both_versions(python: &Path, name: &str) {
    let server = Server::start();
    for protocol in ["2", "3"] {
        let file = repository("tests/clients/py").join(name);
        let mut command = Command::new(python);
        run(command.arg(file).args([&server.port.to_string(), protocol]));
    }
}

#[test]
fn redis_py_keys_strings_hashes_and_transactions() {
    script("basics.py");
}

#[test]
fn redis_py_vector_sets() {
    script("vector_sets.py");
}

#[test]
fn redis_py_json_documents() {
    script("json_documents.py");
}

#[test]
fn redis_py_indexes_of_documents() {
    script("documents.py");
}

#[test]
fn redisvl_indexes_and_queries() {
    if let Some(python) = redisvl() {
        in_both_versions(&python, "redisvl_index.py");
    }
}

#[test]
fn the_example_of_redisvl_finds_the_nearest_packages() {
    let Some(python) = redisvl() else { return };
    let server = Server::start();
    let example = repository("examples/redisvl_search.py");
    let ask = |more: &[&str]| {
        let mut command = Command::new(&python);
        run(command
            .arg(&example)
            .args(["--port", &server.port.to_string()])
            .args(more))
    };
    let names = |told: &str| -> Vec<String> {
        let hits = told
            .lines()
            .skip_while(|line| !line.starts_with("The nearest of"));
        let name = |hit: &str| hit.split_whitespace().nth(1).expect("a name").to_owned();
        hits.skip(1).map(name).collect()
    };
    // As data/debian-3000.gt.npy has them.
    let nearest = [
        "poppassd",
        "passwordmaker-cli",
        "qtkeychain-qt6-dev",
        "libpwquality1",
        "krb5-strength",
    ];
    assert_eq!(names(&ask(&[])), nearest);
    let told = ask(&["--question", "3", "--section", "python"]);
    assert!(told.contains("The nearest of 205 packages"), "{told}");
    assert_eq!(names(&told).len(), 5, "{told}");
    assert_eq!(told.matches("(python)").count(), 5, "{told}");
}

#[test]
fn redis_py_finds_the_true_neighbours_of_the_bundled_packages() {
    script("packages.py");
}

#[test]
fn redis_py_async_client() {
    script("asynchronous.py");
}

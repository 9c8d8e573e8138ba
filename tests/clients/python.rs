//! redis-py, synchronous and asynchronous, in both versions of the protocol.

use crate::found::{python, run};
use crate::support::{Server, repository};
use std::process::Command;

fn script(name: &str) {
    let Some(python) = python() else { return };
    let server = Server::start();
    for protocol in ["2", "3"] {
        let file = repository("tests/clients/py").join(name);
        let mut command = Command::new(&python);
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
fn redis_py_finds_the_true_neighbours_of_the_bundled_packages() {
    script("packages.py");
}

#[test]
fn redis_py_async_client() {
    script("asynchronous.py");
}
